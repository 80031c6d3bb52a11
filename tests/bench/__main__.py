"""Measure and print a table: what, how much, the control, the ratio and the bound that issue it is held to."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from lablambda.client import Lab
from lablambda.deployment import deploy
from lablambda.model.deployment import Deployment
from tests.bench.client import PLAIN, RUNTIME, Client, Row, ask_at_once, ask_in_turns, port_of
from tests.bench.controls import children, echo_server, fork_times, on_one_cpu, pss_kib
from tests.bench.events import events
from tests.bench.http import http
from tests.bench.languages import languages
from tests.bench.many import many
from tests.bench.sandbox import sandbox
from tests.bench.scaling import scaling
from tests.bench.snapshots import snapshots

BOTO3 = "import boto3\n" + PLAIN
PRINTING = "def handler(event, context):\n    print('n is', event['n'])\n    return {'ok': True}\n"
SLEEP = "import time\ndef handler(event, context):\n    time.sleep(0.2)\n"


def function(lab: Lab, name: str, source: str) -> str:
    """Deploy and give the path to invoke it at."""
    deploy(Deployment(name, RUNTIME, "f.handler", {"f.py": source.encode()}, timeout_s=30), lab)
    return f"/2015-03-31/functions/{name}/invocations"


def warm(lab: Lab, rounds: int) -> list[Row]:
    """Warm invocations and control B in turns, and the same with a handler that prints."""
    plain, printing = function(lab, "warm", PLAIN), function(lab, "printing", PRINTING)
    with on_one_cpu(), echo_server() as port:
        clients = [Client(None, port, "/"), *(Client(lab, port_of(lab), path) for path in (plain, printing))]
        control, ours, printed = ask_in_turns(clients, rounds, 200)
    middle = statistics.median(control)
    return [
        Row("warm invoke p50, keep-alive HTTP", statistics.median(ours), "ms", middle, "at most 4 x"),
        Row(
            "warm invoke p99",
            statistics.quantiles(ours, n=100)[98],
            "ms",
            statistics.quantiles(control, n=100)[98],
        ),
        Row("warm invoke p50, handler prints", statistics.median(printed), "ms", middle),
    ]


def cold(lab: Lab, count: int) -> list[Row]:
    """First invocations of fresh functions, against a bare fork."""
    control = statistics.median(fork_times(count))
    rows = []
    for what, source, bound in (("plain", PLAIN, 15), ("with boto3", BOTO3, 20)):
        paths = [function(lab, f"cold-{what.split()[-1]}-{number}", source) for number in range(count)]
        times = [ask_in_turns([Client(lab, port_of(lab), path)], 1, 1)[0][0] for path in paths]
        rows.append(
            Row(f"cold start p50, {what}", statistics.median(times), "ms", control, f"at most {bound} ms")
        )
    return rows


def burst(lab: Lab) -> list[Row]:
    """32 requests of 200 ms at once: the first needs 32 new environments."""
    path = function(lab, "burst", SLEEP)
    rows = []
    for which in ("first", "second"):
        taken = ask_at_once([Client(lab, port_of(lab), path) for _ in range(32)])
        rows.append(Row(f"{which} burst of 32 x 200 ms", taken, "s", 0.2, "at most 2 x"))
    return rows


def memory(lab: Lab) -> list[Row]:
    """PSS of the idle environments that the burst left."""
    zygotes = [pid for pid in children(lab.descriptor.pid) if len(children(pid)) >= 32]
    environments = [pid for zygote in zygotes for pid in children(zygote)]
    shares = [pss_kib(pid) / 1024 for pid in environments]
    return [
        Row("PSS of an idle Python environment", statistics.median(shares), "MiB", None, "3 MiB or so"),
        Row("PSS of the lab itself", pss_kib(lab.descriptor.pid) / 1024, "MiB"),
    ]


def deploying(lab: Lab, count: int) -> list[Row]:
    """From a changed cell to the new code being live, in a kernel that has deployed before."""
    times = []
    for number in range(count):
        source = f"{PLAIN}# {number}\n".encode()
        times.append(deploy(Deployment("edited", RUNTIME, "f.handler", {"f.py": source}), lab).seconds * 1000)
    return [
        Row("first deploy of a new function", times[0], "ms"),
        Row("deploy of changed code p50", statistics.median(times[1:]), "ms", None, "at most 100 ms"),
    ]


def startup(count: int) -> list[Row]:
    """From `lablambda up` to ready, against starting Python with boto3."""
    times, control = [], []
    for _ in range(count):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import boto3"], check=True)
        control.append(time.perf_counter() - began)
        began = time.perf_counter()
        with Lab.private():
            times.append(time.perf_counter() - began)
    return [
        Row(
            "lablambda up to ready p50",
            statistics.median(times),
            "s",
            statistics.median(control),
            "at most 2 s",
        )
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    options = parser.parse_args()
    few = options.quick
    rows: list[Row] = []
    with Lab.private() as lab:
        measures: list[Callable[[], list[Row]]] = [
            lambda: startup(2 if few else 5),
            lambda: deploying(lab, 5 if few else 20),
            lambda: warm(lab, 3 if few else 15),
            lambda: cold(lab, 5 if few else 20),
            lambda: snapshots(lab, 5 if few else 20),
            lambda: burst(lab),
            lambda: memory(lab),
            lambda: languages(lab, 3 if few else 10, 3 if few else 15),
            lambda: sandbox(lab, 5 if few else 20),
            lambda: http(lab, 3 if few else 15, 2.0 if few else 5.0, 1_000 if few else 10_000),
            lambda: many(lab, 3, 50, 50) if few else many(lab, 10, 500, 1_000),
            lambda: events(lab, 20 if few else 200, 500 if few else 10_000),
            lambda: scaling(lab, 4 if few else 10),
        ]
        for measure in measures:
            for row in measure():
                rows.append(row)
                print(row, flush=True)
    if options.json:
        options.json.write_text(json.dumps([vars(row) for row in rows], indent=2))


if __name__ == "__main__":
    main()
