"""The model that follows each request: what must hold for any load, and what is known of some."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lablambda.rules.concurrency import ACCOUNT_REASON, RESERVED_REASON
from lablambda.rules.lifecycle import LONGEST_LIFE_S
from lablambda.rules.scaling import ACCOUNT_RATE_REASON
from lablambda.simulation import exact
from lablambda.simulation.course import Course
from lablambda.simulation.distributions import Constant, Lognormal
from lablambda.simulation.exact import follow
from lablambda.simulation.profiles import Moments, shaped
from lablambda.simulation.scenario import Scenario, Workload
from lablambda.simulation.simulate import simulate
from lablambda.simulation.trail import FAILED, THROTTLED, course


def function(form: str = "constant", rate: float = 100, length_s: float = 10, **more: Any) -> Workload:
    told: dict[str, Any] = {"takes": Constant(0.1), "init": Constant(0.3), "name": "f"}
    return Workload(profile=shaped(form, rate, length_s), **told | more)


def simulated(*workloads: Workload, **limits: Any) -> Course:
    return simulate(Scenario(workloads, **limits), one_by_one=True)


# ------------------------------------------------------------------------------- what must always hold

SPANS = st.sampled_from([Constant(0.0), Constant(0.05), Lognormal(0.05, 0.5), Constant(2.0)])
PROFILES = st.lists(st.floats(0, 20), min_size=1, max_size=60).map(Moments)
WORKLOADS = st.builds(
    Workload,
    name=st.sampled_from(["f", "g"]),
    profile=PROFILES,
    takes=SPANS,
    init=SPANS,
    timeout_s=st.sampled_from([0.2, 900.0]),
    reserved=st.sampled_from([None, 10, 12]),
    provisioned=st.sampled_from([0, 1, 10]),
)
SCENARIOS = st.builds(
    Scenario,
    st.lists(WORKLOADS, min_size=1, max_size=3, unique_by=lambda each: each.name).map(tuple),
    account=st.sampled_from([140, 1_000]),
    environments=st.sampled_from([1, 5, 1_000]),
    idle_s=st.sampled_from([0.5, 5.0, 300.0]),
    synchronous=st.booleans(),
    seed=st.integers(0, 3),
)


@given(SCENARIOS)
@settings(max_examples=100)
def test_invariants(scenario: Scenario) -> None:
    requests, life, at = follow(scenario)
    outcome, latency = np.array(requests.outcome), np.array(requests.latency_s)
    environment = np.array(requests.environment)
    ran = outcome <= FAILED
    # whatever arrives is served or throttled, for one reason
    assert len(at) == ran.sum() + (outcome == THROTTLED).sum()
    assert (outcome == THROTTLED).sum() == requests.reasons.total()
    # never more at once than the account has
    assert max(requests.running, default=0) <= scenario.account
    # no environment is used by two at once, before it began, or after its end
    for number in range(len(life.births)):
        mine = ran & (environment == number)
        begins, ends = at[mine], (at + latency)[mine]
        assert (begins[1:] >= ends[:-1]).all()
        assert (begins >= life.births[number]).all()
        assert life.deaths.get(number, np.inf) >= (ends.max() if len(ends) else 0)
    # one cold start for each environment that wasn't there before
    provisioned = sum(each.provisioned for each in scenario.workloads)
    assert len(requests.cold) + provisioned <= len(life.births)
    # and the sums say the same
    told = course(exact.trail(scenario, "x"))
    assert sum(each.arrivals for each in told.slices) == told.arrivals == told.served + told.throttles
    assert sum(each.cold_starts for each in told.slices) == told.cold_starts
    assert sum(each.cost for each in told.slices) == pytest.approx(told.cost)
    assert told.concurrency <= scenario.account


@given(st.integers(1, 30), st.floats(1, 40), st.floats(50, 2_000))
@settings(max_examples=30)
def test_growing_is_never_faster_than_the_rate(environments: int, length_s: float, rate: float) -> None:
    scenario = Scenario((function("ramp", rate, length_s, takes=Constant(1)),), environments=environments)
    requests, _, at = follow(scenario)
    starts = at[requests.cold]
    for begin in (0.0, *starts.tolist()):
        for span in (1.0, 10.0):
            started = ((starts >= begin) & (starts < begin + span)).sum()
            assert started <= environments + environments * span / 10 + 1


@given(st.sampled_from([1, 5, 20]), st.sampled_from(["constant", "spike", "ramp"]))
@settings(max_examples=9)
def test_reserved_concurrency_is_never_exceeded(reserved: int, form: str) -> None:
    told = simulated(function(form, 300, 5, reserved=reserved), synchronous=False)
    assert told.concurrency == reserved
    assert set(told.reasons) == {RESERVED_REASON}


# --------------------------------------------------------------------------------------- known answers


@pytest.mark.parametrize(("rate", "takes"), [(50, 0.1), (400, 0.25), (1_000, 0.02)])
def test_littles_law(rate: float, takes: float) -> None:
    """Requests a second times the seconds that each takes is what runs at once."""
    told = simulated(function("constant", rate, 20, takes=Constant(takes), init=Constant(0)), even=True)
    settled = [each.concurrency for each in told.slices[10:]]
    assert all(abs(running - rate * takes) <= 1 for running in settled)
    assert told.environments == told.concurrency
    assert told.latency_ms["p50"] == pytest.approx(takes * 1000)


def test_the_mean_of_what_runs_by_chance() -> None:
    """Of independent callers, too: their number varies as Poisson's, about the same mean."""
    scenario = Scenario((function("constant", 500, 60, takes=Lognormal(0.1, 0.5)),))
    requests, _, at = follow(scenario)
    mean_s = np.mean(np.array(requests.latency_s)[at > 5])
    running = np.array(requests.running)[at > 5]
    assert running.mean() == pytest.approx(500 * mean_s + 1, rel=0.03)  # each that arrives sees itself too
    assert running.var() == pytest.approx(500 * mean_s, rel=0.35)


