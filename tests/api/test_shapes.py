from __future__ import annotations

import json

import pytest

from lablambda.api.shapes import Service
from lablambda.httpserver import Request
from lablambda.model.errors import InvalidRequestContent

LAMBDA = Service("lambda")
LOGS = Service("logs")


def request(method: str, path: str, *, query: str = "", body: bytes = b"", **headers: str) -> Request:
    return Request(
        method, path, query, {name.replace("_", "-"): value for name, value in headers.items()}, body
    )


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("POST", "/2015-03-31/functions", "CreateFunction"),
        ("POST", "/2015-03-31/functions/", "CreateFunction"),
        ("GET", "/2015-03-31/functions/f", "GetFunction"),
        ("GET", "/2015-03-31/functions/f/configuration", "GetFunctionConfiguration"),
        ("PUT", "/2015-03-31/functions/arn%3Aaws%3Alambda%3A1/code", "UpdateFunctionCode"),
        ("POST", "/2015-03-31/functions/f/invocations", "Invoke"),
        ("DELETE", "/2015-03-31/functions/f/policy/sid", "RemovePermission"),
        ("GET", "/2018-10-31/layers/l/versions/3", "GetLayerVersion"),
    ],
)
def test_paths(method: str, path: str, operation: str) -> None:
    found = LAMBDA.match(request(method, path))
    assert found is not None
    assert found[0].name == operation


def test_every_operation_finds_itself() -> None:
    for name, operation in LAMBDA.operations.items():
        http = LAMBDA.model.operation_model(name).http
        path, _, query = http["requestUri"].replace("{", "").replace("}", "").replace("+", "").partition("?")
        found = LAMBDA.match(request(http["method"], path, query=query))
        assert found is not None, name
        assert found[0] is operation, f"{name} is taken for {found[0].name}"


def test_targets() -> None:
    found = LOGS.match(request("POST", "/", x_amz_target="Logs_20140328.GetLogEvents"))
    assert found is not None
    assert found[0].name == "GetLogEvents"
    assert LOGS.match(request("POST", "/", x_amz_target="Other.GetLogEvents")) is None


def test_members_come_from_where_the_model_says() -> None:
    operation = LAMBDA.operations["Invoke"]
    asked = request(
        "POST",
        "/",
        query="Qualifier=%24LATEST",
        body=b"[1]",
        x_amz_invocation_type="Event",
        x_amz_log_type="Tail",
    )
    assert operation.read(asked, {"FunctionName": "a%3Ab"}) == {
        "FunctionName": "a:b",
        "InvocationType": "Event",
        "LogType": "Tail",
        "Payload": b"[1]",
        "Qualifier": "$LATEST",
    }


def test_blobs_are_decoded_and_unknown_members_dropped() -> None:
    body = json.dumps(
        {"FunctionName": "f", "Code": {"ZipFile": "emlw", "New": 1}, "Newer": 2, "Role": None}
    ).encode()
    operation = LAMBDA.operations["CreateFunction"]
    assert operation.read(request("POST", "/", body=body), {}) == {
        "FunctionName": "f",
        "Code": {"ZipFile": b"zip"},
    }


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'"text"', b"[" * 100_000])
def test_a_body_that_is_no_object(body: bytes) -> None:
    with pytest.raises(InvalidRequestContent):
        LAMBDA.operations["CreateFunction"].read(request("POST", "/", body=body), {})


def test_an_answer() -> None:
    response = LAMBDA.operations["Invoke"].write(
        {"Payload": b"raw", "FunctionError": "Unhandled", "ExecutedVersion": "1", "LogResult": None}
    )
    assert (response.status, response.body) == (200, b"raw")
    assert dict(response.headers) == {
        "X-Amz-Function-Error": "Unhandled",
        "X-Amz-Executed-Version": "1",
        "content-type": "application/json",
    }


def test_an_answer_drops_what_the_model_does_not_have() -> None:
    response = LAMBDA.operations["GetFunctionConfiguration"].write(
        {"FunctionName": "f", "Mine": 1, "Timeout": None}
    )
    assert json.loads(response.body) == {"FunctionName": "f"}
