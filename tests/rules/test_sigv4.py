"""The signature, against botocore's own."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lablambda.rules import sigv4

URLS = [
    ("lambda", "http://127.0.0.1:9000/2015-03-31/functions/hello/invocations?Qualifier=%24LATEST"),
    (
        "lambda",
        "http://127.0.0.1:9000/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Af/configuration",
    ),
    ("lambda", "http://127.0.0.1:9000/a//b/../c/./d/"),
    ("lambda", "http://127.0.0.1:9000/?b=2&a=1&a=0&empty="),
    ("s3", "http://127.0.0.1:9000/bucket/key%20with%20spaces%2Band%C3%A9"),
    ("s3", "http://127.0.0.1:9000/bucket?list-type=2&prefix=a%2Fb"),
    ("sqs", "http://127.0.0.1:9000"),
]


@pytest.mark.parametrize(("service", "url"), URLS)
@pytest.mark.parametrize("body", [b"", b'{"n": 1}', bytes(range(256))])
def test_agrees_with_botocore(service: str, url: str, body: bytes) -> None:
    # given a request that botocore signed
    request = AWSRequest("POST", url, data=body, headers={"X-Odd": "  two   spaces "})
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials("AKIDEXAMPLE", "secret"), service, "us-east-1").add_auth(request)
    prepared = request.prepare()
    authorization = prepared.headers["Authorization"]

    # when the signature is made from what is on the wire
    _, _, rest = prepared.url.partition("://")
    host, _, target = rest.partition("/")
    path, _, query = target.partition("?")
    headers = {name.lower(): str(value) for name, value in prepared.headers.items()} | {"host": host}
    timestamp = headers["x-amz-date"]
    found = sigv4.signature(
        secret="secret",
        scope=sigv4.Scope(timestamp[:8], "us-east-1", service),
        timestamp=timestamp,
        method="POST",
        path=f"/{path}",
        query=query,
        headers=headers,
        signed_headers=authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";"),
        payload_hash=headers.get("x-amz-content-sha256") or hashlib.sha256(body).hexdigest(),
    )

    # then it is the same
    assert authorization.endswith(f"Signature={found}")


def test_sign_gives_the_headers_of_a_signed_request() -> None:
    headers = sigv4.sign(
        access_key="AKID",
        secret="secret",
        region="us-east-1",
        service="lambda",
        method="GET",
        path="/",
        query="",
        headers={"host": "127.0.0.1:1"},
        payload=b"",
        now=datetime(2026, 11, 1, 10, tzinfo=UTC),
        token="session",
    )
    assert headers["x-amz-date"] == "20261101T100000Z"
    assert headers["x-amz-security-token"] == "session"
    assert "Credential=AKID/20261101/us-east-1/lambda/aws4_request" in headers["authorization"]
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token" in headers["authorization"]
