"""The JupyterLab extension's own tests and lint, which are in its own language, and that it is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lablambda import __version__
from tests.extension.typescript import FILES

EXTENSION = Path(__file__).parents[2] / "extension"


@pytest.mark.parametrize("script", ["lint", "test"])
@pytest.mark.timeout(300)
def test_npm(script: str) -> None:
    if not os.environ.get("CI") and (
        shutil.which("npm") is None or not (EXTENSION / "node_modules").is_dir()
    ):
        pytest.skip("needs npm and what it installs: npm install --prefix extension")
    done = subprocess.run(
        ["npm", "run", script], cwd=EXTENSION, capture_output=True, text=True, check=False, env=_environment()
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _environment() -> dict[str, str]:
    return {**os.environ, "NO_COLOR": "1", "NO_UPDATE_NOTIFIER": "1"}


def test_installing_lablambda_enables_it() -> None:
    if shutil.which("npm") is None and not os.environ.get("CI"):
        pytest.skip("the extension was built only if there was npm")
    done = subprocess.run(
        [sys.executable, "-m", "jupyter", "labextension", "list"], capture_output=True, text=True, check=True
    )
    (line,) = [line for line in (done.stdout + done.stderr).splitlines() if " lablambda v" in line]
    assert "enabled" in line
    assert "OK" in line


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_knows_the_shapes_and_options_of_this_version(path: Path) -> None:
    assert path.read_text() == FILES[path](), "run: python -m tests.extension.typescript"


def test_it_has_the_version_of_the_package() -> None:
    assert json.loads((EXTENSION / "package.json").read_text())["version"] == __version__
