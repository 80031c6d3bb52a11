"""What is to happen at a time: rules of EventBridge with a schedule, and schedules of EventBridge Scheduler.

They go by the lab's clock. Times that pass while the lab runs come one by one, also when the clock is turned
by hand; of those that passed while it was down only the Scheduler's single times are made up for, as long as
their targets' retry policies give them.
"""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from zoneinfo import ZoneInfo

import msgspec

from lablambda.clock import Clock
from lablambda.lab.agenda import Agenda
from lablambda.lab.event_bus import EventBuses, Send
from lablambda.model.errors import ResourceNotFound
from lablambda.model.event_rule import ScheduleGroup, TimedCall
from lablambda.rules.delivery import Sending, terms_of
from lablambda.rules.schedule import Schedule, parse_schedule
from lablambda.rules.target_call import burial, target_call
from lablambda.storage.journal import Journal

SCHEMA = """
CREATE TABLE IF NOT EXISTS timed_call (grp TEXT, name TEXT, body TEXT, PRIMARY KEY (grp, name));
CREATE TABLE IF NOT EXISTS timed_group (name TEXT PRIMARY KEY, created REAL, tags TEXT);
"""
# A file that an earlier version made lacks it.
ADDED_COLUMNS = (("timed_group", "tags TEXT"),)
DEFAULT_GROUP = "default"
_PUT = "INSERT OR REPLACE INTO timed_call (grp, name, body) VALUES (?, ?, ?)"
Fire = Callable[[float], Awaitable[None]]


class Schedules(Agenda):
    """`send` sees to it that calls are made; see `EventBuses`."""

    def __init__(self, journal: Journal, buses: EventBuses, *, send: Send, clock: Clock) -> None:
        super().__init__(clock)
        self._journal = journal
        self._buses = buses
        self._send = send
        self._reached = clock.now()
        buses.changed = self._changed.set
        self._calls: dict[tuple[str, str], TimedCall] = {}
        for (body,) in journal.read_now("SELECT body FROM timed_call"):
            call = msgspec.json.decode(body, type=TimedCall)
            self._calls[call.group, call.name] = call
        self.groups = {DEFAULT_GROUP: ScheduleGroup(DEFAULT_GROUP, clock.now())}
        for name, created, tags in journal.read_now("SELECT name, created, tags FROM timed_group"):
            self.groups[name] = ScheduleGroup(name, created, json.loads(tags or "{}"))

    # --------------------------------------------------------------------------------------- schedules

    def calls(self) -> list[TimedCall]:
        return [call for _, call in sorted(self._calls.items())]

    def find(self, group: str, name: str) -> TimedCall | None:
        return self._calls.get((group, name))

    def call(self, group: str, name: str) -> TimedCall:
        """Raises ResourceNotFound."""
        found = self.find(group, name)
        if found is None:
            raise ResourceNotFound(f"Schedule {name} does not exist.")
        return found

    async def save(self, call: TimedCall) -> None:
        self._calls[call.group, call.name] = call
        self._changed.set()
        row = (call.group, call.name, msgspec.json.encode(call).decode())
        await self._journal.write(_PUT, [row])

    async def remove(self, call: TimedCall) -> None:
        self._calls.pop((call.group, call.name), None)
        self._changed.set()
        await self._journal.write(
            "DELETE FROM timed_call WHERE grp = ? AND name = ?", [(call.group, call.name)]
        )

    async def save_group(self, group: ScheduleGroup) -> None:
        self.groups[group.name] = group
        sql = "INSERT OR REPLACE INTO timed_group (name, created, tags) VALUES (?, ?, ?)"
        await self._journal.write(sql, [(group.name, group.created, json.dumps(dict(group.tags)))])

    async def remove_group(self, name: str) -> None:
        """With all that is in it."""
        for call in self.calls():
            if call.group == name:
                await self.remove(call)
        del self.groups[name]
        await self._journal.write("DELETE FROM timed_group WHERE name = ?", [(name,)])

    # -------------------------------------------------------------------------------------------- time

    async def _let_happen(self, now: float) -> float | None:
        """Fire what has become due, in order of time; gives when the next is due."""
        await self._make_up()
        timed = self._timed()
        while True:
            dues = [schedule.after(self._reached) for schedule, _ in timed]
            moment = min((due for due in dues if due is not None), default=None)
            if moment is None or moment > now:
                self._reached = now
                return moment
            for due, (_, fire) in zip(dues, timed, strict=True):
                if due == moment:
                    await fire(moment)
            self._reached = moment  # not before: if the disk is full, it is due still
            if self._changed.is_set():
                self._changed.clear()
                timed = self._timed()

    async def _make_up(self) -> None:
        """Fire what was due once, while the lab was down."""
        for call in filter(_is_pending, self.calls()):
            if call.members["ScheduleExpression"].startswith("at("):
                due = _Within(call).after(call.since)
                if due is not None and due <= self._reached:
                    await self._fire(call, due)

    def _timed(self) -> list[tuple[Schedule, Fire]]:
        rules = [
            (parse_schedule(expression, since=rule.since), partial(self._buses.fire, rule))
            for rule in self._buses.rules()
            if rule.enabled and (expression := rule.members.get("ScheduleExpression"))
        ]
        calls = [
            (_Within(call), partial(self._fire, call)) for call in filter(_is_pending, self._calls.values())
        ]
        return [*rules, *calls]

    async def _fire(self, call: TimedCall, moment: float) -> None:
        target = call.members["Target"]
        payload = target.get("Input") or "{}"
        source = dict(target.get("EventBridgeParameters") or {})
        letters = burial(target, payload, {"TARGET_ARN": target["Arn"]})
        made = target_call(target, payload, source)
        await self._send([Sending(made, letters, terms_of(target), since=moment)])
        if _Within(call).after(moment) is not None:
            return
        if call.members.get("ActionAfterCompletion") == "DELETE":
            await self.remove(call)
        else:
            await self.save(replace(call, done=True))


def _is_pending(call: TimedCall) -> bool:
    return call.members["State"] == "ENABLED" and not call.done


class _Within:
    """A schedule between its start and its end, at a chance moment of its flexible window."""

    def __init__(self, call: TimedCall) -> None:
        members = call.members
        zone = ZoneInfo(members.get("ScheduleExpressionTimezone") or "UTC")
        since = max(call.since, float(members.get("StartDate") or 0))
        self._schedule = parse_schedule(members["ScheduleExpression"], since=since, zone=zone, once=True)
        self._begin = float(members.get("StartDate") or 0)
        self._end = float(members.get("EndDate") or "inf")
        window = members["FlexibleTimeWindow"]
        most_s = 60 * window.get("MaximumWindowInMinutes", 0) if window["Mode"] == "FLEXIBLE" else 0
        self._late_s = random.Random(f"{call.group}/{call.name}").uniform(0, most_s)  # noqa: S311 - no secret

    def after(self, moment: float) -> float | None:
        found = self._schedule.after(max(moment - self._late_s, self._begin - 1))
        return None if found is None or found > self._end else found + self._late_s
