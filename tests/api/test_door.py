"""The door: who gets in, and in which words others are refused."""

from __future__ import annotations

import http.client
import json

import pytest

from lablambda.client import Lab
from tests.api_clients import code_of


def raw(lab: Lab, method: str, path: str, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", int(lab.endpoint.rpartition(":")[2]))
    connection.request(
        method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body


def test_an_unsigned_request_is_refused(lab: Lab) -> None:
    status, body = raw(lab, "GET", "/2015-03-31/functions")
    assert (status, json.loads(body)) == (403, {"message": "Missing Authentication Token"})


@pytest.mark.parametrize("service", ["lambda", "s3", "sqs", "dynamodb", "sts", "logs"])
def test_wrong_keys_are_refused_in_every_services_own_words(lab: Lab, service: str) -> None:
    import boto3

    calls = {
        "lambda": ("list_functions", "UnrecognizedClientException"),
        "s3": ("list_buckets", "InvalidAccessKeyId"),
        "sqs": ("list_queues", "UnrecognizedClientException"),
        "dynamodb": ("list_tables", "UnrecognizedClientException"),
        "sts": ("get_caller_identity", "InvalidClientTokenId"),
        "logs": ("describe_log_groups", "UnrecognizedClientException"),
    }
    operation, expected = calls[service]
    client = boto3.Session("AKIDNOBODY", "wrong", region_name="us-east-1").client(
        service, endpoint_url=lab.endpoint
    )
    status, code, _ = code_of(getattr(client, operation))
    assert (status, code) == (403, expected)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "169.254.169.254", "localhost.evil.example:80"]
)
def test_a_foreign_host_is_refused(lab: Lab, host: str) -> None:
    status, body = raw(lab, "GET", "/2015-03-31/functions", Host=host)
    assert status == 403
    assert "loopback only" in body


def test_the_owner_is_the_accounts_root(lab: Lab) -> None:
    found = lab.client("sts").get_caller_identity()
    assert (found["Arn"], found["Account"]) == ("arn:aws:iam::000000000000:root", "000000000000")
