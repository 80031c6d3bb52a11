"""The environments of one version: lend an idle one, or make another; the newest idle one first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from lablambda.execution.environment import Environment


class Pool:
    """Environments of one version. How many there may be is decided before anyone asks here."""

    def __init__(self, make: Callable[[], Environment]) -> None:
        self._make = make
        self._idle: list[tuple[Environment, float]] = []
        self._busy: set[Environment] = set()
        self._open = True
        self._loop = asyncio.get_running_loop()

    def __len__(self) -> int:
        return len(self._idle) + len(self._busy)

    @property
    def busy(self) -> int:
        return len(self._busy)

    @asynccontextmanager
    async def environment(self) -> AsyncIterator[Environment]:
        """Borrow an environment for one invocation."""
        environment = self._idle.pop()[0] if self._idle else self._make()
        self._busy.add(environment)
        try:
            yield environment
        finally:
            self._busy.discard(environment)
            if self._open and environment.usable:
                self._idle.append((environment, self._loop.time()))
            else:
                await environment.stop()

    async def reap(self, idle_s: float) -> None:
        """End the environments that have been idle for `idle_s` seconds."""
        limit = self._loop.time() - idle_s
        old = [environment for environment, since in self._idle if since <= limit]
        self._idle = [entry for entry in self._idle if entry[1] > limit]
        await _stop_all(old)

    async def retire(self) -> None:
        """End what is idle now and what is busy when it is done: the version isn't wanted any more."""
        self._open = False
        idle, self._idle = [environment for environment, _ in self._idle], []
        await _stop_all(idle)

    async def close(self) -> None:
        """End all, busy or not."""
        await self.retire()
        await _stop_all(list(self._busy))


async def _stop_all(environments: list[Environment]) -> None:
    await asyncio.gather(*(environment.stop() for environment in environments))
