"""What became of asynchronous events, on its way to dead-letter queues and destinations.

A delivery is on disk before its event is struck off, and until its target has taken it; one that isn't
taken is tried again as `rules/delivery.py` says, then given up and counted, as AWS does.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
import traceback
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any

from lablambda.clock import Clock
from lablambda.lab.catalog import Catalog
from lablambda.model.errors import LabError, ResourceNotFound, ServiceFault
from lablambda.model.events import QueuedEventMoved, QueueMove
from lablambda.model.function import LATEST, Setting
from lablambda.model.invocation import Invocation, Outcome, new_trace_id
from lablambda.model.mapping import EventSourceMapping
from lablambda.rules import destinations, lineage
from lablambda.rules.delivery import TOO_OLD, RetryTerms, Sending, exhausted, pause_s
from lablambda.rules.destinations import SUCCESS, Call
from lablambda.rules.names import parse_reference
from lablambda.services.backend import Push
from lablambda.services.calls import NOT_THERE, AwsCalls, CallRefused
from lablambda.storage.journal import Journal

SCHEMA = """
CREATE TABLE IF NOT EXISTS delivery (
    id TEXT PRIMARY KEY, due REAL, tries INTEGER, function TEXT, qualifier TEXT, failed TEXT, call TEXT,
    letters TEXT, terms TEXT);
