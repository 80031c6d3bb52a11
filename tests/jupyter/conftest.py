"""A real IPython shell with the extension loaded, attached to the private lab."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from lablambda.client import Lab
from lablambda.config import NAME_VARIABLE
from lablambda.jupyter import unload

_COLOUR = re.compile(r"\x1b\[[\d;]*m")


@dataclass(frozen=True)
class Notebook:
    """Cells go in; values, or the error as a person reads it, come out."""

    shell: Any  # IPython is typed in part only

    def run(self, cell: str) -> Any:
        """The value of a cell that succeeds."""
        result, shown = self._run(cell)
        assert result.success, shown
        return result.result

    def fails(self, cell: str) -> str:
        """What a cell that fails shows."""
        result, shown = self._run(cell)
        assert not result.success, result.result
        return shown

    def text(self, cell: str) -> str:
        """The plain text of a cell's value."""
        return str(self.run(cell)._repr_mimebundle_()["text/plain"])

    def _run(self, cell: str) -> tuple[Any, str]:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            result = self.shell.run_cell(cell)
        return result, _COLOUR.sub("", out.getvalue()).strip()


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A shell without history or the user's own settings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        patch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # the shell puts its own there
        config = Config()
        config.HistoryManager.enabled = False
        config.Completer.use_jedi = False
        make: Any = InteractiveShell
        shell = make(config=config)
        yield shell
        unload(shell)


@pytest.fixture
def notebook(shell: Any, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    """A notebook with the extension loaded; its functions are deleted after the test.

    The extension stays loaded from test to test: each load warms boto3 anew, which takes a second.
    """
    monkeypatch.setenv(NAME_VARIABLE, lab.reference)
    before = names(lab)
    notebook = Notebook(shell)
    notebook.run("%load_ext lablambda")
    yield notebook
    for name in names(lab) - before:
        lab.function(name).delete()


def names(lab: Lab) -> set[str]:
    """The functions of a lab, which other tests use too."""
    return {function["FunctionName"] for function in lab.functions()}
