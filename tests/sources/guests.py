"""Each kind of source as the conformance suite handles it: to add a source, add a guest."""

from __future__ import annotations

import itertools
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lablambda.client import Lab

_numbers = itertools.count()
_ACCOUNT = "us-east-1:000000000000"


@dataclass(frozen=True)
class Site:
    """A lab, and that which is its services' if they are remote."""

    lab: Lab
    backend: Lab | None = None

    def pass_time(self, seconds: float = 61) -> None:
        """Have lab time pass, also where the sources are: they go by no clock but their own."""
        self.lab.settle()
        for lab in filter(None, (self.lab, self.backend)):
            lab.clock.advance(seconds)
        self.lab.settle()


class Guest(ABC):
    """A source at `site` to which numbers are sent. `read` is the Python of a record's number, `key` that of
    its name among batchItemFailures."""

    kind: str
    read: str
    key: str
    given: dict[str, Any]  # parameters of CreateEventSourceMapping besides

    def __init__(self, site: Site) -> None:
        self.site = site
        self.lab = site.lab
        self.name = f"conform-{next(_numbers)}"
        self.arn = self.make()

    @abstractmethod
    def make(self) -> str:
        """Make the source; gives its ARN."""

    @abstractmethod
    def send(self, *numbers: int) -> None:
        """Send them, in order."""

    @abstractmethod
    def remove(self) -> None:
        """Delete the source."""

    @property
    def is_kept(self) -> bool:
        """Whether it can be read also when it is deleted."""
        return False

    def pattern(self, most: int) -> str:
        """A filter that lets numbers up to `most` through."""
        return json.dumps(self._filter([{"numeric": ["<=", most]}]))

    def _filter(self, test: list[Any]) -> dict[str, Any]:
        raise NotImplementedError


class SqsGuest(Guest):
    kind = "sqs"
    read = "json.loads(r['body'])['n']"
    key = "r['messageId']"
    given: dict[str, Any] = {}  # noqa: RUF012 - never changed

    def make(self) -> str:
        attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "30"}
        made = self.lab.client("sqs").create_queue(QueueName=f"{self.name}.fifo", Attributes=attributes)
        self._url = made["QueueUrl"]
        return f"arn:aws:sqs:{_ACCOUNT}:{self.name}.fifo"

    def send(self, *numbers: int) -> None:
        for some in _tens(numbers):
            entries = [
                {"Id": str(n), "MessageBody": json.dumps({"n": n}), "MessageGroupId": "g"} for n in some
            ]
            self.lab.client("sqs").send_message_batch(QueueUrl=self._url, Entries=entries)

    def remove(self) -> None:
        self.lab.client("sqs").delete_queue(QueueUrl=self._url)

    def _filter(self, test: list[Any]) -> dict[str, Any]:
        return {"body": {"n": test}}


class KinesisGuest(Guest):
    kind = "kinesis"
    read = "json.loads(base64.b64decode(r['kinesis']['data']))['n']"
    key = "r['kinesis']['sequenceNumber']"
    given = {"StartingPosition": "TRIM_HORIZON"}  # noqa: RUF012 - never changed

    def make(self) -> str:
        self.lab.client("kinesis").create_stream(StreamName=self.name, ShardCount=1)
        return f"arn:aws:kinesis:{_ACCOUNT}:stream/{self.name}"

    def send(self, *numbers: int) -> None:
        records = [{"Data": json.dumps({"n": n}).encode(), "PartitionKey": "k"} for n in numbers]
        for start in range(0, len(records), 500):
            self.lab.client("kinesis").put_records(StreamName=self.name, Records=records[start : start + 500])

    def remove(self) -> None:
        self.lab.client("kinesis").delete_stream(StreamName=self.name)

    def _filter(self, test: list[Any]) -> dict[str, Any]:
        return {"data": {"n": test}}


class DynamoDBGuest(Guest):
    kind = "dynamodb"
    read = "int(r['dynamodb']['NewImage']['n']['N'])"
    key = "r['dynamodb']['SequenceNumber']"
    given = {"StartingPosition": "TRIM_HORIZON"}  # noqa: RUF012 - never changed

    def make(self) -> str:
        made = self.lab.client("dynamodb").create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        return str(made["TableDescription"]["LatestStreamArn"])

    def send(self, *numbers: int) -> None:
        for n in numbers:
            item = {"id": {"S": "same"}, "n": {"N": str(n)}}
            self.lab.client("dynamodb").put_item(TableName=self.name, Item=item)

    def remove(self) -> None:
        self.lab.client("dynamodb").delete_table(TableName=self.name)

    @property
    def is_kept(self) -> bool:
        """For a day, by AWS's own."""
        return self.site.backend is not None

    def pattern(self, most: int) -> str:
        """DynamoDB's numbers are strings, which patterns can't compare."""
        return json.dumps({"dynamodb": {"NewImage": {"n": {"N": [str(n) for n in range(most + 1)]}}}})


GUESTS: tuple[type[Guest], ...] = (SqsGuest, KinesisGuest, DynamoDBGuest)


def _tens(numbers: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    for start in range(0, len(numbers), 10):
        yield numbers[start : start + 10]
