"""Totals grow with what the bus tells."""

from __future__ import annotations

import pytest

from lablambda.model.events import (
    InvocationFinished,
    InvocationThrottled,
    LogLine,
    QueuedEventMoved,
    QueueMove,
)
from lablambda.model.invocation import Report
from lablambda.rules.cost import of_invocation, of_report
from lablambda.telemetry.tallies import BOUNDS_S, Histogram, Tallies


def finished(
    duration_ms: float, error: bytes | None = None, init_ms: float | None = None
) -> InvocationFinished:
    report = Report("r", duration_ms, round(duration_ms), 256, 30, init_ms=init_ms)
    return InvocationFinished("f", "1", None, "api", 1.0, "s", report, error, 1, 1)


def test_what_is_counted() -> None:
    tallies = Tallies()
    for event in (
        finished(3, init_ms=50.0),
        finished(1000, b"{}"),
        InvocationThrottled("f", None, 1.0, "reason"),
        LogLine("g", "s", 1, "m"),
        QueuedEventMoved("f", None, QueueMove.RECEIVED, 1.0),
    ):
        tallies.hear(event)
    (tally,) = tallies.versions.values()
    assert (tally.invocations, tally.errors, tally.mb_ms["x86_64"]) == (2, 1, 256 * 1003)
    assert (sum(tally.duration.counts), tally.duration.total_ms) == (2, 1003)
    assert (sum(tally.init.counts), tally.init.total_ms) == (1, 50)
    assert dict(tallies.throttles) == {"f": 1}
    assert {move: dict(counts) for move, counts in tallies.moves.items() if counts} == {
        QueueMove.RECEIVED: {"f": 1}
    }
    assert tallies.costs() == {"f": pytest.approx(of_invocation(3, 256) + of_invocation(1000, 256))}


def test_the_price_is_what_it_was_when_they_ran() -> None:
    tallies = Tallies()
    reports = [
        Report("r", 100, 100, 256, 30),
        Report("r", 100, 100, 256, 30, architecture="arm64"),
        Report("r", 100, 100, 256, 30, storage_mb=10_240),
    ]
    for report in reports:
        tallies.hear(InvocationFinished("f", "$LATEST", None, "api", 1.0, "s", report, None, 1, 1))
    assert tallies.costs() == {"f": pytest.approx(sum(map(of_report, reports)))}


@pytest.mark.parametrize(("value_ms", "place"), [(0, 0), (1, 0), (1.1, 1), (900_000, 16), (900_001, 17)])
def test_a_value_falls_under_its_bound(value_ms: float, place: int) -> None:
    histogram = Histogram()
    histogram.add(value_ms)
    assert histogram.counts.index(1) == place
    assert len(histogram.counts) == len(BOUNDS_S) + 1