"""
# A file that an earlier version made lacks them.
ADDED_COLUMNS = (("delivery", "letters TEXT"), ("delivery", "terms TEXT"))
_PUT = (
    "INSERT OR REPLACE INTO delivery (id, due, tries, function, qualifier, failed, call, letters, terms) "
    "VALUES (?,?,?,?,?,?,?,?,?)"
)
_DELETE = "DELETE FROM delivery WHERE id = ?"
_SELECT = "SELECT id, due, tries, function, qualifier, failed, call, letters, terms FROM delivery"
_AT_ONCE = 16
_FULL_DISK_S = 120.0
_LONGEST_REASON = 1024
_NO_TARGET = "NO_RESOURCE"  # what EventBridge calls a target that is no more
_BYTES = "lablambda:bytes"  # marks, in JSON, what is not text


@dataclass(frozen=True, slots=True)
class Delivery:
    """One call to make. `failed` is what to count for `function`, if it is of one, when the call is given up, and
    `letters` the call to make then; `due` and `since`, from which its age counts, are seconds of lab time."""

    identity: str
    due: float
    since: float
    tries: int
    function: str
    qualifier: str | None
    failed: QueueMove
    call: Call
    letters: Call | None = None
    terms: RetryTerms = RetryTerms()  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why a call wasn't taken; `for_good` is whether trying again is no use, `missing` whether its target isn't there,
    `exhausted` why it isn't tried again."""

    code: str
    text: str
    for_good: bool = False
    missing: bool = False
    exhausted: str = ""


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
        self._push: Callable[[Push], Awaitable[str | None]] | None = None
        self._put_events: Callable[[str, list[Mapping[str, Any]]], Awaitable[list[str]]] | None = None
        self._waiting = {
            delivery.identity: delivery for delivery in map(_delivery, journal.read_now(_SELECT))
        }
        self._under_way: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    def connect(
        self,
        enqueue: Callable[[Invocation], Awaitable[None]],
        push: Callable[[Push], Awaitable[str | None]],
        put_events: Callable[[str, list[Mapping[str, Any]]], Awaitable[list[str]]],
    ) -> None:
        """Where events for functions go, which is the queue that the events here come from; where those go that
        a function's policy must let in; and those for event buses."""
        self._enqueue, self._push, self._put_events = enqueue, push, put_events

    async def settle(
        self, invocation: Invocation, condition: str, runs: int, outcome: Outcome | None
    ) -> None:
        """Note what is to be told of an event that is done with; returns when the disk has it."""
        deliveries = list(self._wanted(invocation, condition, runs, outcome))
        if deliveries:
            await self._accept(deliveries)

    async def post(self, mapping: EventSourceMapping, call: Call) -> None:
        """Note what is to be told of a mapping's batch; returns when the disk has it."""
        move, identity, now = QueueMove.UNDELIVERED, str(uuid.uuid4()), self._now()
        await self._accept([Delivery(identity, now, now, 0, mapping.function, mapping.qualifier, move, call)])

    async def send(self, sendings: Sequence[Sending]) -> None:
        """Note calls to make, and for each what to do when it is given up; returns when the disk has them."""
        await self._accept([self._sent(sending) for sending in sendings])

    def _sent(self, sending: Sending) -> Delivery:
        now = self._now()
        return Delivery(
            str(uuid.uuid4()),
            due=now,
            since=now if sending.since is None else sending.since,
            tries=0,
            function="",
            qualifier=None,
            failed=QueueMove.UNDELIVERED,
            call=sending.call,
            letters=sending.letters,
            terms=sending.terms,
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
        """What is told of an event belongs to its chain: there are loops by way of destinations too."""
        identity, name, now = str(uuid.uuid4()), invocation.function, self._now()
        traced = replace(call, trace=lineage.passed(invocation.trace_id, name))
        return Delivery(identity, now, now, 0, name, invocation.qualifier, failed, traced)

    # ----------------------------------------------------------------------------------------- delivering

    async def _attempt(self, delivery: Delivery) -> None:
        if self._now() - delivery.since > delivery.terms.age_s:  # the lab was down meanwhile
            await self._lose(delivery, _Refused("", "It came too late.", exhausted=TOO_OLD))
            return
        refused = await self._refused(delivery.call)
        if refused is not None and refused.missing and not delivery.terms.missing:
            refused = replace(refused, code=_NO_TARGET, for_good=True)
        if refused is None:
            self._journal.write_soon(_DELETE, [(delivery.identity,)])
            return
        print(f"A result couldn't be delivered: {refused.text}", file=sys.stderr, flush=True)  # noqa: T201 - the lab's log
        now, tries = self._now(), delivery.tries
        why = exhausted(delivery.terms, retries=tries, since=delivery.since, now=now)
        if refused.for_good or why:
            await self._lose(delivery, replace(refused, exhausted=why))
            return
        later = replace(delivery, due=now + pause_s(tries), tries=tries + 1)
        self._journal.write_soon(_PUT, [_row(later)])
        self._waiting[later.identity] = later

    async def _lose(self, delivery: Delivery, refused: _Refused) -> None:
        if delivery.letters is not None:
            sending = Sending(_with_reason(delivery, refused))
            try:
                await self._accept([replace(self._sent(sending), failed=delivery.failed)])
            except ServiceFault:  # the disk is full, and has the delivery still
                self._waiting[delivery.identity] = replace(delivery, due=self._now() + _FULL_DISK_S)
                return
        elif delivery.function:
            self._publish(
                QueuedEventMoved(delivery.function, delivery.qualifier, delivery.failed, time.time())
            )
        self._journal.write_soon(_DELETE, [(delivery.identity,)])

    async def _refused(self, call: Call) -> _Refused | None:
        """Why the target didn't take it; None if it did."""
        try:
            match call.service, call.operation:
                case "lambda", "Push":
                    return await self._pushed(call)
                case "lambda", _:
                    await self._invoke(call)
                case "events", _:
                    assert self._put_events is not None
                    entries = call.parameters["Entries"]
                    await self._put_events(entries[0].get("EventBusName", ""), entries)
                case _:
                    await self._calls.call(call.service, call.operation, call.parameters, trace=call.trace)
        except CallRefused as error:
            return _Refused(error.code, str(error), missing=error.code in NOT_THERE)
        except LabError as error:
            return _Refused(type(error).__name__, str(error), missing=isinstance(error, ResourceNotFound))
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            return _Refused(type(error).__name__, str(error))
        return None

    async def _pushed(self, call: Call) -> _Refused | None:
        """A function gets an event from a source that its policy must let in."""
        assert self._push is not None
        parameters = {
            **call.parameters,
            "event": destinations.json_or_text(call.parameters["payload"].encode()),
        }
        del parameters["payload"]
        self._catalog.function(parse_reference(call.parameters["function_arn"]))  # raises ResourceNotFound
        why = await self._push(Push(kind="invoke", **parameters))
        return None if why is None else _Refused("NO_PERMISSIONS", why, for_good=True)

    async def _invoke(self, call: Call) -> None:
        """A function as destination: it gets the record as its event, by the queue."""
        assert self._enqueue is not None
        arn = call.parameters["FunctionName"]
        named = parse_reference(arn)
        self._catalog.version(named)  # raises ResourceNotFound
        payload = call.parameters["Payload"].encode()
        trace = call.trace or new_trace_id()
        await self._enqueue(
            Invocation(named.name, named.qualifier, payload, arn, source="destination", trace_id=trace)
        )

    def _attempt_done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._changed.set()

    async def _next_change(self) -> None:
        full = len(self._under_way) >= _AT_ONCE
        dues = () if full else (delivery.due for delivery in self._waiting.values())
        await self._clock.wait(self._changed, min(dues, default=None))


def _with_reason(delivery: Delivery, refused: _Refused) -> Call:
    """Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html"""
    assert delivery.letters is not None
    reasons = {"ERROR_CODE": refused.code, "ERROR_MESSAGE": refused.text[:_LONGEST_REASON]}
    if not refused.for_good:
        reasons |= {
            "RETRY_ATTEMPTS": str(delivery.tries),
            "EXHAUSTED_RETRY_CONDITION": refused.exhausted,
        }
    attributes = {name: {"DataType": "String", "StringValue": text} for name, text in reasons.items() if text}
    letters = delivery.letters
    told = {**letters.parameters["MessageAttributes"], **attributes}
    return replace(letters, parameters={**letters.parameters, "MessageAttributes": told})


def _row(delivery: Delivery) -> tuple[object, ...]:
    return (
        delivery.identity,
        delivery.due,
        delivery.tries,
        delivery.function,
        delivery.qualifier,
        delivery.failed.value,
        _written(delivery.call),
        None if delivery.letters is None else _written(delivery.letters),
        json.dumps([delivery.since, *astuple(delivery.terms)]),
    )


def _written(call: Call) -> str:
    return json.dumps([call.service, call.operation, call.parameters, call.trace], default=_bytes_written)


def _bytes_written(data: bytes) -> dict[str, str]:
    return {_BYTES: base64.b64encode(data).decode()}


def _bytes_read(value: dict[str, Any]) -> Any:
    return base64.b64decode(value[_BYTES]) if value.keys() == {_BYTES} else value


def _read(text: str) -> Call:
    return Call(*json.loads(text, object_hook=_bytes_read))


def _delivery(row: tuple[object, ...]) -> Delivery:
    identity, due, tries, function, qualifier, failed, call, letters, terms = row
    since, *bounds = [due] if terms is None else json.loads(str(terms))
    return Delivery(
        identity=str(identity),
        due=float(str(due)),
        since=float(str(since)),
        tries=int(str(tries)),
        function=str(function),
        qualifier=None if qualifier is None else str(qualifier),
        failed=QueueMove(str(failed)),
        call=_read(str(call)),
        letters=None if letters is None else _read(str(letters)),
        terms=RetryTerms(*bounds),
    )
