"""Which poller a mapping needs, by the kind of its source."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from lablambda.clock import Clock
from lablambda.lab.catalog import Catalog
from lablambda.lab.checkpoints import Checkpoints
from lablambda.lab.queue_poller import QueuePoller
from lablambda.lab.stream_poller import StreamPoller
from lablambda.model.errors import CallerError, InvalidParameterValue
from lablambda.model.events import Event, MappingMeasured
from lablambda.model.invocation import Invocation, Outcome
from lablambda.model.mapping import EventSourceMapping
from lablambda.rules.destinations import Call
from lablambda.rules.mapping import kind_of
from lablambda.rules.names import FunctionReference
from lablambda.services.calls import AwsCalls, CallRefused
from lablambda.sources.dynamodb import DynamoDBStream
from lablambda.sources.kinesis import KinesisStream
from lablambda.sources.sqs import Queue
from lablambda.sources.stream import Stream


class Poller(Protocol):
    """What polls a source for a mapping. `in_order` is whether a mapping's former poller must have ended before
    the next begins; `begun` is set when it has found its source, or found that it can't; `over` when it takes nothing
    more from there; `received` is how many records it has had."""

    in_order: bool
    begun: asyncio.Event
    over: asyncio.Event
    received: int

    @property
    def result(self) -> str:
        """What AWS calls LastProcessingResult, empty while there is nothing to say."""

    @property
    def idle(self) -> bool:
        """Whether nothing is under way and, as far as it knows, nothing there to be polled."""

    async def run(self) -> None:
        """Poll, until stopped."""

    def stop(self) -> None:
        """Poll no more; `run` ends when what was polled is done with."""

    def wake(self) -> None:
        """There may be something new."""


Measure = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Pollers:
    """`invoke` runs functions, `deliver` sees to it that a destination gets what a function doesn't, `wakes` is
    whether `wake` is called when a source of that service has something new."""

    catalog: Catalog
    calls: AwsCalls
    checkpoints: Checkpoints
    invoke: Callable[[Invocation], Awaitable[Outcome]]
    deliver: Callable[[EventSourceMapping, Call], Awaitable[None]]
    publish: Callable[[Event], None]
    clock: Clock
    wakes: Callable[[str], bool]

    async def check(self, arn: str, function: FunctionReference) -> None:
        """Raises InvalidParameterValue, in AWS's words, if the source can't be polled for the function."""
        if kind_of(arn) == "sqs":
            await self._check_queue(arn, self.catalog.version(function).timeout_s)
        else:
            await self._check_stream(arn)

    def is_told(self, arn: str) -> bool:
        """Whether pollers of that source are woken when it has something new."""
        return self.wakes(kind_of(arn))

    def make(self, mapping: EventSourceMapping, rests: Callable[[], None]) -> Poller:
        """A poller, which calls `rests` when it begins to wait."""
        arn = mapping.members["EventSourceArn"]
        if kind_of(arn) == "sqs":
            return QueuePoller(
                mapping,
                Queue(self.calls, arn),
                invoke=self.invoke,
                timeout_s=lambda: self._timeout_s(mapping),
                measure=self._measure(mapping),
                clock=self.clock,
                wakes=self.is_told(arn),
                rests=rests,
            )
        return StreamPoller(
            mapping,
            self._stream(arn, self._role(mapping)),
            self.checkpoints,
            invoke=self.invoke,
            deliver=self.deliver,
            measure=self._measure(mapping),
            clock=self.clock,
            wakes=self.is_told(arn),
            rests=rests,
        )

    async def _check_queue(self, arn: str, timeout_s: int) -> None:
        try:
            visibility_s = await Queue(self.calls, arn).visibility_s()
        except CallRefused as error:
            raise InvalidParameterValue(
                f"Error occurred while ReceiveMessage. SQS Error Code: {error.code}. SQS Error Message: {error.text}"
            ) from None
        if visibility_s < timeout_s:
            raise InvalidParameterValue(
                f"Queue visibility timeout: {visibility_s} seconds is less than Function timeout: {timeout_s} seconds"
            )

    async def _check_stream(self, arn: str) -> None:
        try:
            await self._stream(arn, role="").shards()
        except CallRefused:
            raise InvalidParameterValue(f"Stream not found: {arn}") from None

    def _stream(self, arn: str, role: str) -> Stream:
        if kind_of(arn) == "kinesis":
            return KinesisStream(self.calls, arn, role)
        return DynamoDBStream(self.calls, arn)

    def _measure(self, mapping: EventSourceMapping) -> Measure:
        """Publishes the mapping's figures; counts of events only if the mapping asks for them."""
        counts = "EventCount" in mapping.members.get("MetricsConfig", {}).get("Metrics", [])

        def measure(metric: str, value: float) -> None:
            if value and (counts or not metric.endswith("EventCount")):
                function, qualifier = mapping.function, mapping.qualifier
                self.publish(MappingMeasured(mapping.uuid, function, qualifier, metric, time.time(), value))

        return measure

    def _timeout_s(self, mapping: EventSourceMapping) -> int:
        try:
            return self.catalog.version(FunctionReference(mapping.function, mapping.qualifier)).timeout_s
        except CallerError:  # it isn't there any more, and runs for no time
            return 0

    def _role(self, mapping: EventSourceMapping) -> str:
        try:
            version = self.catalog.version(FunctionReference(mapping.function, mapping.qualifier))
        except CallerError:
            return ""
        return str(version.configuration.get("Role", ""))
