"""The Ruby runtimes of this machine."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from lablambda.execution.reserve import Mold, mold
from lablambda.execution.sandbox import installation
from lablambda.execution.worker import Program
from lablambda.rules.sandbox import Grant
from lablambda.runtimes.kit import Kit
from lablambda.runtimes.reserved import ReservedRuntime, versions

_BOOTSTRAP = Path(__file__).with_name("bootstrap.rb")
_OLDEST = (3, 1)
_START_VARIABLES = ("RUBY", "LD_")  # read when a process starts, and never again
_MANAGED = (".rbenv/versions/*/bin/ruby", ".rubies/*/bin/ruby", ".local/share/mise/installs/ruby/*/bin/ruby")


async def find(kit: Kit) -> list[ReservedRuntime]:
    """Every Ruby of this machine that is new enough, one of each minor version."""
    paths = await asyncio.to_thread(lambda: list(_candidates()))
    found: dict[str, ReservedRuntime] = {}
    for path, match in await versions(paths, r"(\d+)\.(\d+)\.\d+", "-e", "print RUBY_VERSION"):
        if (int(match[1]), int(match[2])) >= _OLDEST:
            name = f"ruby{match[1]}.{match[2]}"
            found.setdefault(name, ReservedRuntime(name, match[0], path, kit.reserves["ruby"], _mold))
    return list(found.values())


def _mold(path: str, program: Program) -> Mold:
    reads = (*installation(path), Grant(str(_BOOTSTRAP)))
    return mold((path, str(_BOOTSTRAP)), program, _START_VARIABLES, reads)


def _candidates() -> Iterator[str]:
    on_path = shutil.which("ruby")
    if on_path is not None:
        yield os.path.realpath(on_path)
    for pattern in _MANAGED:
        yield from map(str, sorted(Path.home().glob(pattern), reverse=True))
