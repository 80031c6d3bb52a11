"""Runs a function on the records of one lane of a shard: in order, batch by batch.

A batch that fails holds up its lane until it succeeds or is given up, as the mapping says.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from lablambda.clock import Clock
from lablambda.model.errors import LabError
from lablambda.model.invocation import Outcome
from lablambda.rules import stream_retry, tumbling_window
from lablambda.rules.batch_response import failed_items
from lablambda.rules.limits import SYNC_PAYLOAD_BYTES
from lablambda.rules.stream_retry import Piece
from lablambda.rules.tumbling_window import Window
from lablambda.sources.stream import Record, Stream

_MOST_BYTES = SYNC_PAYLOAD_BYTES - 1024  # the rest of the event has room in what is left
EXHAUSTED, TOO_OLD = "RetryAttemptsExhausted", "RecordAgeExceeded"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a mapping says of its batches. `age_s` is None if records may be of any age."""

    size: int
    window_s: int
    tumbling_s: int
    retries: int
    age_s: float | None
    bisects: bool
    reports: bool


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A batch that the function gets no more, after so many `runs`; `outcome` is the last one's."""

    shard: str
    records: Sequence[Record]
    condition: str
    runs: int
    outcome: Outcome | None
    payload: bytes


@dataclass(frozen=True, slots=True)
class Desk:
    """What lanes do their work with. `invoke` raises LabError if the function can't be run; `give_up` returns
    when nothing more can be lost, and raises it if the disk refuses; `rests` is called when a lane begins to
    wait, `tell` with what came last, `measure` with figures by AWS's names."""

    stream: Stream
    invoke: Callable[[bytes, Sequence[Record]], Awaitable[Outcome]]
    give_up: Callable[[GivenUp], Awaitable[None]]
    clock: Clock
    rests: Callable[[], None]
    tell: Callable[[str], None]
    measure: Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class _Waiting:
    record: Record
    size: int
    received: float


@dataclass(slots=True)
class _Batch:
    """What is left of a batch that is worked on; `failures` are those in a row that led to a pause."""

    pieces: list[Piece]
    failures: int = 0


