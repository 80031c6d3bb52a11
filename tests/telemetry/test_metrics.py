"""Metrics are read from what the recorder wrote, also of a file that an earlier version made."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from lablambda.model.events import (
    Event,
    InvocationFinished,
    InvocationThrottled,
    MappingMeasured,
    QueuedEventMoved,
    QueueMove,
)
from lablambda.model.invocation import Report
from lablambda.rules.cost import Usage
from lablambda.storage.journal import Journal
from lablambda.telemetry.metrics import METRICS, Metrics
from lablambda.telemetry.recorder import ADDED_COLUMNS, SCHEMA, Recorder

pytestmark = pytest.mark.anyio
EVENTS: tuple[Event, ...] = (
    InvocationFinished(
        *("f", "2", "live", "api", 100.5, "s", Report("r1", 12.5, 13, 128, 30, init_ms=80.0), None),
        *(4, 3, 1, 2, 4, 3),
    ),
    InvocationFinished(
        *("f", "$LATEST", None, "api", 101.0, "s", Report("r2", 7.5, 8, 128, 30), b"{}"),
        *(1, 1, None, None, 2, 2, True),
    ),
    InvocationThrottled("f", "live", 102.0, "ConcurrentInvocationLimitExceeded"),
    QueuedEventMoved("f", None, QueueMove.RECEIVED, 103.0),
    QueuedEventMoved("f", None, QueueMove.STARTED, 104.0, 1.5),
    QueuedEventMoved("f", None, QueueMove.DROPPED, 105.0, 2.0),
    QueuedEventMoved("f", None, QueueMove.UNDELIVERED, 105.0),
    QueuedEventMoved("f", None, QueueMove.UNBURIED, 105.05),
    QueuedEventMoved("f", None, QueueMove.LOOPED, 105.05),
    MappingMeasured("a-uuid", "f", None, "IteratorAge", 103.0, 250.0),
    *(
        MappingMeasured("a-uuid", "f", None, metric, 103.0, 3)
        for metric in (
            *("PolledEventCount", "FilteredOutEventCount", "InvokedEventCount", "FailedInvokeEventCount"),
            *("DeletedEventCount", "DroppedEventCount", "OnFailureDestinationDeliveredEventCount"),
        )
    ),
)
OF_F = {"FunctionName": "f"}
OF_ALIAS = {"FunctionName": "f", "Resource": "f:live"}


@pytest.mark.parametrize(
    ("name", "dimensions", "expected"),
    [
        ("Invocations", {}, [(100.5, 1), (101.0, 1)]),
        ("Invocations", {"FunctionName": "g"}, []),
        ("Errors", OF_F, [(100.5, 0), (101.0, 1)]),
        ("Duration", OF_F, [(100.5, 12.5), (101.0, 7.5)]),
        ("ConcurrentExecutions", {}, [(100.5, 4), (101.0, 1)]),
        ("ConcurrentExecutions", OF_F, [(100.5, 3), (101.0, 1)]),
        ("ConcurrentExecutions", OF_ALIAS, [(100.5, 2)]),
        ("ConcurrentExecutions", {"FunctionName": "f", "Resource": "f"}, [(101.0, 1)]),
        ("UnreservedConcurrentExecutions", {}, [(100.5, 1)]),
        ("UnreservedConcurrentExecutions", OF_F, []),
        ("Invocations", OF_ALIAS | {"ExecutedVersion": "2"}, [(100.5, 1)]),
        ("ProvisionedConcurrencyInvocations", OF_F, [(100.5, 1)]),
        ("ProvisionedConcurrencySpilloverInvocations", OF_F, [(101.0, 1)]),
        ("ProvisionedConcurrentExecutions", OF_ALIAS, [(100.5, 3)]),
        ("ProvisionedConcurrencyUtilization", OF_F, [(100.5, 0.75), (101.0, 1.0)]),
        ("ProvisionedConcurrencyUtilization", {}, []),
        ("Throttles", OF_ALIAS, [(102.0, 1)]),
        ("Throttles", OF_ALIAS | {"ExecutedVersion": "2"}, []),
        ("AsyncEventsReceived", OF_F, [(103.0, 1)]),
        ("AsyncEventAge", {"Resource": "f", "FunctionName": "f"}, [(104.0, 1500)]),
        ("AsyncEventsDropped", {}, [(105.0, 1)]),
        ("DestinationDeliveryFailures", OF_F, [(105.0, 1)]),
        ("DeadLetterErrors", {}, [(105.05, 1)]),
        ("IteratorAge", OF_F, [(103.0, 250)]),
        ("PolledEventCount", {"EventSourceMappingUUID": "a-uuid"}, [(103.0, 3)]),
        ("PolledEventCount", {"EventSourceMappingUUID": "another"}, []),
        ("PolledEventCount", OF_F, []),
        ("Invocations", {"EventSourceMappingUUID": "a-uuid"}, []),
        ("Invocations", {"Resource": "f"}, []),
        ("Nothing", {}, []),
    ],
)
async def test_samples(
    tmp_path: Path, name: str, dimensions: dict[str, str], expected: list[tuple[float, float]]
) -> None:
    journal = Journal(tmp_path / "telemetry.db", SCHEMA, durable=False)
    recorder = Recorder(journal)
    for event in EVENTS:
        recorder.hear(event)
    metrics = Metrics(journal, recorder)
    assert await metrics.samples(name, dimensions, 100.5, 200) == expected
    assert await metrics.samples(name, dimensions, 105.1, 200) == []
    assert await metrics.samples(name, dimensions, 0, 100.5) == []
    assert {known for known, _ in await metrics.existing(0)} == set(METRICS)
    assert await metrics.existing(200) == []
    await journal.close()


async def test_usage_by_architecture(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "telemetry.db", SCHEMA, durable=False)
    recorder = Recorder(journal)
    for report in (
        Report("r", 1000, 1000, 1024, 30),
        Report("r", 1000, 1000, 1024, 30, storage_mb=2560),
        Report("r", 1000, 500, 2048, 30, architecture="arm64"),
    ):
        recorder.hear(InvocationFinished("f", "1", None, "api", 100.0, "s", report, None, 1, 1))
    metrics = Metrics(journal, recorder)
    assert await metrics.usage("f", 100, 101) == {"x86_64": Usage(2, 2.0, 2.0), "arm64": Usage(1, 1.0)}
    assert await metrics.usage("f", 101, 102) == {}
    await journal.close()


async def test_a_file_of_an_earlier_version(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    with sqlite3.connect(path) as old:
        old.execute(
            "CREATE TABLE invocation (id INTEGER PRIMARY KEY, function TEXT, request_id TEXT, started REAL, "
            "source TEXT, version TEXT, log_stream TEXT, report TEXT, error TEXT)"
        )
        old.execute(
            "INSERT INTO invocation (function, started, version, report) "
            """VALUES ('f', 50, '$LATEST', '{"duration_ms": 3, "billed_ms": 1000, "memory_mb": 1024}')"""
        )
    old.close()
    for _ in range(2):
        journal = Journal(path, SCHEMA, durable=False, added=ADDED_COLUMNS)
        recorder = Recorder(journal)
        recorder.hear(EVENTS[0])
        metrics = Metrics(journal, recorder)
        assert (await metrics.samples("Duration", {}, 0, 60)) == [(50, 3)]
        assert (await metrics.samples("ConcurrentExecutions", {}, 0, 60)) == []
        assert (await metrics.usage("f", 0, 60)) == {"x86_64": Usage(1, 1.0)}
        assert (50, 1) not in await metrics.samples("Invocations", {}, 60, 200)
        await journal.close()
