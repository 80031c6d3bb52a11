"""Node.js and Java beside Python, and Node.js beside serverless-offline."""

from __future__ import annotations

import statistics
import time

from lablambda.client import Lab
from lablambda.deployment import deploy
from lablambda.model.deployment import Deployment
from lablambda.rules.runtimes import family
from tests.bench.client import PLAIN, RUNTIME, Client, Row, ask_in_turns, port_of
from tests.bench.peer import SOURCE, is_possible, serverless_offline

JAVA = """
import com.amazonaws.services.lambda.runtime.*;
import java.util.Map;
public class Echo implements RequestHandler<Map<String, Object>, Map<String, Object>> {
    public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
        return Map.of("ok", true, "n", event.get("n"));
    }
}
"""
BOOT_S = 1.5  # the reserve gets ready again, as it does while people think

_WARM_UP = 5  # rounds, until just-in-time compilers have done what they will


def languages(lab: Lab, count: int, rounds: int) -> list[Row]:
    """Cold and warm invocations of each language that this machine has."""
    here = {family(name) for name in lab.status()["runtimes"]}
    rows = [*_node_cold(lab, count)] if "nodejs" in here and is_possible() else []
    if "java" in here:
        times = _cold_times(lab, "java17", count)
        rows.append(Row("cold start p50, Java", statistics.median(times), "ms", None, "at most 150 ms"))
    return [*rows, *_warm(lab, here, rounds), *_reserve(lab)]


def _node_cold(lab: Lab, count: int) -> list[Row]:
    with serverless_offline(count) as peer:
        control = [ask_in_turns([Client(None, peer.port, path)], 1, 1)[0][0] for path in peer.paths]
    ours = statistics.median(_cold_times(lab, "nodejs20.x", count))
    middle = statistics.median(control)
    return [Row("cold start p50, Node.js", ours, "ms", middle, "at most 0.5 x serverless-offline")]


def _cold_times(lab: Lab, runtime: str, count: int) -> list[float]:
    times = []
    for number in range(count):
        path = deploy_echo(lab, runtime, f"cold-{family(runtime)}-{number}")
        time.sleep(BOOT_S)
        times += ask_in_turns([Client(lab, port_of(lab), path)], 1, 1)[0]
    return times


def _warm(lab: Lab, here: set[str], rounds: int) -> list[Row]:
    """All languages in turns, so that a busy moment of the machine hits all of them."""
    runtimes = [RUNTIME, *(name for name in ("nodejs20.x", "java17") if family(name) in here)]
    clients = [Client(lab, port_of(lab), deploy_echo(lab, name, f"warm-{family(name)}")) for name in runtimes]
    asked = ask_in_turns(clients, _WARM_UP + rounds, 200)
    control, *others = (statistics.median(times[_WARM_UP * 200 :]) for times in asked)
    return [
        Row(f"warm invoke p50, {family(name)}", middle, "ms", control, "at most 1.3 x Python")
        for name, middle in zip(runtimes[1:], others, strict=True)
    ]


def _reserve(lab: Lab) -> list[Row]:
    time.sleep(BOOT_S)
    return [
        Row(f"PSS of a reserve process, {name}", held["memory_mb"] / held["processes"], "MiB")
        for name, held in lab.status()["reserve"].items()
        if held["processes"]
    ]


def deploy_echo(lab: Lab, runtime: str, name: str) -> str:
    """A function that answers at once; gives the path to invoke it at."""
    match family(runtime):
        case "nodejs":
            files, handler = {"index.js": SOURCE.encode()}, "index.handler"
        case "java":
            files, handler = dict(lab.compile_java(JAVA, runtime).classes), "Echo"
        case _:
            files, handler = {"f.py": PLAIN.encode()}, "f.handler"
    deploy(Deployment(name, runtime, handler, files, memory_mb=256, timeout_s=30), lab)
    return f"/2015-03-31/functions/{name}/invocations"
