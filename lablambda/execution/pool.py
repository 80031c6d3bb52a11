"""The environments of one version: lend an idle one, or make another; the newest idle one first.

Of a version with provisioned concurrency, so many are started ahead and never fall under that number, but
that each is replaced when it is some hours old, as all are.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

from lablambda.execution.environment import Environment
from lablambda.rules.lifecycle import ON_DEMAND, PROVISIONED, too_old


class Pool:
    """Environments of one version. How many there may be is decided before anyone asks here."""

    def __init__(self, make: Callable[[str], Environment], now: Callable[[], float], memory_mb: int) -> None:
        """`memory_mb` is what each may take at most; `now` is lab time, by which idleness and age are reckoned."""
        self._make = make
        self._now = now
        self.memory_mb = memory_mb
        self.provisioned = 0
        self._idle: list[tuple[Environment, float]] = []
        self._busy: set[Environment] = set()
        self._born: WeakKeyDictionary[Environment, float] = WeakKeyDictionary()
        self._open = True
        self._drained = asyncio.Event()
        self.peak_mb = 0  # the most that any of them took

    def __len__(self) -> int:
        return len(self._idle) + len(self._busy)

    @property
    def idle(self) -> int:
        return len(self._idle)

    @property
    def busy(self) -> int:
        return len(self._busy)

    def growth_mb(self, expected_mb: int) -> int:
        """What those at work may still take if each comes to `expected_mb`."""
        return sum(max(0, expected_mb - environment.peak_mb) for environment in self._busy)

    @asynccontextmanager
    async def environment(self) -> AsyncIterator[Environment]:
        """Borrow an environment for one invocation."""
        environment = self._idle.pop()[0] if self._idle else self._new(ON_DEMAND)
        self._busy.add(environment)
        try:
            yield environment
        finally:
            await self._take_back(environment)

    def _new(self, initialization: str) -> Environment:
        environment = self._make(initialization)
        self._born[environment] = self._now()
        return environment

    def _too_old(self, environment: Environment) -> bool:
        return too_old(self._born[environment], self._now())

    async def _take_back(self, environment: Environment) -> None:
        self._busy.discard(environment)
        self.peak_mb = max(self.peak_mb, environment.peak_mb)
        if self._open and environment.usable and not self._too_old(environment):
            self._idle.append((environment, self._now()))
        else:
            await environment.stop()
        self._note_drained()

    def _note_drained(self) -> None:
        if not self._open and not self._busy:
            self._drained.set()

    async def reap(self, idle_s: float) -> None:
        """End the environments that have been idle for `idle_s` seconds, and those that are too old."""
        limit = self._now() - idle_s
        aged = [entry for entry in self._idle if self._too_old(entry[0])]
        spare = max(0, len(self) - len(aged) - self.provisioned)
        unused = [entry for entry in self._idle if entry[1] <= limit and entry not in aged]
        old = aged + unused[:spare]
        self._idle = [entry for entry in self._idle if entry not in old]
        await _stop_all([environment for environment, _ in old])

    async def provision(self, count: int) -> None:
        """Keep at least `count` environments, with init done. Raises InitFailed if theirs fails."""
        self.provisioned = count
        missing = [self._new(PROVISIONED) for _ in range(count - len(self))]
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
        self._note_drained()

    async def drained(self) -> None:
        """When it was told to retire: wait until none is at work any more."""
        await self._drained.wait()

    async def close(self) -> None:
        """End all, busy or not."""
        await self.retire()
        await _stop_all(list(self._busy))


async def _stop_all(environments: list[Environment]) -> None:
    await asyncio.gather(*(environment.stop() for environment in environments))
