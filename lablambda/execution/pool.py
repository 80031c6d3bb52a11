"""The environments of one version: lend an idle one, or make another; the newest idle one first.

Of a version with provisioned concurrency, so many are started ahead and never fall under that number.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from lablambda.execution.environment import Environment
from lablambda.rules.lifecycle import ON_DEMAND, PROVISIONED


class Pool:
    """Environments of one version. How many there may be is decided before anyone asks here."""

    def __init__(self, make: Callable[[str], Environment], now: Callable[[], float]) -> None:
        """`now` is lab time, by which idleness is reckoned."""
        self._make = make
        self._now = now
        self.provisioned = 0
        self._idle: list[tuple[Environment, float]] = []
        self._busy: set[Environment] = set()
        self._open = True

    def __len__(self) -> int:
        return len(self._idle) + len(self._busy)

    @property
    def idle(self) -> int:
        return len(self._idle)

    @property
    def busy(self) -> int:
        return len(self._busy)

    @asynccontextmanager
    async def environment(self) -> AsyncIterator[Environment]:
        """Borrow an environment for one invocation."""
        environment = self._idle.pop()[0] if self._idle else self._make(ON_DEMAND)
        self._busy.add(environment)
        try:
            yield environment
        finally:
            await self._take_back(environment)

    async def _take_back(self, environment: Environment) -> None:
        self._busy.discard(environment)
        if self._open and environment.usable:
            self._idle.append((environment, self._now()))
        else:
            await environment.stop()

    async def reap(self, idle_s: float) -> None:
        """End the environments that have been idle for `idle_s` seconds."""
        limit = self._now() - idle_s
        spare = max(0, len(self) - self.provisioned)
        old = [entry for entry in self._idle if entry[1] <= limit][:spare]
        self._idle = [entry for entry in self._idle if entry not in old]
        await _stop_all([environment for environment, _ in old])

    async def provision(self, count: int) -> None:
        """Keep at least `count` environments, with init done. Raises InitFailed if theirs fails."""
        self.provisioned = count
        missing = [self._make(PROVISIONED) for _ in range(count - len(self))]
        results = await asyncio.gather(*map(self._initialize, missing), return_exceptions=True)
        for result in results:
            if result is not None:
                self.provisioned = 0
                raise result

    async def _initialize(self, environment: Environment) -> None:
        self._busy.add(environment)
        try:
            await environment.initialize()
        finally:
            await self._take_back(environment)

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
