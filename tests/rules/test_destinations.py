"""Records of asynchronous invocations, and the calls that carry them."""

from __future__ import annotations

import json

import pytest

from lablambda.model.invocation import Invocation, Outcome, Report
from lablambda.rules.destinations import batch_key, event_key, record, to_dead_letters, to_destination

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
REPORT = Report("r-1", 1.0, 1, 128, 30)
EVENT = Invocation("f", None, b'{"k": 1}', ARN, request_id="r-1")
FAILED = Outcome(b'{"errorMessage": "boom", "errorType": "E"}', REPORT, "3", "Unhandled")
NOW = 1_761_991_200.5


def test_a_record_as_aws_writes_it() -> None:
    told = record(EVENT, "RetriesExhausted", 3, FAILED, NOW)
    assert json.dumps(told, separators=(",", ":")) == (
        '{"version":"1.0","timestamp":"2025-11-01T10:00:00.500Z","requestContext":{"requestId":"r-1",'
        f'"functionArn":"{ARN}:$LATEST","condition":"RetriesExhausted","approximateInvokeCount":3}},'
        '"requestPayload":{"k":1},"responseContext":{"statusCode":200,"executedVersion":"3",'
        '"functionError":"Unhandled"},"responsePayload":{"errorMessage":"boom","errorType":"E"}}'
    )


def test_a_record_of_an_event_that_never_ran() -> None:
    told = record(EVENT, "ZeroReservedConcurrency", 0, None, NOW)
    assert not {"responseContext", "responsePayload"} & set(told)


def test_an_answer_that_is_no_json_is_text() -> None:
    told = record(EVENT, "Success", 1, Outcome(b"\xffplain", REPORT, "$LATEST"), NOW)
    assert told["responsePayload"] == "\N{REPLACEMENT CHARACTER}plain"


@pytest.mark.parametrize(
    ("target", "service", "operation", "told"),
    [
        ("arn:aws:sqs:us-east-1:000000000000:q", "sqs", "SendMessage", "MessageBody"),
        ("arn:aws:sns:us-east-1:000000000000:t", "sns", "Publish", "Message"),
        ("arn:aws:s3:::bucket", "s3", "PutObject", "Body"),
        (f"{ARN}2:live", "lambda", "Invoke", "Payload"),
    ],
)
def test_the_call_that_carries_a_record(target: str, service: str, operation: str, told: str) -> None:
    whole = record(EVENT, "Success", 1, FAILED, NOW)
    call = to_destination(target, whole, "unique")
    assert (call.service, call.operation) == (service, operation)
    assert json.loads(call.parameters[told]) == whole


def test_an_object_is_named_by_function_and_time() -> None:
    told = record(EVENT, "Success", 1, FAILED, NOW)
    key = event_key("f", told["timestamp"], "unique")
    assert key == "aws/lambda/async/f/2025/11/01/2025-11-01T10.00.00-unique"
    call = to_destination("arn:aws:s3:::bucket", told, key)
    assert (call.parameters["Bucket"], call.parameters["Key"]) == ("bucket", key)
    key = batch_key("a-uuid", "shard-1", told["timestamp"], "unique")
    assert key == "aws/lambda/a-uuid/shard-1/2025/11/01/2025-11-01T10.00.00-unique"


@pytest.mark.parametrize(("condition", "verdict"), [("Success", "Success"), ("EventAgeExceeded", "Failure")])
def test_an_event_for_a_bus(condition: str, verdict: str) -> None:
    bus = "arn:aws:events:us-east-1:000000000000:event-bus/b"
    (entry,) = to_destination(bus, record(EVENT, condition, 1, FAILED, NOW), "").parameters["Entries"]
    assert entry["DetailType"] == f"Lambda Function Invocation Result - {verdict}"
    assert entry["Resources"] == [bus, f"{ARN}:$LATEST"]


def test_a_target_of_no_such_kind() -> None:
    with pytest.raises(ValueError, match="can't get the results"):
        to_destination("arn:aws:iam::000000000000:role/r", record(EVENT, "Success", 1, None, NOW), "")


def test_dead_letters_are_the_event_as_it_came() -> None:
    call = to_dead_letters("arn:aws:sqs:us-east-1:000000000000:q", EVENT, FAILED)
    assert call.parameters["MessageBody"] == '{"k": 1}'
    assert call.parameters["QueueUrl"].endswith("/000000000000/q")
    assert call.parameters["MessageAttributes"]["ErrorMessage"] == {
        "DataType": "String",
        "StringValue": "boom",
    }
    never_ran = to_dead_letters("arn:aws:sns:us-east-1:000000000000:t", EVENT, None)
    assert (never_ran.operation, never_ran.parameters["Message"]) == ("Publish", '{"k": 1}')
    assert "ErrorMessage" not in never_ran.parameters["MessageAttributes"]