def test_every_request_of_the_first_init_is_a_cold_start() -> None:
    told = simulated(function("constant", 100, 5), even=True)
    assert told.cold_starts == pytest.approx(100 * (0.3 + 0.1), abs=1)
    assert told.latency_ms["p100"] == pytest.approx(400)
    assert told.latency_ms["p50"] == pytest.approx(100)


def test_the_account_is_the_limit() -> None:
    told = simulated(function("constant", 300, 10), account=20, synchronous=False, even=True)
    assert told.concurrency == 20
    assert told.reasons == {ACCOUNT_REASON: told.throttles}
    settled = sum(each.served for each in told.slices[30:])
    assert settled == pytest.approx(20 / 0.1 * 5, rel=0.02)  # what twenty can do


def test_ten_requests_a_second_for_each_unit() -> None:
    told = simulated(
        function("constant", 1_000, 10, takes=Constant(0.001), init=Constant(0)), account=50, even=True
    )
    assert told.reasons == {ACCOUNT_RATE_REASON: told.throttles}
    assert told.served == pytest.approx(500 + 500 * 10, abs=5)  # a second's worth at once, and then the rate


def test_a_thousand_at_once_and_a_hundred_a_second_after_that() -> None:
    told = simulated(function("constant", 5_000, 10, takes=Constant(60)), account=10_000, even=True)
    assert told.cold_starts == pytest.approx(1_000 + 100 * 10, abs=5)


def test_idle_environments_end() -> None:
    moments = Moments([0.0, 1.0, 100.0, 401.0, 500.0])
    told = simulated(Workload("f", moments, Constant(0.1), Constant(0.3)))
    assert told.cold_starts == 2
    assert simulated(Workload("f", moments, Constant(0.1), Constant(0.3)), idle_s=60).cold_starts == 4


def test_environments_are_replaced_when_they_are_hours_old() -> None:
    moments = Moments(np.arange(0, 2 * LONGEST_LIFE_S + 10, 60.0))
    assert simulated(Workload("f", moments, Constant(0.1), Constant(0.3))).cold_starts == 3


def test_what_is_provisioned_needs_no_start_and_the_rest_spills_over() -> None:
    told = simulated(function("constant", 100, 5, provisioned=12), even=True)
    assert told.cold_starts == 0
    assert told.latency_ms["p100"] == pytest.approx(100)
    told = simulated(function("constant", 200, 5, provisioned=12), even=True)
    assert told.throttles == 0
    assert told.cold_starts > 0


def test_functions_share_the_account_and_a_reservation_keeps_some_for_one() -> None:
    greedy = function("constant", 400, 10, name="greedy")
    alone = simulated(greedy, function("constant", 10, 10, name="small"), account=20, synchronous=False)
    assert alone.throttles > 0
    kept = function("constant", 10, 10, name="small", reserved=10)
    requests, _, _ = follow(Scenario((greedy, kept), account=110, synchronous=False))
    assert RESERVED_REASON not in requests.reasons


def test_a_handler_that_takes_too_long_has_failed() -> None:
    told = simulated(function("constant", 10, 5, takes=Constant(4), timeout_s=1, init=Constant(0)), even=True)
    assert told.errors == told.served == 50
    assert told.latency_ms["p50"] == pytest.approx(1_000)


def test_the_bill() -> None:
    """A million of 128 MB and 200 ms, as in the pricing page's own kind of example, by a hundredth."""
    told = simulated(function("constant", 100, 100, takes=Constant(0.2), init=Constant(0)), account=1_000)
    assert told.cost * 100 == pytest.approx(0.6167, abs=5e-5)
    kept = simulated(function("constant", 1, 3_600, memory_mb=1_024, provisioned=10))
    assert kept.bill.provisioned == pytest.approx(10 * 3_600 * 0.0000041667)
    assert kept.bill.duration == pytest.approx(3_600 * 0.1 * 0.0000097222)


def test_the_same_seed_gives_the_same() -> None:
    assert simulated(function("ramp")) == simulated(function("ramp"))
    assert simulated(function("ramp")) != simulated(function("ramp"), seed=1)


@pytest.mark.parametrize(
    ("workload", "message"),
    [
        ({"provisioned": 3, "reserved": 2}, "3 provisioned is more than the 2 reserved"),
        ({"reserved": 950}, "100 have to stay unreserved"),
    ],
)
def test_what_lambda_refuses(workload: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Scenario((function(**workload),))
