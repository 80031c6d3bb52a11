"""Running totals since the lab started, kept in memory: they only grow, whatever is deleted meanwhile."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

from lablambda.model.events import (
    Event,
    InvocationFinished,
    InvocationThrottled,
    QueuedEventMoved,
    QueueMove,
)
from lablambda.rules.cost import FREE_STORAGE_MB, Usage, price

# Upper bounds in seconds, from a warm handler that does nothing to the longest that Lambda allows.
BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)


@dataclass(slots=True)
class Histogram:
    """How many values fell under each bound and above the one before it; the last count is of those above all."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    total_ms: float = 0.0

    def add(self, value_ms: float) -> None:
        self.counts[bisect_left(BOUNDS_S, value_ms / 1000)] += 1
        self.total_ms += value_ms


@dataclass(slots=True)
class Tally:
    """One version of a function.

    `mb_ms` is memory times billed time, by architecture; `storage_mb_ms` the same of storage that isn't free.
    """

    invocations: int = 0
    errors: int = 0
    mb_ms: Counter[str] = field(default_factory=Counter)
    storage_mb_ms: int = 0
    duration: Histogram = field(default_factory=Histogram)
    init: Histogram = field(default_factory=Histogram)


class Tallies:
    """Listens to the bus.

    `versions` goes by (function, version), `throttles` by function, `moves` of asynchronous events by what
    became of them and function.
    """

    def __init__(self) -> None:
        self.versions: dict[tuple[str, str], Tally] = {}
        self.throttles: Counter[str] = Counter()
        self.moves: dict[QueueMove, Counter[str]] = {move: Counter() for move in QueueMove}

    def hear(self, event: Event) -> None:
        if isinstance(event, InvocationFinished):
            self._count(event)
        elif isinstance(event, InvocationThrottled):
            self.throttles[event.function] += 1
        elif isinstance(event, QueuedEventMoved):
            self.moves[event.move][event.function] += 1

    def _count(self, event: InvocationFinished) -> None:
        key = (event.function, event.version)
        tally = self.versions.get(key)
        if tally is None:
            tally = self.versions[key] = Tally()
        report = event.report
        tally.invocations += 1
        tally.errors += event.error is not None
        tally.mb_ms[report.architecture] += report.billed_ms * report.memory_mb
        tally.storage_mb_ms += report.billed_ms * max(0, report.storage_mb - FREE_STORAGE_MB)
        tally.duration.add(report.duration_ms)
        if report.init_ms is not None:
            tally.init.add(report.init_ms)

    def costs(self) -> dict[str, float]:
        """Dollars by function, before free tier."""
        found: dict[str, float] = {}
        for (function, _), tally in self.versions.items():
            found[function] = found.get(function, 0.0) + _dollars(tally)
        return found


def _dollars(tally: Tally) -> float:
    apart = Usage(tally.invocations, 0.0, tally.storage_mb_ms / 1024 / 1000)  # costs the same on both
    memory = (price(Usage(0, mb_ms / 1024 / 1000), name) for name, mb_ms in tally.mb_ms.items())
    return price(apart) + sum(memory)
