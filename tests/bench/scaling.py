"""Loads of a real function beside what the simulator says of the same, and what both take.

The control of a figure that is measured is the one that is simulated with the durations measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from lablambda.client import Lab
from lablambda.config import Descriptor
from lablambda.deployment import deploy
from lablambda.load.measured import LATE_S
from lablambda.load.offering import Offering
from lablambda.load.thread import carry_out
from lablambda.load.wire import Signed
from lablambda.model.deployment import Deployment
from lablambda.simulation.course import Course
from lablambda.simulation.distributions import Constant, Lognormal
from lablambda.simulation.profiles import drawn, shaped
from lablambda.simulation.scenario import Scenario, Workload
from lablambda.simulation.simulate import simulate
from tests.bench.client import PLAIN, RUNTIME, Row
from tests.bench.controls import echo_server

WAITING = "import time\ndef handler(event, context):\n    time.sleep(0.05)\n"
_RATES = {"constant": 200, "ramp": 300, "spike": 300}


def scaling(lab: Lab, seconds: int) -> list[Row]:
    """Three loads of so many seconds, a throttled one, and how much can be offered and simulated."""
    rows = []
    for profile, rate in _RATES.items():
        name = f"bench-{profile}"
        deploy(Deployment(name, RUNTIME, "f.handler", {"f.py": WAITING.encode()}), lab)
        rows += _compared(lab, name, f"{profile} {rate}/s x 50 ms", rate, seconds, profile)
    lab.client("lambda").put_function_concurrency(
        FunctionName="bench-constant", ReservedConcurrentExecutions=8
    )
    throttled = _compared(lab, "bench-constant", "200/s x 50 ms, 8 reserved", 200, seconds, "constant")
    rows += [row for row in throttled if "cold" not in row.what]  # its environments are there from before
    return [*rows, *_offered(lab, seconds), *_simulated()]


def _compared(lab: Lab, name: str, what: str, rate: int, seconds: int, profile: str) -> list[Row]:
    function = lab.function(name)
    measured = function.load(rate, seconds, profile=profile)
    simulated = function.simulate(rate, seconds, profile=profile)

    def row(figure: str, unit: str, bound: str) -> Row:
        return Row(f"{what}: {figure}", *_both(figure, measured, simulated, unit), bound)

    return [
        row("concurrency", "", "within 0.15 x"),
        row("cold_starts", "", "within 0.25 x"),
        row("throttles", "", "within 0.1 x"),
        row("p50", "ms", "within 0.05 x"),
    ]


def _both(figure: str, measured: Course, simulated: Course, unit: str) -> tuple[float, str, float]:
    if figure == "p50":
        return measured.latency_ms[figure], unit, simulated.latency_ms[figure]
    return getattr(measured, figure), unit, getattr(simulated, figure)


def _offered(lab: Lab, seconds: int) -> list[Row]:
    """How many requests a second one generator offers in time: of a handler with nothing to do, against an echo."""
    deploy(Deployment("bench-quick", RUNTIME, "f.handler", {"f.py": PLAIN.encode()}), lab)
    ours = _most(lambda rate: _to_lab(lab, rate, seconds))
    with echo_server() as port:
        control = _most(lambda rate: _to_echo(port, rate, seconds))
    return [Row("requests offered in time, one generator", ours, "/s", control, "some thousands")]


def _most(keeps_up: Callable[[int], bool]) -> float:
    return float(next((rate - 1_000 for rate in range(1_000, 15_000, 1_000) if not keeps_up(rate)), 14_000))


def _to_lab(lab: Lab, rate: int, seconds: int) -> bool:
    told = lab.function("bench-quick").load(rate, seconds, event={"n": 1})
    return not told.notes and not told.lost


def _to_echo(port: int, rate: int, seconds: int) -> bool:
    nobody = Descriptor("echo", 0, f"http://127.0.0.1:{port}", "none", "none", "")
    moments = drawn(shaped("constant", rate, seconds), np.random.default_rng(0)).tolist()
    offering = Offering(nobody, Signed(nobody, "/", "", b'{"n": 1}'), moments)
    carry_out(offering, None)
    return float(np.percentile(offering.answers.late_s, 99)) < LATE_S


def _simulated() -> list[Row]:
    def workload(rate: float, length_s: float) -> Workload:
        return Workload("f", shaped("wave", rate, length_s), Lognormal(0.05, 0.2), Constant(0.3))

    rows = []
    for what, scenario in (
        ("a million requests, one by one", Scenario((workload(10_000, 200),), account=3_000)),
        (
            "a day of up to 3 million a second, in steps",
            Scenario((workload(3e6, 86_400),), account=400_000, environments=100_000),
        ),
    ):
        began = time.perf_counter()
        simulate(scenario)
        rows.append(Row(f"simulated: {what}", time.perf_counter() - began, "s", None, "seconds"))
    return rows
