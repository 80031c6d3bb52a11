"""Results of functions behind REST APIs that must not be passed on as they are, and those that come as they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from lablambda.client import Lab
from lablambda.packaging.zips import zip_files
from tests.api_clients import ARN, ROLE, RUNTIME, Create, code
from tests.gateway.rest import ECHO, LONG, Made
from tests.gateway.test_hostile_answers import MALFORMED


@pytest.fixture(scope="module")
def given(rest: Made, functions: Any) -> Iterator[str]:
    """The address of a function that gives as its result what it is sent."""
    source = "import json\ndef handler(event, context): return json.loads(event['body'])"
    functions.create_function(
        FunctionName="rest-given",
        Runtime=RUNTIME,
        Role=ROLE,
        Handler="f.handler",
        Code={"ZipFile": code(source)},
    )
    made = rest()
    made.proxy("POST /", "rest-given")
    yield f"{made.deploy()}/"
    functions.delete_function(FunctionName="rest-given")


def test_what_aws_takes_for_malformed(given: str, web: httpx.Client) -> None:
    wrong_base64 = MALFORMED[-1]  # which is text, for who accepts no bytes
    assert web.post(given, content=wrong_base64).text == "=!"
    for result in MALFORMED[:-1]:
        answer = web.post(given, content=result)
        assert (answer.status_code, answer.json()) == (502, {"message": "Internal server error"}), result[
            :200
        ]
        assert "set-cookie" not in answer.headers


def test_nobody_writes_headers_by_way_of_a_mapping(rest: Made, create: Create, web: httpx.Client) -> None:
    made, name = rest(), create("def handler(event, context): return event")
    made.allow(name)
    mapped = {"method.response.header.x-q": "integration.response.body.q"}
    uri = LONG.format(ARN + name)
    made.mapped(
        "POST /", {"200": {"responseParameters": mapped}}, type="AWS", integrationHttpMethod="POST", uri=uri
    )
    made.gateway.put_gateway_response(
        restApiId=made.identity,
        responseType="MISSING_AUTHENTICATION_TOKEN",
        responseParameters={"gatewayresponse.header.x-q": "method.request.querystring.q"},
    )
    address = made.deploy()
    assert web.post(f"{address}/", json={"q": "a"}).headers["x-q"] == "a"
    assert web.get(f"{address}/nothing?q=a").headers["x-q"] == "a"
    for bad in ("a\r\nset-cookie: b=1", "a\0b", "a\nb"):
        for answer in (
            web.post(f"{address}/", json={"q": bad}),
            web.get(f"{address}/nothing", params={"q": bad}),
        ):
            assert (answer.status_code // 100, "set-cookie" in answer.headers) == (5, False)


STREAM = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  if (event.path === '/bare') { stream.write('no prelude'); stream.end(); return }
  stream = awslambda.HttpResponseStream.from(stream, {statusCode: 201, headers: {'x-path': event.path}, multiValueHeaders: {'x-b': ['1', '2']}})
  for (let n = 0; n < 100; n++) stream.write('x'.repeat(65536))
  stream.end()
})
"""


def test_streams(lab: Lab, rest: Made, functions: Any, create: Create, web: httpx.Client) -> None:
    node = next((name for name in lab.status()["runtimes"] if name.startswith("nodejs")), None)
    if node is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("this machine has no Node.js")
    functions.create_function(
        FunctionName="rest-streams", Runtime=node, Role=ROLE, Handler="f.handler", Timeout=60,
        Code={"ZipFile": zip_files({"f.js": STREAM.encode()})},
    )  # fmt: skip
    made = rest()
    made.allow("rest-streams")
    uri = LONG.replace("2015-03-31", "2021-11-15").replace("/invocations", "/response-streaming-invocations")
    streamed: dict[str, Any] = {"responseTransferMode": "STREAM", "timeoutInMillis": 60_000}
    made.proxy("GET /{any+}", "rest-streams", allowed=False, uri=uri.format(ARN + "rest-streams"), **streamed)
    made.proxy("GET /whole", create(ECHO), uri=uri.format(ARN + "nobody-is-there"), **streamed)
    address = made.deploy()
    answer = web.get(f"{address}/a")  # more than an answer that is no stream may have
    assert (answer.status_code, len(answer.content), answer.headers["x-path"]) == (201, 6_553_600, "/a")
    assert answer.headers.get_list("x-b") == ["1", "2"]
    bare = web.get(f"{address}/bare")
    assert (bare.status_code, bare.json()) == (502, {"message": "Internal server error"})
    assert web.get(f"{address}/whole").status_code == 500
    functions.delete_function(FunctionName="rest-streams")
