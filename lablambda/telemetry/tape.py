"""What the bus tells, kept for one watcher until it is next told, and never more than a watcher can take in."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from lablambda.model.events import Event, InvocationFinished, InvocationStarted, InvocationThrottled, LogLine
from lablambda.model.live import Counts, Finished, Line, Started
from lablambda.rules.cost import of_report

_MOST = 100  # of a function's invocations, and of a group's lines, between two tellings
_MOST_CHARACTERS = 10_000
_Row = TypeVar("_Row")


@dataclass(slots=True)
class Reel:
    """What was heard; the rows by function or log group."""

    started: dict[str, deque[InvocationStarted]] = field(default_factory=dict)
    finished: dict[str, deque[tuple[InvocationFinished, float]]] = field(default_factory=dict)
    lines: dict[str, deque[LogLine]] = field(default_factory=dict)
    counts: dict[str, Counts] = field(default_factory=dict)
    left_out: int = 0

    def __bool__(self) -> bool:
        return bool(self.started or self.finished or self.lines or self.counts)


class Tape:
    """Listens to the bus, and calls `news` at the first thing that it hears after each `take`."""

    def __init__(self, news: Callable[[], None]) -> None:
        self._news = news
        self._reel = Reel()

    def hear(self, event: Event) -> None:
        reel = self._reel
        if isinstance(event, LogLine):
            self._keep(reel.lines, event.group, event)
        elif isinstance(event, InvocationStarted):
            self._keep(reel.started, event.function, event)
        elif isinstance(event, InvocationFinished):
            counts = reel.counts.setdefault(event.function, Counts())
            counts.invocations += 1
            counts.errors += event.error is not None
            self._keep(reel.finished, event.function, (event, time.time()))
        elif isinstance(event, InvocationThrottled):
            reel.counts.setdefault(event.function, Counts()).throttles += 1
        else:
            return
        self._news()

    def _keep(self, rows: dict[str, deque[_Row]], name: str, row: _Row) -> None:
        kept = rows.setdefault(name, deque(maxlen=_MOST))
        self._reel.left_out += len(kept) == _MOST
        kept.append(row)

    def take(self) -> Reel:
        """What was heard since the last time."""
        reel, self._reel = self._reel, Reel()
        return reel


def started(event: InvocationStarted) -> Started:
    return Started(event.function, event.request_id, event.source, event.at)


def finished(event: InvocationFinished, ended: float) -> Finished:
    report = event.report
    return Finished(
        function=event.function,
        version=event.version,
        request_id=report.request_id,
        source=event.source,
        started=event.started,
        ended=ended,
        waited_s=event.waited_s,
        init_ms=report.init_ms,
        restore_ms=report.restore_ms,
        duration_ms=report.duration_ms,
        billed_ms=report.billed_ms,
        memory_mb=report.memory_mb,
        max_memory_mb=report.max_memory_mb,
        status=report.status,
        error_type=report.error_type,
        error=_message(event.error),
        log_stream=event.log_stream,
        cost=of_report(report),
    )


def line(event: LogLine) -> Line:
    return Line(event.group, event.stream, event.timestamp, event.message[:_MOST_CHARACTERS])


def _message(error: bytes | None) -> str:
    if error is None:
        return ""
    try:
        return str(json.loads(error)["errorMessage"])
    except (ValueError, KeyError, TypeError):  # a runtime may answer with anything
        return error.decode("utf-8", "replace")[:_MOST_CHARACTERS]
