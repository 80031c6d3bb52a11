"""How much provisioned concurrency keeps its utilization near a target.

More at once when the last three minutes were all above it, in proportion; less, with care, when the last fifteen were
all under nine tenths of it, as the busiest of them needs it. A minute without an invocation has no utilization, and
nothing is scaled on it. Sources:
https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html#managing-provisioned-concurency and
https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

PERIOD_S = 60
MINUTES = 15  # how far back anything counts
_ABOVE_MINUTES = 3
_UNDER_SHARE = 0.9
Minutes = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Tracking:
    """A policy. `target` is a utilization, 0 to 1; cooldowns are seconds in which a scale-out counts as part of the
    next one, and a scale-in is not followed by another."""

    target: float
    out_cooldown_s: float = 0.0
    in_cooldown_s: float = 0.0
    scales_in: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a scalable target stands. `since_out_s` and `since_in_s` are seconds since it was last scaled so, and
    `before_out` what its capacity was before that scale-out."""

    capacity: int
    since_out_s: float = math.inf
    since_in_s: float = math.inf
    before_out: int = 0


def wish(tracking: Tracking, standing: Standing, minutes: Minutes) -> int:
    """The capacity that one policy wants. `minutes` are the utilizations of the last whole minutes, oldest first, None
    where there is none."""
    above, known = minutes[-_ABOVE_MINUTES:], [value for value in minutes[-MINUTES:] if value is not None]
    if len(above) == _ABOVE_MINUTES and all(v is not None and v > tracking.target for v in above):
        cooling = standing.since_out_s < tracking.out_cooldown_s
        base = standing.before_out if cooling else standing.capacity
        return max(standing.capacity, _needed(base, known[-1], tracking))
    if not tracking.scales_in or standing.since_in_s < tracking.in_cooldown_s:
        return standing.capacity
    if len(known) == MINUTES and max(known) < _UNDER_SHARE * tracking.target:
        return min(standing.capacity, _needed(standing.capacity, max(known), tracking))
    return standing.capacity


def choose(capacity: int, wishes: Sequence[int]) -> int:
    """The capacity of several policies: more if any wants it, less only if all do, and then the most of these."""
    return max(wishes, default=capacity)


def within(capacity: int, minimum: int, maximum: int) -> int:
    """The capacity nearest to this one within bounds."""
    return min(max(capacity, minimum), maximum)


def _needed(capacity: int, utilization: float, tracking: Tracking) -> int:
    return math.ceil(round(capacity * utilization / tracking.target, 6))
