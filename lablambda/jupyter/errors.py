"""Errors as a notebook shows them: the person's own lines, and none of ours.

IPython shows what `_render_traceback_` gives, and papermill and nbclient repeat it word for word. An
IPython UsageError must never get out: papermill shows an empty traceback for it and nbmake calls the
notebook passed.
"""

from __future__ import annotations

from lablambda.client import Result
from lablambda.display import error_text


class CellError(Exception):
    """A cell couldn't be carried out; the message says what to do."""

    def _render_traceback_(self) -> list[str]:
        return [f"{self.title}: {self}"]

    title = "lablambda"


class CellSyntaxError(CellError):
    """The function's code can't be compiled; names the cell's own line."""

    title = "SyntaxError"

    def __init__(self, error: SyntaxError) -> None:
        super().__init__(f"{error.msg} (line {error.lineno} of the cell)")
        self._error = error

    def _render_traceback_(self) -> list[str]:
        text = (self._error.text or "").rstrip("\n")
        column = max((self._error.offset or 1) - 1, 0)
        return [
            f"  line {self._error.lineno} of the cell",
            f"    {text}",
            f"    {' ' * column}^",
            *super()._render_traceback_(),
        ]


class FunctionFailed(CellError):
    """A function that `%lambda invoke` called failed."""

    def __init__(self, result: Result) -> None:
        assert result.error is not None
        super().__init__(f"{result.function}: {result.error.get('errorMessage', '')}")
        self.result = result
        self._error = result.error
        self.title = str(result.error.get("errorType") or "Error")

    def _render_traceback_(self) -> list[str]:
        """The handler's traceback last line last, as Python does, then the REPORT line."""
        first, *rest = error_text(self._error).split("\n")
        report = [line for line in self.result.logs.splitlines() if line.startswith("REPORT ")]
        return [f"{self.result.function} failed", *rest, first, *report]
