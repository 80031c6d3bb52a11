"""The model in steps of time says what the exact one says, within the errors stated here.

Of all requests: served and throttled, for each reason, within 1.5 in a hundred. Of their own: cost within 2, p50 and p99 within 10,
concurrency, environments and cold starts within 20 in a hundred.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from lablambda.simulation import slices
from lablambda.simulation.course import Course
from lablambda.simulation.distributions import Constant, Lognormal
from lablambda.simulation.profiles import Moments, shaped, total
from lablambda.simulation.scenario import Scenario, Workload
from lablambda.simulation.simulate import MOST_ONE_BY_ONE, simulate

SHARES = (np.arange(1_000) + 0.5) / 1_000
USUAL = Lognormal(0.05, 0.2)


def function(form: str, rate: float, length_s: float, **more: Any) -> Workload:
    told: dict[str, Any] = {"name": "f", "takes": USUAL, "init": Constant(0.3)}
    return Workload(profile=shaped(form, rate, length_s), **told | more)


SCENARIOS = {
    "constant": Scenario((function("constant", 2_000, 30),), account=2_000),
    "even": Scenario((function("constant", 3_000, 20, takes=Constant(0.1)),), account=2_000, even=True),
    "ramp": Scenario((function("ramp", 4_000, 30, init=Lognormal(0.2, 0.8)),), account=2_000),
    "too many a second": Scenario((function("spike", 20_000, 10),)),
    "too fast": Scenario(
        (function("spike", 6_000, 30, takes=Lognormal(0.2, 0.8)),), account=5_000, environments=200
    ),
    "reserved": Scenario((function("spike", 3_000, 30, reserved=200),), account=2_000),
    "provisioned": Scenario((function("spike", 5_000, 30, provisioned=150),), account=2_000),
    "asynchronous": Scenario((function("spike", 9_000, 20),), account=300, synchronous=False),
    "short idle time": Scenario((function("wave", 300, 300, takes=Lognormal(0.5, 1)),), idle_s=30),
    "two functions": Scenario(
        (function("spike", 3_000, 30, takes=Lognormal(0.2, 0.5)), function("ramp", 3_000, 30, name="g")),
        account=500,
    ),
}


def check_agreement(scenario: Scenario) -> None:
    exact, steps = simulate(scenario, one_by_one=True), simulate(scenario, one_by_one=False)
    assert steps.arrivals == pytest.approx(exact.arrivals, rel=1e-6)
    for counted in ("served", "throttles"):
        assert abs(getattr(steps, counted) - getattr(exact, counted)) <= 0.015 * exact.arrivals, counted
    assert steps.cost == pytest.approx(exact.cost, rel=0.02)
    assert steps.latency_ms["p50"] == pytest.approx(exact.latency_ms["p50"], rel=0.1)
    assert steps.latency_ms["p99"] == pytest.approx(exact.latency_ms["p99"], rel=0.1)
    for most in ("concurrency", "environments", "cold_starts"):
        assert getattr(steps, most) == pytest.approx(getattr(exact, most), rel=0.2), most
    assert sum(steps.reasons.values()) == pytest.approx(steps.throttles, abs=3)
    for reason in {*exact.reasons, *steps.reasons}:
        assert abs(steps.reasons.get(reason, 0) - exact.reasons.get(reason, 0)) <= 0.015 * exact.arrivals, (
            reason
        )


@pytest.mark.parametrize("name", SCENARIOS)
def test_both_models_agree(name: str) -> None:
    check_agreement(SCENARIOS[name])


LONG = {
    "many a second": Scenario((function("spike", 2_500, 300, init=Constant(0.05)),), account=150),
    "two functions": Scenario(
        (function("wave", 1_000, 300), function("constant", 200, 300, name="g", takes=Lognormal(0.02, 0.05))),
        account=100,
    ),
    "too slow to end": Scenario(
        (function("wave", 200, 300, takes=Lognormal(4, 20)),), account=600, environments=300
    ),
}


@pytest.mark.parametrize("name", LONG)
def test_steps_of_seconds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in simulations of days, where there can't be more of them."""
    monkeypatch.setattr(slices, "_MOST_STEPS", 1)
    assert simulate(LONG[name], one_by_one=False).model == "simulated, in steps of 5,000 ms"
    check_agreement(LONG[name])


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_must_hold(name: str) -> None:
    scenario = SCENARIOS[name]
    told = simulate(scenario, one_by_one=False)
    assert told.arrivals == pytest.approx(told.served + told.throttles)
    assert told.concurrency <= scenario.account
    for each in told.slices:
        assert each.served + each.throttles == pytest.approx(each.arrivals)
        assert each.cold_starts <= each.served + 1e-6
        assert each.environments >= each.concurrency - 1e-6
    assert (
        told.cold_starts
        <= scenario.environments * len(scenario.workloads) * (1 + scenario.length_s / 10) + 1e-6
    )


def test_failures_are_counted() -> None:
    scenario = Scenario((function("constant", 100, 30, takes=Lognormal(1, 4), timeout_s=2),))
    exact, steps = (simulate(scenario, one_by_one=way) for way in (True, False))
    assert steps.errors == pytest.approx(exact.errors, rel=0.1)


def test_millions_a_second_for_hours_in_seconds() -> None:
    hours = function("wave", 3_000_000, 2 * 3_600, takes=Lognormal(1, 4))
    began = time.perf_counter()
    told = simulate(Scenario((hours,), account=5_000_000, environments=2_000_000))
    assert time.perf_counter() - began < 60  # 1 on a quiet machine
    assert "in steps of" in told.model
    assert told.arrivals == pytest.approx(1.5e6 * 2 * 3_600)
    assert told.throttles == 0
    assert told.concurrency == pytest.approx(3_000_000 * Lognormal(1, 4).at(SHARES).mean(), rel=0.01)


def test_the_number_of_requests_chooses_the_model() -> None:
    assert simulate(Scenario((function("constant", 10, 1),))).model == "simulated, request by request"
    many = function("constant", MOST_ONE_BY_ONE + 1, 1)
    assert total(many.profile) > MOST_ONE_BY_ONE
    assert "in steps" in simulate(Scenario((many,))).model


def test_few_requests_in_steps() -> None:
    """It isn't made for them, and says nothing absurd."""
    told: Course = simulate(
        Scenario((Workload("f", Moments([0.0, 1.0, 700.0]), Constant(0.1), Constant(0.3)),)), one_by_one=False
    )
    assert told.served == pytest.approx(3)
    assert 1 <= told.cold_starts <= 3
    assert 1 <= told.environments <= 3
