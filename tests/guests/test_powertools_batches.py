"""Powertools' batch processors on batches of SQS, Kinesis and DynamoDB."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.guests import events
from tests.guests.conftest import Guest, Guests

Batch = Callable[[Sequence[int]], dict[str, Any]]


def _messages(numbers: Sequence[int]) -> dict[str, Any]:
    return events.sqs([{"n": n} for n in numbers])


def _data(numbers: Sequence[int]) -> dict[str, Any]:
    return events.kinesis([{"n": n} for n in numbers])


def _changes(numbers: Sequence[int]) -> dict[str, Any]:
    return events.dynamodb([{"id": {"S": str(n)}, "n": {"N": str(n)}} for n in numbers])


@pytest.fixture(scope="module")
def batches(guest: Guests, layer: str) -> Callable[[str], Guest]:
    made: dict[str, Guest] = {}

    def of(handler: str) -> Guest:
        if handler not in made:
            made[handler] = guest("batches", handler, Layers=[layer])
        return made[handler]

    return of


SOURCES = pytest.mark.parametrize(
    ("handler", "batch", "third"),
    [("of_sqs", _messages, "m2"), ("of_kinesis", _data, "2"), ("of_dynamodb", _changes, "2")],
)


@SOURCES
def test_what_failed_is_named(
    batches: Callable[[str], Guest], handler: str, batch: Batch, third: str
) -> None:
    out = batches(handler).invoke(batch([2, 4, 5, 6]))
    assert out.payload == {"batchItemFailures": [{"itemIdentifier": third}]}
    assert batches(handler).said(out.request_id) == ["order 2", "order 4", "order 5", "order 6"]
    assert batches(handler).payload(batch([2, 4])) == {"batchItemFailures": []}


@SOURCES
def test_a_batch_of_failures_is_the_functions(
    batches: Callable[[str], Guest], handler: str, batch: Batch, third: str
) -> None:
    out = batches(handler).invoke(batch([1, 3]))
    assert out.error is not None
    assert out.error["errorType"] == "BatchProcessingError"
    assert "ValueError: odd" in out.error["errorMessage"]


def test_a_fifo_queues_batch_stops_at_the_first_failure(batches: Callable[[str], Guest]) -> None:
    event = events.sqs([{"n": n} for n in (2, 3, 4, 5)], queue="orders.fifo")
    out = batches("of_sqs").invoke(event)
    assert [item["itemIdentifier"] for item in out.payload["batchItemFailures"]] == ["m1", "m2", "m3"]
    assert batches("of_sqs").said(out.request_id) == ["order 2", "order 3"]
