"""Layers of Node.js packages, with the real npm; the package comes from a folder, not the network."""

from __future__ import annotations

import os
import shutil
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from lablambda.packaging import requirements
from lablambda.packaging.failure import RequirementsError
from lablambda.packaging.npm import install
from lablambda.packaging.requirements import layer_zip

NODE = shutil.which("node") or ""
needs_npm = pytest.mark.skipif(
    not os.environ.get("CI") and shutil.which("npm") is None, reason="there is no npm on the PATH"
)


@pytest.fixture
def greeter(tmp_path: Path) -> Path:
    folder = tmp_path / "greeter"
    folder.mkdir()
    (folder / "package.json").write_text('{"name": "greeter", "version": "1.0.0", "main": "index.js"}')
    (folder / "index.js").write_text("exports.greet = () => 'hello';")
    return folder


@needs_npm
def test_a_layer_has_its_packages_where_node_looks(
    greeter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirements, "cache_dir", lambda: tmp_path / "cache")
    # As a tarball: of a folder npm makes a link.
    packed = shutil.make_archive(str(tmp_path / "greeter-1.0.0"), "gztar", greeter.parent, "greeter")
    data = layer_zip([packed], "nodejs20.x", NODE)
    names = zipfile.ZipFile(BytesIO(data)).namelist()
    assert "nodejs/node_modules/greeter/index.js" in names
    assert "nodejs/package.json" not in names
    monkeypatch.setattr(requirements, "_install", lambda *_: pytest.fail("installed again"))
    assert layer_zip([packed], "nodejs20.x", NODE) == data


@needs_npm
def test_what_npm_says_is_kept(tmp_path: Path) -> None:
    with pytest.raises(RequirementsError) as caught:
        install([str(tmp_path / "nowhere.tgz")], NODE, tmp_path / "out")
    assert "nowhere.tgz" in str(caught.value)
    assert "complete log" not in str(caught.value)


@needs_npm
def test_an_option_is_no_requirement(tmp_path: Path) -> None:
    with pytest.raises(RequirementsError):
        install(["--registry=http://127.0.0.1:1/"], NODE, tmp_path / "out")


def test_no_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RequirementsError, match=r"no npm beside .*pip install 'lablambda\[node\]'"):
        install(["x"], str(tmp_path / "bin" / "node"), tmp_path / "out")


def test_a_family_without_a_package_manager() -> None:
    with pytest.raises(RequirementsError, match="give a layer with --layer"):
        layer_zip(["x"], "provided.al2023", "")
