"""What is told of an asynchronous event that is done with, to whom, and by which call.

Source: Capturing records of Lambda asynchronous invocations,
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lablambda.model.function import LATEST
from lablambda.model.invocation import Invocation, Outcome, new_request_id
from lablambda.rules.moments import iso
from lablambda.rules.names import function_arn

SUCCESS = "Success"
_MOST_ERROR_MESSAGE = 1024


@dataclass(frozen=True, slots=True)
class Call:
    """One call of AWS's API. `parameters` are the operation's, as boto3 takes them, `trace` is the trace header to
    send along."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    trace: str = ""


def record(
    invocation: Invocation, condition: str, runs: int, outcome: Outcome | None, now: float
) -> dict[str, Any]:
    """The record of an event that ended by `condition` after so many runs; `outcome` is the last one's."""
    told: dict[str, Any] = {
        "version": "1.0",
        "timestamp": iso(now),
        "requestContext": {
            "requestId": invocation.request_id,
            "functionArn": function_arn(invocation.function, invocation.qualifier or LATEST),
            "condition": condition,
            "approximateInvokeCount": runs,
        },
        "requestPayload": json_or_text(invocation.payload),
    }
    if outcome is not None:
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": outcome.executed_version}
        if outcome.function_error is not None:
            context["functionError"] = outcome.function_error
        told |= {"responseContext": context, "responsePayload": json_or_text(outcome.payload)}
    return told


def batch_record(
    function: str, condition: str, runs: int, outcome: Outcome | None, info: Mapping[str, Any], now: float
) -> dict[str, Any]:
    """The record of a stream's batch that is given up; `info` is what its source says of it.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
    """
    told: dict[str, Any] = {
        "requestContext": {
            "requestId": new_request_id() if outcome is None else outcome.report.request_id,
            "functionArn": function_arn(function, None),
            "condition": condition,
            "approximateInvokeCount": runs,
        },
        "version": "1.0",
        "timestamp": iso(now),
        **info,
    }
    if outcome is not None:
        told["responseContext"] = {
            "statusCode": 200,
            "executedVersion": outcome.executed_version,
            "functionError": outcome.function_error,
        }
    return told


def to_destination(target: str, told: Mapping[str, Any], key: str) -> Call:
    """The call that brings a record to `target`, an ARN; `key` is its object's in a bucket. Raises ValueError if
    the target is of no service that takes records."""
    context, body = told["requestContext"], json.dumps(told)
    match target.split(":")[2]:
        case "sqs":
            return Call("sqs", "SendMessage", {"QueueUrl": queue_url(target), "MessageBody": body})
        case "sns":
            return Call("sns", "Publish", {"TopicArn": target, "Message": body})
        case "events":
            verdict = "Success" if context["condition"] == SUCCESS else "Failure"
            entry = {
                "Source": "lambda",
                "DetailType": f"Lambda Function Invocation Result - {verdict}",
                "Detail": body,
                "Resources": [target, context["functionArn"]],
                "EventBusName": target,
            }
            return Call("events", "PutEvents", {"Entries": [entry]})
        case "s3":
            return Call("s3", "PutObject", {"Bucket": target.split(":")[5], "Key": key, "Body": body})
        case "lambda":
            return Call("lambda", "Invoke", {"FunctionName": target, "Payload": body})
    raise ValueError(f"{target} can't get the results of a function")


def to_dead_letters(target: str, invocation: Invocation, outcome: Outcome | None) -> Call:
    """The call that brings an event that failed to a function's dead-letter queue or topic."""
    error = {} if outcome is None else json_or_text(outcome.payload)
    message = str(error.get("errorMessage", "")) if isinstance(error, dict) else ""
    texts = {"RequestID": ("String", invocation.request_id), "ErrorCode": ("Number", "200")}
    if message:
        texts["ErrorMessage"] = ("String", message[:_MOST_ERROR_MESSAGE])
    attributes = {name: {"DataType": kind, "StringValue": text} for name, (kind, text) in texts.items()}
    body = invocation.payload.decode()
    if target.split(":")[2] == "sns":
        return Call("sns", "Publish", {"TopicArn": target, "Message": body, "MessageAttributes": attributes})
    parameters = {"QueueUrl": queue_url(target), "MessageBody": body, "MessageAttributes": attributes}
    return Call("sqs", "SendMessage", parameters)


def queue_url(arn: str) -> str:
    """A queue's address: SQS goes by account and name, whatever the host."""
    region, account, name = arn.split(":")[3:6]
    return f"https://sqs.{region}.amazonaws.com/{account}/{name}"


def json_or_text(data: bytes) -> Any:
    """What bytes hold, which a function's answer need not be JSON for."""
    try:
        return json.loads(data)
    except ValueError:
        return data.decode(errors="replace")


def event_key(function: str, timestamp: str, unique: str) -> str:
    """The key of the object that keeps an asynchronous event's record."""
    return f"aws/lambda/async/{function}/{_dated(timestamp, unique)}"


def batch_key(mapping: str, shard: str, timestamp: str, unique: str) -> str:
    """The key of the object that keeps the record of a stream's batch."""
    return f"aws/lambda/{mapping}/{shard}/{_dated(timestamp, unique)}"


def _dated(timestamp: str, unique: str) -> str:
    day, second = timestamp[:10], timestamp[:19].replace(":", ".")
    return f"{day.replace('-', '/')}/{second}-{unique}"
