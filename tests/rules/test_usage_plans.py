"""Quotas, day by day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lablambda.model.rest_api import Usage
from lablambda.rules.usage_plans import OFFSETS, counted, day_of, granted, period_start, remaining

DAYS = st.dates(date(2020, 2, 1), date(2030, 1, 1))
QUOTAS = st.sampled_from(sorted(OFFSETS)).flatmap(
    lambda period: st.fixed_dictionaries(
        {"period": st.just(period), "offset": st.sampled_from(OFFSETS[period]), "limit": st.integers(0, 50)}
    )
)


@pytest.mark.parametrize(
    ("period", "offset", "day", "start"),
    [
        ("DAY", 0, "2026-11-28", "2026-11-28"),
        ("WEEK", 0, "2026-11-28", "2026-11-22"),  # a Saturday, and the Sunday before
        ("WEEK", 0, "2026-11-29", "2026-11-29"),
        ("WEEK", 6, "2026-11-27", "2026-11-21"),
        ("MONTH", 0, "2026-11-28", "2026-11-01"),
        ("MONTH", 27, "2026-11-27", "2026-10-28"),
        ("MONTH", 27, "2026-03-27", "2026-02-28"),
        ("MONTH", 14, "2026-01-01", "2025-12-15"),
    ],
)
def test_periods(period: str, offset: int, day: str, start: str) -> None:
    found = period_start({"period": period, "offset": offset}, date.fromisoformat(day))
    assert found.isoformat() == start


@given(quota=QUOTAS, day=DAYS)
def test_a_period_begins_once(quota: dict[str, Any], day: date) -> None:
    start = period_start(quota, day)
    assert 0 <= (day - start).days < {"DAY": 1, "WEEK": 7, "MONTH": 31}[quota["period"]]
    assert period_start(quota, start) == start
    assert period_start(quota, start - timedelta(days=1)) < start


@given(quota=QUOTAS, day=DAYS, before=st.integers(0, 60), today=st.integers(0, 60))
def test_what_is_left(quota: dict[str, Any], day: date, before: int, today: int) -> None:
    usage = Usage({}, {})
    ago = period_start(quota, day) - timedelta(days=1)
    for on, count in ((ago, before), (day, today)):
        for _ in range(count):
            usage = counted(usage, on)
    assert remaining(quota, usage, day) == max(0, quota["limit"] - today)


@given(quota=QUOTAS, day=DAYS, used=st.integers(0, 60), left=st.integers(0, 100))
def test_more_for_the_rest_of_the_period(quota: dict[str, Any], day: date, used: int, left: int) -> None:
    usage = Usage({day.isoformat(): used}, {})
    assert remaining(quota, granted(quota, usage, day, left), day) == left
    again = granted(quota, granted(quota, usage, day, left + 5), day, left)
    assert remaining(quota, counted(again, day), day) == max(0, left - 1)


def test_what_was_long_ago_is_forgotten() -> None:
    usage, day = Usage({}, {}), date(2026, 1, 1)
    for number in range(400):
        usage = counted(usage, day + timedelta(days=number))
    assert len(usage.days) == 96
    assert day_of(1_793_527_200.0).isoformat() == "2026-11-01"
