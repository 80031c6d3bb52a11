"""Requests at their moments, whether or not earlier ones have been answered.

Latency counts from the moment that a request was due, so that a function, a lab or a generator that falls behind
isn't measured as if nobody had waited meanwhile.
"""

from __future__ import annotations

import asyncio
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

from lablambda.config import Descriptor
from lablambda.load.wire import Signed, Wires
from lablambda.simulation.trail import FAILED, LOST, OK, THROTTLED

# Timers go by milliseconds: what is due before the next one goes out now.
_TICK_S = 0.0005
_TELL_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a load has come: seconds since it began, and how many of its requests were sent and answered, and of
    these throttled."""

    seconds: float
    sent: int
    answered: int
    throttled: int
    total: int

    def __str__(self) -> str:
        return (
            f"{self.seconds:.1f} s: {self.sent:,} of {self.total:,} requests sent, "
            f"{self.sent - self.answered:,} under way, {self.throttled:,} throttled"
        )


@dataclass(slots=True)
class Answers:
    """What became of the requests that were sent, by number. `began` is seconds since 1970; `late_s` how late the
    generator itself sent each; `refusals` are HTTP statuses (0: no answer) with their counts."""

    began: float = 0.0
    latency_s: list[float] = field(default_factory=list)
    outcome: list[int] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    refusals: Counter[int] = field(default_factory=Counter)


class Offering:
    """One load of one function."""

    def __init__(self, descriptor: Descriptor, request: Signed, moments: Sequence[float]) -> None:
        self.answers = Answers()
        self._request = request
        self._moments = moments
        self._wires = Wires(descriptor)
        self._answered = 0
        self._throttled = 0
        self._connecting: set[asyncio.Task[None]] = set()

    async def run(self, told: Callable[[Progress], None]) -> None:
        """Send every request at its moment and wait for the answers. If it is cancelled, what has no answer by then
        is lost, and that is all."""
        self._loop = asyncio.get_running_loop()
        self._all_answered = self._loop.create_future()
        with _many_descriptors():
            self._began, self.answers.began = self._loop.time(), time.time()
            teller = self._loop.create_task(self._tell(told))
            try:
                await self._send_all()
                if self._answered < len(self._moments):
                    await self._all_answered
            except asyncio.CancelledError:
                pass  # asked to stop: the answers so far are the result
            finally:
                teller.cancel()
                for task in self._connecting:
                    task.cancel()
                self._wires.close()

    async def _send_all(self) -> None:
        number, count = 0, len(self._moments)
        while number < count:
            now = self._loop.time() - self._began
            while number < count and self._moments[number] <= now + _TICK_S:
                self._send(number, now)
                number += 1
            if number < count:
                await asyncio.sleep(max(0.0, self._moments[number] - (self._loop.time() - self._began)))

    def _send(self, number: int, now: float) -> None:
        answers, due = self.answers, min(self._moments[number], now)
        answers.latency_s.append(float("nan"))
        answers.outcome.append(LOST)
        answers.late_s.append(now - due)

        def answered(status: int, failed: bool) -> None:
            answers.latency_s[number] = self._loop.time() - self._began - due
            self._note(number, status, failed=failed)

        request = self._request.get()
        if not self._wires.send_on_idle(request, answered):
            task = self._loop.create_task(self._connect(request, answered))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self, request: bytes, answered: Callable[[int, bool], None]) -> None:
        try:
            await self._wires.send(request, answered)
        except OSError:
            answered(0, False)

    def _note(self, number: int, status: int, *, failed: bool) -> None:
        if status == HTTPStatus.OK:
            self.answers.outcome[number] = FAILED if failed else OK
        elif status == HTTPStatus.TOO_MANY_REQUESTS:
            self.answers.outcome[number] = THROTTLED
            self._throttled += 1
        else:
            self.answers.refusals[status] += 1
        self._answered += 1
        if self._answered == len(self._moments) and not self._all_answered.done():
            self._all_answered.set_result(None)

    async def _tell(self, told: Callable[[Progress], None]) -> None:
        while True:
            await asyncio.sleep(_TELL_EVERY_S)
            told(
                Progress(
                    self._loop.time() - self._began,
                    len(self.answers.outcome),
                    self._answered,
                    self._throttled,
                    len(self._moments),
                )
            )


@contextmanager
def _many_descriptors() -> Iterator[None]:
    """Each request under way takes a descriptor; the soft limit is often 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
