"""What became of asynchronous events, on its way to dead-letter queues and destinations.

A delivery is on disk before its event is struck off, and until its target has taken it; one that isn't
taken is tried again for a while, then given up and counted, as AWS does.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import traceback
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from lablambda.clock import Clock
from lablambda.lab.catalog import Catalog
from lablambda.model.errors import LabError
from lablambda.model.events import QueuedEventMoved, QueueMove
from lablambda.model.function import LATEST, Setting
from lablambda.model.invocation import Invocation, Outcome
from lablambda.model.mapping import EventSourceMapping
from lablambda.rules import destinations
from lablambda.rules.destinations import SUCCESS, Call
from lablambda.rules.names import parse_reference
from lablambda.services.calls import AwsCalls, CallRefused
from lablambda.storage.journal import Journal

SCHEMA = """
CREATE TABLE IF NOT EXISTS delivery (
    id TEXT PRIMARY KEY, due REAL, tries INTEGER, function TEXT, qualifier TEXT, failed TEXT, call TEXT);
"""
_PUT = "INSERT OR REPLACE INTO delivery (id, due, tries, function, qualifier, failed, call) VALUES (?,?,?,?,?,?,?)"
_DELETE = "DELETE FROM delivery WHERE id = ?"
_SELECT = "SELECT id, due, tries, function, qualifier, failed, call FROM delivery"
_AT_ONCE = 16
_DELAYS_S = (1.0, 5.0, 30.0, 120.0)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One call to make. `failed` is what to count if it is given up; `due` is seconds of lab time."""

    identity: str
    due: float
    tries: int
    function: str
    qualifier: str | None
    failed: QueueMove
    call: Call


