"""Loops of functions, which AWS stops after 16 rounds: real handlers with real boto3."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lablambda.client import Lab
from lablambda.rules.lineage import passed
from tests.api_clients import ARN, Create, create, functions

__all__ = ["create", "functions"]
_numbers = itertools.count()
MOST = 16
SQS = "arn:aws:sqs:us-east-1:000000000000:"
TO_ITSELF = """
import boto3, os, json
def handler(event, context):
    print('RAN')
    n = event.get('n', 0) + 1
    if n < 40:
        kind = event.get('kind', 'Event')
        boto3.client('lambda').invoke(FunctionName=context.function_name, InvocationType=kind,
                                      Payload=json.dumps({'n': n, 'kind': kind}))
"""
TO_ANOTHER = """
import boto3, os
def handler(event, context):
    print('RAN')
    if 'FAILS' in os.environ:
        raise ValueError
    boto3.client('lambda').invoke(FunctionName=os.environ['OTHER'], InvocationType='Event')
"""
TO_QUEUE = """
import boto3, os
def handler(event, context):
    print('RAN')
    boto3.client('sqs').send_message(QueueUrl=os.environ['QUEUE'], MessageBody='again')
"""
TO_TOPIC = """
import boto3, os
def handler(event, context):
    print('RAN')
    boto3.client('sns').publish(TopicArn=os.environ['TOPIC'], Message='again')
"""
TO_BUCKET = """
import boto3
def handler(event, context):
    print('RAN')
    bucket = event['Records'][0]['s3']['bucket']['name']
    boto3.client('s3').put_object(Bucket=bucket, Key=context.aws_request_id, Body=b'')
