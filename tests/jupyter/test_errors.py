"""Errors as a person reads them: in IPython, from nbclient and from papermill."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lablambda.client import Lab
from lablambda.config import NAME_VARIABLE
from lablambda.jupyter.errors import CellError, CellSyntaxError, FunctionFailed
from lablambda.results import Result
from tests.jupyter.conftest import Notebook

LOAD = "%load_ext lablambda"
BROKEN = """%%lambda broken
import json

def helper(event):
    raise ValueError("first\\nsecond")

def handler(event, context):
    return helper(event)
"""
BROKEN_SHOWN = r"""broken failed
Traceback \(most recent call last\):
  File "/var/task/lambda_function.py", line 8, in handler
    return helper\(event\)
  File "/var/task/lambda_function.py", line 5, in helper
    raise ValueError\("first\\nsecond"\)
ValueError: first
second
REPORT RequestId: [^\n]*Status: error\tError Type: ValueError\t?"""


def rendered(error: CellError) -> str:
    return "\n".join(error._render_traceback_())


def failed(error: dict[str, Any], logs: str = "") -> FunctionFailed:
    return FunctionFailed(Result("f", None, error, logs, None, "$LATEST", "1"))


# --------------------------------------------------------------------------------------- each error


def test_a_failure_reads_like_pythons_own() -> None:
    error = failed(
        {
            "errorType": "KeyError",
            "errorMessage": "'a'",
            "stackTrace": ['  File "f.py", line 2, in handler\n    event["a"]\n'],
        },
        logs="START x\nmine\nEND x\nREPORT x\tDuration: 1 ms\n",
    )
    assert str(error) == "f: 'a'"
    assert rendered(error) == (
        'f failed\nTraceback (most recent call last):\n  File "f.py", line 2, in handler\n    event["a"]\n'
        "KeyError: 'a'\nREPORT x\tDuration: 1 ms"
    )


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ({"errorMessage": "Task timed out"}, "f failed\nError: Task timed out"),
        ({"errorType": "Odd", "errorMessage": ""}, "f failed\nOdd: "),
        ({}, "f failed\nError: "),
    ],
)
def test_failures_without_a_traceback(error: dict[str, Any], shown: str) -> None:
    assert rendered(failed(error)) == shown


def test_a_syntax_error_without_a_place() -> None:
    assert rendered(CellSyntaxError(SyntaxError("too deep"), "x")) == "SyntaxError: too deep"


# ---------------------------------------------------------------------------------------- in IPython


def test_a_failing_handler(notebook: Notebook) -> None:
    notebook.run(BROKEN)
    assert re.fullmatch(BROKEN_SHOWN, notebook.fails("%lambda invoke broken"))


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("import nosuch\ndef handler(e, c): ...", "Runtime.ImportModuleError: .*No module named 'nosuch'"),
        ("def handler(e, c): return {1}", "Runtime.MarshalError: .*set is not JSON serializable"),
        ("import os\ndef handler(e, c): os._exit(3)", "Runtime.ExitError: .*exit status 3"),
        ("import time\ndef handler(e, c): time.sleep(9)", "Sandbox.Timedout: .*timed out after 1.00 seconds"),
        (
            "1 / 0\ndef handler(e, c): ...",
            "line 2, in <module>\n    1 / 0\nZeroDivisionError: division by zero",
        ),
    ],
)
def test_every_way_to_fail(notebook: Notebook, body: str, shown: str) -> None:
    notebook.run(f"%%lambda broken --timeout 1\n{body}")
    told = notebook.fails("%lambda invoke broken")
    assert told.startswith("broken failed\n")
    assert re.search(shown, told)
    assert told.splitlines()[-1].startswith("REPORT RequestId: ")
    assert "lablambda/" not in told, "no line of ours"


# ------------------------------------------------------------------------------ without a front end


def write(path: Path, *cells: str) -> Path:
    notebook = {"cells": [code(number, cell) for number, cell in enumerate(cells)], "metadata": {}}
    path.write_text(json.dumps(notebook | {"nbformat": 4, "nbformat_minor": 5}))
    return path


def code(number: int, source: str) -> dict[str, Any]:
    cell = {"cell_type": "code", "id": f"c{number}", "source": source}
    return cell | {"metadata": {}, "outputs": [], "execution_count": None}


def test_nbclient_repeats_errors_word_for_word(lab: Lab, tmp_path: Path) -> None:
    # given a notebook in which every cell after the first two fails
    notebook = write(
        tmp_path / "n.ipynb",
        LOAD,
        BROKEN,
        "%lambda invoke broken",
        "%lambda invoke nobody",
        "%lambda frob",
        "%%lambda empty",
        "%%lambda wrong\ndef handler(event, context)",
        "%%lambda wrong --memory 1\ndef handler(event, context): ...",
    )
    # when nbclient runs it in a real kernel
    program = (
        "import sys, nbformat, nbclient; path = sys.argv[1]; notebook = nbformat.read(path, 4);"
        "nbclient.NotebookClient(notebook, kernel_name='python3', allow_errors=True).execute();"
        "nbformat.write(notebook, path)"
    )
    run(lab, "-c", program, str(notebook))
    # then each error is in its output, whole
    cells = json.loads(notebook.read_text())["cells"]
    outputs = [out for cell in cells[2:] for out in cell["outputs"] if out["output_type"] == "error"]
    shown = ["\n".join(output["traceback"]) for output in outputs]
    assert re.fullmatch(BROKEN_SHOWN, shown[0])
    assert [text.split(":")[0] for text in shown[1:4]] == ["lablambda"] * 3
    assert shown[4].splitlines()[-1] == "SyntaxError: expected ':' (line 2 of the cell)"
    assert shown[5] == "lablambda: --memory 1: Lambda takes 128 to 10240 MB."
    assert len(shown) == 6
    assert all(output["ename"] and output["evalue"] for output in outputs)


def test_papermill_fails_on_a_cell_that_ipython_would_refuse_without_a_word(lab: Lab, tmp_path: Path) -> None:
    notebook = write(tmp_path / "n.ipynb", LOAD, "%%lambda empty")
    done = run(
        lab, "-m", "papermill", "-k", "python3", str(notebook), str(tmp_path / "out.ipynb"), check=False
    )
    assert done.returncode != 0
    assert "\nlablambda: The cell defines no function. Add: def handler" in done.stderr


def run(lab: Lab, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """A program of its own, as its warnings aren't ours, whose kernel works with this lab."""
    return subprocess.run(
        [sys.executable, *words],
        env=os.environ | {NAME_VARIABLE: lab.reference},
        capture_output=True,
        text=True,
        check=check,
        timeout=60,
    )
