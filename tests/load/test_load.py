"""Loads of a real function in a private lab, against what the simulator makes of the same."""

from __future__ import annotations

import signal
import statistics
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from lablambda.client import Function, Lab
from lablambda.connection import ApiError
from lablambda.deployment import deploy
from lablambda.load.of_function import workload
from lablambda.load.offering import Progress
from lablambda.model.deployment import Deployment
from lablambda.rules.concurrency import RESERVED_REASON
from lablambda.runtimes.python.runtime import OWN
from lablambda.simulation.course import Course
from lablambda.simulation.profiles import shaped

WAITING = b"import time\ndef handler(event, context):\n    time.sleep(event.get('s', 0.05))\n    return event['x']\n"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.private(options=["--services", "none"]) as private:
        yield private


def function(lab: Lab, name: str) -> Function:
    deploy(Deployment(name, OWN, "f.handler", {"f.py": WAITING}, timeout_s=30), lab)
    return lab.function(name)


@pytest.mark.parametrize("profile", ["constant", "ramp", "spike"])
def test_the_simulator_says_what_a_load_measures(lab: Lab, profile: str) -> None:
    """On a machine that is busy with other things, where everything waits for its processors: what usually runs at
    once, environments, cold starts and the median latency within a factor of two, give or take five; the cost, which
    is of the handler's own time, within a quarter. `python -m tests.bench` compares them closely."""
    loaded = function(lab, f"loaded-{profile}")
    measured = loaded.load(100, "3s", profile=profile, event={"x": 1})
    simulated = loaded.simulate(100, "3s", profile=profile)
    assert measured.arrivals == measured.served == simulated.served == simulated.arrivals
    assert (measured.throttles, measured.errors, measured.lost) == (0, 0, 0)
    figures: dict[str, Callable[[Course], float]] = {
        "what usually runs": lambda told: statistics.median(each.concurrency for each in told.slices),
        "environments": lambda told: told.environments,
        "cold starts": lambda told: told.cold_starts,
        "latency": lambda told: told.latency_ms["p50"],
    }
    for name, of in figures.items():
        assert of(simulated) / 2 - 5 <= of(measured) <= of(simulated) * 2 + 5, name
    assert measured.cost == pytest.approx(simulated.cost, rel=0.25)


def test_a_reservation_throttles_as_the_simulator_says(lab: Lab) -> None:
    """Offered twice what the reservation can do, about half is throttled: within a tenth of all."""
    limited = function(lab, "limited")
    lab.client("lambda").put_function_concurrency(FunctionName="limited", ReservedConcurrentExecutions=5)
    measured = limited.load(200, "3s", event={"x": 1}, even=True)
    simulated = limited.simulate(200, "3s", even=True)
    assert measured.concurrency == simulated.concurrency == 5
    assert abs(measured.throttles - simulated.throttles) <= 60
    assert set(measured.reasons) == {RESERVED_REASON, "ReservedFunctionInvocationRateLimitExceeded"}
    assert sum(measured.reasons.values()) == measured.throttles


def test_a_handler_that_fails(lab: Lab) -> None:
    measured = function(lab, "failing").load(20, "0.5s", event={})
    assert measured.errors == measured.served == 10


def test_latency_counts_from_the_moment_that_a_request_was_due(lab: Lab) -> None:
    """One environment, each event takes 0.2 s, ten come at once: who comes later waits for nobody, and is refused or
    served; nobody is left out because of another's wait."""
    slow = function(lab, "slow")
    measured = slow.load(event={"x": 1, "s": 0.2}, profile=shaped("0:100,0.1s:100", 1, 1), even=True)
    assert measured.arrivals == measured.served == 10
    assert measured.latency_ms["p50"] >= 200
    assert measured.concurrency >= 8  # an answer isn't waited for


def test_by_a_qualifier(lab: Lab) -> None:
    function(lab, "versioned")
    client = lab.client("lambda")
    client.publish_version(FunctionName="versioned")
    versioned = lab.function("versioned")
    assert versioned.load(20, "0.5s", event={"x": 1}, qualifier="1").served == 10
    assert {record.version for record in versioned.invocations()} == {"1"}
    refused = versioned.load(20, "0.5s", event={"x": 1}, qualifier="9")
    assert (refused.lost, refused.served) == (10, 0)
    assert "10 requests: HTTP status 404" in refused.notes


def test_how_far_it_has_come(lab: Lab) -> None:
    heard: list[Progress] = []
    function(lab, "told").load(50, "1.2s", event={"x": 1}, progress=heard.append)
    assert len(heard) >= 2
    assert [each.sent for each in heard] == sorted(each.sent for each in heard)
    assert heard[-1].total == 60
    assert "of 60 requests sent" in str(heard[0])


def test_an_interrupt_ends_it_and_keeps_what_was(lab: Lab) -> None:
    interrupted = function(lab, "interrupted")
    began = time.monotonic()

    def interrupt(progress: Progress) -> None:
        if progress.answered > 20:
            signal.raise_signal(signal.SIGINT)

    measured = interrupted.load(50, "60s", event={"x": 1}, progress=interrupt)
    assert time.monotonic() - began < 30
    assert "interrupted" in measured.notes
    assert 20 < measured.served <= measured.arrivals < 3_000
    assert measured.arrivals == measured.served + measured.throttles + measured.lost
    assert not [thread for thread in threading.enumerate() if thread.name == "load"]


def test_what_cannot_be_offered(lab: Lab) -> None:
    with pytest.raises(ApiError, match="Function not found"):
        lab.function("nobody").load()
    with pytest.raises(ValueError, match="simulate them instead"):
        lab.function("nobody").load(1_000_000, "1h")


def test_what_has_not_run_cannot_be_simulated_without_words(lab: Lab) -> None:
    fresh = function(lab, "fresh")
    with pytest.raises(ValueError, match=r"fresh hasn't run yet.*takes"):
        fresh.simulate()
    with pytest.raises(TypeError, match="colour"):
        fresh.simulate(takes=shaped, init=shaped, colour="red")


def test_what_is_provisioned_is_known(lab: Lab) -> None:
    ready = function(lab, "ready")
    client = lab.client("lambda")
    client.publish_version(FunctionName="ready")
    client.put_provisioned_concurrency_config(
        FunctionName="ready", Qualifier="1", ProvisionedConcurrentExecutions=3
    )
    ready.invoke({"x": 1})
    known = workload(ready, shaped("constant", 1, 1))
    assert (known.provisioned, known.reserved, known.memory_mb, known.timeout_s) == (
        3,
        None,
        128,
        30,
    )
