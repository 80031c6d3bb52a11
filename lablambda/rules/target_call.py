"""The call that brings an event to a target of EventBridge's, and the one that buries it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from lablambda.model.errors import NotImplementedHere
from lablambda.rules.destinations import Call, queue_url

KINDS = ("lambda", "sqs", "sns", "events", "kinesis")


def kind_of_target(arn: str) -> str:
    """One of KINDS. Raises NotImplementedHere for targets that the lab can't reach."""
    parts = arn.split(":")
    kind = parts[2] if len(parts) > 5 else ""
    if kind not in KINDS or ("/" in parts[5] and kind == "events" and not parts[5].startswith("event-bus/")):
        raise NotImplementedHere(
            f"{arn}: targets here are functions, SQS queues, SNS topics, Kinesis streams and buses."
        )
    return kind


def target_call(target: Mapping[str, Any], payload: str, source: Mapping[str, Any]) -> Call:
    """The call for a target that isn't a function; `payload` is JSON. `source` is what a bus needs to know of an
    event: its Source, DetailType and Resources. Raises NotImplementedHere."""
    arn = target["Arn"]
    match kind_of_target(arn):
        case "sqs":
            grouped = target.get("SqsParameters") or {}
            return Call(
                "sqs", "SendMessage", {"QueueUrl": queue_url(arn), "MessageBody": text_of(payload), **grouped}
            )
        case "sns":
            return Call("sns", "Publish", {"TopicArn": arn, "Message": text_of(payload)})
        case "kinesis":
            stream = arn.partition("stream/")[2]
            key = (target.get("KinesisParameters") or {}).get("PartitionKey") or str(uuid.uuid4())
            return Call("kinesis", "PutRecord", {"StreamName": stream, "Data": payload, "PartitionKey": key})
        case "events":
            entry = {**source, "Detail": payload, "EventBusName": arn}
            return Call("events", "PutEvents", {"Entries": [entry]})
    return Call("lambda", "Invoke", {"FunctionName": arn, "Payload": payload})


def burial(target: Mapping[str, Any], payload: str, told: Mapping[str, str]) -> Call | None:
    """The call that brings an event to the target's dead-letter queue, if it has one; `told` are attributes."""
    queue = (target.get("DeadLetterConfig") or {}).get("Arn")
    if not queue:
        return None
    attributes = {name: {"DataType": "String", "StringValue": text} for name, text in told.items() if text}
    parameters = {"QueueUrl": queue_url(queue), "MessageBody": payload, "MessageAttributes": attributes}
    return Call("sqs", "SendMessage", parameters)


def text_of(payload: str) -> str:
    """What queues and topics get of JSON: a string without its quotes, all else as it is."""
    try:
        value = json.loads(payload)
    except ValueError:
        return payload
    return value if isinstance(value, str) else payload
