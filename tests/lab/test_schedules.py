"""Schedules with faults that a lab can't be made to have on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from lablambda.clock import Clock
from lablambda.lab import event_bus, schedules
from lablambda.lab.event_bus import EventBuses
from lablambda.lab.schedules import Schedules
from lablambda.model.errors import ServiceFault
from lablambda.model.event_rule import EventRule, TimedCall
from lablambda.rules.delivery import Sending
from lablambda.rules.destinations import Call
from lablambda.rules.moments import iso
from lablambda.storage.journal import Journal

pytestmark = pytest.mark.anyio
QUEUE = {"Id": "q", "Arn": "arn:aws:sqs:us-east-1:000000000000:q"}


async def test_what_cant_be_written_down_is_due_still(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = Journal(tmp_path / "journal.db", event_bus.SCHEMA + schedules.SCHEMA, durable=False)
    clock, sent, full = Clock(), list[Call](), asyncio.Event()
    clock.set_speed(0)

    async def send(sendings: Sequence[Sending]) -> None:
        if not full.is_set():
            full.set()
            raise ServiceFault("the disk is full")
        sent.extend(sending.call for sending in sendings)

    buses = EventBuses(journal, send=send, clock=clock)
    room = Schedules(journal, buses, send=send, clock=clock)
    members = {"ScheduleExpression": "rate(1 hour)"}
    await buses.save_rule(EventRule("default", "hourly", members, clock.now(), {"q": QUEUE}))
    running = asyncio.ensure_future(room.run())
    clock.advance(3600)
    await asyncio.wait_for(full.wait(), 10)
    await room.settled()
    assert sent == []
    clock.advance(60)
    while not sent:
        await asyncio.sleep(0)
    assert [call.operation for call in sent] == ["SendMessage"]
    running.cancel()
    await asyncio.wait({running})
    await journal.close()
    assert "the disk is full" in capsys.readouterr().err


@pytest.mark.parametrize(("expression", "fired"), [("at({})", 1), ("rate(1 hour)", 0)])
async def test_what_was_due_once_while_the_lab_was_down(tmp_path: Path, expression: str, fired: int) -> None:
    journal = Journal(tmp_path / "journal.db", event_bus.SCHEMA + schedules.SCHEMA, durable=False)
    clock, sent = Clock(), list[Sending]()
    clock.set_speed(0)
    due = int(clock.now()) + 3600

    async def send(sendings: Sequence[Sending]) -> None:
        sent.extend(sendings)

    members = {
        "ScheduleExpression": expression.format(iso(due, "seconds").removesuffix("Z")),
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "State": "ENABLED",
        "Target": {**QUEUE, "RetryPolicy": {"MaximumEventAgeInSeconds": 60}},
    }
    now = clock.now()
    before = Schedules(journal, EventBuses(journal, send=send, clock=clock), send=send, clock=clock)
    await before.save(TimedCall("default", "once", members, since=now, created=now, changed=now))
    clock.advance(2 * 3600)
    for _ in range(2):  # the second lab after it has nothing left to make up for
        room = Schedules(journal, EventBuses(journal, send=send, clock=clock), send=send, clock=clock)
        running = asyncio.ensure_future(room.run())
        await room.settled()
        running.cancel()
        await asyncio.wait({running})
    assert [(sending.since, sending.terms.age_s) for sending in sent] == [(due, 60)] * fired
    await journal.close()
