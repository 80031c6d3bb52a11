"""Writes what the bus tells to disk, in batches, off the invoke path."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Collection, Iterable

from lablambda.model.events import (
    Event,
    InvocationFinished,
    InvocationThrottled,
    LogLine,
    MappingMeasured,
    QueuedEventMoved,
)
from lablambda.model.invocation import Report
from lablambda.storage.journal import Journal

SCHEMA = """
-- A number is never given twice: subscription filters go by them.
CREATE TABLE IF NOT EXISTS log (
    id INTEGER PRIMARY KEY AUTOINCREMENT, grp TEXT, stream TEXT, timestamp INTEGER, ingested INTEGER, message TEXT);
DROP INDEX IF EXISTS log_by_stream;
CREATE INDEX IF NOT EXISTS log_by_time ON log (grp, timestamp);
CREATE TABLE IF NOT EXISTS log_group (
    name TEXT PRIMARY KEY, created INTEGER, class TEXT DEFAULT 'STANDARD', key TEXT, retention INTEGER,
    tags TEXT DEFAULT '{}', bytes INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS log_stream (
    grp TEXT, name TEXT, created INTEGER, first INTEGER, last INTEGER, ingested INTEGER,
    PRIMARY KEY (grp, name));
-- A stream brings its group: a line for a deleted group makes it again, at no cost for other lines.
CREATE TRIGGER IF NOT EXISTS log_group_of_stream AFTER INSERT ON log_stream BEGIN
    INSERT INTO log_group (name, created) VALUES (NEW.grp, NEW.created) ON CONFLICT DO NOTHING;
END;
-- Groups had no table once.
INSERT INTO log_group (name, created, bytes)
SELECT grp, MIN(created), (SELECT SUM(LENGTH(CAST(message AS BLOB))) FROM log WHERE log.grp = log_stream.grp)
FROM log_stream WHERE grp NOT IN (SELECT name FROM log_group) GROUP BY grp;
CREATE TABLE IF NOT EXISTS invocation (
    id INTEGER PRIMARY KEY, function TEXT, started REAL, source TEXT, version TEXT,
    log_stream TEXT, report TEXT, error TEXT, qualifier TEXT, running TEXT);
CREATE INDEX IF NOT EXISTS invocation_by_function ON invocation (function, id);
CREATE TABLE IF NOT EXISTS throttle (
    id INTEGER PRIMARY KEY, function TEXT, qualifier TEXT, at REAL, reason TEXT);
CREATE TABLE IF NOT EXISTS queue_move (
    id INTEGER PRIMARY KEY, function TEXT, qualifier TEXT, move TEXT, at REAL, age_s REAL);
CREATE TABLE IF NOT EXISTS mapping_figure (
    id INTEGER PRIMARY KEY, mapping TEXT, function TEXT, qualifier TEXT, metric TEXT, at REAL, value REAL);
"""
# A file that an earlier version made lacks these.
ADDED_COLUMNS = (("invocation", "qualifier TEXT"), ("invocation", "running TEXT"))
_TOUCH_STREAM = """
INSERT INTO log_stream (grp, name, created, first, last, ingested) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (grp, name) DO UPDATE SET first = MIN(COALESCE(first, excluded.first), excluded.first),
    last = MAX(COALESCE(last, excluded.last), excluded.last), ingested = excluded.ingested
"""
_GROW_GROUP = "UPDATE log_group SET bytes = bytes + ? WHERE name = ?"
_FLUSH_AFTER_S = 0.2


def _insert(table: str, *columns: str) -> str:
    """A statement that inserts a batch: one statement over one JSON text.

    Row by row, SQLite's thread would ask for the interpreter's lock after each, and interrupt an
    invocation for it every time.
    """
    values = ", ".join(f"json_extract(value, '$[{number}]')" for number in range(len(columns)))
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM json_each(?)"  # noqa: S608 - made of constants


_INSERT_LOG = _insert("log", "grp", "stream", "timestamp", "ingested", "message")
_INSERT_INVOCATION = _insert(
    "invocation",
    *("function", "started", "source", "version", "log_stream", "report", "error", "qualifier", "running"),
)
_INSERT_THROTTLE = _insert("throttle", "function", "qualifier", "at", "reason")
_INSERT_MOVE = _insert("queue_move", "function", "qualifier", "move", "at", "age_s")
_INSERT_FIGURE = _insert("mapping_figure", "mapping", "function", "qualifier", "metric", "at", "value")


class Recorder:
    """Listens to the bus; `flush` makes all that was heard readable."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lines: list[LogLine] = []
        self._finished: list[InvocationFinished] = []
        self._throttled: list[InvocationThrottled] = []
        self._moved: list[QueuedEventMoved] = []
        self._measured: list[MappingMeasured] = []
        self._wrote: Callable[[Collection[str]], None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def hear(self, event: Event) -> None:
        if isinstance(event, LogLine):
            self._lines.append(event)
        elif isinstance(event, InvocationFinished):
            self._finished.append(event)
        elif isinstance(event, InvocationThrottled):
            self._throttled.append(event)
        elif isinstance(event, QueuedEventMoved):
            self._moved.append(event)
        elif isinstance(event, MappingMeasured):
            self._measured.append(event)
        else:  # what has only begun is told again when it is over
            return
        if self._timer is None:
            self._timer = self._loop.call_later(_FLUSH_AFTER_S, self._write)

    def watch(self, wrote: Callable[[Collection[str]], None]) -> None:
        """Call it with the groups of log events that are on their way to disk, ahead of who reads there next."""
        self._wrote = wrote

    def holds(self, groups: Collection[str]) -> bool:
        """Whether there are events of these groups that aren't on their way yet."""
        return bool(groups) and any(line.group in groups for line in self._lines)

    async def flush(self) -> None:
        self._write()
        await self._journal.flush()

    def _write(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        lines, self._lines = self._lines, []
        finished, self._finished = self._finished, []
        throttled, self._throttled = self._throttled, []
        moved, self._moved = self._moved, []
        measured, self._measured = self._measured, []
        now = int(time.time() * 1000)
        if lines:
            self._journal.write_soon(_INSERT_LOG, [_batch(_log_row(line, now) for line in lines)])
            self._journal.write_soon(_TOUCH_STREAM, _stream_rows(lines, now))
            self._journal.write_soon(_GROW_GROUP, _group_rows(lines))
            if self._wrote is not None:
                self._wrote({line.group for line in lines})
        if finished:
            self._journal.write_soon(_INSERT_INVOCATION, [_batch(map(_invocation_row, finished))])
        if throttled:
            self._journal.write_soon(_INSERT_THROTTLE, [_batch(map(_throttle_row, throttled))])
        if moved:
            self._journal.write_soon(_INSERT_MOVE, [_batch(map(_move_row, moved))])
        if measured:
            self._journal.write_soon(_INSERT_FIGURE, [_batch(map(_figure_row, measured))])


def _batch(rows: Iterable[tuple[object, ...]]) -> tuple[str]:
    """The rows as the one parameter of a statement."""
    return (json.dumps(list(rows), ensure_ascii=False),)


def _text(text: str) -> str:
    """A NUL would end the text in SQLite's JSON; its symbol doesn't."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}")


def _log_row(line: LogLine, now: int) -> tuple[object, ...]:
    return line.group, line.stream, line.timestamp, now, _text(line.message)


def _stream_rows(lines: list[LogLine], now: int) -> list[tuple[object, ...]]:
    spans: dict[tuple[str, str], tuple[int, int]] = {}
    for group, stream, timestamp, _ in lines:
        key = (group, stream)
        first, last = spans.get(key, (timestamp, timestamp))
        # Lines of a function come in order; only PutLogEvents brings older ones.
        spans[key] = (first if first < timestamp else timestamp, last if last > timestamp else timestamp)
    return [(group, name, first, first, last, now) for (group, name), (first, last) in spans.items()]


def _group_rows(lines: list[LogLine]) -> list[tuple[int, str]]:
    """By how many bytes each group grows."""
    messages: dict[str, list[str]] = {}
    for line in lines:
        messages.setdefault(line.group, []).append(line.message)
    return [(len("".join(texts).encode("utf-8", "replace")), group) for group, texts in messages.items()]


def _invocation_row(event: InvocationFinished) -> tuple[object, ...]:
    return (
        event.function,
        event.started,
        event.source,
        event.version,
        event.log_stream,
        # Not dataclasses.asdict: it copies deeply, at ten times the cost. SQLite stores it as JSON.
        {name: getattr(event.report, name) for name in Report.__slots__},
        None if event.error is None else _text(event.error.decode("utf-8", "replace")),
        event.qualifier,
        # One column, since each costs the writer as much as any other.
        _running(event),
    )


def _running(event: InvocationFinished) -> tuple[int | bool | None, ...]:
    """How much ran; the last three are there if the version has provisioned concurrency."""
    counts = (
        event.concurrent,
        event.concurrent_of_function,
        event.unreserved,
        event.concurrent_of_resource,
    )
    if not event.provisioned:
        return counts
    return (*counts, event.provisioned, event.in_provisioned, event.spilled)


def _throttle_row(event: InvocationThrottled) -> tuple[object, ...]:
    return event.function, event.qualifier, event.at, event.reason


def _figure_row(event: MappingMeasured) -> tuple[object, ...]:
    return event.mapping, event.function, event.qualifier, event.metric, event.at, event.value


def _move_row(event: QueuedEventMoved) -> tuple[object, ...]:
    return event.function, event.qualifier, event.move, event.at, event.age_s
