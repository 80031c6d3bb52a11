"""Event source mappings at work: a poller for each that is enabled."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable

from lablambda.clock import Clock
from lablambda.lab.catalog import Catalog
from lablambda.lab.queue_poller import QueuePoller
from lablambda.model.errors import CallerError, InvalidParameterValue
from lablambda.model.invocation import Invocation, Outcome
from lablambda.model.mapping import EventSourceMapping
from lablambda.rules.mapping import kind_of
from lablambda.rules.names import FunctionReference
from lablambda.services.calls import AwsCalls, CallRefused
from lablambda.sources.sqs import Queue

_NO_TIMEOUT_S = 0  # of a function that isn't there


class Mappings:
    """`wakes` is whether the services call `wake` when a source has something new."""

    def __init__(
        self,
        catalog: Catalog,
        calls: AwsCalls,
        *,
        invoke: Callable[[Invocation], Awaitable[Outcome]],
        clock: Clock,
        wakes: bool,
    ) -> None:
        self._catalog = catalog
        self._calls = calls
        self._invoke = invoke
        self._clock = clock
        self._wakes = wakes
        self._rested = asyncio.Event()
        self._pollers: dict[str, QueuePoller] = {}
        self._tasks: dict[asyncio.Task[None], QueuePoller] = {}  # also of those that are stopping

    def resume(self) -> None:
        """Take up what was enabled when the lab ended."""
        for mapping in self._catalog.mappings():
            self.apply(mapping)

    async def check(self, arn: str, function: FunctionReference) -> None:
        """Raises InvalidParameterValue, in AWS's words, if the source can't be polled for the function."""
        if kind_of(arn) != "sqs":
            return
        try:
            visibility_s = await Queue(self._calls, arn).visibility_s()
        except CallRefused as error:
            raise InvalidParameterValue(
                f"Error occurred while ReceiveMessage. SQS Error Code: {error.code}. SQS Error Message: {error.text}"
            ) from None
        timeout_s = self._catalog.version(function).timeout_s
        if visibility_s < timeout_s:
            raise InvalidParameterValue(
                f"Queue visibility timeout: {visibility_s} seconds is less than Function timeout: {timeout_s} seconds"
            )

    def apply(self, mapping: EventSourceMapping) -> None:
        """Poll as the mapping now says. What the former poller has received, it still deals with."""
        self.stop(mapping.uuid)
        if mapping.state != "Enabled" or kind_of(mapping.members["EventSourceArn"]) != "sqs":
            return
        poller = QueuePoller(
            mapping,
            Queue(self._calls, mapping.members["EventSourceArn"]),
            invoke=self._invoke,
            timeout_s=lambda: self._timeout_s(mapping),
            clock=self._clock,
            wakes=self._wakes,
            rests=self._rested.set,
        )
        self._pollers[mapping.uuid] = poller
        task = asyncio.ensure_future(poller.run())
        self._tasks[task] = poller
        task.add_done_callback(self._ended)

    def stop(self, uuid: str) -> None:
        if poller := self._pollers.pop(uuid, None):
            poller.stop()

    def trouble(self, uuid: str) -> str:
        """Why the mapping gets on badly, empty if it doesn't."""
        poller = self._pollers.get(uuid)
        return "" if poller is None else poller.trouble

    def wake(self, arn: str) -> None:
        """The source of that ARN has something new."""
        for uuid, poller in self._pollers.items():
            if self._catalog.mapping(uuid).members["EventSourceArn"] == arn:
                poller.wake()

    @property
    def idle(self) -> bool:
        """Whether no source, as far as is known, has anything for a function."""
        return all(poller.idle for poller in self._tasks.values())

    async def settled(self) -> None:
        """Wait until it is idle."""
        while not self.idle:
            self._rested.clear()
            await self._rested.wait()

    async def close(self) -> None:
        """End at once: what was received and isn't done with comes again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _timeout_s(self, mapping: EventSourceMapping) -> int:
        try:
            return self._catalog.version(FunctionReference(mapping.function, mapping.qualifier)).timeout_s
        except CallerError:
            return _NO_TIMEOUT_S

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self._rested.set()
        if not task.cancelled() and (error := task.exception()):
            traceback.print_exception(error, file=sys.stderr)
