"""Who may start a process next: a few at a time, and each function in turn, so that one's burst doesn't hold up
another's first event."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """At most `most` at a time; those that wait go by function, round and round."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, function: str) -> AsyncIterator[None]:
        """Wait for the function's turn, and have it as long as the context lasts."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(function)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, function: str) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(function, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it came at the same moment
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Give a turn that has ended to the next function."""
        while self._waiting:
            function = next(iter(self._waiting))
            turns = self._waiting.pop(function)
            turn = turns.popleft()
            if turns:
                self._waiting[function] = turns  # at the end: others come first
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
