from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lablambda.rules.schedule import InvalidSchedule, Schedule, parse_schedule


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def following(schedule: Schedule, start: str, count: int) -> list[str]:
    def all_of_them() -> object:
        at = moment(start)
        while (found := schedule.after(at)) is not None:
            at = found
            yield datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")

    return list(islice(all_of_them(), count))  # type: ignore[call-overload]  # a generator


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 10 * * ? *)", ["2026-11-01 10:00", "2026-11-02 10:00"]),
        ("cron(15 12 * * ? *)", ["2026-11-01 12:15", "2026-11-02 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-11-02 18:00", "2026-11-03 18:00"]),
        ("cron(0 8 1 * ? *)", ["2026-11-01 08:00", "2026-12-01 08:00"]),
        ("cron(0/15 * * * ? *)", ["2026-11-01 00:15", "2026-11-01 00:30"]),
        ("cron(0/10 * ? * MON-FRI *)", ["2026-11-02 00:00", "2026-11-02 00:10"]),
        ("cron(0/5 8-17 ? * MON-FRI *)", ["2026-11-02 08:00", "2026-11-02 08:05"]),
        ("cron(0 9 ? * 2#1 *)", ["2026-11-02 09:00", "2026-12-07 09:00"]),
        ("cron(0 0 L * ? *)", ["2026-11-30 00:00", "2026-12-31 00:00"]),
        ("cron(0 0 ? * 6L *)", ["2026-11-27 00:00", "2026-12-25 00:00"]),
        ("cron(0 0 ? * L *)", ["2026-11-07 00:00", "2026-11-14 00:00"]),
        ("cron(0 0 1W * ? *)", ["2026-11-02 00:00", "2026-12-01 00:00"]),
        ("cron(0 0 15W * ? *)", ["2026-11-16 00:00", "2026-12-15 00:00"]),
        ("cron(0 0 LW 1 ? *)", ["2027-01-29 00:00", "2028-01-31 00:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("cron(0 0 1 JAN,jul ? 2027-2028)", ["2027-01-01 00:00", "2027-07-01 00:00"]),
        ("cron(0 0 ? * 1 *)", ["2026-11-08 00:00", "2026-11-15 00:00"]),
        ("cron(0 0 1 1 ? 2020)", []),
    ],
)
def test_cron(expression: str, expected: list[str]) -> None:
    assert following(parse_schedule(expression, since=0), "2026-11-01T00:00:00", 2) == expected


def test_rates_count_from_their_beginning() -> None:
    since = moment("2026-11-01T00:00:30")
    schedule = parse_schedule("rate(5 minutes)", since=since)
    assert schedule.after(since) == since + 300
    assert schedule.after(since - 1_000) == since + 300
    assert schedule.after(since + 300) == since + 600
    assert parse_schedule("rate(1 day)", since=since).after(since) == since + 86_400


def test_once() -> None:
    schedule = parse_schedule("at(2026-12-24T18:00:00)", since=0, zone=ZoneInfo("Europe/Berlin"), once=True)
    assert following(schedule, "2026-11-01T00:00:00", 3) == ["2026-12-24 17:00"]
    with pytest.raises(InvalidSchedule):
        parse_schedule("at(2026-12-24T18:00:00)", since=0)


def test_an_hour_left_out_isnt_due_and_one_repeated_is_due_once() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    schedule = parse_schedule("cron(30 2 * * ? *)", since=0, zone=berlin)
    spring = following(schedule, "2026-03-27T12:00:00", 3)
    assert spring == ["2026-03-28 01:30", "2026-03-30 00:30", "2026-03-31 00:30"]
    autumn = following(schedule, "2026-10-24T12:00:00", 2)
    assert autumn == ["2026-10-25 00:30", "2026-10-26 01:30"]


@pytest.mark.parametrize(
    "expression",
    [
        *(
            "",
            "rate()",
            "rate(0 minutes)",
            "rate(1 minutes)",
            "rate(5 minute)",
            "rate(5 seconds)",
            "rate(-1 hours)",
        ),
        *("cron()", "cron(0 10 * * *)", "cron(0 10 * * * *)", "cron(0 10 ? * ? *)", "cron(60 10 * * ? *)"),
        *(
            "cron(0 24 * * ? *)",
            "cron(0 0 0 * ? *)",
            "cron(0 0 32W * ? *)",
            "cron(0 0 ? * 8 *)",
            "cron(a 0 * * ? *)",
        ),
        *("cron(0 0 ? * 2#6 *)", "cron(0 0 * 13 ? *)", "cron(0 0 * * ? 1969)", "cron(5-1 0 * * ? *)"),
        *("cron(*/0 0 * * ? *)", "at(2026-13-01T00:00:00)", "at(tomorrow)"),
    ],
)
def test_what_is_no_schedule(expression: str) -> None:
    with pytest.raises(InvalidSchedule):
        parse_schedule(expression, since=0, once=True)


@given(
    st.integers(0, 59),
    st.integers(0, 23),
    st.integers(2**29, 2**31),
    st.sampled_from(["UTC", "Asia/Kolkata", "America/New_York"]),
)
def test_a_daily_time_is_the_first_such_minute(minute: int, hour: int, start: int, zone: str) -> None:
    """Against trying every minute of the two days that follow."""
    place = ZoneInfo(zone)
    found = parse_schedule(f"cron({minute} {hour} * * ? *)", since=0, zone=place).after(start)
    first = start - start % 60 + 60
    minutes = (first + 60 * n for n in range(3 * 1440))
    slow = next(
        at
        for at in minutes
        if (clock := datetime.fromtimestamp(at, place)).minute == minute
        and clock.hour == hour
        and clock.fold == 0
    )
    assert found == slow
