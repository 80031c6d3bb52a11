"""Simulating a scenario: request by request if there aren't too many, else in steps of time."""

from __future__ import annotations

from lablambda.simulation import exact, slices, trail
from lablambda.simulation.course import Course
from lablambda.simulation.profiles import total
from lablambda.simulation.scenario import Scenario

# More requests than this aren't followed one by one: each takes some microseconds.
MOST_ONE_BY_ONE = 2_000_000


def simulate(scenario: Scenario, name: str = "", *, one_by_one: bool | None = None) -> Course:
    """What Lambda would do. `one_by_one` chooses the model; by itself it is chosen by the number of requests."""
    name = name or ", ".join(each.name for each in scenario.workloads)
    if one_by_one is None:
        one_by_one = sum(total(each.profile) for each in scenario.workloads) <= MOST_ONE_BY_ONE
    return trail.course(exact.trail(scenario, name)) if one_by_one else slices.course(scenario, name)
