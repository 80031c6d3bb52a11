"""Log groups' subscription filters at work: what is logged goes on to functions and streams.

The recorder tells when it has written something; each filter reads on from where it left off, which is on
disk too, and hands what matches to the deliveries before it goes on. After a crash it may send something
twice, and leaves nothing out.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Sequence

from lablambda.lab.catalog import Catalog
from lablambda.model.errors import (
    CallerError,
    InvalidParameterValue,
    LabError,
    LimitExceeded,
    ResourceNotFound,
)
from lablambda.model.log_subscription import SubscriptionFilter
from lablambda.rules.delivery import Sending
from lablambda.rules.destinations import Call
from lablambda.rules.filter_pattern import Predicate, compile_pattern
from lablambda.rules.limits import LOG_PAGE_EVENTS
from lablambda.rules.log_subscription import (
    FILTERS,
    PRINCIPAL,
    SentEvent,
    call_for,
    control_message,
    data_messages,
    kind_of_destination,
    source_arn,
)
from lablambda.rules.names import ACCOUNT, parse_reference
from lablambda.services.backend import Push
from lablambda.services.calls import AwsCalls, CallRefused
from lablambda.telemetry.logs import Stored
from lablambda.telemetry.subscriptions import SubscriptionFilters

_TROUBLE_S = 10.0


class LogSubscriptions:
    """`ask` is asked whether a function lets a group in, `send` takes calls to make."""

    def __init__(
        self,
        filters: SubscriptionFilters,
        catalog: Catalog,
        calls: AwsCalls,
        *,
        ask: Callable[[Push], Awaitable[str | None]],
        send: Callable[[Sequence[Sending]], Awaitable[None]],
    ) -> None:
        self._filters = filters
        self._catalog = catalog
        self._calls = calls
        self._ask = ask
        self._send = send
        self._changed = asyncio.Event()
        self._rested = asyncio.Event()
        self._woken = set(filters.groups)  # the lab may have ended before it was through
        self._busy = False
        self._changing = asyncio.Lock()  # whoever looks and then writes does it alone
        filters.watch(self._wake)

    # ------------------------------------------------------------------------------------- what there is

    async def of(self, group: str) -> list[SubscriptionFilter]:
        """A group's filters by name."""
        return await self._filters.of(group)

    async def put(self, subscription: SubscriptionFilter) -> None:
        """Keep a filter, in place of one of its name. Raises InvalidParameterValue, in AWS's words, for a pattern
        that is none and a destination that can't be reached, LimitExceeded for a filter too many."""
        compile_pattern(subscription.pattern)
        if kind_of_destination(subscription.destination, subscription.role) == "lambda":
            await self._check_function(subscription)
        else:
            await self._check_stream(subscription)
        async with self._changing:
            others = [one for one in await self.of(subscription.group) if one.name != subscription.name]
            if len(others) >= FILTERS:
                raise LimitExceeded("Resource limit exceeded.")
            await self._filters.put(subscription)

    async def delete(self, group: str, name: str) -> None:
        """Raises ResourceNotFound if the group has no such filter."""
        async with self._changing:
            found = next((one for one in await self.of(group) if one.name == name), None)
            if found is None:
                raise ResourceNotFound("The specified subscription filter does not exist.")
            await self._filters.delete(found)

    async def _check_function(self, subscription: SubscriptionFilter) -> None:
        arn, source = subscription.destination, source_arn(subscription.group)
        if await self._ask(Push("may_invoke", arn, PRINCIPAL, source, ACCOUNT, None)) is not None:
            raise InvalidParameterValue(
                "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to "
                "execute your function."
            )
        if self._catalog.version(parse_reference(arn)).log_group == subscription.group:
            raise InvalidParameterValue(
                "The log group provided is reserved for the function log of the destination function."
            )

    async def _check_stream(self, subscription: SubscriptionFilter) -> None:
        call = call_for(subscription, control_message(int(time.time() * 1000)))
        try:
            await self._calls.call(call.service, call.operation, call.parameters)
        except CallRefused:
            raise InvalidParameterValue(
                "Could not deliver test message to specified Kinesis stream. Check if the given kinesis stream is "
                "in ACTIVE state."
            ) from None

    # ------------------------------------------------------------------------------------------- sending

    async def run(self) -> None:
        """Send on for ever."""
        while True:
            while self._woken:
                self._busy = True
                group = self._woken.pop()
                try:
                    for subscription in await self._filters.of(group):
                        await self._forward(subscription)
                except LabError as error:  # the disk is full, which may change
                    print(f"Events of {group} can't be sent on yet: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the lab's log
                    await asyncio.sleep(_TROUBLE_S)
                    self._woken.add(group)
            self._busy = False
            self._rested.set()
            self._changed.clear()
            await self._changed.wait()

    @property
    def idle(self) -> bool:
        """Whether all that was logged has been sent on."""
        return not (self._woken or self._busy or self._filters.unwritten)

    async def settled(self) -> None:
        """Wait until it is idle."""
        while not self.idle:
            await self._filters.flush()
            self._rested.clear()
            if not self.idle:
                await self._rested.wait()

    def _wake(self, groups: Collection[str]) -> None:
        if woken := self._woken.union(groups).intersection(self._filters.groups):
            self._woken = woken
            self._changed.set()

    async def _forward(self, subscription: SubscriptionFilter) -> None:
        matches = compile_pattern(subscription.pattern)
        more = True
        while more and (unread := await self._filters.unread(subscription)):
            # In a thread, so that invocations get through meanwhile.
            calls = await asyncio.to_thread(_calls, subscription, unread, matches)
            if calls:
                await self._send([Sending(call) for call in calls])
            subscription = await self._filters.advance(subscription, unread[-1])
            more = len(unread) == LOG_PAGE_EVENTS


def _calls(subscription: SubscriptionFilter, events: Sequence[Stored], matches: Predicate) -> list[Call]:
    wanted = [
        SentEvent(event.stream, f"{event.identity:056d}", event.timestamp, event.message)
        for event in events
        if _fits(event.message, matches)
    ]
    return [call_for(subscription, message) for message in data_messages(subscription, wanted)]


def _fits(message: str, matches: Predicate) -> bool:
    """What a regular expression takes too long for doesn't match it."""
    try:
        return matches(message)
    except CallerError:
        return False
