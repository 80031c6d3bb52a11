"""Functions that give what must not be passed on as it is, and clients that don't take what they asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import psutil
import pytest

from lablambda.client import Lab
from lablambda.packaging.zips import zip_files
from tests.api_clients import ARN, ROLE, RUNTIME, code
from tests.gateway.conftest import open_to_all
from tests.gateway.raw import Door, statuses

GIVEN = "import json\ndef handler(event, context): return json.loads(event['body'])"
Ask = Callable[[str], httpx.Response]


@pytest.fixture(scope="module")
def ask(lab: Lab, functions: Any, web: httpx.Client) -> Iterator[dict[str, Ask]]:
    """By payload format: asks a function that gives as its result what it is sent."""
    functions.create_function(
        FunctionName="given", Runtime=RUNTIME, Role=ROLE, Handler="f.handler", Code={"ZipFile": code(GIVEN)}
    )
    open_to_all(functions, "given")
    url = functions.create_function_url_config(FunctionName="given", AuthType="NONE")["FunctionUrl"]
    functions.add_permission(
        FunctionName="given",
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    gateway = lab.client("apigatewayv2")
    api = gateway.create_api(Name="given", ProtocolType="HTTP")
    integration = gateway.create_integration(
        ApiId=api["ApiId"],
        IntegrationType="AWS_PROXY",
        IntegrationUri=ARN + "given",
        PayloadFormatVersion="1.0",
    )
    gateway.create_route(
        ApiId=api["ApiId"], RouteKey="$default", Target=f"integrations/{integration['IntegrationId']}"
    )
    gateway.create_stage(ApiId=api["ApiId"], StageName="$default", AutoDeploy=True)

    def asking(address: str) -> Ask:
        headers = {"content-type": "application/json"}
        return lambda result: web.post(address, content=result, headers=headers)

    yield {"2.0": asking(url), "1.0": asking(api["ApiEndpoint"])}
    functions.delete_function(FunctionName="given")
    gateway.delete_api(ApiId=api["ApiId"])


def with_header(name: str, value: Any) -> str:
    return json.dumps({"statusCode": 200, "headers": {name: value}})


STATUSES: tuple[Any, ...] = (
    0,
    99,
    101,
    199,
    600,
    -200,
    200.5,
    True,
    None,
    "",
    "200\n",
    "\uff12\uff10\uff10",
    "2e2",
    [],
    10**400,
)
MALFORMED = [
    with_header("x-a", "a\r\nset-cookie: b=1"),
    with_header("x-a", "a\nb"),
    with_header("x-a", "a\rb"),
    with_header("x-a", "a\0b"),
    with_header("x-a\r\nset-cookie", "b=1"),
    with_header("x a", "b"),
    with_header("x-ä", "b"),
    with_header(":status", "204"),
    with_header("", "b"),
    with_header("x" * 70_000, "b"),
    with_header("x-a", "b" * 70_000),
    with_header("x-a", {"b": 1}),
    json.dumps({"statusCode": 200, "headers": {f"x-{n}": "" for n in range(40_000)}}),
    json.dumps({"statusCode": 200, "headers": [["x-a", "b"]]}),
    *(
        json.dumps({"statusCode": status})
        for status in STATUSES
    ),
    '{"statusCode": NaN}',
    json.dumps({"statusCode": 200, "isBase64Encoded": True, "body": "=!"}),
]  # fmt: skip


@pytest.mark.parametrize("version", ["2.0", "1.0"])
def test_what_aws_takes_for_malformed(ask: dict[str, Ask], version: str) -> None:
    wanted = {"2.0": (502, "Internal Server Error"), "1.0": (500, '{"message":"Internal Server Error"}')}
    for result in MALFORMED:
        answer = ask[version](result)
        assert (answer.status_code, answer.text) == wanted[version], result[:200]
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("bad", ["a\r\nx: y", {"a": 1}, None])
def test_cookies_and_lists_of_headers(ask: dict[str, Ask], bad: Any) -> None:
    assert ask["2.0"](json.dumps({"statusCode": 200, "cookies": ["a=1", bad]})).status_code == 502
    several = {"x-a": ["fine", bad]}
    assert ask["1.0"](json.dumps({"statusCode": 200, "multiValueHeaders": several})).status_code == 500


@pytest.mark.parametrize("version", ["2.0", "1.0"])
def test_the_connection_isnt_the_functions_affair(ask: dict[str, Ask], version: str) -> None:
    said = {
        "Content-Length": "1000",
        "Transfer-Encoding": "chunked",
        "Connection": "close, x-a",
        "Keep-Alive": "timeout=0",
        "Upgrade": "websocket",
        "Trailer": "x-a",
        "TE": "trailers",
        "X-A": "1",
    }
    answer = ask[version](json.dumps({"statusCode": 200, "headers": said, "body": "short"}))
    assert (answer.status_code, answer.text, answer.headers["x-a"]) == (200, "short", "1")
    assert not {"transfer-encoding", "connection", "keep-alive", "upgrade", "trailer", "te"} & set(
        answer.headers
    )


@pytest.mark.parametrize("version", ["2.0", "1.0"])
def test_text_that_has_no_bytes(ask: dict[str, Ask], version: str) -> None:
    lone = "\ud800"
    answer = ask[version](json.dumps({"statusCode": 200, "headers": {"x-a": lone}, "body": lone}))
    assert (answer.status_code, answer.text, answer.headers["x-a"]) == (200, "?", "?")


# ------------------------------------------------------------------------------------------------ streams

STREAM = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  const [, what, given] = event.rawPath.split('/')
  if (what === 'prelude') {
    stream.setContentType('application/vnd.awslambda.http-integration-response')
    stream.write(Buffer.from(event.body))
    stream.write('\\0'.repeat(8))
  } else {
    const part = Buffer.alloc(65536, 'x')
    for (let n = 0; n < given; n++) if (!stream.write(part)) await new Promise(done => stream.once('drain', done))
  }
  stream.end()
})
"""


