"""Which events of a batch are taken, by a table."""

from __future__ import annotations

import pytest

from lablambda.model.errors import InvalidParameterValue
from lablambda.rules.log_batch import DAY_MS, Taken, check_batch

NOW = 1_800_000_000_000
HOUR = 3_600_000


@pytest.mark.parametrize(
    ("times", "days", "expected"),
    [
        ([0], None, Taken(0, 1, {})),
        ([-DAY_MS + 1, 0], None, Taken(0, 2, {})),
        ([0, 2 * HOUR, 2 * HOUR + 1], None, Taken(0, 2, {"tooNewLogEventStartIndex": 2})),
        ([-15 * DAY_MS, -14 * DAY_MS - 1, 0], None, Taken(2, 3, {"tooOldLogEventEndIndex": 2})),
        ([-3 * DAY_MS, 0], 1, Taken(1, 2, {"expiredLogEventEndIndex": 1})),
        (
            [-15 * DAY_MS, -3 * DAY_MS, 0],
            1,
            Taken(2, 3, {"tooOldLogEventEndIndex": 1, "expiredLogEventEndIndex": 2}),
        ),
        ([3 * HOUR], None, Taken(0, 0, {"tooNewLogEventStartIndex": 0})),
        ([-20 * DAY_MS], None, Taken(1, 1, {"tooOldLogEventEndIndex": 1})),
    ],
)
def test_what_is_taken(times: list[int], days: int | None, expected: Taken) -> None:
    assert check_batch([(NOW + time, "m") for time in times], NOW, days) == expected


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([(NOW, "a"), (NOW - 1, "b")], "chronological order"),
        ([(NOW - DAY_MS - 1, "a"), (NOW, "b")], "cannot span more than 24 hours"),
        ([(NOW, "x" * (1_048_576 - 25))], "Upload too large: 1048577 bytes exceeds limit of 1048576"),
        ([(NOW, "é" * 524_276)], "Upload too large"),
    ],
)
def test_what_is_refused(events: list[tuple[int, str]], message: str) -> None:
    with pytest.raises(InvalidParameterValue, match=message):
        check_batch(events, NOW, None)


def test_the_largest_batch() -> None:
    assert check_batch([(NOW, "x" * (1_048_576 - 26))], NOW, None) == Taken(0, 1, {})
