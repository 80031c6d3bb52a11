"""CloudWatch's statistics of samples."""

from __future__ import annotations

import pytest

from lablambda.model.errors import ValidationFailed
from lablambda.rules.metric_statistics import by_period, check_period, percentile, period_start, statistic

SAMPLES = [4.0, 1.0, 3.0, 2.0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SampleCount", 4),
        ("Sum", 10),
        ("Average", 2.5),
        ("Minimum", 1),
        ("Maximum", 4),
        ("p0", 1),
        ("p50", 2.5),
        ("p99.9", 3.997),
        ("p100", 4),
    ],
)
def test_statistics(name: str, expected: float) -> None:
    assert statistic(name)(SAMPLES) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["", "sum", "p", "p101", "p-1", "p1e1", "tm90", "p50 ", "p٣"])
def test_what_is_no_statistic(name: str) -> None:
    with pytest.raises(ValidationFailed, match="Invalid statistic"):
        statistic(name)


@pytest.mark.parametrize("percent", [0, 1, 50, 99, 100])
def test_a_percentile_of_one_sample_is_that_sample(percent: float) -> None:
    assert percentile([7.0], percent) == 7


@pytest.mark.parametrize("period", [1, 5, 10, 30, 60, 120, 3600, 86_400])
def test_periods(period: int) -> None:
    check_period(period)


@pytest.mark.parametrize("period", [-60, 0, 2, 15, 59, 61, 90])
def test_periods_that_are_none(period: int) -> None:
    with pytest.raises(ValidationFailed, match="multiple of 60"):
        check_period(period)


def test_periods_are_counted_from_1970() -> None:
    assert [period_start(moment, 60) for moment in (0, 59.999, 60, 179.5, -1)] == [0, 0, 60, 120, -60]


def test_samples_by_period_in_order_without_empty_ones() -> None:
    samples = [(200.0, 3.0), (61.0, 1.0), (119.9, 2.0)]
    found = by_period(samples, 60)
    assert list(found.items()) == [(60, [1.0, 2.0]), (180, [3.0])]
