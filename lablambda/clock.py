"""The lab's clock: what waits for a retry, an age or idleness reads it, so a lesson can turn minutes into
moments. It goes as the real one does until somebody says otherwise, and never back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class Clock:
    """Seconds since 1970, of lab time. `at_least` is where it left off, if that lies ahead of real time."""

    def __init__(self, *, at_least: float = 0.0, real: Callable[[], float] = time.time) -> None:
        self._real = real
        self._anchor = real()
        self._reading = max(self._anchor, at_least)
        self._speed = 1.0
        self._waiting: set[asyncio.Event] = set()

    def now(self) -> float:
        return self._reading + max(0.0, self._real() - self._anchor) * self._speed

    @property
    def speed(self) -> float:
        """How many seconds of lab time pass in a real one."""
        return self._speed

    def set_speed(self, speed: float) -> None:
        """Let it go faster, or slower; 0 stops it."""
        self._set(self.now())
        self._speed = speed

    def advance(self, seconds: float) -> None:
        """Turn it forward by hand."""
        self._set(self.now() + seconds)

    def _set(self, reading: float) -> None:
        self._reading, self._anchor = reading, self._real()
        for event in self._waiting:  # who waits for a moment reckons anew
            event.set()

    async def wait(self, event: asyncio.Event, until: float | None) -> None:
        """Wait until `event` is set, which turning the clock does too, or the moment `until` has come."""
        left = None if until is None or self._speed == 0 else max(0.0, until - self.now()) / self._speed
        self._waiting.add(event)
        try:
            async with asyncio.timeout(left):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(event)

    async def sleep(self, seconds: float) -> None:
        """Wait for so long, in lab time."""
        until, turned = self.now() + seconds, asyncio.Event()
        while self.now() < until:
            turned.clear()
            await self.wait(turned, until)
