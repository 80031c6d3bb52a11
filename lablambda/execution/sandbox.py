"""The lab's side of the sandbox: what this kernel can do, what every environment is granted, and the terms as a parent
process is told them."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from lablambda.config import data_dir, runtime_dir, trust_variables
from lablambda.execution import confine
from lablambda.execution.supervisor import Rule
from lablambda.rules import sandbox as rules
from lablambda.rules.sandbox import Access, Grant, Kernel, Level

Terms = dict[str, Any]


class Sandbox:
    """One for a lab: all its environments are confined alike."""

    def __init__(self, kernel: Kernel) -> None:
        self.level = rules.level(kernel)
        self.missing = rules.missing(kernel)
        self._kernel = kernel

    @classmethod
    def of_this_machine(cls) -> Sandbox:
        """The best that its kernel can do."""
        filters = bool(rules.call_filter(platform.machine())) and confine.has_filters()
        return cls(Kernel(confine.landlock_version(), filters=filters, mounts=False))

    @classmethod
    def none(cls) -> Sandbox:
        return cls(rules.NOTHING)

    def terms(self, grants: Iterable[Grant] = ()) -> Terms | None:
        """What all children of a parent process are confined to, beside what each is granted; see
        `execution/confine.py`. None if there is no sandbox."""
        if self.level is Level.OFF:
            return None
        return {
            "handled": rules.handled(self._kernel),
            "scoped": rules.scoped(self._kernel),
            "filter": rules.call_filter(platform.machine()).hex() if self._kernel.filters else "",
            "rules": self.rules([*rules.system(self._kernel), *_own_python(), *grants]),
        }

    def rules(self, grants: Iterable[Grant]) -> list[Rule]:
        """Grants, as a parent process is told them."""
        return rules.rules(grants, self._kernel)

    def of_environment(self, code: Iterable[Path], scratch: Path) -> list[Rule]:
        """What one environment is granted: to read its code and whom to trust, and to write its /tmp."""
        read = [Grant(str(folder)) for folder in code]
        # Made with the user's first lab, which may be after its first parent process.
        trust = [Grant(path) for path in trust_variables().values()]  # not the key beside them
        return self.rules([*read, *trust, Grant(str(scratch), Access.WRITE)])


def installation(program: str) -> list[Grant]:
    """What of its own installation a runtime's program may read."""
    return rules.installation(Path(program), _closed())


def _own_python() -> list[Grant]:
    """The Python that the lab runs on: scripts of any runtime may name it."""
    folders = {sys.prefix, sys.base_prefix}
    return [grant for folder in sorted(folders) for grant in installation(f"{folder}/bin/python")]


@cache
def _closed() -> tuple[Path, ...]:
    """Folders that no installation can hold: who finds one there looks at something else."""
    return Path.home(), data_dir("any").parent, runtime_dir()
