"""How long something takes: a span of time that is always the same, or differs from one time to the next.

Every distribution is asked for one thing, the span under which a share of all lie: so it can be drawn from, and
cut into equal parts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Protocol

import numpy as np

from lablambda.rules import durations
from lablambda.simulation.arrays import Floats
from lablambda.simulation.forms import SPANS


class Distribution(Protocol):
    def at(self, share: Floats) -> Floats:
        """The seconds under which these shares (0 to 1) of all lie."""


@dataclass(frozen=True, slots=True)
class Constant:
    """Always as long, in seconds."""

    seconds: float

    def at(self, share: Floats) -> Floats:
        return np.full(share.shape, self.seconds)


@dataclass(frozen=True, slots=True)
class Lognormal:
    """Half of all are under `p50` seconds and 99 of 100 under `p99`: most are alike, and few are very long."""

    p50: float
    p99: float

    def at(self, share: Floats) -> Floats:
        sigma = np.log(self.p99 / self.p50) / NormalDist().inv_cdf(0.99)
        spans: Floats = self.p50 * np.exp(sigma * _normal(share))
        return spans


class Empirical:
    """As often as they were seen: seconds, at least one."""

    def __init__(self, seconds: Sequence[float] | Floats) -> None:
        self._sorted: Floats = np.sort(np.asarray(seconds, float))

    def at(self, share: Floats) -> Floats:
        places = np.minimum((share * len(self._sorted)).astype(int), len(self._sorted) - 1)
        spans: Floats = self._sorted[places]
        return spans


class Percentiles:
    """Known at some percentiles (0 to 100) only, in seconds; evenly spread between two of them."""

    def __init__(self, seconds: Mapping[float, float]) -> None:
        self._shares = np.array(sorted(seconds)) / 100
        self._seconds = np.array([seconds[percent] for percent in sorted(seconds)])

    def at(self, share: Floats) -> Floats:
        spans: Floats = np.interp(share, self._shares, self._seconds)
        return spans


def parse(text: str) -> Distribution:
    """`50ms`, `p50=50ms,p99=400ms`, or `@FILE`: numbers of milliseconds, one a line or a JSON list. Raises
    ValueError for anything else."""
    if text.startswith("@"):
        return _read(Path(text[1:]).expanduser())
    if "=" not in text:
        return Constant(durations.seconds(text))
    parts = dict(part.strip().split("=", 1) for part in text.split(",") if "=" in part)
    if set(parts) != {"p50", "p99"} or text.count(",") != 1:
        raise ValueError(f"{text!r}: write {SPANS}")
    p50, p99 = durations.seconds(parts["p50"]), durations.seconds(parts["p99"])
    if not 0 < p50 <= p99:
        raise ValueError(f"{text!r}: p50 is above 0, and p99 no less than it")
    return Lognormal(p50, p99)


def _read(path: Path) -> Empirical:
    text = path.read_text()
    try:
        numbers = json.loads(text) if text.lstrip().startswith("[") else text.split()
        seconds = [float(number) / 1000 for number in numbers]
    except (ValueError, TypeError):
        seconds = []
    if not seconds or not np.isfinite(seconds).all() or min(seconds) < 0:
        raise ValueError(f"{path} has to hold numbers of milliseconds, one a line or a JSON list")
    return Empirical(seconds)


def _normal(share: Floats) -> Floats:
    """Where the standard normal distribution has these shares, by a table: to four digits, in no time."""
    deviations: Floats = np.interp(share, _SHARES, _NORMAL)
    return deviations


_NORMAL = np.linspace(-6, 6, 4_801)
_SHARES = np.array([NormalDist().cdf(float(z)) for z in _NORMAL])
