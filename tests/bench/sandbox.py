"""What the sandbox costs: cold starts in it, beside those of a lab without one, in turns."""

from __future__ import annotations

import statistics
import time

from lablambda.client import Lab
from lablambda.rules.runtimes import family
from tests.bench.client import RUNTIME, Client, Row, ask_in_turns, port_of
from tests.bench.languages import BOOT_S, deploy_echo

_NAMES = {"python": "Python", "nodejs": "Node.js", "java": "Java"}


def sandbox(lab: Lab, count: int) -> list[Row]:
    """Of every language that this machine has."""
    with Lab.private(options=["--sandbox", "off"]) as free:
        here = {family(name) for name in lab.status()["runtimes"]}
        runtimes = [name for name in (RUNTIME, "nodejs20.x", "java17") if family(name) in here]
        return [_cold(lab, free, runtime, count) for runtime in runtimes]


def _cold(lab: Lab, free: Lab, runtime: str, count: int) -> Row:
    times: dict[Lab, list[float]] = {lab: [], free: []}
    for number in range(count):
        for each, taken in times.items():
            path = deploy_echo(each, runtime, f"kept-{family(runtime)}-{number}")
            if family(runtime) != "python":
                time.sleep(BOOT_S)  # until a process is ready, as it is for the first of any function
            taken += ask_in_turns([Client(each, port_of(each), path)], 1, 1)[0]
    kept, control = (statistics.median(taken) for taken in times.values())
    level = lab.status()["sandbox"]["level"]
    return Row(
        f"cold start p50, {_NAMES[family(runtime)]}, sandbox {level}",
        kept,
        "ms",
        control,
        "at most 3 ms more",
    )
