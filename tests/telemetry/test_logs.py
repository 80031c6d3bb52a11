"""Groups and streams change while functions write to them; old events are forgotten."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lablambda.model.errors import ResourceConflict, ResourceNotFound
from lablambda.model.events import LogLine
from lablambda.rules.filter_pattern import compile_pattern
from lablambda.rules.log_batch import DAY_MS
from lablambda.storage.journal import Journal
from lablambda.telemetry.logs import Logs, Span
from lablambda.telemetry.recorder import SCHEMA, Recorder

pytestmark = pytest.mark.anyio


@dataclass
class Rooms:
    journal: Journal
    recorder: Recorder
    logs: Logs

    def say(self, group: str, stream: str, *messages: str, at: int | None = None) -> None:
        for message in messages:
            when = int(time.time() * 1000) if at is None else at
            self.recorder.hear(LogLine(group, stream, when, message))

    async def told(self, group: str, span: Span | None = None) -> list[str]:
        return [event.message for event in await self.logs.events(group, span or Span())]


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Rooms]:
    journal = Journal(tmp_path / "telemetry.db", SCHEMA, durable=False)
    recorder = Recorder(journal)
    yield Rooms(journal, recorder, Logs(journal, recorder))
    await journal.close()


async def test_a_line_makes_its_group_and_stream(rooms: Rooms) -> None:
    rooms.say("g", "s", "one", "é")
    (group,) = await rooms.logs.groups()
    assert (group.name, group.size, group.retention, dict(group.tags)) == ("g", 5, None, {})


async def test_a_deleted_group_comes_back_with_the_next_line(rooms: Rooms) -> None:
    rooms.say("g", "s", "before")
    await rooms.logs.set_retention("g", 7)
    await rooms.logs.delete_group("g")
    with pytest.raises(ResourceNotFound):
        await rooms.logs.streams("g")
    rooms.say("g", "s", "after")
    assert await rooms.told("g") == ["after"]
    group = await rooms.logs.group("g")
    assert (group.retention, group.size) == (None, 5)


async def test_a_group_lives_without_streams(rooms: Rooms) -> None:
    await rooms.logs.create_group("g", "STANDARD", None, {"a": "b"})
    assert await rooms.logs.streams("g") == []
    with pytest.raises(ResourceConflict):
        await rooms.logs.create_group("g", "STANDARD", None, {})
    await rooms.logs.create_stream("g", "s")
    rooms.say("g", "s", "x", at=5)
    (stream,) = await rooms.logs.streams("g")
    assert (stream.first, stream.last) == (5, 5)
    await rooms.logs.delete_stream("g", "s")
    group = await rooms.logs.group("g")
    assert (dict(group.tags), group.size) == ({"a": "b"}, 0)


async def test_what_is_too_old_is_neither_read_nor_kept(rooms: Rooms) -> None:
    now = int(time.time() * 1000)
    await rooms.logs.create_group("g", "STANDARD", None, {})
    await rooms.logs.set_retention("g", 1)
    rooms.say("g", "s", "old", at=now - 2 * DAY_MS)
    rooms.say("g", "s", "new", at=now)
    assert await rooms.told("g") == ["new"]
    assert await rooms.told("g", Span(start=0)) == ["new"]
    await rooms.logs.purge()
    await rooms.logs.set_retention("g", None)
    assert await rooms.told("g") == ["new"]
    assert (await rooms.logs.group("g")).size == 3


async def test_events_come_by_their_time(rooms: Rooms) -> None:
    rooms.say("g", "s", "second", at=20)
    rooms.say("g", "t", "first", at=10)
    rooms.say("g", "s", "third", at=20)
    assert await rooms.told("g") == ["first", "second", "third"]
    assert await rooms.told("g", Span(newest_first=True)) == ["third", "second", "first"]
    assert await rooms.told("g", Span(["t"])) == ["first"]
    assert await rooms.told("g", Span([])) == []


async def test_a_page_ends_at_a_megabyte(rooms: Rooms) -> None:
    for number in range(5):
        rooms.say("g", "s", "x" * 300_000, at=number)
    rooms.say("g", "s", "y" * 2_000_000, at=5)
    sizes, span = [], Span()
    while page := await rooms.logs.events("g", span):
        sizes.append(len(page))
        span = span.rest(page[-1])
    assert sizes == [3, 2, 1]


async def test_a_search_goes_on_where_it_stopped(rooms: Rooms) -> None:
    for number in range(120_000):
        rooms.say("g", "s", f"line {number:06d}", at=number)
    found, last = await rooms.logs.search("g", Span(), compile_pattern('"line 11999"'), 10)
    assert (found, last is None) == ([], False)  # so many are read at once, no more
    found, last = await rooms.logs.search("g", Span(after=last), compile_pattern('"line 11999"'), 10_000)
    assert ([event.message for event in found], last) == ([f"line 11999{n}" for n in range(10)], None)


async def test_groups_of_an_older_lab(tmp_path: Path) -> None:
    """Its groups were implied by their streams."""
    old = SCHEMA[SCHEMA.index("CREATE TABLE IF NOT EXISTS log ") :].partition("DROP INDEX")[0]
    streams = SCHEMA[SCHEMA.index("CREATE TABLE IF NOT EXISTS log_stream") :].partition("-- A stream")[0]
    journal = Journal(tmp_path / "telemetry.db", old + streams, durable=False)
    await journal.write(
        "INSERT INTO log (grp, stream, timestamp, message) VALUES (?, ?, ?, ?)", [("g", "s", 1, "é")]
    )
    await journal.write("INSERT INTO log_stream VALUES (?, ?, ?, ?, ?, ?)", [("g", "s", 1, 1, 1, 1)])
    await journal.close()
    for _ in range(2):
        journal = Journal(tmp_path / "telemetry.db", SCHEMA, durable=False)
        (group,) = await Logs(journal, Recorder(journal)).groups()
        assert (group.name, group.created, group.size) == ("g", 1, 2)
        await journal.close()
