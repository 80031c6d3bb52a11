"""Asynchronous invocations: kept on disk before they are acknowledged, and until they are done with.

An event is *due* at some moment of lab time. The dispatcher takes due events, a bounded number at a
time, runs each through the one door, and asks `rules/retry.py` what comes next. After a crash the
events that weren't done are there again: each is run at least once.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace

from lablambda.clock import Clock
from lablambda.model.errors import LabError, ResourceNotFound
from lablambda.model.events import QueuedEventMoved, QueueMove
from lablambda.model.invocation import Invocation, Outcome
from lablambda.rules import retry
from lablambda.rules.destinations import SUCCESS
from lablambda.rules.retry import Attempt, RetryPolicy
from lablambda.storage.journal import Journal

SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
    request_id TEXT PRIMARY KEY, enqueued REAL, due REAL, failures INTEGER, refusals INTEGER,
    invocation TEXT, payload BLOB);
"""
_PUT = """
INSERT OR REPLACE INTO event (request_id, enqueued, due, failures, refusals, invocation, payload)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_RESCHEDULE = "UPDATE event SET due = ?, failures = ?, refusals = ? WHERE request_id = ?"
_DELETE = "DELETE FROM event WHERE request_id = ?"
_LAST = "SELECT MAX(enqueued) FROM event"
_SELECT = "SELECT enqueued, due, failures, refusals, invocation, payload FROM event"
# How many queued events may run at once: enough to overlap waiting, few enough for a small machine.
_AT_ONCE = 32
_UNSETTLED_S = 10.0


def last_enqueued(journal: Journal) -> float:
    """The lab time at which the last of the events that wait was accepted; 0 if none does."""
    return float(journal.read_now(_LAST)[0][0] or 0.0)


@dataclass(frozen=True, slots=True)
class Queued:
    """An accepted event. Times are seconds of lab time."""

    invocation: Invocation
    enqueued: float
    due: float
    failures: int = 0
    refusals: int = 0


class AsyncQueue:
    def __init__(
        self,
        journal: Journal,
        invoke: Callable[[Invocation], Awaitable[Outcome]],
        *,
        clock: Clock,
        policy: Callable[[Invocation], RetryPolicy],
        publish: Callable[[QueuedEventMoved], None],
        settle: Callable[[Invocation, str, int, Outcome | None], Awaitable[None]],
    ) -> None:
        self._journal = journal
        self._policy = policy
        self._publish = publish
        self._settle = settle
        self._invoke = invoke
        self._clock = clock
        self._now = clock.now
        self._waiting: list[tuple[float, int, Queued]] = []
        self._sequence = 0
        self._attempts: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        for row in journal.read_now(_SELECT):
            self._add(_queued(row))

    async def put(self, invocation: Invocation) -> None:
        """Accept an event: when this returns, the disk has it."""
        now = self._now()
        queued = Queued(invocation, enqueued=now, due=now)
        await self._journal.write(_PUT, [_row(queued)])
        self._tell(QueueMove.RECEIVED, queued)
        self._add(queued)

    async def run(self) -> None:
        """Dispatch for ever; on cancellation, attempts under way are abandoned and stay on disk."""
        try:
            while True:
                self._dispatch()
                await self._next_change()
        finally:
            for task in self._attempts:
                task.cancel()
            await asyncio.gather(*self._attempts, return_exceptions=True)

    @property
    def idle(self) -> bool:
        """Whether nothing is due and nothing is being attempted."""
        return not self._attempts and not self._is_due()

    async def settled(self) -> None:
        """Wait until it is idle."""
        while not self.idle:
            self._changed.clear()
            await self._changed.wait()

    def counts(self) -> dict[str, int]:
        """How many events wait, and how many are being attempted."""
        return {"waiting": len(self._waiting), "running": len(self._attempts)}

    # ------------------------------------------------------------------------------------- dispatching

    def _add(self, queued: Queued) -> None:
        self._sequence += 1
        heapq.heappush(self._waiting, (queued.due, self._sequence, queued))
        self._changed.set()

    def _is_due(self) -> bool:
        return bool(self._waiting) and self._waiting[0][0] <= self._now()

    def _dispatch(self) -> None:
        while self._is_due() and len(self._attempts) < _AT_ONCE:
            _, _, queued = heapq.heappop(self._waiting)
            task = asyncio.ensure_future(self._attempt(queued))
            self._attempts.add(task)
            task.add_done_callback(self._attempt_done)

    def _attempt_done(self, task: asyncio.Task[None]) -> None:
        self._attempts.discard(task)
        self._changed.set()

    async def _next_change(self) -> None:
        full = len(self._attempts) >= _AT_ONCE
        due = None if full or not self._waiting else self._waiting[0][0]
        self._changed.clear()
        await self._clock.wait(self._changed, due)

    def _tell(self, move: QueueMove, queued: Queued) -> None:
        invocation, age_s = queued.invocation, self._now() - queued.enqueued
        moved = QueuedEventMoved(invocation.function, invocation.qualifier, move, time.time(), age_s)
        self._publish(moved)

    async def _attempt(self, queued: Queued) -> None:
        policy = self._policy(queued.invocation)
        if policy.halted:
            if policy.halted == retry.LOOPED:
                self._tell(QueueMove.LOOPED, queued)
            await self._end(queued, policy.halted, queued.failures, None)
            return
        self._tell(QueueMove.STARTED, queued)
        attempt, outcome = await self._try(replace(queued.invocation, waited_s=self._now() - queued.enqueued))
        counted = replace(
            queued,
            failures=queued.failures + (attempt is Attempt.FUNCTION_FAILED),
            refusals=queued.refusals + (attempt is Attempt.NOT_STARTED),
        )
        verdict = retry.judge(
            attempt,
            policy,
            failures=counted.failures,
            refusals=counted.refusals,
            enqueued=counted.enqueued,
            now=self._now(),
        )
        if verdict.due is None:
            runs = counted.failures + (attempt is Attempt.SUCCEEDED)
            await self._end(queued, verdict.condition, runs, outcome)
            return
        request_id = queued.invocation.request_id
        later = replace(counted, due=verdict.due)
        self._journal.write_soon(_RESCHEDULE, [(later.due, later.failures, later.refusals, request_id)])
        self._add(later)

    async def _end(self, queued: Queued, condition: str, runs: int, outcome: Outcome | None) -> None:
        """Strike an event off, once the disk has what is to be told of it."""
        try:
            await self._settle(queued.invocation, condition, runs, outcome)
        except LabError as error:  # the disk is full: better run it once more than forget what became of it
            print(f"An event can't be struck off yet: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the lab's log
            self._add(replace(queued, due=self._now() + _UNSETTLED_S))
            return
        if condition != SUCCESS:
            self._tell(QueueMove.DROPPED, queued)
        self._journal.write_soon(_DELETE, [(queued.invocation.request_id,)])

    async def _try(self, invocation: Invocation) -> tuple[Attempt, Outcome | None]:
        try:
            outcome = await self._invoke(invocation)
        except ResourceNotFound:
            return Attempt.SUCCEEDED, None  # the function was deleted: there is nobody left to run it for
        except LabError:
            return Attempt.NOT_STARTED, None
        except Exception:
            traceback.print_exc(file=sys.stderr)
            return Attempt.NOT_STARTED, None
        return (Attempt.FUNCTION_FAILED if outcome.function_error else Attempt.SUCCEEDED), outcome


def _row(queued: Queued) -> tuple[object, ...]:
    invocation = asdict(queued.invocation)
    payload = invocation.pop("payload")
    return (
        queued.invocation.request_id,
        queued.enqueued,
        queued.due,
        queued.failures,
        queued.refusals,
        json.dumps(invocation),
        payload,
    )


def _queued(row: tuple[object, ...]) -> Queued:
    enqueued, due, failures, refusals, invocation, payload = row
    fields = json.loads(str(invocation))
    assert isinstance(payload, bytes)
    return Queued(
        Invocation(payload=payload, **fields),
        float(str(enqueued)),
        float(str(due)),
        int(str(failures)),
        int(str(refusals)),
    )
