"""A loop that lets happen what is due, by the lab's clock."""

from __future__ import annotations

import asyncio
import sys
import traceback

from lablambda.clock import Clock

_AFTER_A_FAULT_S = 60.0


class Agenda:
    """What is due is up to who inherits from it, and sets `_changed` when that is otherwise than before."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = asyncio.Event()
        self._rested = asyncio.Event()
        self._waiting = False

    async def _let_happen(self, now: float) -> float | None:
        """Do what has become due by the moment `now`, in order of time; gives when the next is due."""
        raise NotImplementedError

    async def run(self) -> None:
        """Let happen what is due, for ever."""
        while True:
            self._changed.clear()
            try:
                due = await self._let_happen(self._clock.now())
            except Exception:
                traceback.print_exc(file=sys.stderr)
                due = self._clock.now() + _AFTER_A_FAULT_S
            self._waiting = True
            self._rested.set()
            await self._clock.wait(self._changed, due)
            self._waiting = False

    @property
    def idle(self) -> bool:
        """Whether nothing is due."""
        return self._waiting and not self._changed.is_set()

    async def settled(self) -> None:
        """Wait until it is idle."""
        while not self.idle:
            self._rested.clear()
            await self._rested.wait()
