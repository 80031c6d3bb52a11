"""Errors as a notebook shows them: the person's own lines, and none of ours.

IPython shows what `_render_traceback_` gives, and papermill and nbclient repeat it word for word. An
IPython UsageError must never get out: papermill shows an empty traceback for it and nbmake calls the
notebook passed.
"""

from __future__ import annotations

from lablambda.display import TRACEBACK, error_text
from lablambda.results import Result


class CellError(Exception):
    """A cell couldn't be carried out; the message says what to do."""

    title = "lablambda"

    def _render_traceback_(self) -> list[str]:
        return [f"{self.title}: {self}"]


class CellSyntaxError(CellError):
    """The function's code can't be compiled; names the cell's own line."""

    title = "SyntaxError"
    advice = ""

    def __init__(self, error: SyntaxError, source: str) -> None:
        place = f" (line {error.lineno} of the cell)" if error.lineno else ""
        super().__init__(f"{error.msg}{place}")
        self._where = _where(error, source.split("\n")) if error.lineno else []

    def _render_traceback_(self) -> list[str]:
        advice = [self.advice] if self.advice else []
        return [*self._where, *super()._render_traceback_(), *advice]


def _where(error: SyntaxError, lines: list[str]) -> list[str]:
    """The line in question and a mark under it."""
    assert error.lineno
    line = lines[error.lineno - 1] if error.lineno <= len(lines) else ""
    column = max((error.offset or 1) - 1, 0)
    gap = "".join("\t" if letter == "\t" else " " for letter in line[:column].ljust(column))
    return [f"  line {error.lineno} of the cell", f"    {line}", f"    {gap}^"]


class FunctionFailed(CellError):
    """A function that `%lambda invoke` called failed."""

    def __init__(self, result: Result) -> None:
        assert result.error is not None
        super().__init__(f"{result.function}: {result.error.get('errorMessage', '')}")
        self.result = result
        self._error = result.error
        self.title = str(result.error.get("errorType") or "Error")

    def _render_traceback_(self) -> list[str]:
        """The handler's own trace, in its language's order, then the REPORT line."""
        lines = error_text(self._error).splitlines()
        if TRACEBACK in lines:  # Python says what went wrong at the end
            place = lines.index(TRACEBACK)
            lines = lines[place:] + lines[:place]
        report = [line for line in self.result.logs.splitlines() if line.startswith("REPORT ")]
        return [f"{self.result.function} failed", *lines, *report]
