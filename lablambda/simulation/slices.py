"""A load in steps of time, for more requests than can be followed one by one.

The limits are those of `rules/`, asked how many they let through instead of once for each request. They cut off what
is above them, so what chance throttles just under a limit isn't seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import compress

import numpy as np

from lablambda.rules import scaling
from lablambda.rules.throttle import Bucket
from lablambda.simulation.course import SLICES, Course
from lablambda.simulation.flow import Flow
from lablambda.simulation.flow_course import course_of
from lablambda.simulation.scenario import Scenario

# Of all functions; each takes some twenty microseconds.
_MOST_STEPS = 60_000
# A step is this share of a first invocation, with its init, if that doesn't come to more steps.
_SHARE_OF_COLD = 1 / 8


class _Pace:
    """The buckets of requests and environments, asked for amounts."""

    def __init__(self, environments: int, step_s: float, *, synchronous: bool) -> None:
        self._environments = environments
        self._step_s = step_s
        self._synchronous = synchronous
        self._started: dict[str, Bucket] = {}
        self._requested: dict[str, Bucket] = {}
        self.now = 0.0  # when the step begins

    def startable(self, function: str) -> float:
        """How many environments the function may start in this step."""
        return scaling.startable(self._started.get(function), self._environments, self.now, self._end)

    def start(self, function: str, count: float) -> None:
        self._started[function] = Bucket(self.startable(function) - count, self._end)

    def request(self, owner: str, concurrent: int, wanted: float) -> float:
        """How many of the wanted requests come through in this step; they are counted."""
        if not self._synchronous:
            return wanted
        most = scaling.requestable(self._requested.get(owner), concurrent, self.now, self._end)
        granted = min(wanted, most)
        self._requested[owner] = Bucket(most - granted, self._end)
        return granted

    @property
    def _end(self) -> float:
        return self.now + self._step_s


def course(scenario: Scenario, name: str) -> Course:
    """Simulate it in steps, and give what it comes to."""
    step_s, steps = _steps(scenario)
    flows = [Flow(workload, scenario, steps, step_s) for workload in scenario.workloads]
    pace = _Pace(scenario.environments, step_s, synchronous=scenario.synchronous)
    reasons: dict[str, float] = defaultdict(float)
    for step in range(steps):
        pace.now = step * step_s
        active = [flow for flow in flows if not flow.rest(step)]
        limits = _limits(active, step, scenario.pool)
        fitting = [_fitting(flow, step, limit) for flow, limit in zip(active, limits, strict=True)]
        admitted = _paced(active, step, fitting, scenario.pool, pace)
        for flow, fits, count, limit in zip(active, fitting, admitted, limits, strict=True):
            started, refused = flow.admit(step, count, limit, pace.startable(flow.workload.name))
            pace.start(flow.workload.name, started)
            flow.throttled[step] = flow.arrivals[step] - flow.served[step]
            for reason, number in _refusals(flow, step, fits, count, refused):
                reasons[reason] += number
    return course_of(scenario, name, flows, step_s, reasons)


def _steps(scenario: Scenario) -> tuple[float, int]:
    """How long a step is, and how many there are: a whole number in each slice of the result."""
    shares = (np.arange(100) + 0.5) / 100
    shortest = min(
        float(each.takes.at(shares).mean() + each.init.at(shares).mean()) for each in scenario.workloads
    )
    wanted = scenario.length_s / max(shortest * _SHARE_OF_COLD, 1e-3)
    most = max(SLICES, _MOST_STEPS // len(scenario.workloads))
    in_slice = max(1, round(min(wanted, most) / SLICES))
    return scenario.length_s / (in_slice * SLICES), in_slice * SLICES


def _limits(flows: Sequence[Flow], step: int, pool: int) -> list[float]:
    """How many of each function may run at once: in the account's pool, those that run already, and of what is left
    the same share of what each wants more."""
    carried = [_on_demand(flow, flow.carried(step)) for flow in flows]
    peaks = [_on_demand(flow, flow.peak(step, float(flow.arrivals[step]))) for flow in flows]
    more = [max(0.0, peak - already) for peak, already in zip(peaks, carried, strict=True)]
    pooled = [flow.workload.reserved is None for flow in flows]
    room = max(0.0, pool - sum(compress(carried, pooled)))
    wanted = sum(compress(more, pooled))
    if wanted <= room:
        return [float(flow.workload.provisioned + flow.on_demand) for flow in flows]
    return [
        flow.workload.provisioned + (already + extra * room / wanted if in_pool else flow.on_demand)
        for flow, already, extra, in_pool in zip(flows, carried, more, pooled, strict=True)
    ]


def _fitting(flow: Flow, step: int, limit: float) -> float:
    """How many of the step's requests can run if no more than `limit` may at once."""
    count = float(flow.arrivals[step])
    return count if flow.at_end(step, count) <= limit else min(count, flow.admissible(step, limit))


def _on_demand(flow: Flow, running: float) -> float:
    return max(0.0, running - flow.workload.provisioned)


def _paced(flows: Sequence[Flow], step: int, fitting: Sequence[float], pool: int, pace: _Pace) -> list[float]:
    """How many of the requests don't come too soon after others; of what the account lets through, each function has
    the same share of what it wants."""
    for flow, count in zip(flows, fitting, strict=True):
        flow.ready[step] = _in_ready(flow, step, count, pace)
    rests = [count - float(flow.ready[step]) for flow, count in zip(flows, fitting, strict=True)]
    pooled = sum(compress(rests, [flow.workload.reserved is None for flow in flows]))
    share = pace.request("", pool, pooled) / pooled if pooled > 0 else 1.0
    return [
        float(flow.ready[step])
        + (
            rest * share
            if flow.workload.reserved is None
            else pace.request(flow.workload.name, flow.on_demand, rest)
        )
        for flow, rest in zip(flows, rests, strict=True)
    ]


def _in_ready(flow: Flow, step: int, wanted: float, pace: _Pace) -> float:
    """How many of the requests run in provisioned concurrency, which has a pace of its own."""
    workload = flow.workload
    share = min(1.0, workload.provisioned / max(flow.at_end(step, wanted), 1e-9))
    return pace.request(f"{workload.name} ready", workload.provisioned, wanted * share)


def _refusals(
    flow: Flow, step: int, fitting: float, admitted: float, not_grown: float
) -> Iterator[tuple[str, float]]:
    """AWS's reasons for what is throttled: where two limits hold, the narrower one."""
    reserved = flow.workload.reserved is not None
    above = float(flow.arrivals[step]) - admitted
    yield (scaling.too_often if admitted < fitting else scaling.too_fast)(reserved=reserved), above
    yield scaling.too_fast(reserved=reserved), not_grown
