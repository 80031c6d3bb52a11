"""Polls one queue for one mapping, and lets its function have the messages.

Messages are received until a batch is complete, and deleted when the function is done with them; those
it fails on come back when their visibility timeout is over, and go to the queue's own dead-letter queue
when they have come too often: that is SQS's doing.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence

from lablambda.clock import Clock
from lablambda.model.errors import LabError, RecursiveInvocation
from lablambda.model.invocation import Invocation, Outcome, new_trace_id
from lablambda.model.mapping import EventSourceMapping
from lablambda.rules import lineage, queue_scaling
from lablambda.rules.batch_response import failed_items
from lablambda.rules.filter_criteria import compile_criteria
from lablambda.rules.limits import SYNC_PAYLOAD_BYTES
from lablambda.rules.names import function_arn
from lablambda.services.calls import CallRefused
from lablambda.sources.sqs import MOST_AT_ONCE, Queue, Record

# Where nothing wakes the poller, SQS holds its answer for so long: `settle` waits for two of them at most.
_LONG_POLL_S = 1
# When nothing wakes the poller: how soon to look for messages that are hidden now, in lab time, but not
# more often than this in real time; and for those that no wake told of.
_HIDDEN_S, _BREATH_S, _ANYWAY_S = 1.0, 0.05, 60.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0


class QueuePoller:
    """`invoke` runs the function, `timeout_s` gives its timeout, `measure` takes the mapping's figures by AWS's names,
    `wakes` is whether `wake` is called when there is something new; `rests` is called when the poller begins to
    wait."""

    in_order = False

    def __init__(
        self,
        mapping: EventSourceMapping,
        queue: Queue,
        *,
        invoke: Callable[[Invocation], Awaitable[Outcome]],
        timeout_s: Callable[[], int],
        measure: Callable[[str, float], None],
        clock: Clock,
        wakes: bool,
        rests: Callable[[], None],
    ) -> None:
        members = mapping.members
        self._mapping = mapping
        self._queue = queue
        self._invoke = invoke
        self._timeout_s = timeout_s
        self._measure = measure
        self._clock = clock
        self._wakes = wakes
        self._rests = rests
        self._size: int = members["BatchSize"]
        self._window_s: int = members["MaximumBatchingWindowInSeconds"]
        self._maximum: int | None = members.get("ScalingConfig", {}).get("MaximumConcurrency")
        self._reports = "ReportBatchItemFailures" in members["FunctionResponseTypes"]
        self._wanted = compile_criteria("sqs", members.get("FilterCriteria", {}).get("Filters", []))
        self._batches: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._backlog_since: float | None = None
        self._visibility_s: int | None = None
        self._expected = self._stopping = self._waiting = False
        self._paused = 0  # batches that wait to be tried again
        self.begun = asyncio.Event()
        self.begun.set()  # a queue keeps what comes
        self.over = asyncio.Event()
        self.received = 0
        self._trouble = self._batch_trouble = ""  # in receiving, and in handling

    @property
    def result(self) -> str:
        """What AWS calls LastProcessingResult."""
        return self._trouble or self._batch_trouble

    @property
    def idle(self) -> bool:
        """Whether nothing is under way and, as far as it knows, nothing there to be received."""
        return self._waiting and len(self._batches) == self._paused and not self._changed.is_set()

    def wake(self) -> None:
        """There may be something new."""
        self._expected = True
        self._changed.set()

    def stop(self) -> None:
        """Receive no more; `run` ends when what was received is done with."""
        self._stopping = True
        self._changed.set()

    async def run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        try:
            while not self._stopping:
                try:
                    await self._poll()
                except (CallRefused, LabError) as error:
                    self._trouble = f"PROBLEM: {error}"
                    await self._rest(self._clock.now() + pause_s)
                    await asyncio.sleep(_BREATH_S)
                    pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                else:
                    self._trouble, pause_s = "", _FIRST_PAUSE_S
            self.over.set()
            await asyncio.gather(*self._batches)
        finally:
            self.over.set()
            for batch in self._batches:
                batch.cancel()
            await asyncio.gather(*self._batches, return_exceptions=True)

    # ----------------------------------------------------------------------------------------- receiving

    async def _poll(self) -> None:
        """Take a batch and hand it on, or wait until there may be one."""
        self._changed.clear()
        if len(self._batches) >= self._concurrency():
            await self._rest(self._clock.now() + 1)  # the concurrency may have grown by then
            return
        if self._visibility_s is None:
            self._visibility_s = await self._queue.visibility_s()
        hidden_s = queue_scaling.visibility_s(self._visibility_s, self._timeout_s(), self._window_s)
        taken = self._clock.now()
        records = await self._gather(hidden_s)
        if not records:
            await self._rest_empty()
            return
        self._measure("PolledEventCount", len(records))
        if self._backlog_since is None:
            self._backlog_since = taken
        for batch in self._apart(records):
            task = asyncio.ensure_future(self._handle(batch, taken + hidden_s))
            self._batches.add(task)
            task.add_done_callback(self._handled)

    def _apart(self, records: list[Record]) -> Iterator[list[Record]]:
        """The batches that they make: messages that have been around too often don't take others along, unless
        they must stay in order."""
        function = self._mapping.function

        def loops(record: Record) -> bool:
            return lineage.passes(_trace_of(record), function) >= lineage.MOST

        apart = [list(filter(loops, records)), list(itertools.filterfalse(loops, records))]
        for part in [records] if self._queue.arn.endswith(".fifo") else filter(None, apart):
            yield from _of_size(part, SYNC_PAYLOAD_BYTES)

    def _concurrency(self) -> int:
        since = self._backlog_since
        backlogged_s = 0.0 if since is None else self._clock.now() - since
        return queue_scaling.concurrency(backlogged_s, self._maximum)

    async def _gather(self, hidden_s: int) -> list[Record]:
        """Messages until there are enough, or the window that began with the first one is over."""
        records: list[Record] = []
        until = 0.0
        while len(records) < self._size and not (records and self._stopping):
            most = min(MOST_AT_ONCE, self._size - len(records))
            listens = not (self._wakes or records or self._expected)
            self._expected = False
            self._changed.clear()  # before looking: what comes meanwhile is a reason to look again
            got = await self._receive(most, hidden_s, listens=listens)
            if not records:
                until = self._clock.now() + self._window_s
            records += got
            if not records or self._clock.now() >= until:
                break
            if len(got) < most:
                await self._rest(until if self._wakes else self._clock.now() + _HIDDEN_S)
        return records

    async def _receive(self, most: int, hidden_s: int, *, listens: bool) -> list[Record]:
        """Messages that are there or, if it listens, that come soon."""
        if not listens:
            got = await self._queue.receive(most, wait_s=0, visibility_s=hidden_s)
        else:
            with self._still():
                got = await self._queue.receive(most, wait_s=_LONG_POLL_S, visibility_s=hidden_s)
        self.received += len(got)
        return got

    async def _rest_empty(self) -> None:
        """Wait for a wake; without one, until messages that are hidden may have come back."""
        self._backlog_since = None
        # Asked now, not when a message has come: that one isn't to wait for it.
        self._visibility_s, hidden = await self._queue.state()
        if not self._wakes:
            return
        hidden = 0 if self._batches else hidden
        await self._rest(self._clock.now() + (_HIDDEN_S if hidden else _ANYWAY_S))
        if hidden:
            await asyncio.sleep(_BREATH_S)  # however fast the lab's clock goes

    async def _rest(self, until: float) -> None:
        if self._changed.is_set() or self._stopping:  # looking again may have cleared what `stop` set
            return
        with self._still():
            await self._clock.wait(self._changed, until)

    @contextlib.contextmanager
    def _still(self) -> Iterator[None]:
        self._waiting = True
        self._rests()
        try:
            yield
        finally:
            self._waiting = False

    # ------------------------------------------------------------------------------------------ handling

    async def _handle(self, records: list[Record], until: float) -> None:
        """Let the function have a batch, which is ours until that moment of lab time."""
        try:
            wanted = [record for record in records if self._wanted(record)]
            failed = await self._failed(wanted, until) if wanted else frozenset()
            done = [record for record in records if record["messageId"] not in failed]
            await self._queue.delete(done)
            self._measure("FilteredOutEventCount", len(records) - len(wanted))
            self._measure("DeletedEventCount", len(done))
        except (CallRefused, LabError) as error:  # the messages come again, to be tried again
            print(f"A batch of {self._queue.arn} isn't done with: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the lab's log

    async def _failed(self, records: Sequence[Record], until: float) -> frozenset[str]:
        """The messages that the function didn't deal with."""
        identifiers = [record["messageId"] for record in records]
        payload = json.dumps({"Records": records}).encode()
        outcome = await self._outcome(payload, _trace(records, self._mapping.function), until)
        if outcome is None:
            return frozenset(identifiers)
        failed = failed_items(outcome, identifiers, reports=self._reports)
        self._measure("InvokedEventCount", len(identifiers))
        self._measure("FailedInvokeEventCount", len(failed))
        return failed

    async def _outcome(self, payload: bytes, trace: str, until: float) -> Outcome | None:
        """What came of it; None if the function couldn't be run while the messages were ours."""
        mapping, pause_s = self._mapping, _FIRST_PAUSE_S
        arn = function_arn(mapping.function, mapping.qualifier)
        while True:
            invocation = Invocation(
                mapping.function, mapping.qualifier, payload, arn, source=self._queue.arn, trace_id=trace
            )
            try:
                outcome = await self._invoke(invocation)
                self._batch_trouble = ""
                return outcome
            except RecursiveInvocation as error:  # they come again, until the queue has had enough of them
                self._batch_trouble = f"PROBLEM: {error}"
                return None
            except LabError as error:  # throttled, deleted, or not ready
                self._batch_trouble = f"PROBLEM: {error}"
            await self._pause(pause_s)
            if self._clock.now() >= until:
                return None
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _pause(self, seconds: float) -> None:
        self._paused += 1
        self._rests()
        try:
            await self._clock.sleep(seconds)
        finally:
            self._paused -= 1

    def _handled(self, batch: asyncio.Task[None]) -> None:
        self._batches.discard(batch)
        self._changed.set()


def _trace(records: Sequence[Record], function: str) -> str:
    """The batch's trace header: that of the message that has been through the function most often."""
    often = max(map(_trace_of, records), key=lambda trace: lineage.passes(trace, function))
    return often or new_trace_id()


def _trace_of(record: Record) -> str:
    return str(record["attributes"].get("AWSTraceHeader", ""))


def _of_size(records: list[Record], most: int) -> Iterator[list[Record]]:
    """The records in batches that fit into an event of so many bytes."""
    batch: list[Record] = []
    size = 0
    for record in records:
        takes = len(json.dumps(record)) + 2
        if batch and size + takes > most - len('{"Records": []}'):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += takes
    yield batch
