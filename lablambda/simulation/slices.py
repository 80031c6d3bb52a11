"""A load in steps of time, for more requests than can be followed one by one.

The limits are those of `rules/`, asked how many they let through instead of once for each request. They cut off what
is above them, so what chance throttles just under a limit isn't seen.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

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

    def __init__(self, environments: int) -> None:
        self._environments = environments
        self._started: dict[str, Bucket] = {}
        self._requested: dict[str, Bucket] = {}
        self.now = 0.0

    def startable(self, function: str) -> float:
        return scaling.startable(self._started.get(function), self._environments, self.now)

    def start(self, function: str, count: float) -> None:
        self._started[function] = Bucket(self.startable(function) - count, self.now)

    def request(self, owner: str, concurrent: int, wanted: float) -> float:
        """How many of the wanted requests come through; they are counted."""
        held = scaling.requestable(self._requested.get(owner), concurrent, self.now)
        granted = min(wanted, held)
        self._requested[owner] = Bucket(held - granted, self.now)
        return granted


def course(scenario: Scenario, name: str) -> Course:
    """Simulate it in steps, and give what it comes to."""
    step_s, steps = _steps(scenario)
    flows = [Flow(workload, scenario, steps, step_s) for workload in scenario.workloads]
    pace, reasons = _Pace(scenario.environments), defaultdict[str, float](float)
    for step in range(steps):
        pace.now = (step + 1) * step_s
        active = [flow for flow in flows if not flow.rest(step)]
        for flow, fitting in zip(active, _within_limits(active, step, scenario, reasons), strict=True):
            count = _paced(flow, step, fitting, pace, reasons) if scenario.synchronous else fitting
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
) -> Iterator[float]:
    """How many requests of each function can run at once."""
    wanted = [float(flow.arrivals[step]) for flow in flows]
    ends = [flow.at_end(step, count) for flow, count in zip(flows, wanted, strict=True)]
    share = _share_of_pool(flows, step, scenario.pool, ends)
    for flow, count, end in zip(flows, wanted, ends, strict=True):
        limit = _limit(flow, step, end, share)
        fits = count if end <= limit else min(count, flow.admissible(step, limit))
        reasons[scaling.too_fast(reserved=flow.workload.reserved is not None)] += count - fits
        yield fits


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


def _paced(flow: Flow, step: int, wanted: float, pace: _Pace, reasons: dict[str, float]) -> float:
    """How many of the requests don't come too soon after others; what is provisioned has a pace of its own."""
    workload = flow.workload
    in_ready = min(1.0, workload.provisioned / max(flow.at_end(step, wanted), 1e-9))
    ready = pace.request(f"{workload.name} ready", workload.provisioned, wanted * in_ready)
    owner = "" if workload.reserved is None else workload.name
    granted = pace.request(owner, flow.on_demand, wanted - ready)
    reasons[scaling.too_often(reserved=workload.reserved is not None)] += wanted - ready - granted
    flow.ready[step] = ready
    return ready + granted
