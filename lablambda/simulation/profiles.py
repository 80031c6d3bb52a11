"""When requests come: as many a second as a line says, or at moments that are known one by one.

Moments are seconds since the load began. A profile says how many requests are to have come by a moment, from which
both ways to simulate get theirs: moments one by one, or numbers by slices of time.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lablambda.rules import durations
from lablambda.simulation.arrays import Floats
from lablambda.simulation.forms import PROFILES, SHAPES


class Profile(Protocol):
    @property
    def length_s(self) -> float:
        """How long requests come."""

    def by(self, moments: Floats) -> Floats:
        """How many requests come before these moments."""

    def arrivals(self, shares: Floats) -> Floats:
        """When these shares (0 to 1) of all requests have come."""


class Line:
    """A rate that changes evenly from point to point: moments in order, and requests a second."""

    def __init__(self, points: Sequence[tuple[float, float]] | Floats) -> None:
        """Raises ValueError if there are less than two points, or time or a rate runs backwards under 0."""
        table = np.asarray(points, float)
        if table.ndim != 2 or len(table) < 2 or not np.isfinite(table).all() or (table[:, 1] < 0).any():
            raise ValueError("A load takes two points or more, with rates from 0")
        self._moments, self._rates = table[:, 0], table[:, 1]
        spans = np.diff(self._moments)
        if self._moments[0] != 0 or (spans < 0).any() or self._moments[-1] <= 0:
            raise ValueError("A load's points begin at 0 and go forward in time")
        self._slopes = np.divide(np.diff(self._rates), spans, out=np.zeros_like(spans), where=spans > 0)
        self._before = np.concatenate([[0.0], np.cumsum(spans * (self._rates[1:] + self._rates[:-1]) / 2)])

    @property
    def length_s(self) -> float:
        return float(self._moments[-1])

    def by(self, moments: Floats) -> Floats:
        moments = np.clip(moments, 0, self.length_s)
        place = self._places(self._moments, moments)
        since = moments - self._moments[place]
        come: Floats = self._before[place] + since * (self._rates[place] + since * self._slopes[place] / 2)
        return come

    def arrivals(self, shares: Floats) -> Floats:
        counts = shares * self._before[-1]
        place = self._places(self._before, counts)
        missing = counts - self._before[place]
        rate, slope = self._rates[place], self._slopes[place]
        # What solves rate * t + slope * t**2 / 2 = missing, in the form that holds for a slope of 0 too.
        root = rate + np.sqrt(np.maximum(0.0, rate**2 + 2 * slope * missing))
        since = np.divide(2 * missing, root, out=np.zeros_like(missing), where=root > 0)
        moments: Floats = np.minimum(self._moments[place] + since, self.length_s)
        return moments

    def _places(self, bounds: Floats, values: Floats) -> NDArray[np.intp]:
        """In which part each value is."""
        return np.clip(np.searchsorted(bounds, values, side="right") - 1, 0, len(self._slopes) - 1)


class Moments:
    """Requests at known moments."""

    def __init__(self, moments: Sequence[float] | Floats) -> None:
        """Raises ValueError if there is none, or one under 0."""
        self._moments = np.sort(np.asarray(moments, float))
        if not len(self._moments) or not np.isfinite(self._moments).all() or self._moments[0] < 0:
            raise ValueError("A list of arrivals takes one moment or more, in seconds from 0")

    @property
    def length_s(self) -> float:
        return float(np.nextafter(self._moments[-1], np.inf))

    def by(self, moments: Floats) -> Floats:
        return np.searchsorted(self._moments, moments).astype(float)

    def arrivals(self, shares: Floats) -> Floats:
        places = np.minimum((shares * len(self._moments)).astype(int), len(self._moments) - 1)
        moments: Floats = self._moments[places]
        return moments


def total(profile: Profile) -> int:
    """How many requests come in all."""
    return round(float(profile.by(np.array([profile.length_s]))[0]))


def drawn(profile: Profile, generator: np.random.Generator | None) -> Floats:
    """When each request comes, in order: each by chance as independent callers do, or as evenly as the profile goes
    if there is no generator."""
    count = total(profile)
    if generator is None or isinstance(profile, Moments):
        return profile.arrivals((np.arange(count) + 0.5) / max(1, count))
    return profile.arrivals(np.sort(generator.random(count)))


def shaped(form: str, rate: float, length_s: float) -> Line:
    """One of SHAPES with `rate` requests a second at its height, for so many seconds; or points, written as
    `TIME:RATE,...`. Raises ValueError for anything else."""
    if form in SHAPES:
        return Line([(share * length_s, height * rate) for share, height in SHAPES[form]])
    try:
        pairs = [point.split(":") for point in form.split(",")]
        return Line([(durations.seconds(moment), float(each)) for moment, each in pairs])
    except ValueError as error:
        raise ValueError(f"{form!r}: write {PROFILES} ({error})") from None


def listed(path: Path) -> Moments:
    """The moments in the first column of a CSV file: seconds, or dates and times; counted from the first if they are
    dates or seconds since 1970. Raises ValueError for anything else."""
    with open(path, newline="") as file:
        cells = [row[0].strip() for row in csv.reader(file) if row]
    try:
        moments = [_moment(cell) for cell in cells[_is_head(cells) :]]
        first = min(moments, default=0.0)
        return Moments([moment - first for moment in moments] if first > _DATES_FROM else moments)
    except ValueError as error:
        raise ValueError(f"{path}: {error}. Write seconds or dates in the first column.") from None


# Seconds since 1970, of 1973: no load is as long as that.
_DATES_FROM = 1e8


def _is_head(cells: Sequence[str]) -> bool:
    try:
        _moment(cells[0])
    except ValueError:
        return True
    except IndexError:
        return False
    return False


def _moment(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return datetime.fromisoformat(cell).timestamp()
