"""Events as each source makes them, to try a function with.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html and the pages of each service there.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from lablambda.rules.moments import iso
from lablambda.rules.names import ACCOUNT, REGION
from lablambda.services.s3_records import S3Object, record

Event = dict[str, Any]


def sample(kind: str, now: float) -> Event:
    """One of SAMPLES, as of `now` (seconds since 1970)."""
    return SAMPLES[kind](now)


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def _s3(event: str) -> Callable[[float], Event]:
    def made(now: float) -> Event:
        thing = S3Object("folder/a picture.jpg", 1024, hashlib.md5(b"", usedforsecurity=False).hexdigest())
        told = record(
            event,
            bucket="example-bucket",
            region=REGION,
            account=ACCOUNT,
            configuration="sample",
            thing=thing,
            now=now,
        )
        return {"Records": [told]}

    return made


def _sqs(now: float) -> Event:
    body = '{"order": 1}'
    sent = str(int(now * 1000))
    told = {
        "messageId": str(uuid.uuid4()),
        "receiptHandle": base64.b64encode(uuid.uuid4().bytes).decode(),
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": sent,
            "SenderId": "AIDAEXAMPLE",
            "ApproximateFirstReceiveTimestamp": sent,
        },
        "messageAttributes": {},
        "md5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": _arn("sqs", "example-queue"),
        "awsRegion": REGION,
    }
    return {"Records": [told]}


def _dynamodb(now: float) -> Event:
    keys = {"id": {"S": "a"}}
    told = {
        "eventID": uuid.uuid4().hex,
        "eventName": "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": {
            "ApproximateCreationDateTime": int(now),
            "Keys": keys,
            "NewImage": {**keys, "count": {"N": "2"}},
            "OldImage": {**keys, "count": {"N": "1"}},
            "SequenceNumber": "100000000000000000001",
            "SizeBytes": 26,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": _arn("dynamodb", "table/example-table/stream/2026-01-01T00:00:00.000"),
    }
    return {"Records": [told]}


def _kinesis(now: float) -> Event:
    shard, sequence = "shardId-000000000000", "49590338271490256608559692538361571095921575989136588898"
    told = {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "key",
            "sequenceNumber": sequence,
            "data": base64.b64encode(b'{"click": 1}').decode(),
            "approximateArrivalTimestamp": round(now, 3),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:aws:iam::{ACCOUNT}:role/lablambda",
        "awsRegion": REGION,
        "eventSourceARN": _arn("kinesis", "stream/example-stream"),
    }
    return {"Records": [told]}


def _sns(now: float) -> Event:
    topic = _arn("sns", "example-topic")
    subscription = f"{topic}:{uuid.uuid4()}"
    told = {
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription,
        "EventSource": "aws:sns",
        "Sns": {
            "SignatureVersion": "1",
            "Timestamp": iso(now),
            "Signature": "EXAMPLE",
            "SigningCertUrl": "EXAMPLE",
            "MessageId": str(uuid.uuid4()),
            "Message": "Hello from SNS",
            "MessageAttributes": {"kind": {"Type": "String", "Value": "greeting"}},
            "Type": "Notification",
            "UnsubscribeUrl": "EXAMPLE",
            "TopicArn": topic,
            "Subject": None,
        },
    }
    return {"Records": [told]}


def _schedule(now: float) -> Event:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": iso(now, "seconds"),
        "region": REGION,
        "resources": [_arn("events", "rule/example-rule")],
        "detail": {},
    }


def _http(now: float) -> Event:
    """Of API Gateway's HTTP APIs and of function URLs: payload format 2.0."""
    domain = f"abc123.execute-api.{REGION}.amazonaws.com"
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/greeting",
        "rawQueryString": "name=Ada",
        "headers": {"accept": "*/*", "content-type": "application/json", "host": domain},
        "queryStringParameters": {"name": "Ada"},
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "abc123",
            "domainName": domain,
            "domainPrefix": "abc123",
            "http": {
                "method": "POST",
                "path": "/greeting",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "sample",
            },
            "requestId": uuid.uuid4().hex[:16],
            "routeKey": "$default",
            "stage": "$default",
            "time": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now * 1000),
        },
        "body": '{"greeting": "hello"}',
        "isBase64Encoded": False,
    }


SAMPLES: Mapping[str, Callable[[float], Event]] = {
    "s3-put": _s3("ObjectCreated:Put"),
    "s3-delete": _s3("ObjectRemoved:Delete"),
    "sqs": _sqs,
    "dynamodb": _dynamodb,
    "kinesis": _kinesis,
    "sns": _sns,
    "schedule": _schedule,
    "http": _http,
}
