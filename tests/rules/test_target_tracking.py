"""Target tracking as AWS describes it, minute by minute."""

from __future__ import annotations

import pytest

from lablambda.rules.target_tracking import Standing, Tracking, choose, wish, within

SEVENTY = Tracking(0.7)
QUIET: list[float | None] = [0.5] * 15


@pytest.mark.parametrize(
    ("minutes", "capacity", "wanted"),
    [
        ([0.8, 0.9, 1.0], 10, 15),  # in proportion to the last one, rounded up
        ([0.9, 0.9], 10, 10),  # three minutes are needed
        ([0.9, None, 0.9], 10, 10),  # and each with a sample
        ([0.9, 0.7, 0.9], 10, 10),  # above, not at the target
        ([0.5] * 15, 10, 8),  # under nine tenths of it for a quarter of an hour
        ([0.5] * 14, 10, 10),
        ([0.5] * 14 + [None], 10, 10),
        ([0.64] * 15, 10, 10),  # between the two nothing happens
        ([0.1] * 14 + [0.5], 10, 8),  # with care: what the busiest minute needs
        ([0.0] * 15, 10, 0),
        ([None] * 15, 10, 10),
        ([0.7] * 3, 10, 10),
    ],
)
def test_capacity_follows_utilization(minutes: list[float | None], capacity: int, wanted: int) -> None:
    assert wish(SEVENTY, Standing(capacity), minutes) == wanted


def test_within_its_cooldown_a_scale_out_counts_as_part_of_the_next() -> None:
    tracking = Tracking(0.5, out_cooldown_s=300)
    fresh = Standing(20, since_out_s=60, before_out=10)
    assert wish(tracking, fresh, [1.0] * 3) == 20
    assert wish(tracking, Standing(15, since_out_s=60, before_out=10), [1.0] * 3) == 20
    assert wish(tracking, Standing(20, since_out_s=300, before_out=10), [1.0] * 3) == 40


def test_within_its_cooldown_a_scale_in_is_not_followed_by_another() -> None:
    tracking = Tracking(0.7, in_cooldown_s=120)
    assert wish(tracking, Standing(10, since_in_s=60), QUIET) == 10
    assert wish(tracking, Standing(10, since_in_s=120), QUIET) == 8


def test_a_policy_may_not_scale_in() -> None:
    assert wish(Tracking(0.7, scales_in=False), Standing(10), QUIET) == 10


def test_of_several_policies_any_scales_out_and_only_all_scale_in() -> None:
    assert choose(10, [8, 12]) == 12
    assert choose(10, [8, 10]) == 10
    assert choose(10, [8, 6]) == 8
    assert choose(10, []) == 10


def test_capacity_stays_within_its_bounds() -> None:
    assert [within(capacity, 2, 5) for capacity in (1, 3, 9)] == [2, 3, 5]
