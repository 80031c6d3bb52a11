"""Function URLs, by real clients over TLS."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lablambda.client import Lab
from tests.api_clients import Create
from tests.gateway.conftest import Url, open_to_all
from tests.processes import Home

ECHO = "def handler(event, context): return event"


def gives(result: str) -> str:
    return f"def handler(event, context): return {result}"


def test_the_event(url: Url, web: httpx.Client) -> None:
    address = url(ECHO)
    event = web.post(
        f"{address}a%2Fb/ü?q=1&q=2&b=%20x&empty=",
        content=b'{"n": 1}',
        headers=[
            ("content-type", "application/json"),
            ("X-Twice", "1"),
            ("x-twice", "2"),
            ("cookie", "s=1; t=2"),
        ],
    ).json()
    assert event["version"] == "2.0"
    assert event["rawPath"] == "/a%2Fb/%C3%BC"
    assert event["rawQueryString"] == "q=1&q=2&b=%20x&empty="
    assert event["queryStringParameters"] == {"q": "1,2", "b": " x", "empty": ""}
    assert event["cookies"] == ["s=1", "t=2"]
    assert event["headers"]["cookie"] == "s=1; t=2"
    assert event["headers"]["x-twice"] == "1,2"
    assert event["headers"]["x-forwarded-proto"] == "https"
    assert (event["body"], event["isBase64Encoded"]) == ('{"n": 1}', False)
    context = event["requestContext"]
    assert f"https://{context['domainName']}/" == address
    assert (context["routeKey"], context["stage"], context["apiId"]) == (
        "$default",
        "$default",
        context["domainPrefix"],
    )
    http = context["http"]
    assert (http["method"], http["path"], http["protocol"], http["sourceIp"]) == (
        "POST",
        "/a/b/ü",
        "HTTP/1.1",
        "127.0.0.1",
    )


def test_what_isnt_there_isnt_in_the_event(url: Url, web: httpx.Client) -> None:
    event = web.get(url(ECHO)).json()
    assert not {"cookies", "queryStringParameters", "pathParameters", "stageVariables", "body"} & set(event)
    assert (event["rawPath"], event["rawQueryString"]) == ("/", "")


@pytest.mark.parametrize(
    ("kind", "body", "encoded"),
    [
        ("text/plain; charset=utf-8", "grün".encode(), False),
        ("application/vnd.api+json", b"{}", False),
        ("application/octet-stream", b"abc", True),
        ("image/png", bytes(range(256)), True),
        ("application/x-www-form-urlencoded", b"a=1", True),
        ("text/plain", b"\xff\xfe", True),
    ],
)
def test_a_body(url: Url, web: httpx.Client, kind: str, body: bytes, encoded: bool) -> None:
    event = web.post(url(ECHO), content=body, headers={"content-type": kind}).json()
    assert event["isBase64Encoded"] is encoded
    assert (base64.b64decode(event["body"]) if encoded else event["body"].encode()) == body


def test_every_way_to_send_a_body(url: Url, web: httpx.Client, trust: ssl.SSLContext) -> None:
    """With its length said before, in chunks, with a method that seldom has one; by HTTP/2, which needs no length."""
    address, kind = url(ECHO), {"content-type": "text/plain"}
    with httpx.Client(verify=trust, http2=True) as by_http_2:
        for client in (web, by_http_2):
            for method in ("GET", "POST", "DELETE"):
                for content in (b"ab", iter([b"a", b"b"])):
                    event = client.request(method, address, content=content, headers=kind).json()
                    assert event["body"] == "ab"
                assert "body" not in client.request(method, address, headers=kind).json()
        assert by_http_2.get(address).http_version == "HTTP/2"


def test_what_is_let_in_may_change(functions: Any, create: Create, web: httpx.Client) -> None:
    name = create(gives("'in'"))
    open_to_all(functions, name)
    address = functions.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    assert web.get(address).text == "in"
    functions.remove_permission(FunctionName=name, StatementId="lambda-InvokeFunctionUrl")
    assert web.get(address).status_code == 403
    functions.remove_permission(FunctionName=name, StatementId="lambda-InvokeFunction")
    open_to_all(functions, name)
    assert web.get(address).text == "in"
    functions.update_function_url_config(FunctionName=name, AuthType="AWS_IAM")
    assert web.get(address).status_code == 403


@pytest.mark.parametrize(
    ("result", "status", "body", "headers"),
    [
        ("{'a': 1, 'b': [True, None]}", 200, '{"a":1,"b":[true,null]}', {"content-type": "application/json"}),
        ("'hello'", 200, "hello", {"content-type": "application/json"}),
        ("None", 200, "null", {}),
        ("{'statusCode': 418, 'body': 'short'}", 418, "short", {"content-type": "application/json"}),
        ("{'statusCode': '201', 'body': {'n': 1}}", 201, '{"n":1}', {}),
        ("{'statusCode': 200, 'headers': {'X-N': 1, 'X-B': True, 'Content-Type': 'text/plain'}}", 200, "",
         {"x-n": "1", "x-b": "true", "content-type": "text/plain"}),
        ("{'statusCode': 200, 'body': 'AP8=', 'isBase64Encoded': True}", 200, b"\x00\xff", {}),
        ("{'statusCode': 302, 'headers': {'Location': '/there'}}", 302, "", {"location": "/there"}),
        ("{'statusCode': 204, 'body': 'ignored'}", 204, "", {}),
        ("{'statusCode': 200, 'headers': {'Content-Length': '99', 'Connection': 'close'}, 'body': 'x'}", 200, "x", {}),
    ],
)  # fmt: skip
def test_a_result(
    url: Url, web: httpx.Client, result: str, status: int, body: str | bytes, headers: dict[str, str]
) -> None:
    answer = web.get(url(gives(result)))
    assert answer.status_code == status
    assert answer.content == (body if isinstance(body, bytes) else body.encode())
    assert {name: answer.headers[name] for name in headers} == headers


def test_cookies(url: Url, web: httpx.Client) -> None:
    answer = web.get(url(gives("{'statusCode': 200, 'cookies': ['a=1; Secure', 'b=2']}")))
    assert answer.headers.get_list("set-cookie") == ["a=1; Secure", "b=2"]
    assert answer.headers["x-amzn-requestid"]


@pytest.mark.parametrize(
    "source",
    [
        "def handler(event, context): raise ValueError('no')",
        "def handler(event, context): import os; os._exit(3)",
        gives("{'statusCode': 'many'}"),
        gives("{'statusCode': 99}"),
        gives("{'statusCode': 600}"),
        gives("{'statusCode': True}"),
        gives("{'statusCode': 200, 'headers': {'X-Evil': 'a\\r\\nSet-Cookie: b=1'}}"),
        gives("{'statusCode': 200, 'headers': {'X Evil': 'a'}}"),
        gives("{'statusCode': 200, 'headers': {'': 'a'}}"),
        gives("{'statusCode': 200, 'headers': {'X-List': ['a']}}"),
        gives("{'statusCode': 200, 'headers': 'none'}"),
        gives("{'statusCode': 200, 'cookies': ['a\\nb']}"),
        gives("{'statusCode': 200, 'cookies': 'a=1'}"),
        gives("{'statusCode': 200, 'body': 'no base64!', 'isBase64Encoded': True}"),
    ],
)
def test_what_isnt_a_result(url: Url, web: httpx.Client, source: str) -> None:
    answer = web.get(url(source))
    assert (answer.status_code, answer.text) == (502, "Internal Server Error")


def test_a_timeout(url: Url, web: httpx.Client) -> None:
    address = url("import time\ndef handler(event, context): time.sleep(60)", of_function={"Timeout": 1})
    assert web.get(address).status_code == 502


def test_without_both_permissions_nobody_may(functions: Any, create: Create, web: httpx.Client) -> None:
    name = create(ECHO)
    address = functions.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    answer = web.get(address)
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (403, "AccessDeniedException")
    assert "Forbidden" in answer.json()["Message"]
    functions.add_permission(
        FunctionName=name,
        StatementId="a",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    assert web.get(address).status_code == 403
    functions.add_permission(
        FunctionName=name,
        StatementId="b",
        Action="lambda:InvokeFunction",
        Principal="*",
        InvokedViaFunctionUrl=True,
    )
    assert web.get(address).status_code == 200


def test_an_id_of_nobody(url: Url, web: httpx.Client) -> None:
    address = url(ECHO)
    answer = web.get(address.replace(urlsplit(address).path.split("/")[2], "a" * 32))
    assert (answer.status_code, answer.json()) == (403, {"Message": None})


def signed(
    lab: Lab, method: str, address: str, body: bytes = b"", *, service: str = "lambda"
) -> dict[str, str]:
    request = AWSRequest(method, address, data=body, headers={"x-mine": "1"})
    keys = Credentials(lab.descriptor.access_key, lab.descriptor.secret_key)
    SigV4Auth(keys, service, "us-east-1").add_auth(request)
    return dict(request.headers.items())


@pytest.mark.parametrize("path", ["", "a%2Fb/c?x=1&a=%20", "plain/path"])
def test_iam(lab: Lab, url: Url, web: httpx.Client, path: str) -> None:
    address = url(ECHO, AuthType="AWS_IAM") + path
    event = web.post(address, content=b"{}", headers=signed(lab, "POST", address, b"{}")).json()
    told = event["requestContext"]["authorizer"]["iam"]
    assert told["accessKey"] == lab.descriptor.access_key
    assert told["userArn"] == "arn:aws:iam::000000000000:root"
    assert web.post(address, content=b"other", headers=signed(lab, "POST", address, b"{}")).status_code == 403
    assert web.get(address, headers=signed(lab, "GET", address, service="s3")).status_code == 403
    assert web.get(address).status_code == 403


def test_an_alias_has_its_own(functions: Any, create: Create, web: httpx.Client) -> None:
    name = create(gives("context.invoked_function_arn"))
    number = functions.publish_version(FunctionName=name)["Version"]
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion=number)
    open_to_all(functions, name, Qualifier="live")
    config = functions.create_function_url_config(FunctionName=name, Qualifier="live", AuthType="NONE")
    assert web.get(config["FunctionUrl"]).text.endswith(":live")


def test_reserved_concurrency_of_nothing(functions: Any, create: Create, web: httpx.Client) -> None:
    name = create(ECHO)
    open_to_all(functions, name)
    address = functions.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert web.get(address).status_code == 429
    functions.delete_function_url_config(FunctionName=name)
    assert web.get(address).status_code == 403


CORS = {
    "AllowOrigins": ["https://app.example.com", "https://*.trusted.org"],
    "AllowMethods": ["GET", "PUT"],
    "AllowHeaders": ["x-mine"],
    "ExposeHeaders": ["x-theirs"],
    "MaxAge": 60,
}


def test_cors(url: Url, web: httpx.Client) -> None:
    address = url(gives("{'statusCode': 200, 'body': 'ran'}"), Cors=CORS)
    asked = {"origin": "https://app.example.com", "access-control-request-method": "PUT"}
    preflight = web.options(address, headers=asked)
    assert (preflight.status_code, preflight.content) == (200, b"")
    told = {name: value for name, value in preflight.headers.items() if name.startswith("access-control-")}
    assert told == {
        "access-control-allow-origin": "https://app.example.com",
        "access-control-allow-methods": "GET,PUT",
        "access-control-allow-headers": "x-mine",
        "access-control-expose-headers": "x-theirs",
        "access-control-max-age": "60",
    }
    answer = web.get(address, headers={"origin": "https://a.trusted.org"})
    assert answer.text == "ran"
    assert answer.headers["access-control-allow-origin"] == "https://a.trusted.org"
    other = web.get(address, headers={"origin": "https://evil.example.com"})
    assert not [name for name in other.headers if name.startswith("access-control-")]


def test_by_host_and_by_path(url: Url, trust: ssl.SSLContext, lab: Lab) -> None:
    """curl knows names below localhost by itself."""
    address = urlsplit(url(ECHO))
    identity = address.path.split("/")[2]
    by_host = f"https://{identity}.lambda-url.us-east-1.localhost:{address.port}/x/y?z"
    for where in (by_host, f"{address.geturl()}x/y?z"):
        got = subprocess.run(
            ["curl", "-sS", "--cacert", lab.ca_certificate, where],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        assert json.loads(got.stdout)["rawPath"] == "/x/y"


def test_http_2(url: Url, trust: ssl.SSLContext) -> None:
    address = url(ECHO)
    with httpx.Client(verify=trust, http2=True) as client:
        answer = client.get(address, headers={"cookie": "a=1; b=2"})
    assert answer.http_version == "HTTP/2"
    event = answer.json()
    assert event["requestContext"]["http"]["protocol"] == "HTTP/2.0"
    assert event["headers"]["host"] == urlsplit(address).netloc
    assert event["cookies"] == ["a=1", "b=2"]


STREAM = """
const { Readable } = require('stream')
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  if (event.rawPath === '/prelude') {
    const metadata = { statusCode: 206, headers: { 'x-a': '1', 'content-type': 'text/plain' }, cookies: ['a=1', 'b=2'] }
    stream = awslambda.HttpResponseStream.from(stream, metadata)
  }
  for (const part of ['one,', 'two,', 'three']) { stream.write(part); await new Promise(done => setTimeout(done, 20)) }
  stream.end()
})
"""


@pytest.fixture
def streaming(lab: Lab, functions: Any) -> Any:
    import os

    from lablambda.packaging.zips import zip_files

    node = next((name for name in lab.status()["runtimes"] if name.startswith("nodejs")), None)
    if node is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("this machine has no Node.js")
    functions.create_function(
        FunctionName="streaming",
        Runtime=node,
        Role="arn:aws:iam::000000000000:role/r",
        Handler="f.handler",
        Code={"ZipFile": zip_files({"f.js": STREAM.encode()})},
    )
    open_to_all(functions, "streaming")
    config = {"AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM"}
    yield functions.create_function_url_config(FunctionName="streaming", **config)["FunctionUrl"]
    functions.delete_function(FunctionName="streaming")


def test_a_streamed_answer(streaming: str, web: httpx.Client) -> None:
    with web.stream("GET", streaming) as answer:
        parts = list(answer.iter_raw())
    assert b"".join(parts) == b"one,two,three"
    assert len(parts) > 1
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/octet-stream")


def test_a_streamed_answer_with_a_prelude(streaming: str, web: httpx.Client) -> None:
    answer = web.get(f"{streaming}prelude")
    assert (answer.status_code, answer.text) == (206, "one,two,three")
    assert (answer.headers["x-a"], answer.headers["content-type"]) == ("1", "text/plain")
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]


def test_a_function_that_doesnt_stream_at_a_streaming_url(url: Url, web: httpx.Client) -> None:
    assert web.get(url(gives("{'n': 1}"), InvokeMode="RESPONSE_STREAM")).json() == {"n": 1}
    failing = url("def handler(event, context): raise ValueError('no')", InvokeMode="RESPONSE_STREAM")
    assert web.get(failing).status_code == 502


def test_too_much(url: Url, web: httpx.Client) -> None:
    address = url(ECHO)
    assert web.post(address, content=b"x" * (6 * 1024 * 1024 + 1)).status_code == 413
    assert web.post(address, content=b"x" * (11 * 1024 * 1024)).status_code == 413


def test_many_at_once(url: Url, trust: ssl.SSLContext) -> None:
    address = url(gives("{'statusCode': 200, 'body': event['rawPath']}"))
    with httpx.Client(verify=trust, timeout=60) as client, ThreadPoolExecutor(16) as pool:
        paths = [f"/{n}" for n in range(200)]
        assert list(pool.map(lambda path: client.get(address + path[1:]).text, paths)) == paths


def test_addresses_outlive_the_lab(tmp_path: Path) -> None:
    home = Home(tmp_path)
    try:
        lab = home.up("--services", "none")
        create = lab.client("lambda").create_function
        from tests.api_clients import RUNTIME, code

        create(
            FunctionName="f",
            Runtime=RUNTIME,
            Role="arn:aws:iam::000000000000:role/r",
            Handler="f.handler",
            Code={"ZipFile": code(gives("'here'"))},
        )
        open_to_all(lab.client("lambda"), "f")
        address = lab.client("lambda").create_function_url_config(FunctionName="f", AuthType="NONE")[
            "FunctionUrl"
        ]
        assert home.run("down", "--name", "t").returncode == 0
        home.up("--services", "none")
        trust = ssl.create_default_context(cafile=tmp_path / "data" / "lablambda" / "authority" / "ca.pem")
        assert httpx.get(address, verify=trust).text == "here"
    finally:
        home.end()
