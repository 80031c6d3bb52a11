from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator

import pytest

from lablambda.execution import log_pipe
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


# ------------------------------------------------------------------------------ who writes without end


@pytest.fixture
def flood() -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The reading end of a pipe that a process fills all the time."""
    reading, writing = os.pipe()
    process = subprocess.Popen(["yes", "x" * 1000], stdout=writing)
    os.close(writing)
    yield reading, process
    process.kill()
    process.wait()


async def test_draining_ends_though_writing_goes_on(flood: tuple[int, subprocess.Popen[bytes]]) -> None:
    lines: list[str] = []
    pipe = LogPipe(flood[0], lambda message, *, record: lines.append(message))
    pipe.drain()
    assert len(lines) < 2000
    pipe.close()


async def test_a_flood_is_read_no_faster_than_the_lab_can_bear(
    flood: tuple[int, subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_pipe, "_BURST", 1 << 20)
    monkeypatch.setattr(log_pipe, "_BYTES_PER_S", 1 << 20)
    size = 0

    def count(message: str, *, record: bool) -> None:
        nonlocal size
        size += len(message)

    pipe = LogPipe(flood[0], count)
    began = asyncio.get_running_loop().time()
    async with asyncio.timeout(20):
        while size < 2 << 20:
            await asyncio.sleep(0.01)
    assert asyncio.get_running_loop().time() - began > 0.5  # the second half, at a MiB a second
    pipe.close()


async def test_a_forged_record_is_no_longer_than_one_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_pipe, "_MOST_RECORD", 10)
    forged = RECORD_MARK + (0xFFFFFFFF).to_bytes(4, "big")
    assert await events_of(forged + b"0123456789" + b"and more\n") == [f"{RECORD}0123456789", "and more"]