class Lane:
    """`done` is called with records that are done with, and the window that they leave."""

    def __init__(
        self,
        shard: str,
        terms: Terms,
        desk: Desk,
        done: Callable[[Sequence[Record], Window | None], None],
        window: Window | None,
    ) -> None:
        self._shard = shard
        self._terms = terms
        self._desk = desk
        self._done = done
        self._window = window
        self._queue: deque[_Waiting] = deque()
        self._changed = asyncio.Event()
        self._stopping = False
        self._caught_up = self._over = False
        self._resting = False

    @property
    def backlog(self) -> int:
        """How many records wait."""
        return len(self._queue)

    @property
    def idle(self) -> bool:
        """Whether it waits for records or for a moment."""
        return self._resting and not self._changed.is_set()

    @property
    def clear(self) -> bool:
        """Whether there is nothing more to do than to wait for records."""
        return self.idle and not self._queue and self._window is None

    def put(self, records: Sequence[Record]) -> None:
        now = self._desk.clock.now()
        self._queue.extend(_Waiting(record, len(json.dumps(record)) + 2, now) for record in records)
        self._changed.set()

    def reached(self, *, last: bool, over: bool) -> None:
        """Whether the shard has no more just now, and whether it never will."""
        if (last, over) != (self._caught_up, self._over):
            self._caught_up, self._over = last, over
            self._changed.set()

    def stop(self) -> None:
        """Begin nothing more; `run` ends when what runs has ended."""
        self._stopping = True
        self._changed.set()

    async def run(self) -> None:
        while not self._stopping:
            self._changed.clear()
            if self._window is not None and self._window_is_over(self._window):
                await self._finish()
            elif batch := self._take():
                await self._work_off(batch)
            else:
                await self._rest(self._next_moment())

    # ------------------------------------------------------------------------------------------- batches

    def _take(self) -> list[Record]:
        """The next batch, if it is complete."""
        count, complete = self._measure()
        if not count or not (complete or self._desk.clock.now() >= self._next_moment()):
            return []
        batch = [self._queue.popleft().record for _ in range(count)]
        if self._terms.tumbling_s and self._window is None:
            self._window = Window(self._window_of(batch[0]))
        return batch

    def _measure(self) -> tuple[int, bool]:
        """How many of the waiting records make a batch, and whether it could get no larger."""
        count = size = 0
        window: float | None = None
        for waiting in self._queue:
            size += waiting.size
            if count == self._terms.size or (count and size > _MOST_BYTES):
                return count, True
            if self._terms.tumbling_s:
                begins = self._window_of(waiting.record)
                window = begins if window is None else window
                if begins > window:
                    return count, True
            count += 1
        return count, count == self._terms.size

    def _next_moment(self) -> float:
        """When to look again, if no records come: the batching window is over, or the tumbling one."""
        if self._queue:
            return self._queue[0].received + self._terms.window_s
        return math.inf if self._window is None else self._window.start + self._terms.tumbling_s

    async def _rest(self, until: float) -> None:
        self._resting = True
        self._desk.rests()
        await self._desk.clock.wait(self._changed, None if until == math.inf else until)
        self._resting = False

    async def _pause(self, batch: _Batch) -> None:
        batch.failures += 1
        clock = self._desk.clock
        until = clock.now() + stream_retry.pause_s(batch.failures)
        while clock.now() < until and not self._stopping:
            self._changed.clear()
            await self._rest(until)

    # ------------------------------------------------------------------------------------------- windows

    def _window_of(self, record: Record) -> float:
        return tumbling_window.start_of(self._desk.stream.arrived(record), self._terms.tumbling_s)

    def _window_is_over(self, window: Window) -> bool:
        """Whether no more records belong to it."""
        if window.ends_early:
            return True
        if self._queue:
            return self._window_of(self._queue[0].record) > window.start
        ended = self._desk.clock.now() >= window.start + self._terms.tumbling_s
        return self._over or (ended and self._caught_up)

    async def _finish(self) -> None:
        """Tell the function that its window is over."""
        if await self._work_off([]):
            self._window = None
            self._done([], None)

    # --------------------------------------------------------------------------------------------- work

    async def _work_off(self, records: Sequence[Record]) -> bool:
        """Run a batch until it is done with, piece by piece; no records are a window's end. Gives whether it is."""
        batch = _Batch([Piece(records)])
        while batch.pieces and not self._stopping:
            try:
                await self._run_first(batch)
            except (
                LabError
            ) as error:  # throttled, deleted, not ready, or the disk is full: not the batch's fault
                self._desk.tell(f"PROBLEM: {error}")
                await self._pause(batch)
        return not batch.pieces

    async def _run_first(self, batch: _Batch) -> None:
        """Go on with the first piece, which stays the first until something has come of it. Raises LabError."""
        piece = batch.pieces[0]
        if old := self._too_old(piece.records):
            await self._give_up(old, TOO_OLD, max(1, piece.tries), None)
            left = piece.records[len(old) :]
            batch.pieces[:1] = [Piece(left, piece.tries)] if left else []
            return
        outcome = await self._desk.invoke(self._event(piece.records), piece.records)
        first_failed = self._first_failed(piece.records, outcome)
        self._desk.measure("InvokedEventCount", len(piece.records))
        if first_failed is None:
            batch.failures = 0
            self._succeed(piece.records, outcome)
            del batch.pieces[0]
        else:
            await self._fail(batch, piece, first_failed, outcome)

    def _succeed(self, records: Sequence[Record], outcome: Outcome) -> None:
        self._desk.tell("OK")
        if self._window is not None:
            self._window = tumbling_window.after(self._window, outcome)
        self._done(records, self._window)

    async def _fail(self, batch: _Batch, piece: Piece, first_failed: int, outcome: Outcome) -> None:
        self._desk.tell("PROBLEM: Function call failed")
        self._desk.measure("FailedInvokeEventCount", len(piece.records) - first_failed)
        self._done(piece.records[:first_failed], self._window)
        terms = self._terms
        following = stream_retry.after_failure(
            piece, first_failed, retries=terms.retries, bisects=terms.bisects
        )
        if following is None:
            await self._give_up(piece.records[first_failed:], EXHAUSTED, piece.tries + 1, outcome)
            del batch.pieces[0]
            return
        batch.pieces[:1] = following
        if following[0].tries > piece.tries:
            await self._pause(batch)

    def _first_failed(self, records: Sequence[Record], outcome: Outcome) -> int | None:
        """The index of the first record that isn't done with; of a window's end, 0 if that failed."""
        if self._window is not None and tumbling_window.after(self._window, outcome) is None:
            return 0
        if outcome.function_error is not None:
            return 0
        sequences = [self._desk.stream.sequence(record) for record in records]
        failed = failed_items(outcome, sequences, reports=self._terms.reports)
        return min(map(sequences.index, failed), default=None)

    def _too_old(self, records: Sequence[Record]) -> Sequence[Record]:
        """Those that the function is not to get any more."""
        if self._terms.age_s is None:
            return ()
        oldest = self._desk.clock.now() - self._terms.age_s
        return list(takewhile(lambda record: self._desk.stream.arrived(record) < oldest, records))

    async def _give_up(
        self, records: Sequence[Record], condition: str, runs: int, outcome: Outcome | None
    ) -> None:
        event = self._event(records)
        await self._desk.give_up(GivenUp(self._shard, records, condition, runs, outcome, event))
        self._done(records, self._window)

    def _event(self, records: Sequence[Record]) -> bytes:
        event: dict[str, Any] = {"Records": list(records)}
        if self._window is not None:
            event |= tumbling_window.event_members(self._window, self._terms.tumbling_s, final=not records)
            event |= {"shardId": self._shard, "eventSourceARN": self._desk.stream.arn}
        return json.dumps(event).encode()
