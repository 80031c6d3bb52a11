"""The logs, as CloudWatch Logs keeps them: groups, streams, events."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from lablambda.model.errors import LabError, ResourceConflict, ResourceNotFound
from lablambda.model.events import LogLine
from lablambda.rules.limits import LOG_EVENT_OVERHEAD_BYTES, LOG_PAGE_BYTES, LOG_PAGE_EVENTS
from lablambda.rules.log_batch import DAY_MS, check_batch
from lablambda.storage.journal import Journal
from lablambda.telemetry.recorder import Recorder

_PURGE_EVERY_S = 3600
# A search reads this many times a page before it answers, so that rare matches need few calls.
_PAGES_OF_A_SEARCH = 10
# AWS's event ids have the time in their upper bits, so that they sort as the events do.
_ID_BITS = 144

_GROUPS = "SELECT name, created, class, key, retention, tags, bytes FROM log_group"
_STREAMS = "SELECT name, created, first, last, ingested FROM log_stream WHERE grp = ?"
_EVENTS = "SELECT id, stream, timestamp, ingested, message FROM log"
_EDGES = (
    "(SELECT MIN(first) FROM log_stream WHERE grp = ? AND name IN (SELECT value FROM json_each(?))) "
    "AND (SELECT MAX(last) FROM log_stream WHERE grp = ? AND name IN (SELECT value FROM json_each(?)))"
)
_FORGET = "UPDATE log_group SET bytes = bytes - (SELECT COALESCE(SUM(LENGTH(CAST(message AS BLOB))), 0) "
_PURGE = (
    f"{_FORGET} FROM log WHERE grp = ?1 AND timestamp < ?2) WHERE name = ?1",
    "DELETE FROM log WHERE grp = ?1 AND timestamp < ?2",
)
_DELETE_STREAM = (
    f"{_FORGET} FROM log WHERE grp = ?1 AND stream = ?2) WHERE name = ?1",
    "DELETE FROM log WHERE grp = ?1 AND stream = ?2",
    "DELETE FROM log_stream WHERE grp = ?1 AND name = ?2",
)
_DELETE_GROUP = (
    "DELETE FROM log WHERE grp = ?1",
    "DELETE FROM log_stream WHERE grp = ?1",
    "DELETE FROM log_group WHERE name = ?1",
)


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored event; times are ms since 1970."""

    number: int
    stream: str
    timestamp: int
    ingested: int
    message: str

    @property
    def identity(self) -> int:
        """Grows in the order of the events: by time, then by arrival."""
        return self.timestamp << _ID_BITS | self.number


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream with the times (ms since 1970) of its first and last event, None if it had none yet."""

    name: str
    created: int
    first: int | None
    last: int | None
    ingested: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """One log group. `retention` is in days, None for ever; `size` the bytes of its messages."""

    name: str
    created: int
    kind: str
    key: str | None
    retention: int | None
    tags: Mapping[str, str]
    size: int


@dataclass(frozen=True, slots=True)
class Span:
    """Events of these streams (None: all) with `start` <= timestamp < `end` and `after` < identity <
    `before`."""

    streams: Sequence[str] | None = None
    start: int | None = None
    end: int | None = None
    after: int | None = None
    before: int | None = None
    newest_first: bool = False

    def rest(self, last: Stored) -> Span:
        """What comes behind `last` in this order."""
        return (
            replace(self, before=last.identity) if self.newest_first else replace(self, after=last.identity)
        )


class Logs:
    """Reads what the recorder wrote, and does what it doesn't: groups, retention, deletions."""

    def __init__(self, journal: Journal, recorder: Recorder) -> None:
        self._journal = journal
        self._recorder = recorder
        # Whoever looks and then writes does it alone.
        self._changing = asyncio.Lock()

    # ------------------------------------------------------------------------------------------ groups

    async def groups(self) -> list[Group]:
        """All groups by name."""
        await self._recorder.flush()
        return [_group(*row) for row in await self._journal.read(f"{_GROUPS} ORDER BY name")]

    async def group(self, name: str) -> Group:
        """Raises ResourceNotFound if there is no such group."""
        await self._recorder.flush()
        rows = await self._journal.read(f"{_GROUPS} WHERE name = ?", (name,))
        if not rows:
            raise ResourceNotFound("The specified log group does not exist.")
        return _group(*rows[0])

    async def create_group(self, name: str, kind: str, key: str | None, tags: Mapping[str, str]) -> None:
        """Raises ResourceConflict if the group exists."""
        async with self._changing:
            await self._recorder.flush()
            if await self._journal.read("SELECT 1 FROM log_group WHERE name = ?", (name,)):
                raise ResourceConflict("The specified log group already exists")
            await self._journal.write(
                "INSERT OR IGNORE INTO log_group (name, created, class, key, tags) VALUES (?, ?, ?, ?, ?)",
                [(name, _now(), kind, key, json.dumps(dict(tags)))],
            )

    async def delete_group(self, name: str) -> None:
        """Delete the group with all that is in it; the next line for it makes it again."""
        async with self._changing:
            await self.group(name)
            await self._write(_DELETE_GROUP, (name,))

    async def set_retention(self, name: str, days: int | None) -> None:
        """Forget events after `days`, or never; what is older goes at once."""
        async with self._changing:
            await self.group(name)
            await self._journal.write("UPDATE log_group SET retention = ? WHERE name = ?", [(days, name)])
        await self.purge()

    async def change_tags(self, name: str, change: Callable[[Mapping[str, str]], Mapping[str, str]]) -> None:
        """Give the group the tags that `change` makes of those it has; what it raises is raised."""
        async with self._changing:
            tags = change((await self.group(name)).tags)
            await self._journal.write(
                "UPDATE log_group SET tags = ? WHERE name = ?", [(json.dumps(dict(tags)), name)]
            )

    async def purge(self) -> None:
        """Delete the events that are older than their groups keep them."""
        for group in await self.groups():
            if group.retention is not None:
                await self._write(_PURGE, (group.name, _oldest(group)))

    async def keep_tidy(self) -> None:
        """Purge, for ever."""
        while True:
            with contextlib.suppress(LabError):  # a full disk may have room again in an hour
                await self.purge()
            await asyncio.sleep(_PURGE_EVERY_S)

    # ----------------------------------------------------------------------------------------- streams

    async def streams(self, group: str) -> list[Stream]:
        """The group's streams by name. Raises ResourceNotFound if there is no such group."""
        await self.group(group)
        return [Stream(*row) for row in await self._journal.read(f"{_STREAMS} ORDER BY name", (group,))]

    async def stream(self, group: str, name: str) -> Stream:
        """Raises ResourceNotFound if there is no such group, or no such stream in it."""
        await self.group(group)
        rows = await self._journal.read(f"{_STREAMS} AND name = ?", (group, name))
        if not rows:
            raise ResourceNotFound("The specified log stream does not exist.")
        return Stream(*rows[0])

    async def create_stream(self, group: str, name: str) -> None:
        """Raises ResourceNotFound if there is no such group, ResourceConflict if the stream exists."""
        async with self._changing:
            if any(stream.name == name for stream in await self.streams(group)):
                raise ResourceConflict("The specified log stream already exists")
            await self._journal.write(
                "INSERT OR IGNORE INTO log_stream (grp, name, created) VALUES (?, ?, ?)",
                [(group, name, _now())],
            )

    async def delete_stream(self, group: str, name: str) -> None:
        """Delete the stream with its events. Raises ResourceNotFound if it doesn't exist."""
        async with self._changing:
            await self.stream(group, name)
            await self._write(_DELETE_STREAM, (group, name))

    # ------------------------------------------------------------------------------------------ events

    async def put(self, group: str, stream: str, events: Sequence[tuple[int, str]]) -> Mapping[str, int]:
        """Store (ms since 1970, message) pairs on the recorder's own way; gives what AWS tells of rejected
        ones. Raises ResourceNotFound, and InvalidParameterValue for a batch that AWS refuses."""
        async with self._changing:
            retention = (await self.group(group)).retention
            await self.stream(group, stream)
            taken = check_batch(events, _now(), retention)
            for timestamp, message in events[taken.begin : taken.end]:
                self._recorder.hear(LogLine(group, stream, timestamp, message))
            await self._recorder.flush()
        return taken.rejected

    async def events(self, group: str, span: Span, limit: int = LOG_PAGE_EVENTS) -> list[Stored]:
        """Up to `limit` events or one megabyte of the span, by time and then arrival.

        Raises ResourceNotFound if there is no such group.
        """
        found = await self._read(await self.group(group), span, limit)
        return found[: _fitting(found)]

    async def search(
        self, group: str, span: Span, matches: Callable[[str], bool], limit: int
    ) -> tuple[list[Stored], int | None]:
        """Up to `limit` events or one megabyte of those that match, and the identity of the last one that
        was looked at; None when nothing is left. May find nothing and still not be at the end.

        Raises ResourceNotFound if there is no such group, and what `matches` raises.
        """
        known = await self.group(group)
        found: list[Stored] = []
        for _ in range(_PAGES_OF_A_SEARCH):
            read = await self._read(known, span, LOG_PAGE_EVENTS)
            # In a thread, so that a long search lets invocations through.
            found += await asyncio.to_thread(_matching, read, matches)
            fitting = _fitting(found[:limit])
            if fitting < len(found) or fitting == limit:
                return found[:fitting], found[fitting - 1].identity
            if len(read) < LOG_PAGE_EVENTS:
                return found, None
            span = span.rest(read[-1])
        return found, read[-1].identity

    async def _read(self, group: Group, span: Span, limit: int) -> list[Stored]:
        sql, values = _query(group, span)
        return [Stored(*row) for row in await self._journal.read(sql, (*values, limit))]

    async def _write(self, statements: Sequence[str], parameters: Sequence[object]) -> None:
        """All in a row: nothing is written between them."""
        *first, last = statements
        for statement in first:
            self._journal.write_soon(statement, [parameters])
        await self._journal.write(last, [parameters])


