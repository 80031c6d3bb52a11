"""Integrations of REST APIs that are more than a function's proxy: templates, mappings, mocks, servers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from lablambda.client import Lab
from tests.api_clients import ARN, Create, told
from tests.gateway.rest import LONG, Made


def test_a_function_gets_what_a_template_says(rest: Made, create: Create, web: httpx.Client) -> None:
    made, name = rest(), create("def handler(event, context): return event")
    made.allow(name)
    template = """{"id": "$input.params('id')", "q": "$util.escapeJavaScript($input.params('q'))", "all": $input.json('$'),
 "first": "$input.path('$.tags[0]')", "stage": "$context.stage", "who": "${stageVariables.who}"}"""
    made.mapped(
        "POST /{id}",
        {
            "200": {
                "responseTemplates": {"application/json": "$input.json('$')"},
                "responseParameters": {
                    "method.response.header.x-first": "integration.response.body.first",
                    "method.response.header.x-static": "'one, two'",
                },
            }
        },
        type="AWS",
        integrationHttpMethod="POST",
        uri=LONG.format(ARN + name),
        requestTemplates={"application/json": template},
        passthroughBehavior="NEVER",
    )
    address = made.deploy(variables={"who": "ada"})
    answer = web.post(f"{address}/7?q=%22", json={"tags": ["a", "b"]})
    assert answer.json() == {
        "id": "7",
        "q": '"',
        "all": {"tags": ["a", "b"]},
        "first": "a",
        "stage": "test",
        "who": "ada",
    }
    assert (answer.headers["x-first"], answer.headers["x-static"]) == ("a", "one, two")
    other = web.post(f"{address}/7", content=b"a", headers={"content-type": "text/csv"})
    assert (other.status_code, other.json()) == (415, {"message": "Unsupported Media Type"})


def test_an_error_chooses_its_answer(rest: Made, create: Create, web: httpx.Client) -> None:
    made = rest()
    name = create(
        "def handler(event, context):\n    if event.get('bad'): raise ValueError('[400] ' + event['bad'])\n    return event"
    )
    made.allow(name)
    answers = {
        "200": {},
        "400": {
            "selectionPattern": r"\[400\].*",
            "responseTemplates": {"application/json": "$input.path('$.errorMessage')"},
        },
    }
    made.mapped("POST /", answers, type="AWS", integrationHttpMethod="POST", uri=LONG.format(ARN + name))
    address = f"{made.deploy()}/"
    assert web.post(address, json={"a": 1}).json() == {"a": 1}
    assert web.post(address).json() == {}
    answer = web.post(address, json={"bad": "no"})
    assert (answer.status_code, answer.text) == (400, "[400] no")


def test_a_function_that_runs_at_some_time(lab: Lab, rest: Made, create: Create, web: httpx.Client) -> None:
    made, name = rest(), create("import json\ndef handler(event, context): print('GOT', json.dumps(event))")
    made.allow(name)
    event = {"integration.request.header.X-Amz-Invocation-Type": "'Event'"}
    made.mapped(
        "POST /",
        {"202": {}},
        type="AWS",
        integrationHttpMethod="POST",
        uri=LONG.format(ARN + name),
        requestParameters=event,
    )
    answer = web.post(f"{made.deploy()}/", json={"a": 1})
    assert (answer.status_code, answer.content) == (202, b"")
    assert told(lab, name) == [{"a": 1}]
    refused = web.post(f"{made.address}/", content=b"{")
    assert "Could not parse" in refused.text
    assert told(lab, name) == [{"a": 1}]


def test_an_answer_that_nobody_mapped(rest: Made, web: httpx.Client) -> None:
    made = rest()
    made.mapped("GET /", {}, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    answer = web.get(f"{made.deploy()}/")
    assert (answer.status_code, answer.json()) == (500, {"message": "Internal server error"})


def test_cors_by_a_mock(rest: Made, web: httpx.Client) -> None:
    made = rest()
    made.mapped(
        "OPTIONS /",
        {"204": {"responseParameters": {"method.response.header.Access-Control-Allow-Origin": "'*'"}}},
        type="MOCK",
        requestTemplates={"application/json": '{"statusCode": 204}'},
    )
    answer = web.options(f"{made.deploy()}/", headers={"origin": "https://a.example"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, "*")


# ----------------------------------------------------------------------------------------------- servers


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server that tells what it was asked."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            told = {
                "method": self.command,
                "path": self.path,
                "body": body.decode(),
                "headers": dict(self.headers),
            }
            self.send_response(418)
            self.send_header("x-theirs", "1")
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_servers(rest: Made, web: httpx.Client, server: str) -> None:
    made = rest()
    place = made.method("ANY /to/{proxy+}")
    made.gateway.put_integration(
        **place,
        type="HTTP_PROXY",
        integrationHttpMethod="ANY",
        uri="${stageVariables.server}/v1/{proxy}",
        requestParameters={
            "integration.request.path.proxy": "method.request.path.proxy",
            "integration.request.header.x-stage": "context.stage",
            "integration.request.querystring.y": "method.request.header.x-mine",
        },
    )
    gone = made.method("GET /gone")
    made.gateway.put_integration(
        **gone, type="HTTP_PROXY", integrationHttpMethod="GET", uri="http://127.0.0.1:9/"
    )
    answers = {
        "200": {
            "selectionPattern": "4\\d\\d",
            "responseTemplates": {"application/json": "$input.json('$.body')"},
        }
    }
    made.mapped(
        "POST /mapped", answers, type="HTTP", integrationHttpMethod="POST", uri=f"{server}/m",
        requestTemplates={"application/json": "<$input.path('$.a')>"},
    )  # fmt: skip
    address = made.deploy(variables={"server": server})
    answer = web.post(f"{address}/to/a/b?x=1", content=b"body", headers={"x-mine": "2"})
    told = answer.json()
    assert (answer.status_code, answer.headers["x-theirs"]) == (418, "1")
    assert (told["method"], told["path"], told["body"]) == ("POST", "/v1/a/b?x=1&y=2", "body")
    assert (told["headers"]["x-mine"], told["headers"]["x-stage"]) == ("2", "test")
    refused = web.get(f"{address}/gone")
    assert (refused.status_code, refused.json()["message"]) == (
        504,
        "Network error communicating with endpoint",
    )
    mapped = web.post(f"{address}/mapped", json={"a": 1})
    assert (mapped.status_code, mapped.json(), "x-theirs" in mapped.headers) == (200, "<1>", False)
