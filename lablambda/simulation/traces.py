"""Loads in the form of the public trace of Azure Functions: invocations of each function minute by minute, and how
long they took.

Source: Azure Functions Trace 2019, https://github.com/Azure/AzurePublicDataset
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lablambda.simulation.arrays import Floats
from lablambda.simulation.distributions import Distribution, Percentiles
from lablambda.simulation.profiles import Line

_NAMES = ("HashOwner", "HashApp", "HashFunction")
_PERCENTILE = "percentile_Average_"
_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Traced:
    """One function of a trace: its name, when it was invoked, and how long that took if that is known."""

    name: str
    profile: Line
    takes: Distribution | None


def read(invocations: Path, durations: Path | None = None) -> list[Traced]:
    """The functions of a file of invocations per minute, with those of a file of durations where it has them;
    functions that are never invoked are left out. Raises ValueError for other files."""
    takes = {} if durations is None else dict(_durations(durations))
    found = []
    for row in _rows(invocations):
        counts = _counts(invocations, row)
        if counts.any():
            profile = Line(np.column_stack([_edges(len(counts)), np.repeat(counts / _MINUTE_S, 2)]))
            found.append(Traced(row[_NAMES[2]], profile, takes.get(_key(row))))
    if not found:
        raise ValueError(f"{invocations}: nothing is invoked in it")
    return found


def _counts(path: Path, row: Mapping[str, str]) -> Floats:
    minutes = sorted(int(name) for name in row if name and name.isdecimal())
    if minutes != list(range(1, len(minutes) + 1)) or not minutes:
        raise ValueError(f"{path}: its columns have to be {', '.join(_NAMES)}, Trigger, 1, 2, ... (minutes)")
    try:
        return np.array([float(row[str(minute)] or 0) for minute in minutes])
    except (TypeError, ValueError):
        raise ValueError(f"{path}: {row[_NAMES[2]]} has a minute that isn't a number") from None


def _edges(minutes: int) -> Floats:
    """Begin and end of each minute, in seconds."""
    begins = np.arange(minutes) * _MINUTE_S
    return np.column_stack([begins, begins + _MINUTE_S]).ravel()


def _durations(path: Path) -> Iterator[tuple[tuple[str, ...], Distribution]]:
    for row in _rows(path):
        names = [name for name in row if name and name.startswith(_PERCENTILE)]
        try:
            known = {float(name.removeprefix(_PERCENTILE)): float(row[name]) / 1000 for name in names}
        except (TypeError, ValueError):
            raise ValueError(f"{path}: {row[_NAMES[2]]} has a percentile that isn't a number") from None
        if len(known) < 2:
            raise ValueError(f"{path}: its columns have to be {', '.join(_NAMES)}, {_PERCENTILE}0, ... (ms)")
        yield _key(row), Percentiles(known)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            if not set(_NAMES) <= set(row):
                raise ValueError(f"{path}: its columns have to begin with {', '.join(_NAMES)}")
            yield row


def _key(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(row[name] for name in _NAMES)
