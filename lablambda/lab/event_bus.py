"""EventBridge's buses: events come on, and rules that they fit send them to their targets.

What fits is on disk, as deliveries, before the event counts as accepted.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from lablambda.clock import Clock
from lablambda.model.errors import ResourceNotFound
from lablambda.model.event_rule import DEFAULT_BUS, EventBus, EventRule
from lablambda.rules.delivery import Sending, terms_of
from lablambda.rules.destinations import Call
from lablambda.rules.event_pattern import compile_pattern
from lablambda.rules.moments import iso
from lablambda.rules.names import ACCOUNT, REGION
from lablambda.rules.target_call import burial, kind_of_target, target_call
from lablambda.rules.target_input import RuleNamed, target_input
from lablambda.storage.journal import Journal

SCHEMA = """
CREATE TABLE IF NOT EXISTS event_bus (name TEXT PRIMARY KEY, body TEXT);
CREATE TABLE IF NOT EXISTS event_rule (bus TEXT, name TEXT, body TEXT, PRIMARY KEY (bus, name));
"""
_EVENTS = "events.amazonaws.com"
Send = Callable[[Sequence[Sending]], Awaitable[None]]


def bus_name(name_or_arn: str | None) -> str:
    """A bus may be named by its name or its ARN."""
    return (name_or_arn or DEFAULT_BUS).rpartition("/")[2]


def bus_arn(name: str) -> str:
    return f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{name}"


def rule_arn(rule: EventRule) -> str:
    bus = "" if rule.bus == DEFAULT_BUS else f"{rule.bus}/"
    return f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{bus}{rule.name}"


class EventBuses:
    """`send` sees to it that calls are made; it returns when the disk has them. `changed` is called when
    rules have changed."""

    def __init__(self, journal: Journal, *, send: Send, clock: Clock) -> None:
        self._journal = journal
        self._send = send
        self._clock = clock
        self.changed: Callable[[], None] = lambda: None
        self._buses = {DEFAULT_BUS: EventBus(DEFAULT_BUS, clock.now())}
        for (body,) in journal.read_now("SELECT body FROM event_bus"):
            bus = msgspec.json.decode(body, type=EventBus)
            self._buses[bus.name] = bus
        self._rules: dict[tuple[str, str], EventRule] = {}
        self._fits: dict[tuple[str, str], Callable[[Any], bool]] = {}
        for (body,) in journal.read_now("SELECT body FROM event_rule"):
            self._keep(msgspec.json.decode(body, type=EventRule))

    # -------------------------------------------------------------------------------- buses and rules

    def buses(self) -> list[EventBus]:
        return [self._buses[name] for name in sorted(self._buses)]

    def bus(self, name: str) -> EventBus:
        """Raises ResourceNotFound."""
        if name not in self._buses:
            raise ResourceNotFound(f"Event bus {name} does not exist.")
        return self._buses[name]

    async def save_bus(self, bus: EventBus) -> None:
        self._buses[bus.name] = bus
        row = (bus.name, msgspec.json.encode(bus).decode())
        await self._journal.write("INSERT OR REPLACE INTO event_bus (name, body) VALUES (?, ?)", [row])

    async def remove_bus(self, name: str) -> None:
        if self._buses.pop(name, None):
            await self._journal.write("DELETE FROM event_bus WHERE name = ?", [(name,)])

    def rules(self, bus: str | None = None) -> list[EventRule]:
        """Of one bus, or all, by name."""
        return [rule for key, rule in sorted(self._rules.items()) if bus in (None, key[0])]

    def find(self, bus: str, name: str) -> EventRule | None:
        return self._rules.get((bus, name))

    def rule(self, bus: str, name: str) -> EventRule:
        """Raises ResourceNotFound."""
        found = self.find(self.bus(bus).name, name)
        if found is None:
            raise ResourceNotFound(f"Rule {name} does not exist on EventBus {bus}.")
        return found

    async def save_rule(self, rule: EventRule) -> None:
        """The rule's pattern must be one: see `compile_pattern`."""
        self._keep(rule)
        self.changed()
        row = (rule.bus, rule.name, msgspec.json.encode(rule).decode())
        sql = "INSERT OR REPLACE INTO event_rule (bus, name, body) VALUES (?, ?, ?)"
        await self._journal.write(sql, [row])

    async def remove_rule(self, rule: EventRule) -> None:
        key = (rule.bus, rule.name)
        del self._rules[key]
        self._fits.pop(key, None)
        self.changed()
        await self._journal.write("DELETE FROM event_rule WHERE bus = ? AND name = ?", [key])

    def _keep(self, rule: EventRule) -> None:
        key = (rule.bus, rule.name)
        self._rules[key] = rule
        self._fits.pop(key, None)
        if pattern := rule.members.get("EventPattern"):
            self._fits[key] = compile_pattern(json.loads(pattern), of_rule=True)

    # ------------------------------------------------------------------------------------------ events

    async def put(self, bus: str, entries: Sequence[Mapping[str, Any]]) -> list[str]:
        """Take PutEvents' entries, which are in order, on a bus by name or ARN; gives the events' ids. Raises
        ResourceNotFound."""
        events = [self._event(entry) for entry in entries]
        rules = self.rules(self.bus(bus_name(bus)).name)
        calls = []
        for event in events:
            for rule in rules:
                fits = self._fits.get((rule.bus, rule.name))
                if fits is not None and rule.enabled and fits(event):
                    calls += self._calls(rule, event)
        if calls:
            await self._send(calls)
        return [event["id"] for event in events]

    async def fire(self, rule: EventRule, moment: float) -> None:
        """It is time for a rule that has a schedule."""
        event = self._event(
            {
                "Source": "aws.events",
                "DetailType": "Scheduled Event",
                "Detail": "{}",
                "Resources": [rule_arn(rule)],
                "Time": moment,
            }
        )
        if calls := self._calls(rule, event):
            await self._send(calls)

    def _event(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        moment = float(entry.get("Time") or self._clock.now())
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": ACCOUNT,
            "time": iso(moment, "seconds"),
            "region": REGION,
            "resources": list(entry.get("Resources") or ()),
            "detail": json.loads(entry["Detail"]),
        }

    def _calls(self, rule: EventRule, event: Mapping[str, Any]) -> list[Sending]:
        named = RuleNamed(rule.name, rule_arn(rule))
        return [self._call(target, event, named) for target in rule.targets.values()]

    def _call(self, target: Mapping[str, Any], event: Mapping[str, Any], rule: RuleNamed) -> Sending:
        payload = target_input(target, event, rule)
        letters = burial(target, payload, {"RULE_ARN": rule.arn, "TARGET_ARN": target["Arn"]})
        if kind_of_target(target["Arn"]) == "lambda":
            push = {
                "function_arn": target["Arn"],
                "principal": _EVENTS,
                "source_arn": rule.arn,
                "source_account": ACCOUNT,
                "payload": payload,
            }
            return Sending(Call("lambda", "Push", push), letters, terms_of(target))
        if kind_of_target(target["Arn"]) == "events":  # a bus gets the event, whatever the target's input
            payload = json.dumps(event["detail"])
        names = {"Source": "source", "DetailType": "detail-type", "Resources": "resources"}
        source = {name: event[member] for name, member in names.items()}
        return Sending(target_call(target, payload, source), letters, terms_of(target))


def with_targets(rule: EventRule, targets: Sequence[Mapping[str, Any]]) -> EventRule:
    return replace(rule, targets={**rule.targets, **{target["Id"]: target for target in targets}})
