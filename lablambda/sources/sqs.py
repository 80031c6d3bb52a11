"""SQS queues as sources: received from, and told what is done with, by SQS's own API."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from lablambda.rules.destinations import queue_url
from lablambda.services.calls import AwsCalls

MOST_AT_ONCE = 10  # messages in one call of SQS's
_STATE = (
    "VisibilityTimeout",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
)
_VALUES = {"StringValue": "stringValue", "BinaryValue": "binaryValue"}

Record = dict[str, Any]


class Queue:
    """One queue, by its ARN. Every call raises CallRefused if SQS says no (the queue is gone, for example)
    and ServiceFault if nobody answers."""

    def __init__(self, calls: AwsCalls, arn: str) -> None:
        self.arn = arn
        self._calls = calls
        self._url = queue_url(arn)

    async def visibility_s(self) -> int:
        """The queue's own visibility timeout."""
        return (await self.state())[0]

    async def state(self) -> tuple[int, int]:
        """The queue's own visibility timeout in seconds, and how many messages can't be received just now: delayed,
        or received and not deleted."""
        answer = await self._calls.call(
            "sqs", "GetQueueAttributes", {"QueueUrl": self._url, "AttributeNames": list(_STATE)}
        )
        visibility_s, *hidden = (int(answer["Attributes"][name]) for name in _STATE)
        return visibility_s, sum(hidden)

    async def receive(self, most: int, *, wait_s: int, visibility_s: int) -> list[Record]:
        """Messages, as a function's event has them; at most ten."""
        answer = await self._calls.call(
            "sqs",
            "ReceiveMessage",
            {
                "QueueUrl": self._url,
                "MaxNumberOfMessages": most,
                "WaitTimeSeconds": wait_s,
                "VisibilityTimeout": visibility_s,
                "AttributeNames": ["All"],
                "MessageAttributeNames": ["All"],
            },
        )
        return [_record(message, self.arn) for message in answer.get("Messages", [])]

    async def delete(self, records: Sequence[Record]) -> None:
        """Strike messages off."""
        for start in range(0, len(records), MOST_AT_ONCE):
            entries = [
                {"Id": str(number), "ReceiptHandle": record["receiptHandle"]}
                for number, record in enumerate(records[start : start + MOST_AT_ONCE])
            ]
            await self._calls.call("sqs", "DeleteMessageBatch", {"QueueUrl": self._url, "Entries": entries})


def _record(message: dict[str, Any], arn: str) -> Record:
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {
            name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": arn.split(":")[3],
    }
    if record["messageAttributes"]:
        record["md5OfMessageAttributes"] = message.get("MD5OfMessageAttributes", "")
    return record


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    told = {ours: _text(value[name]) for name, ours in _VALUES.items() if name in value}
    return {**told, "stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else base64.b64encode(value).decode()
