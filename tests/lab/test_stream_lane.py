"""A lane with faults that a lab can't be made to have on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from lablambda.clock import Clock
from lablambda.lab.stream_lane import Desk, GivenUp, Lane, Terms
from lablambda.model.errors import ServiceFault
from lablambda.model.invocation import Outcome, Report
from lablambda.sources.kinesis import KinesisStream
from lablambda.sources.stream import Record

pytestmark = pytest.mark.anyio
TERMS = Terms(size=10, window_s=0, tumbling_s=0, retries=0, age_s=None, bisects=False, reports=False)
FAILED = Outcome(b"{}", Report("r", 1.0, 1, 128, 30), "$LATEST", "Unhandled")


def record(number: int) -> Record:
    return {"kinesis": {"sequenceNumber": str(number), "approximateArrivalTimestamp": 1.0}}


async def test_what_cant_be_given_up_is_held_until_it_can() -> None:
    """A full disk refuses the record of failure; nothing is passed over meanwhile."""
    clock, told, given, done = Clock(), list[str](), list[GivenUp](), asyncio.Event()

    async def invoke(_: bytes, __: Sequence[Record]) -> Outcome:
        return FAILED

    async def give_up(batch: GivenUp) -> None:
        given.append(batch)
        if len(given) < 3:
            clock.advance(120)  # the pause that follows is over at once
            raise ServiceFault("the disk is full")

    def finished(records: Sequence[Record], _: Any) -> None:
        if records:
            assert len(given) == 3
            done.set()

    stream = KinesisStream(cast("Any", None), "arn:aws:kinesis:us-east-1:000000000000:stream/s", "")
    clock.set_speed(1000)
    desk = Desk(stream, invoke, give_up, clock, lambda: None, told.append, lambda *_: None)
    lane = Lane("shard", TERMS, desk, finished, None)
    lane.put([record(1), record(2)])
    running = asyncio.ensure_future(lane.run())
    await asyncio.wait_for(done.wait(), 10)
    lane.stop()
    await running
    assert [len(batch.records) for batch in given] == [2, 2, 2]
    assert "PROBLEM: the disk is full" in told
