"""Schedule expressions: when a rule or a schedule of EventBridge is due next.

    rate(5 minutes)            every five minutes
    cron(0 3 ? * MON-FRI *)    minutes, hours, day of month, month, day of week (1 is Sunday), year
    at(2026-12-24T18:00:00)    once; of the Scheduler only

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html and
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import calendar
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)(s?)\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_YEARS = (1970, 2199)
_UTC = ZoneInfo("UTC")
_Test = Callable[[date], bool]


class InvalidSchedule(ValueError):
    """The expression isn't one."""


class Schedule(Protocol):
    """Moments are seconds since 1970."""

    def after(self, moment: float) -> float | None:
        """The first moment later than this one at which it is due; None if there is none."""


def parse_schedule(text: str, *, since: float, zone: ZoneInfo = _UTC, once: bool = False) -> Schedule:
    """Read an expression; rates count from `since`, clocks are those of `zone`, and `once` is whether at(...) is
    one. Raises InvalidSchedule."""
    if match := _RATE.fullmatch(text):
        count = int(match[1])
        if count < 1 or (count == 1) == bool(match[3]):
            raise InvalidSchedule(text)
        return _Rate(count * _SECONDS[match[2]], since)
    if text.startswith("cron(") and text.endswith(")"):
        return _cron(text[5:-1].split(), zone)
    if once and text.startswith("at(") and text.endswith(")"):
        try:
            moment = datetime.strptime(text[3:-1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=zone)
        except ValueError:
            raise InvalidSchedule(text) from None
        return _At(moment.timestamp())
    raise InvalidSchedule(text)


@dataclass(frozen=True, slots=True)
class _Rate:
    seconds: int
    since: float

    def after(self, moment: float) -> float:
        return self.since + max(1, math.floor((moment - self.since) / self.seconds) + 1) * self.seconds


@dataclass(frozen=True, slots=True)
class _At:
    moment: float

    def after(self, moment: float) -> float | None:
        return self.moment if self.moment > moment else None


@dataclass(frozen=True, slots=True)
class _Cron:
    minutes: list[int]
    hours: list[int]
    day: _Test
    months: frozenset[int]
    years: frozenset[int]
    zone: ZoneInfo

    def after(self, moment: float) -> float | None:
        day = datetime.fromtimestamp(moment, self.zone).date()
        while day.year <= _YEARS[1]:
            if day.year not in self.years:
                day = date(day.year + 1, 1, 1)
            elif day.month not in self.months:
                day = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
            else:
                if self.day(day) and (found := self._within(day, moment)) is not None:
                    return found
                day += timedelta(days=1)
        return None

    def _within(self, day: date, moment: float) -> float | None:
        """An hour that a change of clocks leaves out isn't due; one that it repeats is due once."""
        for hour in self.hours:
            for minute in self.minutes:
                clock = datetime.combine(day, time(hour, minute))
                found = clock.replace(tzinfo=self.zone).timestamp()
                exists = datetime.fromtimestamp(found, self.zone).replace(tzinfo=None) == clock
                if exists and found > moment:
                    return found
        return None


def _cron(fields: list[str], zone: ZoneInfo) -> _Cron:
    if len(fields) != 6 or (fields[2] == "?") == (fields[4] == "?"):
        raise InvalidSchedule(" ".join(fields))
    minutes, hours, of_month, months, of_week, years = fields
    day = _day_of_week(of_week) if of_month == "?" else _day_of_month(of_month)
    return _Cron(
        sorted(_numbers(minutes, 0, 59)),
        sorted(_numbers(hours, 0, 23)),
        day,
        _numbers(months, 1, 12, _MONTHS),
        _numbers(years, *_YEARS),
        zone,
    )


def _numbers(text: str, low: int, high: int, names: dict[str, int] | None = None) -> frozenset[int]:
    """The numbers that a field means: lists, ranges, steps and names."""
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        begin, dash, end = span.partition("-")
        if begin == "*" and not dash:
            first, last = low, high
        else:
            first = _number(begin, names)
            last = _number(end, names) if dash else (high if slash else first)
        width = _number(step, None) if slash else 1
        if not low <= first <= last <= high or width < 1:
            raise InvalidSchedule(text)
        found.update(range(first, last + 1, width))
    return frozenset(found)


def _number(text: str, names: dict[str, int] | None) -> int:
    if names and text.upper() in names:
        return names[text.upper()]
    if not (text.isascii() and text.isdecimal()):
        raise InvalidSchedule(text)
    return int(text)


def _last_day(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _weekday(day: date) -> int:
    """1 is Sunday."""
    return day.isoweekday() % 7 + 1


def _day_of_month(text: str) -> _Test:
    if text == "L":
        return lambda day: day.day == _last_day(day)
    if match := re.fullmatch(r"(\d+|L)W", text):
        meant = match[1]
        if meant != "L" and not 1 <= int(meant) <= 31:
            raise InvalidSchedule(text)
        return lambda day: day == _nearest_weekday(day, meant)
    wanted = _numbers(text, 1, 31)
    return lambda day: day.day in wanted


def _nearest_weekday(day: date, text: str) -> date | None:
    """The weekday next to a day of that month, within the month."""
    last = _last_day(day)
    number = last if text == "L" else int(text)
    if number > last:
        return None
    meant = day.replace(day=number)
    moves = {6: -1 if number > 1 else 2, 7: 1 if number < last else -2}
    return meant + timedelta(days=moves.get(meant.isoweekday(), 0))


def _day_of_week(text: str) -> _Test:
    if match := re.fullmatch(r"(\w+)#([1-5])", text):
        wanted = _numbers(match[1], 1, 7, _DAYS)
        count = int(match[2])
        return lambda day: _weekday(day) in wanted and (day.day - 1) // 7 + 1 == count
    if text == "L":
        return lambda day: _weekday(day) == 7
    if match := re.fullmatch(r"(\w+)L", text):
        wanted = _numbers(match[1], 1, 7, _DAYS)
        return lambda day: _weekday(day) in wanted and day.day > _last_day(day) - 7
    wanted = _numbers(text, 1, 7, _DAYS)
    return lambda day: _weekday(day) in wanted
