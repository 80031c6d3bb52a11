"""The lab's side of the sandbox: what this kernel can do, what every environment is granted, and the terms as a parent
process is told them."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lablambda.config import ConfigError, data_dir, runtime_dir, trust_variables
from lablambda.execution import confine
from lablambda.execution.reach import Reach
from lablambda.rules import sandbox as rules
from lablambda.rules.limits import PROCESSES
from lablambda.rules.sandbox import Access, Grant, Kernel, Level, aside
from lablambda.rules.system_calls import call_filter

_WITHIN_S = 10


class Sandbox:
    """One for a lab: all its environments are confined alike."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.level = rules.level(kernel)
        self.missing = rules.missing(kernel)

    @classmethod
    def of_this_machine(cls) -> Sandbox:
        """The best that its kernel can do."""
        return cls(_kernel())

    @classmethod
    def none(cls) -> Sandbox:
        return cls(rules.NOTHING)

    @classmethod
    def chosen(cls, wanted: str) -> Sandbox:
        """As a person asks for it, with one of SANDBOXES. Raises ConfigError if it can't be had here."""
        if wanted == "off":
            return cls.none()
        best = cls.of_this_machine()
        if wanted == "strict" and best.level is not Level.STRICT:
            raise ConfigError(
                f"This machine can't sandbox handlers strictly: a handler could {'; and '.join(best.missing)}. "
                "Start the lab with --sandbox auto to run code that you trust so far."
            )
        return best


class Terms:
    """What all children of one parent process are confined to. `grants` are of the runtime that it is for."""

    def __init__(self, sandbox: Sandbox, grants: Iterable[Grant] = ()) -> None:
        self._kernel = sandbox.kernel
        self._grants = [*rules.system(self._kernel), *map(aside, (*_own_python(), *grants))]
        self._mounts = rules.mounts(self._grants) if self._kernel.mounts else []

    def message(self) -> dict[str, Any] | None:
        """As the parent process is told them; see `confine.py`. None if there is no sandbox."""
        if rules.level(self._kernel) is Level.OFF:
            return None
        return {
            "handled": rules.handled(self._kernel),
            "scoped": rules.scoped(self._kernel),
            "filter": _filter(self._kernel).hex(),
            "rules": rules.rules(self._grants, self._kernel),
            "mounts": self._mounts,
            "processes": PROCESSES,
        }

    def reach(self, code: Sequence[Path], scratch: Path, reads: Iterable[Grant] = ()) -> Reach:
        """Of one environment: to read its code (the package, and layers if it has any), whom to trust, and `reads`;
        and to write its /tmp."""
        own = [*map(aside, reads), *_trust()]
        places = (rules.TASK, rules.layers_at([*self._grants, *own]))
        own += [Grant(str(folder), at=at) for folder, at in zip(code, places, strict=False)]
        own.append(Grant(str(scratch), Access.WRITE, rules.SCRATCH))
        allowed = tuple(rules.rules(own, self._kernel))
        if not self._kernel.mounts:
            return Reach(allowed)
        names = tuple((grant.path, grant.at) for grant in (*own, *self._grants) if grant.at)
        mounts = rules.mounts(own, self._mounts)
        # By its real path: the machine's root is elsewhere when an environment takes its own, and links mislead.
        return Reach(
            allowed,
            tuple(mount._replace(source=os.path.realpath(mount.source)) for mount in mounts),
            names,
        )

    def seen(self, path: Path) -> str:
        """Where environments see something that all are granted."""
        return next(grant.seen(self._kernel) for grant in self._grants if grant.path == str(path))


def _filter(kernel: Kernel) -> bytes:
    return call_filter(platform.machine(), unix=rules.own_sockets(kernel)) if kernel.filters else b""


def installation(program: str) -> list[Grant]:
    """What of its own installation a runtime's program may read."""
    return rules.installation(Path(program), _closed())


def _own_python() -> list[Grant]:
    """The Python that the lab runs on: scripts of any runtime may name it."""
    folders = {sys.prefix, sys.base_prefix}
    return [grant for folder in sorted(folders) for grant in installation(f"{folder}/bin/python")]


def _trust() -> list[Grant]:
    """The certificates of the user's own authority, and not the key beside them. They are made with the user's first
    lab, which may be after its first parent process."""
    return [Grant(path, at=f"/run/lab/{Path(path).name}") for path in trust_variables().values()]


@cache
def _closed() -> tuple[Path, ...]:
    """Folders that no installation can hold: who finds one there looks at something else."""
    return Path.home(), data_dir("any").parent, runtime_dir()


@cache
def _kernel() -> Kernel:
    """Whether it allows mounts can only be seen by trying, with all that is to be mounted."""
    if not call_filter(platform.machine(), unix=False):  # the numbers of its system calls aren't known here
        return rules.NOTHING
    kernel = Kernel(confine.landlock_version(), filters=confine.has_filters(), mounts=True)
    if any(
        aside(grant).at for grant in _own_python()
    ):  # environments have another /tmp, with no Python in it
        return kernel._replace(mounts=False)
    terms = json.dumps(Terms(Sandbox(kernel)).message())
    command = [sys.executable, "-I", "-S", confine.__file__, terms]
    tried = subprocess.run(command, capture_output=True, timeout=_WITHIN_S, check=False)
    return kernel if tried.returncode == 0 else kernel._replace(mounts=False)
