"""The live stream tells of what happens while it happens, and no more than a watcher can take in."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from lablambda.client import Lab
from lablambda.rules import sigv4

Create = Callable[..., str]
Tick = dict[str, Any]
SOURCE = """
import time
def handler(event, context):
    print("hello from", event.get("n"))
    time.sleep(event.get("s", 0))
    return 1 / event.get("d", 1)
"""


@contextmanager
def watching(lab: Lab) -> Iterator[Iterator[Tick]]:
    """The ticks of a lab, one after another."""
    address = urlsplit(lab.endpoint)
    headers = {"host": address.netloc}
    headers |= sigv4.sign(
        access_key=lab.descriptor.access_key,
        secret=lab.descriptor.secret_key,
        region=lab.descriptor.region,
        service="lablambda",
        method="GET",
        path="/lablambda/live",
        query="",
        headers=headers,
        payload=b"",
        now=datetime.now(UTC),
    )
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)
    connection.request("GET", "/lablambda/live", headers=headers)
    answer = connection.getresponse()
    assert answer.status == 200
    try:
        yield (json.loads(text) for text in answer)
    finally:
        answer.close()
        connection.close()


def until(ticks: Iterator[Tick], enough: Callable[[list[Tick]], bool]) -> list[Tick]:
    """The ticks up to the one with which there are enough."""
    seen: list[Tick] = []
    for tick in ticks:
        seen.append(tick)
        if enough(seen):
            return seen
    raise AssertionError("the stream ended")


def told(seen: list[Tick], kind: str, name: str) -> list[Any]:
    return [
        row for tick in seen for row in tick[kind] if name in (row.get("function"), row.get("group", "")[12:])
    ]


def test_a_function_comes_changes_and_goes(lab: Lab, create: Create) -> None:
    before = create(SOURCE)
    with watching(lab) as ticks:
        first = next(ticks)
        assert first["whole"]
        there = {function["configuration"]["FunctionName"] for function in first["functions"]}
        assert before in there
        name = create(SOURCE)
        lab.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=3)

        def reserved(seen: list[Tick]) -> list[int | None]:
            told = [f for tick in seen for f in tick["functions"]]
            return [f["reserved"] for f in told if f["configuration"]["FunctionName"] == name]

        seen = until(ticks, lambda seen: reserved(seen)[-1:] == [3])
        assert not any(tick["whole"] for tick in seen)
        lab.function(name).delete()
        until(ticks, lambda seen: seen[-1]["gone"] == [name])


def test_an_invocation_is_told_while_it_runs_and_when_it_is_over(lab: Lab, create: Create) -> None:
    name = create(SOURCE, Timeout=20)
    with watching(lab) as ticks:
        next(ticks)
        asking = threading.Thread(target=lab.function(name).invoke, args=({"n": 7, "s": 0.5, "d": 0},))
        asking.start()
        began = until(ticks, lambda seen: bool(told(seen, "started", name)))
        assert began[-1]["running"][name] == 1
        ended = until(ticks, lambda seen: bool(told(seen, "finished", name)))
        asking.join()
    (start,), (end,) = told(began, "started", name), told(ended, "finished", name)
    assert start["request_id"] == end["request_id"]
    assert end["duration_ms"] > 500
    assert end["ended"] - end["started"] > 0.5
    assert (end["error_type"], end["error"]) == ("ZeroDivisionError", "division by zero")
    assert any("hello from 7" in line["message"] for line in told(began + ended, "lines", name))
    assert ended[-1]["counts"][name] == {"invocations": 1, "errors": 1, "throttles": 0}


def test_an_asynchronous_event_says_how_long_it_waited(lab: Lab, create: Create) -> None:
    name = create(SOURCE)
    with watching(lab) as ticks:
        lab.function(name).send({})
        (end,) = told(until(ticks, lambda seen: bool(told(seen, "finished", name))), "finished", name)
    assert 0 < end["waited_s"] < 10


def test_many_at_once_are_counted_and_the_last_ones_told(lab: Lab, create: Create) -> None:
    name = create("def handler(e, c):\n    for n in range(5_000): print(n)")
    with watching(lab) as ticks:
        next(ticks)
        lab.function(name).invoke()
        seen = until(ticks, lambda seen: bool(told(seen, "finished", name)))
    lines = [line["message"].strip() for line in told(seen, "lines", name)]
    assert len(lines) < 3_000
    assert "4999" in lines
    assert sum(tick["left_out"] for tick in seen) >= 5_000 - len(lines)
    assert all(len(tick["lines"]) <= 300 for tick in seen)


def test_who_hangs_up_is_forgotten(lab: Lab, create: Create) -> None:
    name = create(SOURCE)
    for _ in range(3):
        with watching(lab) as ticks:
            next(ticks)
    assert lab.function(name).invoke().payload == 1.0
    with watching(lab) as ticks:
        assert next(ticks)["whole"]
