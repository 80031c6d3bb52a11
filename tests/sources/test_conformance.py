"""What every source that is polled must do, by the public interface."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from lablambda.client import Lab
from tests.api_clients import Create, create, functions, got
from tests.api_clients import code as package
from tests.sources.guests import GUESTS, Guest, Site

__all__ = ["create", "functions"]


@pytest.fixture(params=GUESTS, ids=lambda guest: guest.kind)
def guest(request: pytest.FixtureRequest, site: Site) -> Guest:
    made: Guest = request.param(site)
    return made


@pytest.fixture
def connect(functions: Any, guest: Guest) -> Iterator[Any]:
    """Create a mapping from the guest's source; it is gone when the test is."""
    made: list[str] = []

    def make(name: str, **parameters: Any) -> str:
        answer = functions.create_event_source_mapping(
            **{"FunctionName": name, "EventSourceArn": guest.arn, **guest.given, **parameters}
        )
        made.append(answer["UUID"])
        return made[-1]

    yield make
    for uuid in made:
        with contextlib.suppress(functions.exceptions.ResourceNotFoundException):
            functions.delete_event_source_mapping(UUID=uuid)


def code(guest: Guest, *lines: str) -> str:
    """A handler that prints the numbers that it got as `ns`, and then does `lines`."""
    head = [
        "import base64, json, time",
        "state = {'calls': 0}",
        "def handler(event, context):",
        f"    ns = [{guest.read} for r in event['Records']]",
        f"    keys = [{guest.key} for r in event['Records']]",
        "    print('GOT', json.dumps(ns))",
        "    state['calls'] += 1",
    ]
    return "\n".join([*head, *(f"    {line}" for line in lines)])


def numbers(lab: Lab, name: str) -> list[int]:
    return [n for batch in got(lab, name) for n in batch]


def test_all_that_comes_is_handled_in_order(lab: Lab, create: Create, connect: Any, guest: Guest) -> None:
    name = create(code(guest))
    guest.send(*range(15))
    connect(name, BatchSize=5)
    guest.send(*range(15, 30))
    lab.settle()
    assert numbers(lab, name) == list(range(30))
    assert max(map(len, got(lab, name))) == 5


def test_what_doesnt_fit_the_filter_is_never_seen(
    lab: Lab, create: Create, connect: Any, guest: Guest
) -> None:
    name = create(code(guest))
    connect(name, FilterCriteria={"Filters": [{"Pattern": guest.pattern(2)}]})
    guest.send(*range(6))
    guest.site.pass_time()
    assert numbers(lab, name) == [0, 1, 2]


def test_a_failed_batch_comes_again(lab: Lab, create: Create, connect: Any, guest: Guest) -> None:
    name = create(code(guest, "if state['calls'] == 1: raise ValueError('once')"))
    guest.send(1, 2)
    connect(name)
    lab.settle()
    assert got(lab, name) == [[1, 2]]
    guest.site.pass_time()
    assert got(lab, name) == [[1, 2], [1, 2]]


@pytest.mark.parametrize("fault", ["import os; os._exit(9)", "time.sleep(60)"], ids=["crash", "timeout"])
def test_a_crash_and_a_timeout_are_failures(
    lab: Lab, functions: Any, create: Create, connect: Any, guest: Guest, fault: str
) -> None:
    name = create(code(guest, fault), Timeout=1)
    guest.send(1, 2)
    connect(name)
    lab.settle()
    functions.update_function_code(FunctionName=name, ZipFile=package(code(guest)))
    guest.site.pass_time()
    assert numbers(lab, name) == [1, 2, 1, 2]


def test_only_the_items_that_failed_come_again(lab: Lab, create: Create, connect: Any, guest: Guest) -> None:
    failing = (
        "if state['calls'] == 1: return {'batchItemFailures': [{'itemIdentifier': k} for k in keys[1:]]}"
    )
    name = create(code(guest, failing))
    guest.send(1, 2, 3)
    connect(name, FunctionResponseTypes=["ReportBatchItemFailures"])
    guest.site.pass_time()
    guest.site.pass_time()
    assert got(lab, name)[0] == [1, 2, 3]
    assert numbers(lab, name)[3:] == [2, 3]


