"""Statistics of samples over periods, as CloudWatch gives them: pure arithmetic.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from lablambda.model.errors import ValidationFailed

Samples = Sequence[float]
_SIMPLE: dict[str, Callable[[Samples], float]] = {
    "SampleCount": lambda samples: float(len(samples)),
    "Average": lambda samples: sum(samples) / len(samples),
    "Sum": lambda samples: float(sum(samples)),
    "Minimum": lambda samples: float(min(samples)),
    "Maximum": lambda samples: float(max(samples)),
}
_PERCENTILE = re.compile(r"p(\d{1,3}(?:\.\d{1,10})?)", re.ASCII)
_SHORT_PERIODS_S = (1, 5, 10, 30)
_MINUTE_S = 60


def statistic(name: str) -> Callable[[Samples], float]:
    """What makes one number of a period's samples (at least one): a simple statistic, or `p0` to `p100`.

    Raises ValidationFailed for another name; trimmed means and their like aren't built.
    """
    if name in _SIMPLE:
        return _SIMPLE[name]
    match = _PERCENTILE.fullmatch(name)
    if match is None or float(match[1]) > 100:
        raise ValidationFailed(
            f"Invalid statistic {name!r}: this lab has {', '.join(_SIMPLE)} and percentiles p0 to p100."
        )
    percent = float(match[1])
    return lambda samples: percentile(samples, percent)


def percentile(samples: Samples, percent: float) -> float:
    """The value under which `percent` (0 to 100) of the samples lie, between two samples by proportion."""
    ordered = sorted(samples)
    place = (len(ordered) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def check_period(period_s: int) -> None:
    """Raise ValidationFailed unless a period is 1, 5, 10, 30 or a multiple of 60 seconds.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricStat.html
    """
    if period_s not in _SHORT_PERIODS_S and (period_s < 1 or period_s % _MINUTE_S):
        raise ValidationFailed(
            f"The parameter Period must be 1, 5, 10, 30 or a multiple of {_MINUTE_S}; it is {period_s}."
        )


def period_start(moment: float, period_s: int) -> int:
    """The begin of the period that holds `moment`; periods are counted from 1970. All in seconds."""
    return int(moment // period_s) * period_s


def by_period(samples: Iterable[tuple[float, float]], period_s: int) -> dict[int, list[float]]:
    """Samples (moment, value) by the begin of their period, in order of time; empty periods are absent."""
    found: dict[int, list[float]] = {}
    for moment, value in samples:
        found.setdefault(period_start(moment, period_s), []).append(value)
    return dict(sorted(found.items()))
