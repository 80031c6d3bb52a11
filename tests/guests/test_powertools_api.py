"""Powertools' event handler: an API's routes behind HTTP API, REST API and function URL."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.guests import events
from tests.guests.conftest import Guest, Guests


@dataclass(frozen=True)
class Api:
    """One door: its function, its events, and where its answers keep headers."""

    guest: Guest
    event: Callable[..., dict[str, Any]]
    many: bool  # a REST API's answers have lists of values

    def ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.guest.payload(self.event(method, path, **more))
        return answer

    def header(self, answer: dict[str, Any], name: str) -> Any:
        if self.many:
            return ",".join(answer["multiValueHeaders"].get(name, [])) or None
        return answer["headers"].get(name)

    def cookies(self, answer: dict[str, Any]) -> Any:
        return answer["multiValueHeaders"]["Set-Cookie"] if self.many else answer["cookies"]


@pytest.fixture(scope="module", params=["http_api", "rest_api", "function_url"])
def api(request: pytest.FixtureRequest, guest: Guests, layer: str) -> Api:
    made = guest("orders_api", request.param, Layers=[layer])
    return Api(made, getattr(events, request.param), request.param == "rest_api")


def test_path_and_query(api: Api) -> None:
    answer = api.ask("GET", "/orders/7", query=[("expand", "true")])
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"id": 7, "expand": True, "agent": "tests/1.0"}
    assert api.header(answer, "Content-Type") == "application/json"


def test_a_body_a_header_and_a_cookie(api: Api) -> None:
    answer = api.ask(
        "POST", "/orders", body={"item": "tea", "quantity": 2}, headers={"Content-Type": "application/json"}
    )
    assert (answer["statusCode"], json.loads(answer["body"])) == (201, {"item": "tea", "quantity": 2})
    assert api.header(answer, "Location") == "/orders/1"
    assert api.cookies(answer) == ["last=tea; Secure"]


@pytest.mark.parametrize(
    ("method", "path", "body", "place"),
    [
        ("GET", "/orders/seven", None, ["path", "order_id"]),
        ("POST", "/orders", {"item": "tea", "quantity": 0}, ["body", "quantity"]),
        ("POST", "/orders", {"quantity": 1}, ["body", "item"]),
    ],
)
def test_what_is_not_valid(api: Api, method: str, path: str, body: Any, place: list[str]) -> None:
    answer = api.ask(method, path, body=body)
    assert answer["statusCode"] == 422
    assert json.loads(answer["body"])["detail"][0]["loc"] == place


def test_what_is_not_there(api: Api) -> None:
    answer = api.ask("GET", "/orders/404")
    assert (answer["statusCode"], json.loads(answer["body"])["message"]) == (404, "no order 404")
    answer = api.ask("GET", "/nowhere")
    assert (answer["statusCode"], json.loads(answer["body"])["message"]) == (404, "Not found")


def test_an_exception_with_a_handler_of_its_own(api: Api) -> None:
    answer = api.ask("POST", "/orders", body={"item": "unobtainium", "quantity": 1})
    assert (answer["statusCode"], answer["body"]) == (409, "no unobtainium")


def test_an_exception_with_none_is_the_functions_failure(api: Api) -> None:
    out = api.guest.invoke(api.event("GET", "/orders/500"))
    assert out.error is not None
    assert (out.error["errorType"], out.error["requestId"]) == ("ZeroDivisionError", out.request_id)
    assert "/var/task/orders_api.py" in out.error["stackTrace"][-1]


def test_preflight_and_origin(api: Api) -> None:
    answer = api.ask("OPTIONS", "/orders", headers={"Origin": "https://shop.example"})
    assert answer["statusCode"] == 204
    assert "POST" in api.header(answer, "Access-Control-Allow-Methods")
    assert "X-Trace" in api.header(answer, "Access-Control-Allow-Headers")
    for origin, allowed in (("https://shop.example", "https://shop.example"), ("https://evil.example", None)):
        answer = api.ask("GET", "/orders/1", headers={"Origin": origin})
        assert api.header(answer, "Access-Control-Allow-Origin") == allowed


def test_bytes_and_compression(api: Api) -> None:
    answer = api.ask("GET", "/picture")
    assert (answer["isBase64Encoded"], base64.b64decode(answer["body"])) == (True, b"\x89PNG\x00")
    answer = api.ask("GET", "/long", headers={"Accept-Encoding": "gzip"})
    assert api.header(answer, "Content-Encoding") == "gzip"
    assert json.loads(gzip.decompress(base64.b64decode(answer["body"]))) == {"text": "a" * 1000}
