"""Queues polled for functions, by the public interface."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lablambda.client import Lab
from tests.api_clients import Create, create, functions

__all__ = ["create", "functions"]
_numbers = itertools.count()
ARN = "arn:aws:sqs:us-east-1:000000000000:"
ECHO = "def handler(event, context): print('GOT', [r['body'] for r in event['Records']])"
MakeQueue = Callable[..., tuple[str, str]]


@pytest.fixture
def make_queue(lab: Lab) -> MakeQueue:
    """Make a queue; gives its URL and its ARN."""

    def make(**attributes: str) -> tuple[str, str]:
        name = f"source-{next(_numbers)}" + (".fifo" if "FifoQueue" in attributes else "")
        url = lab.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url, ARN + name

    return make


def bodies(lab: Lab, name: str) -> list[list[str]]:
    """The batches that an ECHO function got."""
    lines = [line.message for line in lab.function(name).logs() if line.message.startswith("GOT ")]
    return [json.loads(line.removeprefix("GOT ").replace("'", '"')) for line in lines]


def left(lab: Lab, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = lab.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(map(int, counts.values()))


def test_a_message_becomes_an_event(lab: Lab, functions: Any, create: Create, make_queue: MakeQueue) -> None:
    url, arn = make_queue()
    name = create("import json\ndef handler(event, context): print('GOT', json.dumps(event))")
    functions.create_event_source_mapping(FunctionName=name, EventSourceArn=arn)
    attribute = {"DataType": "String", "StringValue": "Ada"}
    binary = {"DataType": "Binary", "BinaryValue": b"\x00\x01"}
    sent = lab.client("sqs").send_message(
        QueueUrl=url, MessageBody='{"n": 1}', MessageAttributes={"author": attribute, "raw": binary}
    )
    lab.settle()
    (line,) = [line.message for line in lab.function(name).logs() if line.message.startswith("GOT ")]
    (record,) = json.loads(line.removeprefix("GOT "))["Records"]
    assert record.pop("receiptHandle")
    attributes = record.pop("attributes")
    assert attributes["ApproximateReceiveCount"] == "1"
    assert {"SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"} < set(attributes)
    assert all(isinstance(value, str) for value in attributes.values())
    empty: dict[str, list[str]] = {"stringListValues": [], "binaryListValues": []}
    assert record == {
        "messageId": sent["MessageId"],
        "body": '{"n": 1}',
        "messageAttributes": {
            "author": {"stringValue": "Ada", **empty, "dataType": "String"},
            "raw": {"binaryValue": "AAE=", **empty, "dataType": "Binary"},
        },
        "md5OfMessageAttributes": sent["MD5OfMessageAttributes"],
        "md5OfBody": sent["MD5OfMessageBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": "us-east-1",
    }
    assert left(lab, url) == 0


def test_a_backlog_comes_in_batches(lab: Lab, functions: Any, create: Create, make_queue: MakeQueue) -> None:
    url, arn = make_queue()
    for start in range(0, 40, 10):
        entries = [{"Id": str(n), "MessageBody": str(n)} for n in range(start, start + 10)]
        lab.client("sqs").send_message_batch(QueueUrl=url, Entries=entries)
    name = create(ECHO)
    functions.create_event_source_mapping(FunctionName=name, EventSourceArn=arn, BatchSize=7)
    lab.settle()
    got = bodies(lab, name)
    assert sorted(int(body) for batch in got for body in batch) == list(range(40))
    assert max(map(len, got)) == 7
    assert left(lab, url) == 0


def test_a_window_gathers_a_large_batch(
    lab: Lab, functions: Any, create: Create, make_queue: MakeQueue
) -> None:
    url, arn = make_queue()
    name = create(ECHO)
    functions.create_event_source_mapping(
        FunctionName=name, EventSourceArn=arn, BatchSize=12, MaximumBatchingWindowInSeconds=300
    )
    for n in range(12):
        lab.client("sqs").send_message(QueueUrl=url, MessageBody=str(n))
    lab.settle()
    assert [len(batch) for batch in bodies(lab, name)] == [12]
    lab.client("sqs").send_message(QueueUrl=url, MessageBody="late")
    lab.settle()  # the window begins when it is received
    lab.clock.advance("5m")
    lab.settle()
    assert bodies(lab, name)[-1] == ["late"]


def test_a_poison_message_ends_among_the_dead_letters(
    lab: Lab, functions: Any, create: Create, make_queue: MakeQueue
) -> None:
    dead_url, dead = make_queue()
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 3})
    url, arn = make_queue(RedrivePolicy=redrive)
    name = create(
        "def handler(event, context):\n"
        "    print('GOT', [r['attributes']['ApproximateReceiveCount'] for r in event['Records']])\n"
        "    raise ValueError('poison')"
    )
    functions.create_event_source_mapping(FunctionName=name, EventSourceArn=arn)
    lab.client("sqs").send_message(QueueUrl=url, MessageBody="poison")
    buried: list[Any] = []
    lab.settle()
    while not buried:
        lab.clock.advance("31s")
        lab.settle()
        buried = lab.client("sqs").receive_message(QueueUrl=dead_url, WaitTimeSeconds=1).get("Messages", [])
    assert buried[0]["Body"] == "poison"
    assert bodies(lab, name) == [["1"], ["2"], ["3"]]


def test_only_what_failed_comes_again(
    lab: Lab, functions: Any, create: Create, make_queue: MakeQueue
) -> None:
    url, arn = make_queue()
    name = create(
        "def handler(event, context):\n"
        "    print('GOT', [r['body'] for r in event['Records']])\n"
        "    first = [r for r in event['Records'] if r['attributes']['ApproximateReceiveCount'] == '1']\n"
        "    return {'batchItemFailures': [{'itemIdentifier': r['messageId']} for r in first if r['body'] == '1']}"
    )
    functions.create_event_source_mapping(
        FunctionName=name, EventSourceArn=arn, FunctionResponseTypes=["ReportBatchItemFailures"]
    )
    entries = [{"Id": str(n), "MessageBody": str(n)} for n in range(3)]
    lab.client("sqs").send_message_batch(QueueUrl=url, Entries=entries)
    lab.settle()
    assert left(lab, url) == 1
    while left(lab, url):
        lab.clock.advance("31s")
        lab.settle()
    assert bodies(lab, name)[-1] == ["1"]


def test_filtered_messages_are_deleted(
    lab: Lab, functions: Any, create: Create, make_queue: MakeQueue
) -> None:
    url, arn = make_queue()
    name = create(ECHO)
    pattern = json.dumps({"body": {"kind": ["order"]}})
    functions.create_event_source_mapping(
        FunctionName=name, EventSourceArn=arn, FilterCriteria={"Filters": [{"Pattern": pattern}]}
    )
    for body in ('{"kind": "order"}', '{"kind": "other"}', "order"):
        lab.client("sqs").send_message(QueueUrl=url, MessageBody=body)
    lab.settle()
    got = [line.message for line in lab.function(name).logs() if line.message.startswith("GOT")]
    assert len(got) == 1
    assert '"kind": "order"' in got[0]
    assert left(lab, url) == 0


def test_a_fifo_queue_keeps_its_order(
    lab: Lab, functions: Any, create: Create, make_queue: MakeQueue
) -> None:
    url, arn = make_queue(FifoQueue="true", ContentBasedDeduplication="true")
    for n in range(12):
        lab.client("sqs").send_message(QueueUrl=url, MessageBody=str(n), MessageGroupId="ab"[n % 2])
    name = create(ECHO)
    functions.create_event_source_mapping(FunctionName=name, EventSourceArn=arn, BatchSize=2)
    lab.settle()
    got = [int(body) for batch in bodies(lab, name) for body in batch]
    assert sorted(got) == list(range(12))
    assert [n for n in got if n % 2 == 0] == list(range(0, 12, 2))


def test_disabled_and_enabled_again(lab: Lab, functions: Any, create: Create, make_queue: MakeQueue) -> None:
    url, arn = make_queue()
    name = create(ECHO)
    uuid = functions.create_event_source_mapping(FunctionName=name, EventSourceArn=arn, Enabled=False)["UUID"]
    lab.client("sqs").send_message(QueueUrl=url, MessageBody="waits")
    lab.settle()
    assert left(lab, url) == 1
    functions.update_event_source_mapping(UUID=uuid, Enabled=True)
    lab.settle()
    assert bodies(lab, name) == [["waits"]]
    functions.delete_event_source_mapping(UUID=uuid)
    lab.client("sqs").send_message(QueueUrl=url, MessageBody="nobody's")
    lab.settle()
    assert left(lab, url) == 1


def test_throttled_messages_wait(lab: Lab, functions: Any, create: Create, make_queue: MakeQueue) -> None:
    url, arn = make_queue(VisibilityTimeout="3600")
    name = create(ECHO)
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    uuid = functions.create_event_source_mapping(FunctionName=name, EventSourceArn=arn)["UUID"]
    lab.client("sqs").send_message(QueueUrl=url, MessageBody="patient")
    while "LastProcessingResult" not in (told := functions.get_event_source_mapping(UUID=uuid)):
        time.sleep(0.01)
    assert told["LastProcessingResult"] == "PROBLEM: Rate Exceeded."
    functions.delete_function_concurrency(FunctionName=name)
    lab.clock.advance("2m")
    lab.settle()
    assert bodies(lab, name) == [["patient"]]


def test_a_deleted_queue_is_told(lab: Lab, functions: Any, create: Create, make_queue: MakeQueue) -> None:
    url, arn = make_queue()
    name = create(ECHO)
    uuid = functions.create_event_source_mapping(FunctionName=name, EventSourceArn=arn)["UUID"]
    lab.settle()
    lab.client("sqs").delete_queue(QueueUrl=url)
    while "LastProcessingResult" not in (told := functions.get_event_source_mapping(UUID=uuid)):
        lab.clock.advance("1m")
    assert "NonExistentQueue" in told["LastProcessingResult"]
    lab.client("sqs").create_queue(QueueName=arn.rpartition(":")[2])
    lab.client("sqs").send_message(QueueUrl=url, MessageBody="again")
    while not bodies(lab, name):
        lab.clock.advance("1m")
        lab.settle()
    assert bodies(lab, name) == [["again"]]


def test_queues_that_cannot_be_polled(functions: Any, create: Create, make_queue: MakeQueue) -> None:
    name = create(ECHO, Timeout=31)
    with pytest.raises(ClientError, match=r"SQS Error Code: AWS[.]SimpleQueueService[.]NonExistentQueue"):
        functions.create_event_source_mapping(FunctionName=name, EventSourceArn=ARN + "absent")
    _, arn = make_queue()
    with pytest.raises(ClientError, match="30 seconds is less than Function timeout: 31 seconds"):
        functions.create_event_source_mapping(FunctionName=name, EventSourceArn=arn)


def test_a_mapping_cannot_be_given_to_a_function_that_is_too_slow_for_its_queue(
    functions: Any, create: Create, make_queue: MakeQueue
) -> None:
    _, arn = make_queue()
    quick, slow = create(ECHO), create(ECHO, Timeout=31)
    uuid = functions.create_event_source_mapping(FunctionName=quick, EventSourceArn=arn)["UUID"]
    with pytest.raises(ClientError, match="30 seconds is less than Function timeout: 31 seconds"):
        functions.update_event_source_mapping(UUID=uuid, FunctionName=slow)
    assert functions.get_event_source_mapping(UUID=uuid)["FunctionArn"].endswith(quick)
