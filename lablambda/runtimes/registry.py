"""The runtimes of this machine, by AWS's identifiers.

The lab's own Python is known at once; looking for others asks every interpreter on the PATH and takes a
second, so it happens in the background and is waited for only by who needs it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from lablambda.execution.worker import Runtime
from lablambda.runtimes.python import runtime as python


class Runtimes:
    def __init__(self, folder: Path) -> None:
        self._folder = folder / "python"
        name, version, path = python.own_runtime()
        self._own = python.PythonRuntime(name, version, path, self._folder)
        self._known: dict[str, Runtime] = {name: self._own}
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Get the lab's own Python ready and look for others, in the background."""
        self._looking = asyncio.ensure_future(self._look())

    async def all(self) -> dict[str, Runtime]:
        """Every runtime that this machine has."""
        if self._looking is not None:
            await asyncio.shield(self._looking)
        return self._known

    async def find(self, name: str) -> Runtime | None:
        """The runtime of that name, if this machine has it."""
        return self._known.get(name) or (await self.all()).get(name)

    async def close(self) -> None:
        """End every process that a runtime started."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await asyncio.gather(*(runtime.close() for runtime in self._known.values()))

    async def _look(self) -> None:
        await self._own.warm()
        for name, (version, path) in (await python.discover()).items():
            if name not in self._known:
                self._known[name] = python.PythonRuntime(name, version, path, self._folder)
