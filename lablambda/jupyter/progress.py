"""How far something has come: one line in a cell's output, which changes."""

from __future__ import annotations

from html import escape
from typing import Any

from IPython.display import DisplayHandle

from lablambda.display import bundle


class ProgressLine:
    """Each call shows its value in the place of the one before."""

    def __init__(self) -> None:
        self._handle: DisplayHandle | None = None

    def __call__(self, progress: object) -> None:
        text = str(progress)
        shown: dict[str, Any] = bundle("progress", text, f'<div class="dim">{escape(text)}</div>', text)
        if self._handle is None:
            self._handle = DisplayHandle()  # type: ignore[no-untyped-call]  # IPython ships it untyped
            self._handle.display(shown, raw=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(shown, raw=True)  # type: ignore[no-untyped-call]