@pytest.mark.parametrize(
    "answer",
    [
        "{'batchItemFailures': [{'itemIdentifier': ''}]}",
        "{'batchItemFailures': [{'itemIdentifier': None}]}",
        "{'batchItemFailures': [{'wrong': keys[0]}]}",
        "{'batchItemFailures': [{'itemIdentifier': 'of nobody'}]}",
        "{'batchItemFailures': 'all'}",
    ],
)
def test_an_answer_that_makes_no_sense_fails_the_batch(
    lab: Lab, create: Create, connect: Any, guest: Guest, answer: str
) -> None:
    name = create(code(guest, f"if state['calls'] == 1: return {answer}"))
    guest.send(1, 2)
    connect(name, FunctionResponseTypes=["ReportBatchItemFailures"])
    guest.site.pass_time()
    assert got(lab, name) == [[1, 2], [1, 2]]


@pytest.mark.parametrize("answer", ["None", "{}", "{'batchItemFailures': []}", "{'batchItemFailures': None}"])
def test_an_answer_without_failures_is_success(
    lab: Lab, create: Create, connect: Any, guest: Guest, answer: str
) -> None:
    name = create(code(guest, f"return {answer}"))
    guest.send(1, 2)
    connect(name, FunctionResponseTypes=["ReportBatchItemFailures"])
    guest.site.pass_time()
    assert got(lab, name) == [[1, 2]]


def test_disabled_changed_enabled_and_deleted(
    lab: Lab, functions: Any, create: Create, connect: Any, guest: Guest
) -> None:
    name = create(code(guest))
    uuid = connect(name, Enabled=False)
    guest.send(*range(6))
    lab.settle()
    assert got(lab, name) == []
    functions.update_event_source_mapping(UUID=uuid, Enabled=True, BatchSize=3)
    lab.settle()
    assert got(lab, name) == [[0, 1, 2], [3, 4, 5]]
    functions.delete_event_source_mapping(UUID=uuid)
    guest.send(6)
    lab.settle()
    assert numbers(lab, name) == list(range(6))


def test_another_function_takes_over(
    lab: Lab, functions: Any, create: Create, connect: Any, guest: Guest
) -> None:
    first, second = create(code(guest)), create(code(guest))
    uuid = connect(first)
    guest.send(1)
    lab.settle()
    functions.update_event_source_mapping(UUID=uuid, FunctionName=second)
    guest.send(2)
    lab.settle()
    assert (numbers(lab, first), numbers(lab, second)) == ([1], [2])


def test_throttles_cost_nothing(lab: Lab, functions: Any, create: Create, connect: Any, guest: Guest) -> None:
    name = create(code(guest))
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    uuid = connect(name)
    guest.send(1, 2)
    guest.site.pass_time(30)
    told = functions.get_event_source_mapping(UUID=uuid)
    assert told["LastProcessingResult"] == "PROBLEM: Rate Exceeded."
    functions.delete_function_concurrency(FunctionName=name)
    guest.site.pass_time()
    assert numbers(lab, name) == [1, 2]


def test_a_source_that_is_deleted_is_told_of(
    lab: Lab, functions: Any, create: Create, connect: Any, guest: Guest
) -> None:
    uuid = connect(create(code(guest)))
    guest.remove()
    guest.site.pass_time()
    result = functions.get_event_source_mapping(UUID=uuid)["LastProcessingResult"]
    assert (not guest.is_kept) == bool(re.match("PROBLEM: .*(exist|not found)", result)), result


def test_a_slow_function_delays_nobody_else(
    lab: Lab, functions: Any, create: Create, connect: Any, guest: Guest
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(15)
        say = "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(bytes(ns), {})"
        quick = create(code(guest, say.format(ear.getsockname())))
        slow = create(code(guest, say.format(ear.getsockname()), "time.sleep(25)"), Timeout=30)
        other = type(guest)(guest.site)
        connect(slow)
        connect(quick, EventSourceArn=other.arn)
        guest.send(100)
        assert ear.recv(100) == bytes([100])  # it is at it
        other.send(*range(5))
        heard = b""
        while len(heard) < 5:
            heard += ear.recv(100)
    assert heard == bytes(range(5))
    functions.delete_function(FunctionName=slow)