@pytest.fixture(scope="module")
def streaming(lab: Lab, functions: Any) -> Iterator[httpx.URL]:
    node = next((name for name in lab.status()["runtimes"] if name.startswith("nodejs")), None)
    if node is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("this machine has no Node.js")
    functions.create_function(
        FunctionName="streams",
        Runtime=node,
        Role=ROLE,
        Handler="f.handler",
        Timeout=60,
        Code={"ZipFile": zip_files({"f.js": STREAM.encode()})},
    )
    open_to_all(functions, "streams")
    config = {"AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM"}
    yield httpx.URL(functions.create_function_url_config(FunctionName="streams", **config)["FunctionUrl"])
    functions.delete_function(FunctionName="streams")


@pytest.mark.parametrize(
    "prelude",
    [
        {"statusCode": 99},
        {"statusCode": 200, "headers": {"x-a": "a\r\nset-cookie: b=1"}},
        {"statusCode": 200, "headers": ["x-a"]},
        {"statusCode": 200, "headers": {"x": "y" * 70_000}},
        {"statusCode": 200, "cookies": "a=1"},
        {"statusCode": 200, "cookies": {"a": "1"}},
        {"statusCode": 200, "multiValueHeaders": ["x-a"]},
        {"statusCode": 200, "multiValueHeaders": {"x-a": "b"}},
        ["not an object"],
    ],
)
def test_malformed_preludes(streaming: httpx.URL, web: httpx.Client, prelude: Any) -> None:
    answer = web.post(streaming.join("prelude"), json=prelude)
    assert (answer.status_code, answer.text) == (502, "Internal Server Error")


def test_a_client_that_doesnt_read(streaming: httpx.URL, lab: Lab, web: httpx.Client, trust: Any) -> None:
    """Its function waits, as it does on AWS; the lab doesn't keep for it what it might read one day."""
    assert streaming.port is not None
    door = Door(streaming.port, streaming.path, trust)
    process = psutil.Process(lab.descriptor.pid)
    parts, clients = 1_000, 6  # 375 MiB in all
    before = process.memory_info().rss
    with ExitStack() as open_:
        for _ in range(clients):
            connection = open_.enter_context(door.connect())
            connection.sendall(door.request(f"GET {{}}stream/{parts} HTTP/1.1"))
            connection.recv(1)
        for _ in range(5):  # others are served, one whole stream after the other
            assert len(web.get(streaming.join("stream/200")).content) == 200 * 65_536
        assert process.memory_info().rss - before < 150 * 2**20
    # The clients have left: their functions run on to the end, and their environments take the next events.
    assert statuses(door.send(door.request("GET {}stream/1 HTTP/1.1"))) == [200]
