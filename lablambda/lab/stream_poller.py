"""Polls one stream for one mapping: finds its shards, parents before their children, and has them read."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable, Sequence

from lablambda.clock import Clock
from lablambda.lab.checkpoints import Checkpoint, Checkpoints
from lablambda.lab.shard_reader import END, ShardReader
from lablambda.lab.stream_lane import Desk, GivenUp, Terms
from lablambda.model.errors import LabError
from lablambda.model.invocation import Invocation, Outcome
from lablambda.model.mapping import EventSourceMapping, Position
from lablambda.rules import destinations
from lablambda.rules.destinations import Call
from lablambda.rules.filter_criteria import compile_criteria
from lablambda.rules.names import function_arn
from lablambda.services.calls import CallRefused
from lablambda.sources.stream import Record, Shard, Stream

# How often to look for what no wake told of, in lab time; and not more often than this in real time.
_ANYWAY_S, _BREATH_S = 60.0, 0.05
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_ANY_AGE = -1


class StreamPoller:
    """`invoke` runs the function, `deliver` sees a call through, `measure` takes the mapping's figures by AWS's names,
    `wakes` is whether `wake` is called when there is something new; `rests` is called when the poller begins to
    wait."""

    in_order = True

    def __init__(
        self,
        mapping: EventSourceMapping,
        stream: Stream,
        checkpoints: Checkpoints,
        *,
        invoke: Callable[[Invocation], Awaitable[Outcome]],
        deliver: Callable[[EventSourceMapping, Call], Awaitable[None]],
        measure: Callable[[str, float], None],
        clock: Clock,
        wakes: bool,
        rests: Callable[[], None],
    ) -> None:
        members = mapping.members
        self._mapping = mapping
        self._stream = stream
        self._checkpoints = checkpoints
        self._invoke_function = invoke
        self._deliver = deliver
        self._measure = measure
        self._clock = clock
        self._wakes = wakes
        self._rests = rests
        self._lanes = 1 if members["TumblingWindowInSeconds"] else members["ParallelizationFactor"]
        self._wanted = compile_criteria(stream.kind, members.get("FilterCriteria", {}).get("Filters", []))
        self._terms: Terms | None = None
        self._desk = Desk(stream, self._invoke, self._give_up, clock, rests, self._tell, measure)
        self._iterators: dict[str, str] = {}
        self._readers: dict[str, ShardReader] = {}
        self._changed = asyncio.Event()
        self._woken = self._stopping = self._waiting = False
        self._look, self._anyway_at = True, 0.0
        self.begun = asyncio.Event()
        self.over = asyncio.Event()
        self.received = 0
        self.result = ""

    @property
    def idle(self) -> bool:
        """Whether nothing is under way and, as far as it knows, nothing there to be read."""
        still = self._waiting and not self._changed.is_set()
        return still and all(reader.idle for reader in self._readers.values())

    def wake(self) -> None:
        """There may be something new."""
        self._woken = True
        self._changed.set()

    def stop(self) -> None:
        """Read no more; `run` ends when the batches that run are done with."""
        self._stopping = True
        self.over.set()  # what is read yet goes to nobody: it isn't checked off
        for reader in self._readers.values():
            reader.stop()
        self._changed.set()

    async def run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        try:
            while not self._stopping:
                try:
                    await self._poll()
                    pause_s = _FIRST_PAUSE_S
                except (CallRefused, LabError) as error:
                    self._tell(f"PROBLEM: {error}")
                    self._look = True
                    self.begun.set()
                    await self._rest(self._clock.now() + pause_s)
                    pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            await asyncio.gather(*(reader.ended() for reader in self._readers.values()))
        finally:
            self.begun.set()
            await asyncio.gather(*(reader.cancel() for reader in self._readers.values()))

    # ------------------------------------------------------------------------------------------- reading

    async def _poll(self) -> None:
        """Read from every shard that may have something new, or wait until one may."""
        self._changed.clear()
        woken = self._expect_news()
        if self._look:
            await self._look_for_shards()
        found = await self._read()
        self.received += found
        self._look = self._leave_finished() or (woken and not found)  # if it wasn't records, it was shards
        if not self._look and not any(reader.due for reader in self._readers.values()):
            await self._rest(self._anyway_at if self._wakes else None)

    def _expect_news(self) -> bool:
        """Whether somebody said that there is something new. Now and then it is looked for without a word."""
        now = self._clock.now()
        woken, self._woken = self._woken, False
        if woken or now >= self._anyway_at or not self._wakes:
            self._look |= now >= self._anyway_at
            self._anyway_at = now + _ANYWAY_S
            for reader in self._readers.values():
                reader.expect()
        return woken

    async def _read(self) -> int:
        """How many records there were."""
        due = [reader for reader in self._readers.values() if reader.due]
        found = await asyncio.gather(*(reader.read() for reader in due), return_exceptions=True)
        for answer in found:  # after all have ended
            if isinstance(answer, BaseException):
                raise answer
        return sum(answer for answer in found if isinstance(answer, int))

    async def _rest(self, until: float | None) -> None:
        """Wait for a wake until that moment of lab time; where none come, for as long as AWS waits."""
        if self._changed.is_set():
            return
        self._waiting = True
        self._rests()
        if until is not None:
            await self._clock.wait(self._changed, until)
            if not self._changed.is_set():
                await asyncio.sleep(_BREATH_S)  # however fast the lab's clock goes
        else:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1 / self._stream.reads_per_s):
                    while not (self._woken or self._stopping):
                        self._changed.clear()
                        await self._changed.wait()
        self._waiting = False

    # -------------------------------------------------------------------------------------------- shards

    async def _look_for_shards(self) -> None:
        """Begin with shards whose parents are done with."""
        if self._terms is None:
            self._terms = await self._read_terms()
        shards = await self._stream.shards()
        known = self._checkpoints.of(self._mapping.uuid)
        new = [shard for shard in shards if shard.identity not in known]
        if not known:
            await self._begin_at_starting_position(new)
        elif new:
            identities = [shard.identity for shard in new]
            await self._checkpoints.begin(self._mapping.uuid, identities, Position("start"))
        for shard in shards:
            self._follow(shard)
        self.begun.set()

    async def _begin_at_starting_position(self, shards: Sequence[Shard]) -> None:
        members, uuid = self._mapping.members, self._mapping.uuid
        identities = [shard.identity for shard in shards]
        match members["StartingPosition"]:
            case "TRIM_HORIZON":
                await self._checkpoints.begin(uuid, identities, Position("start"))
            case "AT_TIMESTAMP":
                since = Position("since", str(members["StartingPositionTimestamp"]))
                await self._checkpoints.begin(uuid, identities, since)
            case _:  # LATEST: what is latest must mean the same after a restart
                since = Position("since", str(self._clock.now()))
                latest = Position("latest")
                iterators = {
                    shard.identity: await self._stream.iterator(shard.identity, latest)
                    for shard in shards
                    if not shard.closed
                }
                closed = [shard.identity for shard in shards if shard.closed]
                await self._checkpoints.begin(uuid, closed, END)
                await self._checkpoints.begin(uuid, iterators, since)
                self._iterators = iterators

    def _follow(self, shard: Shard) -> None:
        """Have the shard read, unless it is done with, or has parents that aren't yet."""
        known = self._checkpoints.of(self._mapping.uuid)
        if reader := self._readers.get(shard.identity):
            reader.shard = shard  # it may be closed by now
            reader.expect()
            return
        waits = any(known[parent].position != END for parent in shard.parents if parent in known)
        if waits or known[shard.identity].position == END or self._stopping:
            return
        assert self._terms is not None
        self._readers[shard.identity] = ShardReader(
            shard,
            known[shard.identity],
            self._terms,
            self._desk,
            lanes=self._lanes,
            wanted=self._wanted,
            iterator=self._iterators.pop(shard.identity, None),
            moved=self._moved,
            changed=self._changed.set,
        )

    def _leave_finished(self) -> bool:
        """Close the books of shards that are done with; gives whether there were any."""
        finished = [reader for reader in self._readers.values() if reader.finished]
        for reader in finished:
            del self._readers[reader.shard.identity]
            reader.stop()
            self._moved(reader.shard.identity, Checkpoint(END))
        return bool(finished)

    def _moved(self, shard: str, checkpoint: Checkpoint) -> None:
        self._checkpoints.move(self._mapping.uuid, shard, checkpoint)

    async def _read_terms(self) -> Terms:
        members = self._mapping.members
        age_s = await self._stream.retention_s()
        if members["MaximumRecordAgeInSeconds"] != _ANY_AGE:
            age_s = min(age_s, members["MaximumRecordAgeInSeconds"])
        return Terms(
            size=members["BatchSize"],
            window_s=members["MaximumBatchingWindowInSeconds"],
            tumbling_s=members["TumblingWindowInSeconds"],
            retries=members["MaximumRetryAttempts"],
            age_s=age_s,
            bisects=members["BisectBatchOnFunctionError"],
            reports="ReportBatchItemFailures" in members["FunctionResponseTypes"],
        )

    # ------------------------------------------------------------------------------------- for the lanes

    async def _invoke(self, payload: bytes, records: Sequence[Record]) -> Outcome:
        mapping = self._mapping
        if records:
            age_s = self._clock.now() - self._stream.arrived(records[-1])
            self._measure("IteratorAge", max(0.0, age_s) * 1000)
        arn = function_arn(mapping.function, mapping.qualifier)
        return await self._invoke_function(
            Invocation(mapping.function, mapping.qualifier, payload, arn, source=self._stream.arn)
        )

    async def _give_up(self, given: GivenUp) -> None:
        """Tell the destination for failures, if there is one."""
        mapping = self._mapping
        target = mapping.members["DestinationConfig"]["OnFailure"].get("Destination")
        if not target:
            self._measure("DroppedEventCount", len(given.records))
            return
        info = self._stream.batch_info(given.shard, given.records)
        told = destinations.batch_record(
            mapping.function, given.condition, given.runs, given.outcome, info, self._clock.now()
        )
        if target.startswith("arn:aws:s3:"):
            told["payload"] = given.payload.decode()
        key = destinations.batch_key(mapping.uuid, given.shard, told["timestamp"], str(uuid.uuid4()))
        await self._deliver(mapping, destinations.to_destination(target, told, key))
        self._measure("OnFailureDestinationDeliveredEventCount", len(given.records))

    def _tell(self, result: str) -> None:
        self.result = result
