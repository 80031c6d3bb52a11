"""What the bus tells is on disk, whole and in order."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lablambda.model.events import InvocationFinished, LogLine
from lablambda.model.invocation import Report
from lablambda.storage.journal import Journal
from lablambda.telemetry.history import History
from lablambda.telemetry.logs import Logs, Span
from lablambda.telemetry.recorder import SCHEMA, Recorder

pytestmark = pytest.mark.anyio


@dataclass
class Rooms:
    recorder: Recorder
    logs: Logs
    history: History


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Rooms]:
    journal = Journal(tmp_path / "telemetry.db", SCHEMA, durable=False)
    recorder = Recorder(journal)
    yield Rooms(recorder, Logs(journal, recorder), History(journal, recorder))
    await journal.close()


@pytest.mark.parametrize(
    "message",
    [
        "",
        "plain",
        'quotes " and \\ back',
        "é \u2028 \U0001f600",
        "a\nb\r\n",
        "tab\t",
        "x" * 300_000,
        "\\u0000",
    ],
)
async def test_any_text_comes_back_as_it_was(rooms: Rooms, message: str) -> None:
    rooms.recorder.hear(LogLine("g", "s", 1, message))
    (event,) = await rooms.logs.events("g", Span())
    assert event.message == message


async def test_a_nul_does_not_cut_a_message(rooms: Rooms) -> None:
    rooms.recorder.hear(LogLine("g", "s", 1, "before\x00after"))
    (event,) = await rooms.logs.events("g", Span())
    assert event.message == "before\u2400after"


async def test_order_and_pages(rooms: Rooms) -> None:
    for number in range(1000):
        rooms.recorder.hear(LogLine("g", f"s{number % 2}", number, str(number)))
    events = await rooms.logs.events("g", Span(["s0"]))
    assert [event.message for event in events] == [str(number) for number in range(0, 1000, 2)]
    after = await rooms.logs.events("g", Span(after=events[-2].identity))
    assert [event.message for event in after] == ["997", "998", "999"]
    assert [e.message for e in await rooms.logs.events("g", Span(start=5, end=8))] == ["5", "6", "7"]
    before = await rooms.logs.events("g", Span(before=events[1].identity, newest_first=True))
    assert [event.message for event in before] == ["1", "0"]


async def test_streams_know_their_first_and_last_event(rooms: Rooms) -> None:
    for timestamp in (5, 6, 9):
        rooms.recorder.hear(LogLine("g", "s", timestamp, ""))
        await rooms.recorder.flush()
    (stream,) = await rooms.logs.streams("g")
    assert (stream.first, stream.last) == (5, 9)


async def test_history(rooms: Rooms) -> None:
    error = json.dumps({"errorMessage": "é", "errorType": "E"}).encode()
    for number, body in enumerate((None, error, b"no json")):
        report = Report(f"r{number}", 1.5, 2, 128, 30, init_ms=7.0 if number == 0 else None)
        rooms.recorder.hear(
            InvocationFinished("f", "$LATEST", None, "api", 1000.25 + number, "s", report, body, 1, 1)
        )
    last, middle, first = await rooms.history.of("f", 10)
    assert first == {
        "started": 1000.25,
        "source": "api",
        "version": "$LATEST",
        "log_stream": "s",
        "report": {
            "request_id": "r0",
            "duration_ms": 1.5,
            "billed_ms": 2,
            "memory_mb": 128,
            "max_memory_mb": 30,
            "init_ms": 7.0,
            "status": "success",
            "error_type": "",
            "architecture": "x86_64",
            "storage_mb": 512,
            "restore_ms": None,
        },
        "error": None,
    }
    assert middle["error"] == {"errorMessage": "é", "errorType": "E"}
    assert last["error"] == {"errorMessage": "no json", "errorType": ""}
    assert await rooms.history.of("other", 10) == []
