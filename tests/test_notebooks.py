"""Every lesson runs to its end, in a private lab, by papermill; and is committed clean."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Home

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))
NEEDS = {"languages": ("node", "java", "curl"), "web-api": ("node",)}


def cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text())["cells"]
    return found


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_lesson(lesson: Path, tmp_path: Path) -> None:
    missing = [tool for tool in NEEDS.get(lesson.stem, ()) if shutil.which(tool) is None]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"{lesson.stem} needs {', '.join(missing)} on the PATH")
    done = Home(tmp_path).run("run", str(lesson), "-o", str(tmp_path / "out.ipynb"))
    assert done.returncode == 0, done.stderr
    assert f"{lesson}: every cell ran." in done.stdout
    code = [cell for cell in cells(tmp_path / "out.ipynb") if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in code)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_is_committed_without_outputs(lesson: Path) -> None:
    assert not [cell for cell in cells(lesson) if cell.get("outputs") or cell.get("execution_count")]


def notebook(path: Path, *sources: str) -> Path:
    made: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"c{i}",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": source,
        }
        for i, source in enumerate(sources)
    ]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    path.write_text(json.dumps({"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
    return path


def test_a_notebook_that_fails(tmp_path: Path) -> None:
    path = notebook(
        tmp_path / "failing.ipynb",
        "%load_ext lablambda",
        "%%lambda broken\ndef handler(event, context):\n    return event['missing']",
        '%lambda invoke broken {"n": 1}',
    )
    failed = Home(tmp_path).run("run", str(path), "-o", str(tmp_path / "out.html"))
    assert failed.returncode == 1
    assert "a cell failed" in failed.stdout
    for words in (
        "KeyError: 'missing'",
        "line 3, in handler",
        "return event['missing']",
        "REPORT RequestId:",
    ):
        assert words in failed.stderr
    assert "KeyError" in (tmp_path / "out.html").read_text()


def test_parameters(tmp_path: Path) -> None:
    path = notebook(tmp_path / "p.ipynb", "word = 'none'", "assert word == 'given', word")
    data = json.loads(path.read_text())
    data["cells"][0]["metadata"]["tags"] = ["parameters"]
    path.write_text(json.dumps(data))
    home = Home(tmp_path)
    assert home.run("run", str(path), "-p", "word", "given").returncode == 0
    assert home.run("run", str(path)).returncode == 1


def test_no_such_notebook(tmp_path: Path) -> None:
    failed = Home(tmp_path).run("run", "nowhere.ipynb")
    assert (failed.returncode, failed.stderr) == (2, "lablambda: There is no notebook nowhere.ipynb.\n")
