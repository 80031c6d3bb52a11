"""What a warm invocation costs when there are many environments, or many functions, and what idle ones weigh."""

from __future__ import annotations

import statistics
import time
from typing import Any

from lablambda.client import Lab
from lablambda.deployment import deploy
from lablambda.model.deployment import Deployment
from tests.bench.client import PLAIN, RUNTIME, Client, Row, ask_in_turns, port_of
from tests.bench.controls import children, on_one_cpu, pss_kib


def many(lab: Lab, rounds: int, environments: int, functions: int) -> list[Row]:
    with Lab.private(options=["--services", "none"]) as crowded:
        rows = _environments(crowded, rounds, environments)
    return [*rows, _functions(lab, rounds, functions)]


def _environments(lab: Lab, rounds: int, count: int) -> list[Row]:
    """So many environments of a version: provisioned, so that they are there and stay."""
    path = _deployed(lab, "crowd")
    client = lab.client("lambda")
    client.publish_version(FunctionName="crowd")
    client.put_provisioned_concurrency_config(
        FunctionName="crowd", Qualifier="1", ProvisionedConcurrentExecutions=count
    )
    while _status(client)["Status"] == "IN_PROGRESS":
        time.sleep(0.1)
    assert _status(client)["AvailableProvisionedConcurrentExecutions"] == count
    row = _beside_one(lab, f"{path}?Qualifier=1", rounds, f"warm invoke p50, {count} environments")
    (zygote,) = [pid for pid in children(lab.descriptor.pid) if len(children(pid)) >= count]
    shares = [pss_kib(pid) / 1024 for pid in children(zygote)]
    client.delete_provisioned_concurrency_config(FunctionName="crowd", Qualifier="1")
    weight = f"PSS of {len(shares)} idle Python environments"
    return [Row(weight, sum(shares), "MiB", None, "at most 2048 MiB"), row]


def _functions(lab: Lab, rounds: int, count: int) -> Row:
    paths = [_deployed(lab, f"one-of-many-{number}") for number in range(count)]
    return _beside_one(lab, paths[-1], rounds, f"warm invoke p50, {count:,} functions")


def _beside_one(lab: Lab, path: str, rounds: int, what: str) -> Row:
    """The control is a lab of its own, with one function and one environment, asked in turns with this one."""
    with Lab.private(options=["--services", "none"]) as small, on_one_cpu():
        ways = [(small, _deployed(small, "alone")), (lab, path)]
        alone, beside = ask_in_turns([Client(one, port_of(one), way) for one, way in ways], rounds, 200)
    return Row(what, statistics.median(beside), "ms", statistics.median(alone), "flat")


def _deployed(lab: Lab, name: str) -> str:
    deploy(Deployment(name, RUNTIME, "f.handler", {"f.py": PLAIN.encode()}, timeout_s=30), lab)
    return f"/2015-03-31/functions/{name}/invocations"


def _status(client: Any) -> Any:
    return client.get_provisioned_concurrency_config(FunctionName="crowd", Qualifier="1")
