"""Signatures: what boto3 signs is let in, anything else is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.auth import HmacV1QueryAuth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lablambda.api.authentication import NotAuthenticated, authenticate, service_of
from lablambda.httpserver import Request
from lablambda.lab.credentials import KeyRing
from lablambda.model.function import LATEST, Version
from lablambda.model.package import Package

KEYS = KeyRing("AKIDLAB", "secret-of-the-lab")
OWNER = Credentials("AKIDLAB", "secret-of-the-lab")
VERSION = Version(
    "f", "arn:f", LATEST, {"Role": "arn:aws:iam::000000000000:role/r"}, Package("", "", 0, 0), "", "", ""
)
URL = "http://127.0.0.1:9000/2015-03-31/functions/hello/invocations?Qualifier=%24LATEST"


def signed(
    credentials: Credentials = OWNER, *, service: str = "lambda", body: bytes = b"{}", url: str = URL
) -> Request:
    request = AWSRequest("POST", url, data=body)
    SigV4Auth(credentials, service, "us-east-1").add_auth(request)
    return received(request, body)


def presigned(signer: type, service: str, *, expires: int = 60, body: bytes = b"") -> Request:
    request = AWSRequest("GET", "http://127.0.0.1:9000/bucket/key?versionId=1")
    signer(OWNER, service, "us-east-1", expires=expires).add_auth(request)
    return received(request, body)


def received(request: AWSRequest, body: bytes) -> Request:
    prepared = request.prepare()
    host, _, target = prepared.url.partition("://")[2].partition("/")
    path, _, query = target.partition("?")
    headers = {name.lower(): str(value) for name, value in prepared.headers.items()}
    return Request(prepared.method, f"/{path}", query, {**headers, "host": host}, body)


def code_of(request: Request, now: datetime | None = None) -> str:
    with pytest.raises(NotAuthenticated) as caught:
        authenticate(request, KEYS, now or datetime.now(UTC))
    return caught.value.code


def test_the_owner_is_let_in() -> None:
    scope = authenticate(signed(), KEYS, datetime.now(UTC))
    assert (scope.service, scope.region) == ("lambda", "us-east-1")


def test_a_functions_role_is_let_in() -> None:
    issued = KEYS.issue(VERSION)
    role = Credentials(
        issued["AWS_ACCESS_KEY_ID"], issued["AWS_SECRET_ACCESS_KEY"], issued["AWS_SESSION_TOKEN"]
    )
    assert authenticate(signed(role), KEYS, datetime.now(UTC)).service == "lambda"


def test_presigned_requests() -> None:
    assert authenticate(presigned(S3SigV4QueryAuth, "s3"), KEYS, datetime.now(UTC)).service == "s3"
    assert authenticate(presigned(SigV4QueryAuth, "lambda"), KEYS, datetime.now(UTC)).service == "lambda"


def test_a_presigned_request_of_the_old_kind() -> None:
    def made(**changes: Any) -> Request:
        request = AWSRequest("GET", "http://127.0.0.1:9000/bucket/a%20key?response-content-type=text%2Fx")
        HmacV1QueryAuth(OWNER, expires=60).add_auth(request)
        return replace(received(request, b""), **changes)

    assert authenticate(made(), KEYS, datetime.now(UTC)).service == "s3"
    assert code_of(made(path="/bucket/other")) == "InvalidSignatureException"
    assert code_of(made(method="PUT")) == "InvalidSignatureException"
    assert code_of(made(), datetime.now(UTC) + timedelta(seconds=61)) == "InvalidSignatureException"
    assert code_of(made(query="AWSAccessKeyId=AKIDLAB")) == "InvalidSignatureException"


def test_no_signature() -> None:
    assert (
        code_of(Request("GET", "/", "", {"host": "127.0.0.1"}, b"")) == "MissingAuthenticationTokenException"
    )


@pytest.mark.parametrize(
    "text", ["Basic abc", "AWS4-HMAC-SHA256 nonsense", "", "AWS4-HMAC-SHA256 Credential=a/b/c"]
)
def test_another_kind_of_authorization(text: str) -> None:
    request = signed()
    request.headers["authorization"] = text
    assert code_of(request) == "IncompleteSignatureException"


def test_an_unknown_key() -> None:
    assert code_of(signed(Credentials("AKIDOTHER", "secret-of-the-lab"))) == "UnrecognizedClientException"


def test_a_wrong_secret() -> None:
    assert code_of(signed(Credentials("AKIDLAB", "guessed"))) == "InvalidSignatureException"


@pytest.mark.parametrize("token", ["forged", "e30=.forged", ".", "a.b.c", "é"])
def test_a_forged_token(token: str) -> None:
    request = signed()
    request.headers["x-amz-security-token"] = token
    assert code_of(request) == "UnrecognizedClientException"


def test_a_token_of_another_lab() -> None:
    issued = KeyRing("AKIDLAB", "secret-of-the-lab").issue(VERSION)
    role = Credentials(
        issued["AWS_ACCESS_KEY_ID"], issued["AWS_SECRET_ACCESS_KEY"], issued["AWS_SESSION_TOKEN"]
    )
    assert code_of(signed(role)) == "UnrecognizedClientException"


@pytest.mark.parametrize("part", ["body", "path", "query", "method", "host"])
def test_anything_changed_after_signing(part: str) -> None:
    request = signed()
    changed = {
        "body": replace(request, body=b'{"evil": 1}'),
        "path": replace(request, path="/2015-03-31/functions/other/invocations"),
        "query": replace(request, query="Qualifier=1"),
        "method": replace(request, method="PUT"),
        "host": replace(request, headers={**request.headers, "host": "127.0.0.1:9999"}),
    }[part]
    assert code_of(changed) == "InvalidSignatureException"


def test_a_body_that_is_not_what_its_hash_says() -> None:
    request = signed()
    request.headers["x-amz-content-sha256"] = "0" * 64
    assert code_of(request) == "InvalidSignatureException"


@pytest.mark.parametrize(("minutes", "words"), [(6, "Signature expired"), (-6, "Signature not yet current")])
def test_a_clock_that_is_wrong(minutes: int, words: str) -> None:
    with pytest.raises(NotAuthenticated, match=words) as caught:
        authenticate(signed(), KEYS, datetime.now(UTC) + timedelta(minutes=minutes))
    assert caught.value.code == "InvalidSignatureException"


def test_a_clock_that_is_a_little_wrong() -> None:
    authenticate(signed(), KEYS, datetime.now(UTC) + timedelta(minutes=4))


def test_a_presigned_request_that_is_too_old() -> None:
    later = datetime.now(UTC) + timedelta(seconds=61)
    assert code_of(presigned(S3SigV4QueryAuth, "s3"), later) == "InvalidSignatureException"


def test_which_service_a_request_means() -> None:
    assert service_of(signed(service="sqs")) == "sqs"
    assert service_of(presigned(S3SigV4QueryAuth, "s3")) == "s3"
    assert service_of(Request("GET", "/", "", {}, b"")) is None
