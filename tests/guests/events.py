"""Events as AWS's services send them, each with the parts that a test chooses."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

Query = Sequence[tuple[str, str]]
_DOMAIN = "abc123.execute-api.us-east-1.amazonaws.com"
_URL_DOMAIN = "abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws"


def http_api(
    method: str,
    path: str,
    *,
    query: Query = (),
    headers: Mapping[str, str] | None = None,
    cookies: Sequence[str] = (),
    body: Any = None,
    domain: str = _DOMAIN,
) -> dict[str, Any]:
    """An HTTP API's event, format 2.0, of its `$default` route; `body` is text, bytes or JSON."""
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": urlencode(query),
        "headers": {"accept": "*/*", "host": domain, "user-agent": "tests/1.0", "x-forwarded-proto": "https"}
        | {name.lower(): value for name, value in (headers or {}).items()},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": domain.partition(".")[0],
            "domainName": domain,
            "domainPrefix": domain.partition(".")[0],
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "tests/1.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Nov/2026:10:00:00 +0000",
            "timeEpoch": 1793527200000,
        },
        "isBase64Encoded": isinstance(body, bytes),
    }
    if query:
        event["queryStringParameters"] = {
            name: ",".join(values) for name, values in _collected(query).items()
        }
    if cookies:
        event["cookies"] = list(cookies)
    if body is not None:
        event["body"] = _body(body)
    return event


def function_url(method: str, path: str, **more: Any) -> dict[str, Any]:
    """A function URL's event: 2.0 too, at another address."""
    return http_api(method, path, domain=_URL_DOMAIN, **more)


def rest_api(
    method: str,
    path: str,
    *,
    query: Query = (),
    headers: Mapping[str, str] | None = None,
    cookies: Sequence[str] = (),
    body: Any = None,
) -> dict[str, Any]:
    """A REST API's proxy event of a greedy resource in the stage prod."""
    sent = {"Accept": "*/*", "Host": _DOMAIN, "User-Agent": "tests/1.0", "X-Forwarded-Proto": "https"}
    sent |= dict(headers or {})
    if cookies:
        sent["Cookie"] = "; ".join(cookies)
    collected = _collected(query)
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": {name: values[-1] for name, values in collected.items()} or None,
        "multiValueQueryStringParameters": collected or None,
        "pathParameters": {"proxy": path.removeprefix("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "abc123",
            "domainName": _DOMAIN,
            "domainPrefix": "abc123",
            "extendedRequestId": "JKJaXmPLvHcESHA=",
            "httpMethod": method,
            "identity": {"sourceIp": "127.0.0.1", "userAgent": "tests/1.0", "accessKey": None},
            "path": f"/prod{path}",
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "requestTime": "01/Nov/2026:10:00:00 +0000",
            "requestTimeEpoch": 1793527200000,
            "resourceId": "123456",
            "resourcePath": "/{proxy+}",
            "stage": "prod",
        },
        "body": None if body is None else _body(body),
        "isBase64Encoded": isinstance(body, bytes),
    }


def _collected(query: Query) -> dict[str, list[str]]:
    collected: dict[str, list[str]] = {}
    for name, value in parse_qsl(urlencode(query), keep_blank_values=True):
        collected.setdefault(name, []).append(value)
    return collected


def _body(body: Any) -> str:
    if isinstance(body, bytes):
        return base64.b64encode(body).decode()
    return body if isinstance(body, str) else json.dumps(body)


def sqs(bodies: Sequence[Any], *, queue: str = "orders") -> dict[str, Any]:
    """A batch of messages m0, m1, ... with JSON bodies; of one group if the queue is FIFO."""
    group = {"MessageGroupId": "g", "MessageDeduplicationId": "d", "SequenceNumber": "1"}
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": "AQEB",
                "body": json.dumps(body),
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": "1761991200000",
                    "SenderId": "AIDAEXAMPLE",
                    "ApproximateFirstReceiveTimestamp": "1761991200005",
                    **(group if queue.endswith(".fifo") else {}),
                },
                "messageAttributes": {},
                "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue}",
                "awsRegion": "us-east-1",
            }
            for number, body in enumerate(bodies)
        ]
    }


def kinesis(data: Sequence[Any]) -> dict[str, Any]:
    """A batch of records with the sequence numbers 0, 1, ..."""
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "k",
                    "sequenceNumber": str(number),
                    "data": base64.b64encode(json.dumps(item).encode()).decode(),
                    "approximateArrivalTimestamp": 1761991200.123,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"shardId-000000000000:{number}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::000000000000:role/r",
                "awsRegion": "us-east-1",
                "eventSourceARN": "arn:aws:kinesis:us-east-1:000000000000:stream/orders",
            }
            for number, item in enumerate(data)
        ]
    }


def dynamodb(images: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A batch of inserts, in DynamoDB's JSON, with the sequence numbers 0, 1, ..."""
    return {
        "Records": [
            {
                "eventID": f"c4ca{number}",
                "eventName": "INSERT",
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": "us-east-1",
                "dynamodb": {
                    "ApproximateCreationDateTime": 1761991200,
                    "Keys": {"id": image["id"]},
                    "NewImage": dict(image),
                    "SequenceNumber": str(number),
                    "SizeBytes": 18,
                    "StreamViewType": "NEW_IMAGE",
                },
                "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-11-01T00:00:00.000",
            }
            for number, image in enumerate(images)
        ]
    }
