"""What the words of a load and its limits mean."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from lablambda.rules import durations
from lablambda.rules.limits import MEMORY_MB
from lablambda.simulation import distributions, profiles, traces
from lablambda.simulation.course import Course
from lablambda.simulation.distributions import Distribution
from lablambda.simulation.forms import SPANS
from lablambda.simulation.profiles import Profile
from lablambda.simulation.scenario import Scenario, Workload
from lablambda.simulation.simulate import simulate

# What makes a workload of a function: its profile, and how long handler and init take as far as that is told.
Known = Callable[[Profile, Distribution | None, Distribution | None], Workload]


def profile(options: argparse.Namespace) -> Profile:
    """When requests come. Raises ValueError for words that say nothing, OSError for a file that can't be read."""
    if options.arrivals is not None:
        return profiles.listed(options.arrivals)
    length_s = durations.seconds(options.duration)
    if not (options.rate > 0 and length_s > 0):
        raise ValueError("A load needs a --rate and a --duration above 0")
    return profiles.shaped(options.profile, options.rate, length_s)


def simulated(options: argparse.Namespace, known: Known | None = None) -> Course:
    """Simulate what the words say; `known` makes the workload of the function that they name, if they name one.
    Raises ValueError and OSError as above."""
    scenario = Scenario(
        tuple(_workloads(options, known or _nameless)),
        account=_least("--account", options.account, 1),
        environments=_least("--scaling-rate", options.scaling_rate, 1),
        idle_s=durations.seconds(options.idle),
        synchronous=not options.asynchronous,
        even=options.even,
        seed=options.seed,
    )
    name = "" if options.trace is None else options.trace.name
    return simulate(scenario, name, one_by_one=None if options.model is None else options.model == "requests")


def _workloads(options: argparse.Namespace, known: Known) -> Iterable[Workload]:
    takes, init = _distribution("--takes", options.takes), _distribution("--init", options.init)
    if options.trace is None:
        yield _changed(options, known(profile(options), takes, init))
        return
    if options.reserved is not None or options.provisioned is not None:
        raise ValueError("--reserved and --provisioned are of one function; a --trace has many")
    traced = traces.read(options.trace, options.trace_durations)
    untold = any(each.takes is None for each in traced)
    model = _changed(options, known(traced[0].profile, takes if untold else traced[0].takes, init))
    for each in traced:
        takes = each.takes or model.takes
        yield replace(model, name=each.name, profile=each.profile, takes=takes, reserved=None, provisioned=0)


def _nameless(when: Profile, takes: Distribution | None, init: Distribution | None) -> Workload:
    """A function that no lab has."""
    for option, found in (("--takes", takes), ("--init", init)):
        if found is None:
            raise ValueError(f"Write {option} {SPANS}; or name a function of the lab, for what it took here.")
    assert takes is not None
    assert init is not None
    return Workload("a function", when, takes, init)


def _changed(options: argparse.Namespace, workload: Workload) -> Workload:
    """The workload with the settings that the words give."""
    if options.memory is not None and options.memory not in MEMORY_MB:
        raise ValueError(f"--memory {options.memory}: Lambda takes {MEMORY_MB[0]} to {MEMORY_MB[-1]} MB")
    given = {
        "memory_mb": options.memory,
        "timeout_s": None if options.timeout is None else _least("--timeout", options.timeout, 1),
        "reserved": None if options.reserved is None else _least("--reserved", options.reserved, 0),
        "provisioned": None
        if options.provisioned is None
        else _least("--provisioned", options.provisioned, 0),
    }
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return replace(workload, **changes)


def _distribution(option: str, text: str | None) -> Distribution | None:
    try:
        return None if text is None else distributions.parse(text)
    except ValueError as error:
        raise ValueError(f"{option} {error}") from None


def _least(option: str, number: int, least: int) -> int:
    if number < least:
        raise ValueError(f"{option} {number}: write a whole number from {least}")
    return number
