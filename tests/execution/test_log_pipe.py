from __future__ import annotations

import os

import pytest

from lablambda.execution.log_pipe import RECORD_MARK, LogPipe
from lablambda.rules.limits import LOG_EVENT_BYTES

pytestmark = pytest.mark.anyio


def record(text: str) -> bytes:
    return RECORD_MARK + len(text.encode()).to_bytes(4, "big") + text.encode()


RECORD = "record: "


async def events_of(*writes: bytes) -> list[str]:
    reading, writing = os.pipe()
    events: list[str] = []
    pipe = LogPipe(reading, lambda message, *, record: events.append(f"{RECORD * record}{message}"))
    for data in writes:
        os.write(writing, data)
        pipe._read_some()
    pipe.drain()
    os.close(writing)
    pipe.close()
    return events


async def test_lines() -> None:
    assert await events_of(b"one\ntwo\n") == ["one", "two"]
    assert await events_of(b"on", b"e\nt", b"wo") == ["one", "two"]
    assert await events_of(b"\n\n") == ["", ""]


async def test_a_record_is_one_event_whatever_it_holds() -> None:
    assert await events_of(b"before\n" + record("a\nb\n") + b"after\n") == [
        "before",
        f"{RECORD}a\nb\n",
        "after",
    ]


async def test_a_record_after_half_a_line() -> None:
    assert await events_of(b"half" + record("whole")) == ["half", f"{RECORD}whole"]


async def test_a_record_that_comes_in_pieces() -> None:
    data = record("multi\nline")
    assert await events_of(*(data[i : i + 1] for i in range(len(data)))) == [f"{RECORD}multi\nline"]


async def test_what_is_not_utf_8() -> None:
    assert await events_of(b"\xff\xfe\n") == ["\ufffd\ufffd"]


async def test_a_line_without_end_is_cut() -> None:
    events = await events_of(*[b"x" * 50_000] * 8)
    assert [len(event) for event in events] == [LOG_EVENT_BYTES, 8 * 50_000 - LOG_EVENT_BYTES]


async def test_a_record_that_lies_about_its_length_loses_only_itself() -> None:
    assert await events_of(b"ok\n", RECORD_MARK + b"\xff\xff\xff\xff" + b"text") == ["ok"]
