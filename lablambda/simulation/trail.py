"""Every request of a load by itself, simulated or measured, and what they come to slice by slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lablambda.rules import cost
from lablambda.rules.cost import Usage
from lablambda.simulation.arrays import Counts, Floats
from lablambda.simulation.course import PERCENTS, SLICES, Bill, Course, Slice

Codes = NDArray[np.int8]
# What can become of a request: it was answered, the function failed, it was refused, no answer came.
OK, FAILED, THROTTLED, LOST = range(4)
_NOTHING = np.empty(0)


@dataclass(frozen=True, slots=True)
class Trail:
    """Moments are seconds since the load began, in which requests came for `length_s`.

    `at`, `latency_s` and `outcome` (one of the codes above) are of each request, in order of arrival. Those that ran
    began at `began`, in order, when `running` ran, themselves included; they ran for `ran_s` and `duration_dollars`.
    `kept_dollars` is what is provisioned for all the time. Environments were there from `births`
    until `deaths`. `notes` are for whoever reads the result.
    """

    name: str
    model: str
    length_s: float
    at: Floats
    latency_s: Floats
    outcome: Codes
    cold_at: Floats
    began: Floats
    running: Floats
    ran_s: Floats
    duration_dollars: Floats
    births: Floats
    deaths: Floats = field(default_factory=_NOTHING.copy)
    kept_dollars: float = 0.0
    reasons: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def course(trail: Trail) -> Course:
    """What it comes to, in equal slices of the time."""
    edges = np.linspace(0, trail.length_s, SLICES + 1)
    ran = trail.outcome <= FAILED
    columns = {
        "arrivals": _counts(trail.at, edges),
        "served": _counts(trail.at[ran], edges),
        "errors": _counts(trail.at[trail.outcome == FAILED], edges),
        "throttles": _counts(trail.at[trail.outcome == THROTTLED], edges),
        "cold_starts": _counts(trail.cold_at, edges),
        "concurrency": np.maximum(_most(trail.began, trail.running, edges), _under_way(trail, edges)),
        "environments": _alive(trail, edges),
        "cost": _dollars(trail, edges),
    }
    latency_ms = trail.latency_s[ran] * 1000
    bounds = np.searchsorted(trail.at[ran], edges[1:-1])
    slices = [
        Slice(
            begin_s=float(edges[number]),
            **{name: values[number].item() for name, values in columns.items()},
            p50_ms=_percentile(part, 50),
            p99_ms=_percentile(part, 99),
        )
        for number, part in enumerate(np.split(latency_ms, bounds))
    ]
    return Course(
        function=trail.name,
        model=trail.model,
        length_s=trail.length_s,
        arrivals=len(trail.at),
        served=int(ran.sum()),
        errors=int((trail.outcome == FAILED).sum()),
        throttles=int((trail.outcome == THROTTLED).sum()),
        lost=int((trail.outcome == LOST).sum()),
        cold_starts=len(trail.cold_at),
        concurrency=max(each.concurrency for each in slices),
        environments=max(each.environments for each in slices),
        latency_ms={f"p{percent:g}": float(np.percentile(latency_ms, percent)) for percent in PERCENTS}
        if len(latency_ms)
        else {},
        reasons=dict(trail.reasons),
        bill=Bill(
            requests=cost.price(Usage(int(ran.sum()), 0.0)),
            duration=float(trail.duration_dollars.sum()),
            provisioned=trail.kept_dollars,
        ),
        slices=tuple(slices),
        notes=trail.notes,
    )


def _counts(moments: Floats, edges: Floats) -> Counts:
    """How many of the moments are in each slice; what comes after the last is in the last."""
    places = np.clip(np.searchsorted(edges, moments, side="right") - 1, 0, len(edges) - 2)
    return np.bincount(places, minlength=len(edges) - 1)


def _most(moments: Floats, values: Floats, edges: Floats) -> Counts:
    most = np.zeros(len(edges) - 1)
    places = np.clip(np.searchsorted(edges, moments, side="right") - 1, 0, len(most) - 1)
    np.maximum.at(most, places, values)
    return most.astype(np.int64)


def _under_way(trail: Trail, edges: Floats) -> Counts:
    """How many requests that began before each slice end in it or later."""
    ends, begins = np.sort(trail.began + trail.ran_s), edges[:-1]
    came, went = np.searchsorted(trail.began, begins), np.searchsorted(ends, begins, side="right")
    return (came - went).astype(np.int64)


def _alive(trail: Trail, edges: Floats) -> Counts:
    """The most environments there are at once, in each slice."""
    moments = np.concatenate([trail.births, trail.deaths])
    steps = np.concatenate([np.ones(len(trail.births)), -np.ones(len(trail.deaths))])
    order = np.lexsort((-steps, moments))  # whoever begins at the moment another ends was needed beside it
    moments, alive = moments[order], np.cumsum(steps[order])
    before = np.searchsorted(moments, edges[:-1], side="right") - 1
    at_begin = np.where(before >= 0, np.append(alive, 0.0)[before], 0.0)
    return np.maximum(_most(moments, alive, edges), at_begin.astype(np.int64))


def _dollars(trail: Trail, edges: Floats) -> Floats:
    places = np.clip(np.searchsorted(edges, trail.began, side="right") - 1, 0, len(edges) - 2)
    duration = np.bincount(places, weights=trail.duration_dollars, minlength=len(edges) - 1)
    requests = _counts(trail.at[trail.outcome <= FAILED], edges) * cost.PER_REQUEST
    return duration + requests + trail.kept_dollars / (len(edges) - 1)


def _percentile(values: Floats, percent: float) -> float | None:
    return float(np.percentile(values, percent)) if len(values) else None
