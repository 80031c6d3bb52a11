"""Quotas of usage plans: how many requests a key has left.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from lablambda.model.rest_api import Usage

# By period: on how many days it may begin.
OFFSETS = {"DAY": range(1), "WEEK": range(7), "MONTH": range(28)}
_DAYS_KEPT = 95


def day_of(now: float) -> date:
    """The day (UTC) of a moment, in seconds since 1970."""
    return datetime.fromtimestamp(now, UTC).date()


def period_start(quota: Mapping[str, Any], day: date) -> date:
    """The day on which the quota's period began that `day` is in. `offset` is the day of the week (from Sunday) or of
    the month (from the first) on which periods begin."""
    offset = quota.get("offset") or 0
    match quota["period"]:
        case "WEEK":
            return day - timedelta(days=(day.isoweekday() - offset) % 7)
        case "MONTH":
            first = day.replace(day=1 + offset)
            return (
                first if first <= day else (first.replace(day=1) - timedelta(days=1)).replace(day=1 + offset)
            )
    return day


def remaining(quota: Mapping[str, Any], usage: Usage, day: date) -> int:
    """How many requests are left at the end of `day`."""
    return max(0, _left(quota, usage, day))


def _left(quota: Mapping[str, Any], usage: Usage, day: date) -> int:
    """Below zero if the quota was more once."""
    start = period_start(quota, day)
    used = sum(count for on, count in usage.days.items() if start.isoformat() <= on <= day.isoformat())
    left: int = quota["limit"] - used + usage.granted.get(start.isoformat(), 0)
    return left


def counted(usage: Usage, day: date) -> Usage:
    """With one more request on that day; what was long ago is forgotten."""
    today, since = day.isoformat(), (day - timedelta(days=_DAYS_KEPT)).isoformat()
    days = {on: count for on, count in usage.days.items() if on >= since}
    return replace(usage, days={**days, today: days.get(today, 0) + 1})


def granted(quota: Mapping[str, Any], usage: Usage, day: date, left: int) -> Usage:
    """With so many requests left for the rest of the period."""
    start = period_start(quota, day).isoformat()
    return replace(usage, granted={start: left - _left(quota, replace(usage, granted={}), day)})
