from __future__ import annotations

import pytest

from lablambda.rules.queue_scaling import concurrency, visibility_s


@pytest.mark.parametrize(
    ("backlogged_s", "maximum", "expected"),
    [(0, None, 5), (60, None, 305), (6000, None, 1250), (60, 2, 2), (0, 100, 5), (60, 100, 100)],
)
def test_batches_at_a_time(backlogged_s: float, maximum: int | None, expected: int) -> None:
    assert concurrency(backlogged_s, maximum) == expected


def test_messages_stay_hidden_for_as_long_as_the_function_may_take() -> None:
    assert visibility_s(30, 3, 0) == 30
    assert visibility_s(30, 20, 60) == 110
