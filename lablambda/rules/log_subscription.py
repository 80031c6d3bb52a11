"""What a log group's subscription filters may be, and the messages by which they send events on.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
"""

from __future__ import annotations

import base64
import gzip
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lablambda.model.errors import InvalidParameterValue, NotImplementedHere
from lablambda.model.log_subscription import SubscriptionFilter
from lablambda.rules.destinations import Call
from lablambda.rules.names import ACCOUNT, REGION

PRINCIPAL = "logs.amazonaws.com"
FILTERS = 2  # of a group
# Of the events in one message, so that it stays below what functions and streams take, however it packs.
_BATCH_BYTES = 512 * 1024
_CHECK = "CWL CONTROL MESSAGE: Checking health of destination Kinesis stream."

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SentEvent:
    """A log event on its way out; `timestamp` is ms since 1970."""

    stream: str
    identity: str
    timestamp: int
    message: str


def kind_of_destination(arn: str, role: str | None) -> str:
    """`lambda` or `kinesis`. Raises InvalidParameterValue, and NotImplementedHere for what AWS has besides."""
    parts = arn.split(":")
    kind = parts[2] if len(parts) > 5 and parts[0] == "arn" else ""
    if kind in ("firehose", "logs"):
        raise NotImplementedHere(
            f"Subscription filters with a destination in {kind} are not implemented in lablambda."
        )
    if kind not in ("lambda", "kinesis"):
        raise InvalidParameterValue(f"destinationArn {arn!r} is no ARN of a function or a Kinesis stream.")
    if (kind == "kinesis") != (role is not None):
        wrong = "without" if kind == "kinesis" else "with"
        raise InvalidParameterValue(f"destinationArn for vendor {kind} cannot be used {wrong} roleArn")
    return kind


def source_arn(group: str) -> str:
    """As whom a group asks to be let in."""
    return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:*"


def data_messages(subscription: SubscriptionFilter, events: Sequence[SentEvent]) -> Iterator[Message]:
    """The events, those of a log stream together and in their order."""
    streams: dict[str, list[SentEvent]] = {}
    for event in events:
        streams.setdefault(event.stream, []).append(event)
    for stream, of_stream in streams.items():
        for batch in _batches(of_stream):
            yield _message("DATA_MESSAGE", ACCOUNT, subscription.group, stream, [subscription.name], batch)


def control_message(now_ms: int) -> Message:
    """What a stream gets when a filter is put, to see whether it takes anything."""
    return _message("CONTROL_MESSAGE", "CloudwatchLogs", "", "", [], [SentEvent("", "", now_ms, _CHECK)])


def call_for(subscription: SubscriptionFilter, message: Message) -> Call:
    """The call that brings a message to the destination."""
    packed = gzip.compress(json.dumps(message).encode(), mtime=0)
    if subscription.destination.split(":")[2] == "lambda":
        event = {"awslogs": {"data": base64.b64encode(packed).decode()}}
        push = {
            "function_arn": subscription.destination,
            "principal": PRINCIPAL,
            "source_arn": source_arn(subscription.group),
            "source_account": ACCOUNT,
            "payload": json.dumps(event),
        }
        return Call("lambda", "Push", push)
    by_stream = subscription.distribution == "ByLogStream" and message["logStream"]
    record = {
        "StreamName": subscription.destination.partition("stream/")[2],
        "Data": packed,
        "PartitionKey": message["logStream"] if by_stream else str(uuid.uuid4()),
    }
    return Call("kinesis", "PutRecord", record)


def _batches(events: Sequence[SentEvent]) -> Iterator[list[SentEvent]]:
    batch: list[SentEvent] = []
    size = 0
    for event in events:
        takes = len(event.message.encode())
        if batch and size + takes > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += takes
    yield batch


def _message(
    kind: str, owner: str, group: str, stream: str, names: Sequence[str], events: Sequence[SentEvent]
) -> Message:
    return {
        "messageType": kind,
        "owner": owner,
        "logGroup": group,
        "logStream": stream,
        "subscriptionFilters": names,
        "logEvents": [
            {"id": event.identity, "timestamp": event.timestamp, "message": event.message} for event in events
        ],
    }
