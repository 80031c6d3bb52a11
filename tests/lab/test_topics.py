"""SNS topics that invoke functions, by the public interface."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lablambda.client import Lab
from tests.api_clients import ARN, Create, create, functions

__all__ = ["create", "functions"]
_numbers = itertools.count()
PRINT = "import json\ndef handler(event, context): print('GOT', json.dumps(event))"


@pytest.fixture
def topic(lab: Lab) -> str:
    return str(lab.client("sns").create_topic(Name=f"topic-{next(_numbers)}")["TopicArn"])


def subscribe(lab: Lab, functions: Any, topic: str, name: str, **attributes: str) -> str:
    """Have the topic invoke the function; gives the subscription."""
    functions.add_permission(
        FunctionName=name,
        StatementId="topic",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=topic,
    )
    made = lab.client("sns").subscribe(
        TopicArn=topic,
        Protocol="lambda",
        Endpoint=ARN + name,
        Attributes=attributes,
        ReturnSubscriptionArn=True,
    )
    return str(made["SubscriptionArn"])


def told(lab: Lab, name: str) -> list[Any]:
    lab.settle()
    lines = [line.message for line in lab.function(name).logs() if line.message.startswith("GOT ")]
    return [json.loads(line.removeprefix("GOT ")) for line in lines]


def test_a_message_becomes_an_event(lab: Lab, functions: Any, create: Create, topic: str) -> None:
    name = create(PRINT)
    subscription = subscribe(lab, functions, topic, name)
    attributes = {
        "author": {"DataType": "String", "StringValue": "Ada"},
        "pages": {"DataType": "Number", "StringValue": "7"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
    }
    sent = lab.client("sns").publish(TopicArn=topic, Message="hi", MessageAttributes=attributes)
    ((record,),) = [event["Records"] for event in told(lab, name)]
    sns = record.pop("Sns")
    assert record == {
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription,
        "EventSource": "aws:sns",
    }
    assert sns.pop("Timestamp").endswith("Z")
    assert subscription in sns.pop("UnsubscribeUrl")
    assert sns == {
        "SignatureVersion": "1",
        "Signature": "EXAMPLE",
        "SigningCertUrl": "EXAMPLE",
        "MessageId": sent["MessageId"],
        "Message": "hi",
        "MessageAttributes": {
            "author": {"Type": "String", "Value": "Ada"},
            "pages": {"Type": "Number", "Value": "7"},
            "raw": {"Type": "Binary", "Value": "AAE="},
        },
        "Type": "Notification",
        "TopicArn": topic,
        "Subject": None,
    }


def test_each_message_of_a_batch_is_an_event(lab: Lab, functions: Any, create: Create, topic: str) -> None:
    name = create(PRINT)
    subscribe(lab, functions, topic, name)
    entries = [{"Id": str(n), "Message": str(n), "Subject": "counted"} for n in range(3)]
    lab.client("sns").publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    found = [event["Records"][0]["Sns"] for event in told(lab, name)]
    assert sorted(sns["Message"] for sns in found) == ["0", "1", "2"]
    assert {sns["Subject"] for sns in found} == {"counted"}


def test_what_the_filter_policy_says(lab: Lab, functions: Any, create: Create, topic: str) -> None:
    by_attribute, by_body = create(PRINT), create(PRINT)
    policy = json.dumps({"kind": ["order", {"prefix": "re"}], "price": [{"numeric": [">=", 100]}]})
    subscribe(lab, functions, topic, by_attribute, FilterPolicy=policy)
    body = json.dumps({"shop": {"city": [{"anything-but": ["Bonn"]}]}})
    subscribe(lab, functions, topic, by_body, FilterPolicy=body, FilterPolicyScope="MessageBody")
    for kind, price, city in (("order", 100, "Bonn"), ("return", 300, "Kiel"), ("order", 99, "Ulm")):
        attributes = {
            "kind": {"DataType": "String", "StringValue": kind},
            "price": {"DataType": "Number", "StringValue": str(price)},
        }
        message = json.dumps({"shop": {"city": city}})
        lab.client("sns").publish(TopicArn=topic, Message=message, MessageAttributes=attributes)

    def cities(name: str) -> list[str]:
        return [json.loads(e["Records"][0]["Sns"]["Message"])["shop"]["city"] for e in told(lab, name)]

    assert sorted(cities(by_attribute)) == ["Bonn", "Kiel"]
    assert sorted(cities(by_body)) == ["Kiel", "Ulm"]


def test_a_function_that_doesnt_let_the_topic_in(
    lab: Lab, functions: Any, create: Create, topic: str
) -> None:
    name = create(PRINT)
    queue = f"unheard-{next(_numbers)}"
    url = lab.client("sqs").create_queue(QueueName=queue)["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:000000000000:{queue}"})
    subscribe(lab, functions, topic, name, RedrivePolicy=redrive)
    functions.remove_permission(FunctionName=name, StatementId="topic")
    lab.client("sns").publish(TopicArn=topic, Message="unheard")
    assert told(lab, name) == []
    (message,) = lab.client("sqs").receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["Message"] == "unheard"


def test_a_bucket_tells_a_topic(lab: Lab, functions: Any, create: Create, topic: str) -> None:
    name = create(PRINT)
    subscribe(lab, functions, topic, name)
    bucket = f"to-a-topic-{next(_numbers)}"
    lab.client("s3").create_bucket(Bucket=bucket)
    lab.client("s3").put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    lab.client("s3").put_object(Bucket=bucket, Key="a.txt", Body=b"x")
    messages = [json.loads(event["Records"][0]["Sns"]["Message"]) for event in told(lab, name)]
    test, put = messages
    assert test["Event"] == "s3:TestEvent"
    assert put["Records"][0]["s3"]["object"]["key"] == "a.txt"


def test_a_fifo_topic_takes_no_functions(lab: Lab, create: Create) -> None:
    attributes = {"FifoTopic": "true", "ContentBasedDeduplication": "true"}
    made = lab.client("sns").create_topic(Name=f"t-{next(_numbers)}.fifo", Attributes=attributes)
    with pytest.raises(ClientError, match="InvalidParameter"):
        lab.client("sns").subscribe(TopicArn=made["TopicArn"], Protocol="lambda", Endpoint=ARN + create())
