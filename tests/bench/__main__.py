"""Measure and print a table: what, how much, the control, the ratio and the bound that issue it is held to."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import uvloop

from lablambda.client import Lab
from lablambda.deployment import deploy
from lablambda.model.deployment import Deployment
from lablambda.rules import sigv4
from tests.bench.controls import children, echo_server, fork_times, on_one_cpu, pss_kib

RUNTIME = f"python3.{sys.version_info.minor}"
PLAIN = "def handler(event, context):\n    return {'ok': True, 'n': event.get('n')}\n"
BOTO3 = "import boto3\n" + PLAIN
PRINTING = "def handler(event, context):\n    print('n is', event['n'])\n    return {'ok': True}\n"
SLEEP = "import time\ndef handler(event, context):\n    time.sleep(0.2)\n"
BODY = b'{"n": 1}'


@dataclass(frozen=True)
class Row:
    """One figure. `bound` is in the unit of the figure, or a multiple of the control."""

    what: str
    value: float
    unit: str
    control: float | None = None
    bound: str = ""

    def __str__(self) -> str:
        ratio = f"{self.value / self.control:6.2f} x control {self.control:.3g}" if self.control else ""
        return f"{self.what:46} {self.value:10.3f} {self.unit:4} {ratio:28} {self.bound}"


class Client(asyncio.Protocol):
    """A keep-alive connection that sends the same signed request again and again: uvloop, as little of
    its own around it as there can be."""

    def __init__(self, lab: Lab | None, port: int, path: str) -> None:
        self._request = _signed_request(lab, port, path)
        self._port = port
        self._answer = b""
        self._whole: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        assert self._whole is not None
        if not self._whole.done() and _whole(self._answer):
            self._whole.set_result(None)

    async def ask(self) -> float:
        """Milliseconds for one request."""
        loop = asyncio.get_running_loop()
        if self._transport is None:
            await loop.create_connection(lambda: self, "127.0.0.1", self._port)
        assert self._transport is not None
        self._answer, self._whole = b"", loop.create_future()
        began = time.perf_counter()
        self._transport.write(self._request)
        await self._whole
        elapsed = (time.perf_counter() - began) * 1000
        assert self._answer.startswith(b"HTTP/1.1 200"), self._answer
        assert b"X-Amz-Function-Error" not in self._answer, self._answer
        return elapsed


def ask_in_turns(clients: list[Client], rounds: int, each: int) -> list[list[float]]:
    """Times of each client, taken in turns so that a busy moment of the machine hits all of them."""

    async def run() -> list[list[float]]:
        times: list[list[float]] = [[] for _ in clients]
        for _ in range(rounds):
            for client, found in zip(clients, times, strict=True):
                found += [await client.ask() for _ in range(each)]
        return times

    return uvloop.run(run())


def ask_at_once(clients: list[Client]) -> float:
    """Seconds until all have their answer."""

    async def run() -> float:
        began = time.perf_counter()
        await asyncio.gather(*(client.ask() for client in clients))
        return time.perf_counter() - began

    return uvloop.run(run())


def _signed_request(lab: Lab | None, port: int, path: str) -> bytes:
    headers = {"host": f"127.0.0.1:{port}"}
    if lab is not None:
        headers |= sigv4.sign(
            access_key=lab.descriptor.access_key,
            secret=lab.descriptor.secret_key,
            region="us-east-1",
            service="lambda",
            method="POST",
            path=path,
            query="",
            headers=headers,
            payload=BODY,
            now=datetime.now(UTC),
        )
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"content-length: {len(BODY)}", "", ""]).encode() + BODY


def _whole(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    at = head.find(b"content-length: ")
    return bool(found) and len(body) >= int(head[at + 16 :].split(b"\r", 1)[0])


def function(lab: Lab, name: str, source: str) -> str:
    """Deploy and give the path to invoke it at."""
    deploy(Deployment(name, RUNTIME, "f.handler", {"f.py": source.encode()}, timeout_s=30), lab)
    return f"/2015-03-31/functions/{name}/invocations"


def port_of(lab: Lab) -> int:
    return int(lab.endpoint.rpartition(":")[2])


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
            lambda: burst(lab),
            lambda: memory(lab),
        ]
        for measure in measures:
            for row in measure():
                rows.append(row)
                print(row, flush=True)
    if options.json:
        options.json.write_text(json.dumps([vars(row) for row in rows], indent=2))


if __name__ == "__main__":
    main()
