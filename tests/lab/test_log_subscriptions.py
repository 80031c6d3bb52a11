"""Subscription filters of log groups, by the public interface."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lablambda.client import Lab
from lablambda.lab import catalog
from lablambda.lab.catalog import Catalog
from lablambda.lab.log_subscriptions import LogSubscriptions
from lablambda.model.errors import ServiceFault
from lablambda.model.events import LogLine
from lablambda.model.log_subscription import SubscriptionFilter
from lablambda.rules.delivery import Sending
from lablambda.rules.limits import LOG_PAGE_EVENTS
from lablambda.services.backend import NoServices, Push
from lablambda.services.calls import AwsCalls
from lablambda.storage.journal import Journal
from lablambda.telemetry import recorder, subscriptions
from lablambda.telemetry.recorder import Recorder
from lablambda.telemetry.subscriptions import SubscriptionFilters
from tests.api_clients import ARN, ROLE, Create, code_of, create, functions, told

__all__ = ["create", "functions"]
_numbers = itertools.count()
PRINT = (
    "import base64, gzip\n"
    "def handler(event, context):\n"
    "    print('GOT', gzip.decompress(base64.b64decode(event['awslogs']['data'])).decode())\n"
)
DENIED = (
    "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your "
    "function."
)


@pytest.fixture
def logs(lab: Lab) -> Any:
    return lab.client("logs")


@pytest.fixture
def group(logs: Any) -> str:
    """A log group with a stream `s`."""
    name = f"/subscribed/{next(_numbers)}"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    return name


@pytest.fixture
def listener(functions: Any, create: Create, group: str) -> str:
    """A function that prints what the group sends it."""
    name = create(PRINT)
    let_in(functions, name, group)
    return name


def let_in(functions: Any, name: str, group: str, principal: str = "logs.amazonaws.com") -> None:
    functions.add_permission(
        FunctionName=name,
        StatementId=f"logs-{next(_numbers)}",
        Action="lambda:InvokeFunction",
        Principal=principal,
        SourceArn=f"arn:aws:logs:us-east-1:000000000000:log-group:{group}:*",
    )


def subscribe(
    logs: Any, group: str, function: str, pattern: str = "", name: str = "mine", **more: str
) -> None:
    logs.put_subscription_filter(
        logGroupName=group,
        filterName=name,
        filterPattern=pattern,
        destinationArn=more.pop("destinationArn", ARN + function),
        **more,
    )


def put(logs: Any, group: str, *messages: str, stream: str = "s") -> None:
    events = [{"timestamp": int(time.time() * 1000), "message": message} for message in messages]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def texts(messages: list[dict[str, Any]]) -> list[str]:
    return [event["message"] for message in messages for event in message["logEvents"]]


def test_what_matches_becomes_an_event(lab: Lab, logs: Any, group: str, listener: str) -> None:
    put(logs, group, "ERROR before")
    subscribe(logs, group, listener, "ERROR")
    put(logs, group, "all is well", "ERROR one", "ERROR two")
    (message,) = told(lab, listener)
    found = logs.filter_log_events(logGroupName=group, filterPattern='"ERROR o" "one"')["events"]
    events = message.pop("logEvents")
    assert message == {
        "messageType": "DATA_MESSAGE",
        "owner": "000000000000",
        "logGroup": group,
        "logStream": "s",
        "subscriptionFilters": ["mine"],
    }
    assert [event["message"] for event in events] == ["ERROR one", "ERROR two"]
    assert [(found[0]["eventId"], found[0]["timestamp"])] == [(events[0]["id"], events[0]["timestamp"])]


def test_the_log_of_a_function(lab: Lab, functions: Any, logs: Any, create: Create) -> None:
    # given a function whose log another one gets
    speaker, name = create("def handler(event, context): print('HELLO', event)"), create(PRINT)
    group = f"/aws/lambda/{speaker}"
    logs.create_log_group(logGroupName=group)
    let_in(functions, name, group)
    subscribe(logs, group, name, "?HELLO ?REPORT")
    # when it runs
    functions.invoke(FunctionName=speaker, Payload=b"1")
    # then that one gets to see what it said
    found = texts(told(lab, name))
    assert found[0].startswith("HELLO 1")
    assert found[1].startswith("REPORT RequestId: ")


def test_each_log_stream_has_its_own_messages(lab: Lab, logs: Any, group: str, listener: str) -> None:
    logs.create_log_stream(logGroupName=group, logStreamName="t")
    subscribe(logs, group, listener)
    put(logs, group, "1")
    put(logs, group, "2", stream="t")
    assert sorted((m["logStream"], *texts([m])) for m in told(lab, listener)) == [("s", "1"), ("t", "2")]


def test_filters_are_described_replaced_and_deleted(lab: Lab, logs: Any, group: str, listener: str) -> None:
    subscribe(logs, group, listener, "{ $.n > 1 }")
    subscribe(logs, group, listener, "second", name="other")
    (mine, _) = logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"]
    assert mine.pop("creationTime") > 0
    assert mine == {
        "filterName": "mine",
        "logGroupName": group,
        "filterPattern": "{ $.n > 1 }",
        "destinationArn": ARN + listener,
        "distribution": "ByLogStream",
        "applyOnTransformedLogs": False,
    }
    with pytest.raises(ClientError, match=r"LimitExceededException.*Resource limit exceeded"):
        subscribe(logs, group, listener, name="third")
    subscribe(logs, group, listener, "again")
    logs.delete_subscription_filter(logGroupName=group, filterName="other")
    (mine,) = logs.describe_subscription_filters(logGroupName=group, filterNamePrefix="mi")[
        "subscriptionFilters"
    ]
    assert mine["filterPattern"] == "again"
    put(logs, group, "second", "again")
    assert texts(told(lab, listener)) == ["again"]
    logs.delete_subscription_filter(logGroupName=group, filterName="mine")
    put(logs, group, "again")
    assert len(told(lab, listener)) == 1
    assert code_of(lambda: logs.delete_subscription_filter(logGroupName=group, filterName="mine")) == (
        400,
        "ResourceNotFoundException",
        "The specified subscription filter does not exist.",
    )


def test_a_deleted_group_takes_its_filters_along(lab: Lab, logs: Any, group: str, listener: str) -> None:
    subscribe(logs, group, listener)
    logs.delete_log_group(logGroupName=group)
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    assert logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"] == []
    put(logs, group, "1")
    assert told(lab, listener) == []


def test_a_function_that_does_not_let_the_group_in(
    lab: Lab, functions: Any, logs: Any, create: Create, group: str
) -> None:
    name = create(PRINT)
    assert code_of(lambda: subscribe(logs, group, name)) == (400, "InvalidParameterException", DENIED)
    assert code_of(lambda: subscribe(logs, group, "nowhere")) == (400, "InvalidParameterException", DENIED)
    let_in(functions, name, group + "/another")
    assert code_of(lambda: subscribe(logs, group, name))[2] == DENIED
    let_in(functions, name, group, "logs.us-east-1.amazonaws.com")
    subscribe(logs, group, name)
    put(logs, group, "1")
    assert texts(told(lab, name)) == ["1"]


@pytest.mark.parametrize("more", [{}, {"LoggingConfig": {"LogGroup": "/shared/own"}}])
def test_a_function_does_not_get_its_own_log(
    functions: Any, logs: Any, create: Create, more: dict[str, Any]
) -> None:
    name = create(PRINT, **more)
    group = more["LoggingConfig"]["LogGroup"] if more else f"/aws/lambda/{name}"
    logs.create_log_group(logGroupName=group)
    let_in(functions, name, group)
    assert code_of(lambda: subscribe(logs, group, name))[1:] == (
        "InvalidParameterException",
        "The log group provided is reserved for the function log of the destination function.",
    )


@pytest.mark.parametrize(
    ("members", "status", "error"),
    [
        ({"logGroupName": "/absent"}, 400, "ResourceNotFoundException"),
        ({"filterPattern": "{ $.n"}, 400, "InvalidParameterException"),
        ({"roleArn": ROLE}, 400, "InvalidParameterException"),
        ({"emitSystemFields": ["@aws.account"]}, 501, "NotImplementedException"),
    ],
)
def test_what_is_refused(
    logs: Any, group: str, listener: str, members: dict[str, Any], status: int, error: str
) -> None:
    good = {
        "logGroupName": group,
        "filterName": "mine",
        "filterPattern": "",
        "destinationArn": ARN + listener,
    }
    assert code_of(lambda: logs.put_subscription_filter(**{**good, **members}))[:2] == (status, error)


def test_to_a_kinesis_stream(lab: Lab, logs: Any, group: str) -> None:
    kinesis = lab.client("kinesis")
    stream = f"logged-{next(_numbers)}"
    to_stream = {"destinationArn": f"arn:aws:kinesis:us-east-1:000000000000:stream/{stream}", "roleArn": ROLE}
    message = "Could not deliver test message to specified Kinesis stream"
    assert message in code_of(lambda: subscribe(logs, group, "", **to_stream))[2]
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    subscribe(logs, group, "", "-DEBUG", **to_stream)
    put(logs, group, "DEBUG x", "good")
    lab.settle()
    shard = kinesis.list_shards(StreamName=stream)["Shards"][0]["ShardId"]
    start = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records = kinesis.get_records(ShardIterator=start["ShardIterator"])["Records"]
    check, data = [json.loads(gzip.decompress(record["Data"])) for record in records]
    assert check["messageType"] == "CONTROL_MESSAGE"
    assert texts([data]) == ["good"]
    assert records[1]["PartitionKey"] == "s"


# ------------------------------------------------------------------------------- in a lab that goes and comes back


class Desk:
    """The telemetry of a lab, and who sends its log on."""

    def __init__(self, folder: Path) -> None:
        self.journal = Journal(folder / "telemetry.db", recorder.SCHEMA + subscriptions.SCHEMA, durable=False)
        self.catalog = Journal(folder / "journal.db", catalog.SCHEMA, durable=True)
        self.recorder = Recorder(self.journal)
        self.filters = SubscriptionFilters(self.journal, self.recorder)
        self.full = False
        self.sent: list[str] = []
        self.room = LogSubscriptions(
            self.filters,
            Catalog(self.catalog),
            AwsCalls(NoServices().forward, "AKIA", "secret"),
            ask=self.ask,
            send=self.send,
        )
        self.running = asyncio.ensure_future(self.room.run())

    async def ask(self, push: Push) -> str | None:
        raise AssertionError(push)

    async def send(self, sendings: Sequence[Sending]) -> None:
        if self.full:
            raise ServiceFault("the disk is full")
        messages = [json.loads(gzip.decompress(sending.call.parameters["Data"])) for sending in sendings]
        self.sent += texts(messages)

    def log(self, *messages: str) -> None:
        for message in messages:
            self.recorder.hear(LogLine("g", "s", 1, message))

    async def close(self) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        await self.recorder.flush()
        await self.journal.close()
        await self.catalog.close()


TO_STREAM = SubscriptionFilter(
    "g", "mine", "", "arn:aws:kinesis:us-east-1:000000000000:stream/s", ROLE, "ByLogStream", 0
)


@pytest.mark.anyio
async def test_what_could_not_be_sent_is_sent_by_the_next_lab(tmp_path: Path) -> None:
    # given a lab that sent something, and then can't any more
    desk = Desk(tmp_path)
    desk.log("before")
    await desk.filters.put(TO_STREAM)
    desk.log("1", "2")
    await desk.room.settled()
    assert desk.sent == ["1", "2"]
    desk.full = True
    desk.log("3")
    await desk.recorder.flush()
    while desk.room.idle:
        await asyncio.sleep(0)
    await desk.close()
    # when another one takes up its data
    desk = Desk(tmp_path)
    await desk.room.settled()
    # then what was left is sent, and nothing twice
    assert desk.sent == ["3"]
    await desk.close()


@pytest.mark.anyio
async def test_more_than_a_page_at_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.filters.put(TO_STREAM)
    desk.log(*map(str, range(LOG_PAGE_EVENTS + 5)))
    await desk.room.settled()
    assert desk.sent == [str(number) for number in range(LOG_PAGE_EVENTS + 5)]
    await desk.close()


@pytest.mark.anyio
async def test_numbers_of_deleted_events_are_not_given_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.filters.put(TO_STREAM)
    desk.log("1")
    await desk.room.settled()
    await desk.journal.write("DELETE FROM log WHERE grp = ?", [("g",)])
    desk.log("2")
    await desk.room.settled()
    assert desk.sent == ["1", "2"]
    await desk.close()
