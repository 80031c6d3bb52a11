"""A cell as a language reads it, and what the language makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lablambda.client import Lab


@dataclass(frozen=True, slots=True)
class Cell:
    """`line` is what stands after `%%lambda`, `body` what stands below; `handler` is None if none was named.
    `lab` gives the lab, for languages that need a tool of it."""

    name: str
    line: str
    body: str
    runtime: str
    handler: str | None
    requires: tuple[str, ...]
    lab: Callable[[], Lab]

    def commented(self, mark: str) -> str:
        """The whole cell, its magic line as a comment: a line has the same number in the cell, in the package
        and in every trace."""
        return f"{mark} %%lambda {self.line.strip()}\n{self.body}"


@dataclass(frozen=True, slots=True)
class Code:
    """The package's files by path, and the handler. `requires` is what AWS's runtime has built in and this
    machine's hasn't, as the language's package manager names it."""

    files: Mapping[str, bytes]
    handler: str
    requires: tuple[str, ...] = ()
