"""What one environment may reach beside what all may, and under which paths it sees it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from lablambda.rules.sandbox import Mount

Names = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """`rules` are paths as it sees them, with Landlock's rights; `mounts` show what isn't at its own path. `names`
    are paths of this machine that have another name there."""

    rules: tuple[tuple[str, int], ...] = ()
    mounts: tuple[Mount, ...] = ()
    names: Names = field(default=())

    def seen(self, text: str) -> str:
        """A text (a path, a list of them) with every path as the environment sees it."""
        for here, there in self.names:
            text = text.replace(here, there)
        return text

    def naming(self, names: Iterable[tuple[str, str]]) -> Reach:
        """The same, with more names."""
        return replace(self, names=(*names, *self.names))


NOTHING = Reach()
