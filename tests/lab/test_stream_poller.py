"""A stream's poller at moments that a lab can't be made to have on demand."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from lablambda.clock import Clock
from lablambda.lab import checkpoints
from lablambda.lab.checkpoints import Checkpoints
from lablambda.lab.stream_poller import StreamPoller
from lablambda.model.mapping import EventSourceMapping
from lablambda.rules.mapping import created
from lablambda.services.calls import AwsCalls
from lablambda.sources.kinesis import KinesisStream
from lablambda.storage.journal import Journal

pytestmark = pytest.mark.anyio
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/s"


class SlowKinesis:
    """Answers nothing until it is let go; keeps what it is asked."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.let_go = asyncio.Event()
        self.operations: list[str] = []

    async def call(self, _: str, operation: str, *__: Any, **___: Any) -> dict[str, Any]:
        self.operations.append(operation)
        self.asked.set()
        await self.let_go.wait()
        if operation == "ListShards":
            shard = {"ShardId": "shard-0", "SequenceNumberRange": {"StartingSequenceNumber": "1"}}
            return {"Shards": [shard]}
        return {"StreamDescriptionSummary": {"RetentionPeriodHours": 24}}


async def never(*_: Any) -> Any:
    raise AssertionError("nothing was read")


async def test_who_is_stopped_while_it_looks_for_the_first_time_takes_nothing(tmp_path: Path) -> None:
    # given a poller that waits for its stream to tell of itself
    kinesis = SlowKinesis()
    journal = Journal(tmp_path / "journal.db", checkpoints.SCHEMA, durable=False)
    members = created({"EventSourceArn": STREAM, "StartingPosition": "TRIM_HORIZON"}, 0.0)
    poller = StreamPoller(
        EventSourceMapping("uuid", "f", None, members, "Enabled", 0.0),
        KinesisStream(cast("AwsCalls", kinesis), STREAM, ""),
        Checkpoints(journal),
        invoke=never,
        deliver=never,
        measure=lambda *_: None,
        clock=Clock(),
        wakes=True,
        rests=lambda: None,
    )
    running = asyncio.ensure_future(poller.run())
    await asyncio.wait_for(kinesis.asked.wait(), 10)
    # when it is told to stop
    poller.stop()
    # then it takes nothing more, at once, and ends when the stream has answered, without reading from it
    assert poller.over.is_set()
    assert not running.done()
    kinesis.let_go.set()
    await asyncio.wait_for(running, 10)
    assert poller.begun.is_set()
    assert "GetRecords" not in kinesis.operations
    await journal.close()
