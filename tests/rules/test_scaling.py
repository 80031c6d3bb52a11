"""How fast functions grow, and how often they may be asked."""

from __future__ import annotations

import pytest

from lablambda.rules.concurrency import ACCOUNT_REASON, RESERVED_REASON
from lablambda.rules.scaling import ENVIRONMENTS, request, start, too_fast
from lablambda.rules.throttle import Bucket


def started(bucket: Bucket | None, asked: int, now: float) -> tuple[int, Bucket]:
    """How many of so many starts at one moment are granted."""
    count = 0
    for _ in range(asked):
        granted, bucket = start(bucket, ENVIRONMENTS, now)
        count += granted
    assert bucket is not None
    return count, bucket


def test_a_thousand_at_once_and_a_hundred_a_second_after_that() -> None:
    count, bucket = started(None, 1_500, 0.0)
    assert count == 1_000
    count, bucket = started(bucket, 1_500, 2.5)
    assert count == 250
    assert started(bucket, 1_500, 12.5)[0] == 1_000


def test_what_is_not_used_does_not_add_up() -> None:
    _, bucket = started(None, 1, 0.0)
    assert started(bucket, 5_000, 3_600.0)[0] == 1_000


@pytest.mark.parametrize(("concurrency", "most"), [(0, 0), (1, 10), (1_000, 10_000)])
def test_ten_requests_a_second_for_each_unit_of_concurrency(concurrency: int, most: int) -> None:
    bucket: Bucket | None = None
    for _ in range(most):
        granted, bucket = request(bucket, concurrency, 0.0)
        assert granted
    assert not request(bucket, concurrency, 0.0)[0]
    assert request(bucket, concurrency, 0.1)[0] is (most > 0)


def test_the_reason_tells_whose_concurrency_it_was() -> None:
    assert (too_fast(reserved=False), too_fast(reserved=True)) == (ACCOUNT_REASON, RESERVED_REASON)
