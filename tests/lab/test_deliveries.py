"""Where asynchronous events end: dead-letter queues and destinations, on real services."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lablambda.client import Lab
from lablambda.clock import Clock
from lablambda.lab import catalog, deliveries
from lablambda.lab.catalog import Catalog
from lablambda.lab.deliveries import Deliveries
from lablambda.rules.delivery import Sending, terms_of
from lablambda.rules.destinations import Call
from lablambda.services.backend import ServiceRequest, ServiceResponse
from lablambda.services.calls import AwsCalls
from lablambda.storage.journal import Journal
from tests.api_clients import ARN, Create, create, functions

__all__ = ["create", "functions"]
_numbers = itertools.count()
ECHO = "def handler(event, context): return {'got': event}"
FAILS = "def handler(event, context): raise ValueError('no ' * 500)"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:"


@pytest.fixture
def queue(lab: Lab) -> Callable[[], tuple[str, Callable[[], list[Any]]]]:
    """Make a queue; gives its ARN, and what gives its messages."""
    sqs = lab.client("sqs")

    def make() -> tuple[str, Callable[[], list[Any]]]:
        name = f"results-{next(_numbers)}"
        url = sqs.create_queue(QueueName=name)["QueueUrl"]

        def messages() -> list[Any]:
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
            return list(answer.get("Messages", []))

        return QUEUE + name, messages

    return make


def send(lab: Lab, name: str, event: Any, **more: Any) -> str:
    """Invoke asynchronously and wait until all is over; gives the request id."""
    request_id = lab.function(name).send(event, **more)
    lab.settle()
    return request_id


def test_a_success_is_told(lab: Lab, functions: Any, create: Create, queue: Any) -> None:
    arn, messages = queue()
    name = create(ECHO)
    functions.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": arn}}
    )
    request_id = send(lab, name, {"n": 1})
    (message,) = messages()
    told = json.loads(message["Body"])
    assert told.pop("timestamp").endswith("Z")
    assert told == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{ARN}{name}:$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"n": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"got": {"n": 1}},
    }


def test_a_failure_goes_to_both_ends(lab: Lab, functions: Any, create: Create, queue: Any) -> None:
    destination, told = queue()
    letters, buried = queue()
    name = create(FAILS, DeadLetterConfig={"TargetArn": letters})
    functions.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": destination}},
    )
    request_id = send(lab, name, {"n": 2})
    record = json.loads(told()[0]["Body"])
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["responsePayload"]["errorType"] == "ValueError"
    (letter,) = buried()
    assert json.loads(letter["Body"]) == {"n": 2}
    attributes = {
        key: (value["DataType"], value["StringValue"]) for key, value in letter["MessageAttributes"].items()
    }
    assert attributes.pop("ErrorMessage") == ("String", ("no " * 500)[:1024])
    assert attributes == {"RequestID": ("String", request_id), "ErrorCode": ("Number", "200")}


def test_a_topic_and_its_dead_letters(lab: Lab, functions: Any, create: Create, queue: Any) -> None:
    arn, messages = queue()
    sns = lab.client("sns")
    topic = sns.create_topic(Name=f"results-{next(_numbers)}")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    name = create(FAILS, DeadLetterConfig={"TargetArn": topic})
    functions.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    send(lab, name, {"n": 3})
    assert [json.loads(message["Body"]) for message in messages()] == [{"n": 3}]
    functions.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": topic}}
    )
    send(lab, name, {"n": 4})
    bodies = [json.loads(message["Body"]) for message in messages()]
    assert {"n": 4} in bodies
    assert [body["requestContext"]["condition"] for body in bodies if "version" in body] == [
        "RetriesExhausted"
    ]


def test_a_bucket_gets_an_object(lab: Lab, functions: Any, create: Create) -> None:
    s3, bucket = lab.client("s3"), f"results-{next(_numbers)}"
    s3.create_bucket(Bucket=bucket)
    name = create(FAILS)
    functions.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}},
    )
    request_id = send(lab, name, {"n": 5})
    (found,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert found["Key"].startswith(f"aws/lambda/async/{name}/20")
    told = json.loads(s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read())
    assert told["requestContext"]["requestId"] == request_id


def test_a_bus_gets_an_event(lab: Lab, functions: Any, create: Create, queue: Any) -> None:
    arn, messages = queue()
    events = lab.client("events")
    bus = events.create_event_bus(Name=f"results-{next(_numbers)}")["EventBusArn"]
    events.put_rule(Name="all", EventBusName=bus, EventPattern='{"source": ["lambda"]}')
    events.put_targets(Rule="all", EventBusName=bus, Targets=[{"Id": "q", "Arn": arn}])
    name = create(ECHO)
    functions.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": bus}}
    )
    send(lab, name, {"n": 6})
    (message,) = messages()
    told = json.loads(message["Body"])
    assert (told["source"], told["detail-type"]) == ("lambda", "Lambda Function Invocation Result - Success")
    assert told["resources"] == [bus, f"{ARN}{name}:$LATEST"]
    assert told["detail"]["requestPayload"] == {"n": 6}


def test_a_function_gets_the_record_as_its_event(
    lab: Lab, functions: Any, create: Create, queue: Any
) -> None:
    arn, messages = queue()
    second = create(ECHO)
    functions.put_function_event_invoke_config(
        FunctionName=second, DestinationConfig={"OnSuccess": {"Destination": arn}}
    )
    first = create(ECHO)
    functions.put_function_event_invoke_config(
        FunctionName=first, DestinationConfig={"OnSuccess": {"Destination": f"{ARN}{second}"}}
    )
    send(lab, first, {"n": 7})
    (message,) = messages()
    told = json.loads(message["Body"])
    assert told["requestContext"]["functionArn"] == f"{ARN}{second}:$LATEST"
    assert told["requestPayload"]["requestPayload"] == {"n": 7}


def test_a_version_has_its_own_ends(lab: Lab, functions: Any, create: Create, queue: Any) -> None:
    arn, messages = queue()
    name = create(ECHO)
    functions.publish_version(FunctionName=name)
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    functions.put_function_event_invoke_config(
        FunctionName=name, Qualifier="live", DestinationConfig={"OnSuccess": {"Destination": arn}}
    )
    send(lab, name, {"n": 8})
    send(lab, name, {"n": 9}, qualifier="live")
    (message,) = messages()
    told = json.loads(message["Body"])
    assert told["requestContext"]["functionArn"] == f"{ARN}{name}:live"
    assert told["responseContext"]["executedVersion"] == "1"


def test_a_function_that_may_not_run(lab: Lab, functions: Any, create: Create, queue: Any) -> None:
    arn, messages = queue()
    letters, buried = queue()
    name = create(ECHO, DeadLetterConfig={"TargetArn": letters})
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    functions.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnFailure": {"Destination": arn}}
    )
    send(lab, name, {"n": 10})
    told = json.loads(messages()[0]["Body"])
    assert told["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert told["requestContext"]["approximateInvokeCount"] == 0
    assert "responseContext" not in told
    assert json.loads(buried()[0]["Body"]) == {"n": 10}
    assert not list(lab.function(name).invocations())


def test_what_cannot_be_delivered_is_tried_again(
    lab: Lab, functions: Any, create: Create, queue: Any
) -> None:
    missing = f"{QUEUE}not-yet-{next(_numbers)}"
    name = create(ECHO)
    functions.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": missing}}
    )
    send(lab, name, {"n": 11})
    sqs = lab.client("sqs")
    url = sqs.create_queue(QueueName=missing.rpartition(":")[2])["QueueUrl"]
    answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)
    assert json.loads(answer["Messages"][0]["Body"])["requestPayload"] == {"n": 11}


def test_retries_come_at_once_when_the_clock_is_turned(
    lab: Lab, functions: Any, create: Create, queue: Any
) -> None:
    letters, buried = queue()
    name = create(FAILS, DeadLetterConfig={"TargetArn": letters})
    send(lab, name, {"n": 12})
    assert len(lab.function(name).invocations()) == 1
    lab.clock.advance("1m")
    assert len(lab.function(name).invocations()) == 2
    assert buried() == []
    lab.clock.advance("2m")
    assert len(lab.function(name).invocations()) == 3
    assert [json.loads(letter["Body"]) for letter in buried()] == [{"n": 12}]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("policy", "retries", "condition"),
    [
        ({"MaximumRetryAttempts": 0}, 0, "MaximumRetryAttempts"),
        ({"MaximumRetryAttempts": 2}, 2, "MaximumRetryAttempts"),
        ({"MaximumEventAgeInSeconds": 60}, 4, "MaximumEventAgeInSeconds"),  # after 1, 3, 9 and 27 s
    ],
)
async def test_a_target_that_is_busy_is_tried_by_its_retry_policy(
    tmp_path: Path, policy: dict[str, int], retries: int, condition: str
) -> None:
    asked: list[dict[str, Any]] = []

    async def forward(request: ServiceRequest) -> ServiceResponse:
        asked.append(json.loads(request.body))
        if asked[-1]["QueueUrl"] == "busy":
            return ServiceResponse(503, [], b'{"__type": "ServiceUnavailable"}')
        return ServiceResponse(200, [], b"{}")

    clock = Clock()
    clock.set_speed(0)
    journal = Journal(tmp_path / "journal.db", catalog.SCHEMA + deliveries.SCHEMA, durable=False)
    room = Deliveries(
        journal, Catalog(journal), AwsCalls(forward, "AKIA", "secret"), clock=clock, publish=lambda _: None
    )
    call, letters = (
        Call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "m", "MessageAttributes": {}})
        for url in ("busy", "letters")
    )
    running = asyncio.ensure_future(room.run())
    await room.send([Sending(call, letters, terms_of({"RetryPolicy": policy}))])
    await room.settled()
    for pause in (1, 3, 9, 27)[:retries]:
        clock.advance(pause)
        await asyncio.sleep(0)  # it sees the time
        await room.settled()
    assert [request["QueueUrl"] for request in asked] == ["busy"] * (retries + 1) + ["letters"]
    attributes = {name: value["StringValue"] for name, value in asked[-1]["MessageAttributes"].items()}
    assert attributes["RETRY_ATTEMPTS"] == str(retries)
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == condition
    running.cancel()
    await asyncio.wait({running})
    await journal.close()


def test_what_nobody_takes_is_given_up_and_counted(lab: Lab, functions: Any, create: Create) -> None:
    name = create(FAILS, DeadLetterConfig={"TargetArn": f"{QUEUE}never-made"})
    functions.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    send(lab, name, {})
    for _ in range(5):
        lab.clock.advance("2m")
    found = lab.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="DeadLetterErrors",
        Dimensions=[{"Name": "FunctionName", "Value": name}],
        StartTime=time.time() - 3600,
        EndTime=time.time() + 60,
        Period=3600,
        Statistics=["Sum"],
    )
    assert sum(point["Sum"] for point in found["Datapoints"]) == 1


def test_many_results_at_once(lab: Lab, functions: Any, create: Create, queue: Any) -> None:
    arn, messages = queue()
    name = create(ECHO)
    functions.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": arn}}
    )
    for number in range(60):
        lab.function(name).send({"n": number})
    lab.settle()
    found: set[int] = set()
    while batch := messages():
        found |= {json.loads(message["Body"])["requestPayload"]["n"] for message in batch}
    assert found == set(range(60))
