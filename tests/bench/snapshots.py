"""A restore from a snapshot beside a cold start, where init is heavy."""

from __future__ import annotations

import statistics
import time

from lablambda.client import Lab
from lablambda.deployment import deploy
from lablambda.model.deployment import Deployment
from lablambda.model.release import Release
from tests.bench.client import Client, Row, ask_in_turns, port_of

_RUNTIME = "python3.13"  # AWS snapshots no older ones than python3.12
_HEAVY = """
import time
import boto3
boto3.client("dynamodb")
end = time.perf_counter() + 0.3
while time.perf_counter() < end:
    pass

def handler(event, context):
    return {"ok": True}
"""


def snapshots(lab: Lab, count: int) -> list[Row]:
    """First invocations of as many functions each way, in turns."""
    cold, restored, published = [], [], []
    for number in range(count):
        cold += _first(lab, _deploy(lab, f"heavy-{number}", snap_start=False))
        began = time.perf_counter()
        path = _deploy(lab, f"snapped-{number}", snap_start=True)
        published.append((time.perf_counter() - began) * 1000)
        restored += _first(lab, f"{path}?Qualifier=1")
    control = statistics.median(cold)
    return [
        Row(
            "SnapStart restore p50, boto3 and 300 ms",
            statistics.median(restored),
            "ms",
            control,
            "at most 15 ms",
        ),
        Row("SnapStart deploy and publish p50, the same", statistics.median(published), "ms", control),
    ]


def _first(lab: Lab, path: str) -> list[float]:
    return ask_in_turns([Client(lab, port_of(lab), path)], 1, 1)[0]


def _deploy(lab: Lab, name: str, *, snap_start: bool) -> str:
    wanted = Deployment(
        name,
        _RUNTIME,
        "f.handler",
        {"f.py": _HEAVY.encode()},
        timeout_s=30,
        snap_start=snap_start,
        release=Release(publish=snap_start),
    )
    deploy(wanted, lab)
    return f"/2015-03-31/functions/{name}/invocations"
