"""What the flows of a scenario's functions come to, slice by slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lablambda.rules import cost
from lablambda.rules.cost import Usage
from lablambda.simulation.arrays import Floats
from lablambda.simulation.course import PERCENTS, SLICES, Bill, Course, Slice
from lablambda.simulation.flow import Flow
from lablambda.simulation.scenario import Scenario


def course_of(
    scenario: Scenario, name: str, flows: Sequence[Flow], step_s: float, reasons: Mapping[str, float]
) -> Course:
    """The sums of all functions; counts are expected ones, no whole numbers."""
    totals = {
        column: _by_slice(flows, column).sum(axis=1) for column in ("arrivals", "served", "throttled", "cold")
    }
    most, environments = _most(flows), _by_slice(flows, "environments").max(axis=1)
    errors: Floats = np.sum(
        [flow.served.reshape(SLICES, -1).sum(axis=1) * flow.failing for flow in flows], axis=0
    )
    requests = totals["served"] * cost.price(Usage(1, 0.0))
    duration: Floats = np.sum([_duration_dollars(flow) for flow in flows], axis=0)
    latencies = _Latencies(flows)
    slices = tuple(
        Slice(
            begin_s=number * scenario.length_s / SLICES,
            arrivals=float(totals["arrivals"][number]),
            served=float(totals["served"][number]),
            errors=float(errors[number]),
            throttles=float(totals["throttled"][number]),
            cold_starts=float(totals["cold"][number]),
            concurrency=min(float(most[number]), scenario.account),
            environments=float(environments[number]),
            p50_ms=latencies.percentile(50, number),
            p99_ms=latencies.percentile(99, number),
            cost=float(requests[number] + duration[number] + scenario.kept_dollars / SLICES),
        )
        for number in range(SLICES)
    )
    percentiles = {f"p{percent:g}": latencies.percentile(percent) for percent in PERCENTS}
    return Course(
        function=name,
        model=f"simulated, in steps of {step_s * 1000:,.0f} ms",
        length_s=scenario.length_s,
        arrivals=float(totals["arrivals"].sum()),
        served=float(totals["served"].sum()),
        errors=float(errors.sum()),
        throttles=float(totals["throttled"].sum()),
        lost=0.0,
        cold_starts=float(totals["cold"].sum()),
        concurrency=max(each.concurrency for each in slices),
        environments=max(each.environments for each in slices),
        latency_ms={key: value for key, value in percentiles.items() if value is not None},
        reasons={reason: count for reason, count in reasons.items() if count >= 0.5},
        bill=Bill(float(requests.sum()), float(duration.sum()), scenario.kept_dollars),
        slices=slices,
    )


def _by_slice(flows: Sequence[Flow], column: str) -> Floats:
    """A column of all flows together: the steps of a slice in each row."""
    total: Floats = np.sum([getattr(flow, column) for flow in flows], axis=0)
    return total.reshape(SLICES, -1)


def _most(flows: Sequence[Flow]) -> Floats:
    """The most that run at once; what chance adds to one function, it seldom adds to the others at that moment."""
    by_chance = np.sqrt(np.sum([(flow.most - flow.mean) ** 2 for flow in flows], axis=0))
    most: Floats = (_by_slice(flows, "mean") + by_chance.reshape(SLICES, -1)).max(axis=1)
    return most


def _duration_dollars(flow: Flow) -> Floats:
    """What running costs in each slice; in provisioned concurrency it has a price of its own."""
    workload = flow.workload
    warm_s, cold_s = (np.ceil(seconds * 1000).mean() / 1000 for seconds in (flow.warm_s, flow.cold_s))
    gb_s = ((flow.served - flow.cold) * warm_s + flow.cold * cold_s) * workload.memory_mb / 1024
    in_ready = np.divide(
        flow.ready, flow.served, out=np.zeros_like(flow.served), where=flow.served > flow.ready
    )
    in_ready[(flow.served <= flow.ready) & (flow.ready > 0)] = 1.0
    on_demand = cost.price(Usage(0, 1.0), workload.architecture)
    ready = cost.provisioned_price(0.0, 1.0, workload.architecture)
    dollars: Floats = gb_s * (on_demand + in_ready * (ready - on_demand))
    by_slice: Floats = dollars.reshape(SLICES, -1).sum(axis=1)
    return by_slice


class _Latencies:
    """Every latency that there may be, with how many requests had it in each slice."""

    def __init__(self, flows: Sequence[Flow]) -> None:
        kinds = [
            (seconds, counts.reshape(SLICES, -1).sum(axis=1))
            for flow in flows
            for seconds, counts in ((flow.warm_s, flow.served - flow.cold), (flow.cold_s, flow.cold))
        ]
        values = np.concatenate([seconds for seconds, _ in kinds])
        order = np.argsort(values)
        self._values_ms = values[order] * 1000
        self._kinds = np.repeat(np.arange(len(kinds)), [len(seconds) for seconds, _ in kinds])[order]
        self._weights = np.array([counts / len(seconds) for seconds, counts in kinds])

    def percentile(self, percent: float, number: int | None = None) -> float | None:
        """Milliseconds, of one slice or of all; None if nothing was served."""
        weights = self._weights.sum(axis=1) if number is None else self._weights[:, number]
        below = np.cumsum(weights[self._kinds])
        if below[-1] < 1e-6:
            return None
        place = int(np.searchsorted(below, below[-1] * min(percent / 100, 1 - 1e-9)))
        return float(self._values_ms[min(place, len(self._values_ms) - 1)])
