"""SNS topics that invoke functions, by the public interface."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lablambda.client import Lab
from tests.api_clients import ARN, Create, create, functions, told

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


def dead_letters(lab: Lab) -> tuple[str, dict[str, str]]:
    """A queue's URL, and the attributes of a subscription that sends there what isn't taken."""
    name = f"unheard-{next(_numbers)}"
    url = lab.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    return url, {
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:000000000000:{name}"})
    }


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


def test_conditions_that_moto_does_not_know(lab: Lab, functions: Any, create: Create, topic: str) -> None:
    name = create(PRINT)
    policy = json.dumps({"ip": [{"cidr": "10.0.0.0/8"}], "tags": [{"anything-but": ["draft"]}]})
    subscription = subscribe(lab, functions, topic, name, FilterPolicy=policy)
    for ip, tags in (("10.1.1.1", ["draft", "new"]), ("10.1.1.1", ["draft"]), ("11.1.1.1", ["new"])):
        attributes = {
            "ip": {"DataType": "String", "StringValue": ip},
            "tags": {"DataType": "String.Array", "StringValue": json.dumps(tags)},
        }
        lab.client("sns").publish(TopicArn=topic, Message=f"{ip} {len(tags)}", MessageAttributes=attributes)
    assert [event["Records"][0]["Sns"]["Message"] for event in told(lab, name)] == ["10.1.1.1 2"]
    with pytest.raises(ClientError, match="FilterPolicy: "):
        lab.client("sns").set_subscription_attributes(
            SubscriptionArn=subscription,
            AttributeName="FilterPolicy",
            AttributeValue='{"ip": [{"cidr": "nowhere"}]}',
        )


def test_a_scope_that_comes_after_its_policy(lab: Lab, functions: Any, create: Create, topic: str) -> None:
    name = create(PRINT)
    subscription = subscribe(lab, functions, topic, name, FilterPolicy='{"n": [1]}')
    lab.client("sns").set_subscription_attributes(
        SubscriptionArn=subscription, AttributeName="FilterPolicyScope", AttributeValue="MessageBody"
    )
    for body in ('{"n": 1}', '{"n": 2}'):
        lab.client("sns").publish(TopicArn=topic, Message=body)
    assert [event["Records"][0]["Sns"]["Message"] for event in told(lab, name)] == ['{"n": 1}']


def test_a_message_for_each_protocol(lab: Lab, functions: Any, create: Create, topic: str) -> None:
    name = create(PRINT)
    subscribe(lab, functions, topic, name)
    message = json.dumps({"default": "to all", "lambda": "to functions"})
    lab.client("sns").publish(TopicArn=topic, Message=message, MessageStructure="json")
    assert [event["Records"][0]["Sns"]["Message"] for event in told(lab, name)] == ["to functions"]


def test_functions_get_no_raw_messages(lab: Lab, functions: Any, create: Create, topic: str) -> None:
    with pytest.raises(
        ClientError, match=r"Delivery protocol \[lambda\] does not support raw message delivery"
    ):
        subscribe(lab, functions, topic, create(PRINT), RawMessageDelivery="true")


def test_a_function_that_is_not_there(lab: Lab, topic: str) -> None:
    # given a subscription of a function that nobody made
    url, redrive = dead_letters(lab)
    lab.client("sns").subscribe(
        TopicArn=topic, Protocol="lambda", Endpoint=ARN + "nowhere", Attributes=redrive
    )
    # when something is published
    lab.client("sns").publish(TopicArn=topic, Message="unheard", Subject="s")
    # then it is in the subscription's dead-letter queue
    (message,) = lab.client("sqs").receive_message(QueueUrl=url)["Messages"]
    letter = json.loads(message["Body"])
    assert (letter["Message"], letter["Subject"], letter["Type"]) == ("unheard", "s", "Notification")
    assert "UnsubscribeURL" in letter


def test_a_queue_that_is_gone_is_not_the_publishers_business(
    lab: Lab, functions: Any, create: Create, topic: str
) -> None:
    gone = f"arn:aws:sqs:us-east-1:000000000000:gone-{next(_numbers)}"
    url, redrive = dead_letters(lab)
    lab.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=gone, Attributes=redrive)
    name = create(PRINT)
    subscribe(lab, functions, topic, name)
    lab.client("sns").publish(TopicArn=topic, Message="hi")
    assert len(told(lab, name)) == 1
    (message,) = lab.client("sqs").receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["Message"] == "hi"


def test_a_function_that_doesnt_let_the_topic_in(
    lab: Lab, functions: Any, create: Create, topic: str
) -> None:
    name = create(PRINT)
    url, redrive = dead_letters(lab)
    subscribe(lab, functions, topic, name, **redrive)
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
    assert (test["Service"], test["Event"], test["Bucket"]) == ("Amazon S3", "s3:TestEvent", bucket)
    assert {"Time", "RequestId", "HostId"} < set(test)
    assert put["Records"][0]["s3"]["object"]["key"] == "a.txt"


def test_a_fifo_topic_takes_no_functions(lab: Lab, create: Create) -> None:
    attributes = {"FifoTopic": "true", "ContentBasedDeduplication": "true"}
    made = lab.client("sns").create_topic(Name=f"t-{next(_numbers)}.fifo", Attributes=attributes)
    with pytest.raises(ClientError, match="Invalid protocol type: lambda"):
        lab.client("sns").subscribe(TopicArn=made["TopicArn"], Protocol="lambda", Endpoint=ARN + create())


def test_a_bucket_tells_a_queue(lab: Lab) -> None:
    queue, bucket = (f"to-a-queue-{next(_numbers)}" for _ in range(2))
    url = lab.client("sqs").create_queue(QueueName=queue)["QueueUrl"]
    lab.client("s3").create_bucket(Bucket=bucket)
    arn = f"arn:aws:sqs:us-east-1:000000000000:{queue}"
    target = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}
    lab.client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [target]}
    )
    lab.client("s3").put_object(Bucket=bucket, Key="a b.txt", Body=b"x")
    found = lab.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    test, put = [json.loads(message["Body"]) for message in found]
    assert test["Event"] == "s3:TestEvent"
    assert put["Records"][0]["s3"]["object"]["key"] == "a+b.txt"