def _now() -> int:
    return int(time.time() * 1000)


def _oldest(group: Group) -> int:
    """The time (ms since 1970) before which the group has forgotten."""
    return 0 if group.retention is None else _now() - group.retention * DAY_MS


def _group(
    name: str, created: int, kind: str, key: str | None, retention: int | None, tags: str, size: int | None
) -> Group:
    return Group(name, created, kind, key, retention, json.loads(tags), size or 0)


def _matching(events: list[Stored], matches: Callable[[str], bool]) -> list[Stored]:
    return [event for event in events if matches(event.message)]


def _fitting(events: Sequence[Stored]) -> int:
    """How many of the events make a page of at most a megabyte; at least one, if there is one."""
    size = 0
    for count, event in enumerate(events):
        size += len(event.message.encode()) + LOG_EVENT_OVERHEAD_BYTES
        if size > LOG_PAGE_BYTES:
            return max(count, 1)
    return len(events)


def _query(group: Group, span: Span) -> tuple[str, list[object]]:
    """The statement that reads the span; its last parameter, the limit, is still to come."""
    where = ["grp = ?", "timestamp >= ?"]
    values: list[object] = [group.name, max(span.start or 0, _oldest(group))]
    if span.end is not None:
        where.append("timestamp < ?")
        values.append(span.end)
    for sign, position in ((">", span.after), ("<", span.before)):
        if position is not None:
            where.append(f"(timestamp, id) {sign} (?, ?)")
            values += _placed(position)
    if span.streams is not None:
        names = json.dumps(list(span.streams))
        # The index has no streams in it; their times narrow the search to about what is theirs.
        where += ["timestamp BETWEEN " + _EDGES, "stream IN (SELECT value FROM json_each(?))"]
        values += [group.name, names, group.name, names, names]
    order = "DESC" if span.newest_first else "ASC"
    return (f"{_EVENTS} WHERE {' AND '.join(where)} ORDER BY timestamp {order}, id {order} LIMIT ?", values)


def _placed(position: int) -> tuple[int, int]:
    """Time and number of an identity; what a token made up may hold beyond SQLite's integers is cut."""
    most = 2**63 - 1
    return min(position >> _ID_BITS, most), min(position & (2**_ID_BITS - 1), most)
