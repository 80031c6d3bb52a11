"""The Java runtimes of this machine: a JVM of the reserve becomes the environment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from lablambda.execution.reserve import Mold, mold
from lablambda.execution.sandbox import installation
from lablambda.execution.worker import Launch, Program, Worker
from lablambda.rules.sandbox import Grant
from lablambda.runtimes.java import guest, jdks
from lablambda.runtimes.java.jdks import Jdk
from lablambda.runtimes.kit import Kit
from lablambda.runtimes.reserved import become

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
        return await become(self._reserve, await self._mold(launch.program), launch)

    async def _mold(self, program: Program) -> Mold:
        async with self._preparing:
            if not self._command:
                self._command = await asyncio.to_thread(guest.bootstrap_command, self._jdk, self._all_here)
        # AWS's share of the function's memory for the heap; what else a JVM needs is in the rest.
        heap = f"-Xmx{program.memory_mb * 85 // 100}m"
        reads = (*installation(self.path), *map(Grant, map(str, guest.folders())))
        made = mold([*self._command, heap, guest.BOOTSTRAP], program, _START_VARIABLES, reads)
        return replace(made, variables=(*made.variables, _LOCALE))


async def find(kit: Kit) -> list[JavaRuntime]:
    """Every Java of this machine that is new enough, one of each version."""
    found = await asyncio.to_thread(jdks.find)
    return [JavaRuntime(jdk, found, kit) for jdk in found]