"""


def runs(lab: Lab, name: str) -> int:
    lab.settle()
    return [line.message.strip() for line in lab.function(name).logs(limit=1000)].count("RAN")


def make_queue(lab: Lab, **attributes: str) -> tuple[str, str]:
    name = f"loop-{next(_numbers)}"
    made = lab.client("sqs").create_queue(QueueName=name, Attributes=attributes)
    return made["QueueUrl"], SQS + name


def dropped(lab: Lab, name: str) -> float:
    points = lab.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="RecursiveInvocationsDropped",
        Dimensions=[{"Name": "FunctionName", "Value": name}],
        StartTime=time.time() - 3600,
        EndTime=time.time() + 60,
        Period=7200,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


def test_a_function_that_invokes_itself(lab: Lab, functions: Any, create: Create) -> None:
    name = create(TO_ITSELF, Timeout=30)
    url, queue = make_queue(lab)
    functions.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnFailure": {"Destination": queue}}
    )
    lab.function(name).send({})
    assert runs(lab, name) == MOST
    assert dropped(lab, name) == 1
    (message,) = lab.client("sqs").receive_message(QueueUrl=url)["Messages"]
    record = json.loads(message["Body"])
    assert record["requestPayload"] == {"n": MOST, "kind": "Event"}
    assert record["requestContext"]["condition"] == "RecursiveInvocation"


def test_a_function_that_waits_for_itself(lab: Lab, create: Create) -> None:
    name = create(TO_ITSELF, Timeout=60)
    result = lab.function(name).invoke({"kind": "RequestResponse"})
    assert result.error is None  # the innermost call fails, and its caller doesn't look
    assert runs(lab, name) == MOST


def test_a_loop_of_two_functions(lab: Lab, functions: Any, create: Create) -> None:
    one = create(TO_ANOTHER, Timeout=30)
    other = create(TO_ANOTHER, Timeout=30, Environment={"Variables": {"OTHER": one}})
    functions.update_function_configuration(FunctionName=one, Environment={"Variables": {"OTHER": other}})
    functions.get_waiter("function_updated_v2").wait(FunctionName=one)
    lab.function(one).send({})
    assert (runs(lab, one), runs(lab, other)) == (MOST, MOST)


@pytest.mark.parametrize("by", ["a function", "a queue"])
def test_a_loop_by_way_of_a_destination(lab: Lab, functions: Any, create: Create, by: str) -> None:
    # given a function that fails, and another that is told and has it try again
    one = create(TO_ANOTHER, Timeout=30, Environment={"Variables": {"FAILS": "yes"}})
    other = create(TO_ANOTHER, Timeout=30, Environment={"Variables": {"OTHER": one}})
    target = ARN + other
    if by == "a queue":
        _, target = make_queue(lab)
        functions.create_event_source_mapping(FunctionName=other, EventSourceArn=target)
    functions.put_function_event_invoke_config(
        FunctionName=one, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": target}}
    )
    lab.function(one).send({})
    assert (runs(lab, one), runs(lab, other)) == (MOST, MOST)


def test_a_loop_that_is_allowed(lab: Lab, functions: Any, create: Create) -> None:
    name = create(TO_ITSELF, Timeout=30)
    functions.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    lab.function(name).send({})
    assert runs(lab, name) == 40


def test_a_loop_through_a_queue(lab: Lab, functions: Any, create: Create) -> None:
    dead_url, dead = make_queue(lab)
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 1})
    url, queue = make_queue(lab, RedrivePolicy=redrive)
    name = create(TO_QUEUE, Timeout=30, Environment={"Variables": {"QUEUE": url}})
    functions.create_event_source_mapping(FunctionName=name, EventSourceArn=queue)
    lab.client("sqs").send_message(QueueUrl=url, MessageBody="begin")
    assert runs(lab, name) == MOST
    lab.clock.advance("31s")
    lab.settle()
    assert runs(lab, name) == MOST
    found = lab.client("sqs").receive_message(QueueUrl=dead_url, WaitTimeSeconds=1)["Messages"]
    assert [message["Body"] for message in found] == ["again"]


def test_messages_of_other_chains_are_not_stopped(lab: Lab, functions: Any, create: Create) -> None:
    # given a message that has been around too often, and one that hasn't
    url, queue = make_queue(lab)
    name = create("def handler(event, context): print('GOT', [r['body'] for r in event['Records']])")
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793"
    for _ in range(MOST):
        trace = passed(trace, name)
    header = {"DataType": "String", "StringValue": trace}
    sqs = lab.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="old", MessageSystemAttributes={"AWSTraceHeader": header})
    sqs.send_message(QueueUrl=url, MessageBody="new")
    # when they are received together
    functions.create_event_source_mapping(FunctionName=name, EventSourceArn=queue)
    lab.settle()
    # then one of them is handled
    told = [line.message.strip() for line in lab.function(name).logs() if line.message.startswith("GOT")]
    assert told == ["GOT ['new']"]
    assert dropped(lab, name) == 1


def test_a_loop_through_a_topic(lab: Lab, functions: Any, create: Create) -> None:
    topic = lab.client("sns").create_topic(Name=f"loop-{next(_numbers)}")["TopicArn"]
    name = create(TO_TOPIC, Timeout=30, Environment={"Variables": {"TOPIC": topic}})
    functions.add_permission(
        FunctionName=name,
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=topic,
    )
    lab.client("sns").subscribe(TopicArn=topic, Protocol="lambda", Endpoint=ARN + name)
    lab.client("sns").publish(TopicArn=topic, Message="begin")
    assert runs(lab, name) == MOST


def test_a_loop_through_a_bucket(lab: Lab, functions: Any, create: Create) -> None:
    bucket = f"loop-{next(_numbers)}"
    lab.client("s3").create_bucket(Bucket=bucket)
    name = create(TO_BUCKET, Timeout=30)
    functions.add_permission(
        FunctionName=name,
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{bucket}",
        SourceAccount="000000000000",
    )
    target = {"LambdaFunctionArn": ARN + name, "Events": ["s3:ObjectCreated:*"]}
    lab.client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [target]}
    )
    lab.client("s3").put_object(Bucket=bucket, Key="begin", Body=b"")
    assert runs(lab, name) == MOST


def test_a_forged_lineage(functions: Any, create: Create) -> None:
    """Whoever says that it has been everywhere is believed."""
    name = create()

    def forge(request: Any, **_: Any) -> None:
        import zlib

        digest = f"{zlib.crc32(name.encode()):08x}"
        request.headers["X-Amzn-Trace-Id"] = f"Root=1-2-3;Lineage={digest}:99"

    functions.meta.events.register("before-sign.lambda.Invoke", forge)
    try:
        with pytest.raises(ClientError, match="RecursiveInvocationException"):
            functions.invoke(FunctionName=name)
    finally:
        functions.meta.events.unregister("before-sign.lambda.Invoke", forge)