class Deliveries:
    def __init__(
        self,
        journal: Journal,
        catalog: Catalog,
        calls: AwsCalls,
        *,
        clock: Clock,
        publish: Callable[[QueuedEventMoved], None],
    ) -> None:
        self._journal = journal
        self._catalog = catalog
        self._calls = calls
        self._clock = clock
        self._now = clock.now
        self._publish = publish
        self._enqueue: Callable[[Invocation], Awaitable[None]] | None = None
        self._waiting = {
            delivery.identity: delivery for delivery in map(_delivery, journal.read_now(_SELECT))
        }
        self._under_way: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    def connect(self, enqueue: Callable[[Invocation], Awaitable[None]]) -> None:
        """Where events for functions go, which is the queue that the events here come from."""
        self._enqueue = enqueue

    async def settle(
        self, invocation: Invocation, condition: str, runs: int, outcome: Outcome | None
    ) -> None:
        """Note what is to be told of an event that is done with; returns when the disk has it."""
        deliveries = list(self._wanted(invocation, condition, runs, outcome))
        if deliveries:
            await self._accept(deliveries)

    async def post(self, mapping: EventSourceMapping, call: Call) -> None:
        """Note what is to be told of a mapping's batch; returns when the disk has it."""
        move, identity = QueueMove.UNDELIVERED, str(uuid.uuid4())
        await self._accept(
            [Delivery(identity, self._now(), 0, mapping.function, mapping.qualifier, move, call)]
        )

    async def _accept(self, deliveries: list[Delivery]) -> None:
        await self._journal.write(_PUT, [_row(delivery) for delivery in deliveries])
        self._waiting |= {delivery.identity: delivery for delivery in deliveries}
        self._changed.set()

    async def run(self) -> None:
        """Deliver for ever."""
        try:
            while True:
                self._changed.clear()
                for delivery in self._due()[: _AT_ONCE - len(self._under_way)]:
                    del self._waiting[delivery.identity]
                    task = asyncio.ensure_future(self._attempt(delivery))
                    self._under_way.add(task)
                    task.add_done_callback(self._attempt_done)
                await self._next_change()
        finally:
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)

    @property
    def idle(self) -> bool:
        """Whether nothing is due and nothing is under way."""
        return not self._under_way and not self._due()

    async def settled(self) -> None:
        """Wait until it is idle."""
        while not self.idle:
            self._changed.clear()
            await self._changed.wait()

    def _due(self) -> list[Delivery]:
        now = self._now()
        return [delivery for delivery in self._waiting.values() if delivery.due <= now]

    # --------------------------------------------------------------------------------------- what to tell

    def _wanted(
        self, invocation: Invocation, condition: str, runs: int, outcome: Outcome | None
    ) -> list[Delivery]:
        function = self._catalog.find(invocation.function)
        if function is None:
            return []
        qualifier = invocation.qualifier or LATEST
        configured = function.setting(Setting.EVENT_INVOKE, qualifier) or {}
        which = "OnSuccess" if condition == SUCCESS else "OnFailure"
        target = configured.get("DestinationConfig", {}).get(which, {}).get("Destination")
        found: list[Delivery] = []
        if target:
            told = destinations.record(invocation, condition, runs, outcome, self._now())
            key = destinations.event_key(function.name, told["timestamp"], str(uuid.uuid4()))
            call = destinations.to_destination(target, told, key)
            found.append(self._delivery(invocation, QueueMove.UNDELIVERED, call))
        alias = function.aliases.get(qualifier)
        version = function.version(qualifier if alias is None else alias.version)
        letters = (
            None if version is None else version.configuration.get("DeadLetterConfig", {}).get("TargetArn")
        )
        if letters and condition != SUCCESS:
            call = destinations.to_dead_letters(letters, invocation, outcome)
            found.append(self._delivery(invocation, QueueMove.UNBURIED, call))
        return found

    def _delivery(self, invocation: Invocation, failed: QueueMove, call: Call) -> Delivery:
        identity = str(uuid.uuid4())
        return Delivery(identity, self._now(), 0, invocation.function, invocation.qualifier, failed, call)

    # ----------------------------------------------------------------------------------------- delivering

    async def _attempt(self, delivery: Delivery) -> None:
        if await self._taken(delivery.call):
            self._journal.write_soon(_DELETE, [(delivery.identity,)])
            return
        if delivery.tries >= len(_DELAYS_S):
            self._journal.write_soon(_DELETE, [(delivery.identity,)])
            lost = QueuedEventMoved(delivery.function, delivery.qualifier, delivery.failed, time.time())
            self._publish(lost)
            return
        later = replace(delivery, due=self._now() + _DELAYS_S[delivery.tries], tries=delivery.tries + 1)
        self._journal.write_soon(_PUT, [_row(later)])
        self._waiting[later.identity] = later

    async def _taken(self, call: Call) -> bool:
        try:
            if call.service == "lambda":
                await self._invoke(call)
            else:
                answer = await self._calls.call(call.service, call.operation, call.parameters)
                return not answer.get("FailedEntryCount")
        except (CallRefused, LabError) as error:
            print(f"A result couldn't be delivered: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the lab's log
            return False
        except Exception:
            traceback.print_exc(file=sys.stderr)
            return False
        return True

    async def _invoke(self, call: Call) -> None:
        """A function as destination: it gets the record as its event, by the queue."""
        assert self._enqueue is not None
        arn = call.parameters["FunctionName"]
        named = parse_reference(arn)
        self._catalog.version(named)  # raises ResourceNotFound
        payload = call.parameters["Payload"].encode()
        await self._enqueue(Invocation(named.name, named.qualifier, payload, arn, source="destination"))

    def _attempt_done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._changed.set()

    async def _next_change(self) -> None:
        full = len(self._under_way) >= _AT_ONCE
        dues = () if full else (delivery.due for delivery in self._waiting.values())
        await self._clock.wait(self._changed, min(dues, default=None))


def _row(delivery: Delivery) -> tuple[object, ...]:
    call = delivery.call
    return (
        delivery.identity,
        delivery.due,
        delivery.tries,
        delivery.function,
        delivery.qualifier,
        delivery.failed.value,
        json.dumps([call.service, call.operation, call.parameters]),
    )


def _delivery(row: tuple[object, ...]) -> Delivery:
    identity, due, tries, function, qualifier, failed, call = row
    service, operation, parameters = json.loads(str(call))
    return Delivery(
        identity=str(identity),
        due=float(str(due)),
        tries=int(str(tries)),
        function=str(function),
        qualifier=None if qualifier is None else str(qualifier),
        failed=QueueMove(str(failed)),
        call=Call(service, operation, parameters),
    )
