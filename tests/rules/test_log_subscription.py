from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from lablambda.model.errors import InvalidParameterValue, NotImplementedHere
from lablambda.model.log_subscription import SubscriptionFilter
from lablambda.rules.log_subscription import (
    SentEvent,
    call_for,
    control_message,
    data_messages,
    kind_of_destination,
)

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f:live"
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
ROLE = "arn:aws:iam::000000000000:role/r"
TO_FUNCTION = SubscriptionFilter("g", "all", "", FUNCTION, None, "ByLogStream", 0)
TO_STREAM = SubscriptionFilter("g", "all", "", STREAM, ROLE, "ByLogStream", 0)
SPREAD = SubscriptionFilter("g", "all", "", STREAM, ROLE, "Random", 0)


def event(stream: str, message: str, number: int = 1) -> SentEvent:
    return SentEvent(stream, f"{number:056d}", 1000 + number, message)


@pytest.mark.parametrize(("arn", "role", "kind"), [(FUNCTION, None, "lambda"), (STREAM, ROLE, "kinesis")])
def test_kinds_of_destinations(arn: str, role: str | None, kind: str) -> None:
    assert kind_of_destination(arn, role) == kind


@pytest.mark.parametrize(
    ("arn", "role", "text"),
    [
        (FUNCTION, ROLE, "destinationArn for vendor lambda cannot be used with roleArn"),
        (STREAM, None, "destinationArn for vendor kinesis cannot be used without roleArn"),
        ("arn:aws:sqs:us-east-1:000000000000:q", None, "no ARN of a function or a Kinesis stream"),
        ("nonsense", None, "no ARN of a function or a Kinesis stream"),
    ],
)
def test_destinations_that_are_none(arn: str, role: str | None, text: str) -> None:
    with pytest.raises(InvalidParameterValue, match=text):
        kind_of_destination(arn, role)


def test_a_destination_that_is_not_built() -> None:
    with pytest.raises(NotImplementedHere, match="firehose"):
        kind_of_destination("arn:aws:firehose:us-east-1:000000000000:deliverystream/d", ROLE)


def test_events_of_a_stream_go_together() -> None:
    events = [event("a", "1"), event("b", "2"), event("a", "3", 2)]
    messages = list(data_messages(TO_FUNCTION, events))
    assert [(m["logStream"], [e["message"] for e in m["logEvents"]]) for m in messages] == [
        ("a", ["1", "3"]),
        ("b", ["2"]),
    ]
    assert messages[1] == {
        "messageType": "DATA_MESSAGE",
        "owner": "000000000000",
        "logGroup": "g",
        "logStream": "b",
        "subscriptionFilters": ["all"],
        "logEvents": [{"id": f"{1:056d}", "timestamp": 1001, "message": "2"}],
    }
    assert list(data_messages(TO_FUNCTION, [])) == []


def test_much_goes_in_parts() -> None:
    events = [event("a", "x" * 200_000, number) for number in range(5)]
    assert [len(m["logEvents"]) for m in data_messages(TO_FUNCTION, events)] == [2, 2, 1]


def packed(data: bytes) -> Any:
    return json.loads(gzip.decompress(data))


def test_a_function_gets_it_packed() -> None:
    (message,) = data_messages(TO_FUNCTION, [event("a", "hi")])
    call = call_for(TO_FUNCTION, message)
    pushed = dict(call.parameters)
    data = json.loads(pushed.pop("payload"))["awslogs"]["data"]
    assert packed(base64.b64decode(data)) == message
    assert pushed == {
        "function_arn": FUNCTION,
        "principal": "logs.amazonaws.com",
        "source_arn": "arn:aws:logs:us-east-1:000000000000:log-group:g:*",
        "source_account": "000000000000",
    }


def test_a_stream_gets_it_by_log_stream_or_spread() -> None:
    (message,) = data_messages(TO_STREAM, [event("a", "hi")])
    call = call_for(TO_STREAM, message)
    assert (call.service, call.operation) == ("kinesis", "PutRecord")
    assert (call.parameters["StreamName"], call.parameters["PartitionKey"]) == ("s", "a")
    assert packed(call.parameters["Data"]) == message
    keys = {call_for(SPREAD, message).parameters["PartitionKey"] for _ in range(3)}
    assert len(keys) == 3


def test_the_check_of_a_stream() -> None:
    call = call_for(TO_STREAM, control_message(5))
    assert packed(call.parameters["Data"])["messageType"] == "CONTROL_MESSAGE"
    assert call.parameters["PartitionKey"]
