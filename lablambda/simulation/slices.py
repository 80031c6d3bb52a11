"""A load in steps of time, for more requests than can be followed one by one.

The limits are those of `rules/`, asked how many they let through instead of once for each request. They cut off what
is above them, so what chance throttles just under a limit isn't seen.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from lablambda.rules import scaling
from lablambda.rules.throttle import Bucket
from lablambda.simulation.course import SLICES, Course
from lablambda.simulation.flow import Flow
from lablambda.simulation.flow_course import course_of
from lablambda.simulation.scenario import Scenario

# Of all functions; each takes some ten microseconds.
_MOST_STEPS = 100_000
# A step is this share of a first invocation, with its init, if that doesn't come to more steps.
_SHARE_OF_COLD = 1 / 8


class _Pace:
    """The buckets of requests and environments, asked for amounts."""

    def __init__(self, environments: int, step_s: float) -> None:
        self._environments = environments
        self._step_s = step_s
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
    pace, reasons = _Pace(scenario.environments, step_s), defaultdict[str, float](float)
    for step in range(steps):
        pace.now = step * step_s
        active = [flow for flow in flows if not flow.rest(step)]
        counts = _within_limits(active, step, scenario, reasons)
        if scenario.synchronous:
            counts = _paced(active, step, counts, scenario.pool, pace, reasons)
        for flow, count in zip(active, counts, strict=True):
            function, reserved = flow.workload.name, flow.workload.reserved is not None
            started, refused = flow.admit(step, count, pace.startable(function))
            pace.start(function, started)
            reasons[scaling.too_fast(reserved=reserved)] += refused
            flow.throttled[step] = flow.arrivals[step] - flow.served[step]
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


def _within_limits(
    flows: Sequence[Flow], step: int, scenario: Scenario, reasons: dict[str, float]
) -> list[float]:
    """How many requests of each function can run at once."""
    wanted = [float(flow.arrivals[step]) for flow in flows]
    ends = [flow.at_end(step, count) for flow, count in zip(flows, wanted, strict=True)]
    share = _share_of_pool(flows, step, scenario.pool, ends)
    fitting = []
    for flow, count, end in zip(flows, wanted, ends, strict=True):
        limit = _limit(flow, step, end, share)
        fits = count if end <= limit else min(count, flow.admissible(step, limit))
        reasons[scaling.too_fast(reserved=flow.workload.reserved is not None)] += count - fits
        fitting.append(fits)
    return fitting


def _share_of_pool(flows: Sequence[Flow], step: int, pool: int, ends: Sequence[float]) -> float:
    """Which share each gets of what they want more of the account's pool; infinite if there is enough for all."""
    pooled = [
        (_on_demand(flow, flow.carried(step)), _on_demand(flow, end))
        for flow, end in zip(flows, ends, strict=True)
        if flow.workload.reserved is None
    ]
    more = sum(max(0.0, end - carried) for carried, end in pooled)
    room = pool - sum(carried for carried, _ in pooled)
    return math.inf if more <= room else max(0.0, room) / more


def _limit(flow: Flow, step: int, end: float, share: float) -> float:
    """How many of a function may run at once if its requests get this share of what they want more of the pool."""
    most = flow.workload.provisioned + flow.on_demand
    if flow.workload.reserved is not None or share == math.inf:
        return most
    carried = _on_demand(flow, flow.carried(step))
    return min(most, flow.workload.provisioned + carried + share * max(0.0, _on_demand(flow, end) - carried))


def _on_demand(flow: Flow, running: float) -> float:
    return max(0.0, running - flow.workload.provisioned)


def _paced(
    flows: Sequence[Flow],
    step: int,
    wanted: Sequence[float],
    pool: int,
    pace: _Pace,
    reasons: dict[str, float],
) -> list[float]:
    """How many of the requests don't come too soon after others; what the account lets through is shared by who
    wants more of it."""
    for flow, count in zip(flows, wanted, strict=True):
        flow.ready[step] = _in_ready(flow, step, count, pace)
    pooled = sum(
        count - float(flow.ready[step])
        for flow, count in zip(flows, wanted, strict=True)
        if flow.workload.reserved is None
    )
    share = pace.request("", pool, pooled) / pooled if pooled > 0 else 1.0
    admitted = []
    for flow, count in zip(flows, wanted, strict=True):
        rest = count - float(flow.ready[step])
        reserved = flow.workload.reserved is not None
        granted = pace.request(flow.workload.name, flow.on_demand, rest) if reserved else rest * share
        reasons[scaling.too_often(reserved=reserved)] += rest - granted
        admitted.append(count - rest + granted)
    return admitted


def _in_ready(flow: Flow, step: int, wanted: float, pace: _Pace) -> float:
    """How many of the requests run in provisioned concurrency, which has a pace of its own."""
    workload = flow.workload
    share = min(1.0, workload.provisioned / max(flow.at_end(step, wanted), 1e-9))
    return pace.request(f"{workload.name} ready", workload.provisioned, wanted * share)
