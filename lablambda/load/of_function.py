"""Loads of a function of a lab, and the function as a simulation knows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import numpy as np

from lablambda.load.measured import measured
from lablambda.load.offering import Offering, Progress
from lablambda.load.thread import carry_out
from lablambda.load.wire import Signed
from lablambda.rules.cost import X86
from lablambda.rules.durations import seconds
from lablambda.rules.provisioning import REQUESTED
from lablambda.simulation.course import Course
from lablambda.simulation.distributions import Distribution, Empirical
from lablambda.simulation.forms import SPANS
from lablambda.simulation.profiles import Profile, drawn, shaped, total
from lablambda.simulation.scenario import Scenario, Workload
from lablambda.simulation.simulate import simulate

if TYPE_CHECKING:
    from lablambda.client import Function

# Whoever wants more wants the simulator.
MOST_REQUESTS = 2_000_000
_MOST_RECORDS = 1_000_000
# So many of the last invocations say how long a function takes.
_LAST = 10_000


def load(
    function: Function,
    profile: Profile,
    body: bytes,
    *,
    qualifier: str | None,
    seed: int | None,
    progress: Callable[[Progress], None] | None,
) -> Course:
    """Send requests as the profile says, by chance with this seed or evenly without one, and give what became of
    them. Raises ApiError if there is no such function, ValueError for more than MOST_REQUESTS."""
    if total(profile) > MOST_REQUESTS:
        raise ValueError(f"{total(profile):,} requests are too many to offer: simulate them instead")
    configuration = function.configuration()
    moments = drawn(profile, None if seed is None else np.random.default_rng(seed)).tolist()
    path = f"/2015-03-31/functions/{quote(function.name, safe='')}/invocations"
    query = "" if qualifier is None else urlencode({"Qualifier": qualifier})
    offering = Offering(function.lab.descriptor, Signed(function.lab.descriptor, path, query, body), moments)
    whole = carry_out(offering, progress)
    timings = function.timings(start=offering.answers.began, limit=_MOST_RECORDS)
    return measured(configuration, moments, profile.length_s, offering.answers, timings, whole=whole)


def simulated(function: Function, profile: Profile, changes: Mapping[str, Any]) -> Course:
    """Simulate such a load; `changes` are members of Workload and Scenario. Raises TypeError for other names."""
    of_workload = {name: changes[name] for name in {field.name for field in fields(Workload)} & set(changes)}
    limits = {name: value for name, value in changes.items() if name not in of_workload}
    known = workload(function, profile, of_workload.get("takes"), of_workload.get("init"))
    return simulate(Scenario((replace(known, **of_workload),), **limits))


def profile_of(form: str | Profile, rate: float, duration: str | float) -> Profile:
    """The profile of that form, at its height `rate` requests a second, for a `duration`; or the one given."""
    return shaped(form, rate, seconds(str(duration))) if isinstance(form, str) else form


def workload(
    function: Function, profile: Profile, takes: Distribution | None = None, init: Distribution | None = None
) -> Workload:
    """The function as it is configured; how long it takes, where that isn't given, as its last invocations in the lab
    had it. ValueError if there were none, or no cold one."""
    configuration = function.configuration()
    seen = function.timings(limit=_LAST).invocations if takes is None or init is None else []
    inits_ms = [each.init_ms for each in seen if each.init_ms is not None]
    return Workload(
        name=function.name,
        profile=profile,
        takes=takes or _seen([each.duration_ms for each in seen], f"{function.name} hasn't run yet", "takes"),
        init=init or _seen(inits_ms, f"{function.name} has had no cold start yet", "init"),
        memory_mb=configuration["MemorySize"],
        timeout_s=configuration["Timeout"],
        reserved=_reserved(function),
        provisioned=_provisioned(function),
        architecture=configuration.get("Architectures", [X86])[0],
    )


def _seen(milliseconds: list[float], why_not: str, word: str) -> Distribution:
    if not milliseconds:
        raise ValueError(
            f"{why_not}, so how long that takes isn't known. Invoke it, or say it: {word}, {SPANS}"
        )
    return Empirical(np.array(milliseconds) / 1000)


def _reserved(function: Function) -> int | None:
    path = f"/2019-09-30/functions/{quote(function.name, safe='')}/concurrency"
    found = function.lab.connection.request("lambda", "GET", path).json()
    reserved: int | None = found.get("ReservedConcurrentExecutions")
    return reserved


def _provisioned(function: Function) -> int:
    path = f"/2019-09-30/functions/{quote(function.name, safe='')}/provisioned-concurrency"
    found = function.lab.connection.request("lambda", "GET", path, query="List=ALL").json()
    return sum(int(each[REQUESTED]) for each in found["ProvisionedConcurrencyConfigs"])
