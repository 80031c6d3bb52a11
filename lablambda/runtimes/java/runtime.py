"""The Java runtimes of this machine: a JVM of the reserve becomes the environment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lablambda.execution.reserve import Mold, mold
from lablambda.execution.worker import Launch, Program, Worker, adopt
from lablambda.runtimes.java import guest, jdks
from lablambda.runtimes.java.jdks import Jdk
from lablambda.runtimes.kit import Kit

# Read when a JVM starts, and never again.
_START_VARIABLES = ("JAVA_", "_JAVA_", "JDK_", "LD_")
# What names files in UTF-8 on every machine; a JVM asks when it starts.
_LOCALE = ("LC_ALL", "C.UTF-8")


class JavaRuntime:
    """One JDK. What its JVMs run is fetched and compiled when the first function needs it."""

    def __init__(self, jdk: Jdk, all_here: Sequence[Jdk], kit: Kit) -> None:
        self.name = f"java{jdk.major}"
        self.version = jdk.version
        self.path = jdk.java
        self._jdk = jdk
        self._all_here = all_here
        self._reserve = kit.reserves["java"]
        self._command: list[str] = []
        self._preparing = asyncio.Lock()

    async def warm(self, program: Program) -> None:
        await self._reserve.warm(await self._mold(program))

    async def start(self, launch: Launch) -> Worker:
        process = await self._reserve.take(await self._mold(launch.program))
        assert process.folder is not None
        _fill(process.folder, launch.program.task)
        return adopt(process, launch)

    async def _mold(self, program: Program) -> Mold:
        async with self._preparing:
            if not self._command:
                self._command = await asyncio.to_thread(guest.bootstrap_command, self._jdk, self._all_here)
        # AWS's share of the function's memory for the heap; what else a JVM needs is in the rest.
        heap = f"-Xmx{program.memory_mb * 85 // 100}m"
        made = mold([*self._command, heap, guest.BOOTSTRAP], program, _START_VARIABLES, own_folder=True)
        return replace(made, variables=(*made.variables, _LOCALE))


async def find(kit: Kit) -> list[JavaRuntime]:
    """Every Java of this machine that is new enough, one of each version."""
    found = await asyncio.to_thread(jdks.find)
    return [JavaRuntime(jdk, found, kit) for jdk in found]


def _fill(folder: Path, task: Path) -> None:
    """A JVM can't leave the folder that it was started in, so the package comes there."""
    for entry in task.iterdir():
        (folder / entry.name).symlink_to(entry)
