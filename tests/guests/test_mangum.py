"""FastAPI and Starlette behind Mangum, asked by HTTP API, REST API and function URL."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.guests import events
from tests.guests.conftest import Guest, Guests

DOORS = [events.http_api, events.rest_api, events.function_url]


@dataclass(frozen=True)
class App:
    """The application as one kind of door asks it."""

    guest: Guest
    event: Callable[..., dict[str, Any]]

    def ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.guest.payload(self.event(method, path, **more))
        return answer


@pytest.fixture(scope="module")
def web_app(guest: Guests, layer: str) -> Guest:
    return guest("web_app", "off", Layers=[layer])


@pytest.fixture(params=DOORS, ids=lambda door: door.__name__)
def app(request: pytest.FixtureRequest, web_app: Guest) -> App:
    return App(web_app, request.param)


def test_path_query_and_headers(app: App) -> None:
    query = [("q", "tea & cake"), ("tag", "ü")]
    out = app.guest.invoke(app.event("GET", "/items/7", query=query, headers={"X-Trace": "t"}))
    assert (out.payload["statusCode"], out.payload["isBase64Encoded"]) == (200, False)
    body = json.loads(out.payload["body"])
    assert body.pop("url").startswith("https://abc")
    assert body.pop("source") == ("prod" if app.event is events.rest_api else "$default")
    assert body == {
        "id": 7,
        "q": "tea & cake",
        "tag": "ü",
        "trace": "t",
        "client": "127.0.0.1",
        "request": out.request_id,
    }


def test_a_body_and_cookies(app: App) -> None:
    answer = app.ask(
        "POST",
        "/items",
        body={"name": "tea", "price": 2.5},
        headers={"Content-Type": "application/json"},
        cookies=["session=s1", "other=2"],
    )
    assert answer["statusCode"] == 201
    assert json.loads(answer["body"]) == {"item": {"name": "tea", "price": 2.5}, "session": "s1"}
    cookies = answer.get("cookies") or answer["multiValueHeaders"]["set-cookie"]
    assert [cookie.partition(";")[0] for cookie in cookies] == ["seen=tea", "count=1"]


def test_bytes(app: App) -> None:
    answer = app.ask(
        "POST", "/reverse", body=b"\x00\x01\xff", headers={"Content-Type": "application/octet-stream"}
    )
    assert (answer["isBase64Encoded"], base64.b64decode(answer["body"])) == (True, b"\xff\x01\x00")


def test_what_is_refused(app: App) -> None:
    answer = app.ask("GET", "/items/seven")
    assert answer["statusCode"] == 422
    assert json.loads(answer["body"])["detail"][0]["loc"] == ["path", "item_id"]
    answer = app.ask("POST", "/items", body="{", headers={"Content-Type": "application/json"})
    assert (answer["statusCode"], json.loads(answer["body"])["detail"][0]["type"]) == (422, "json_invalid")
    answer = app.ask("GET", "/teapot")
    assert (answer["statusCode"], json.loads(answer["body"])) == (418, {"detail": "short and stout"})
    assert app.ask("GET", "/nowhere")["statusCode"] == 404


def test_a_fault_is_an_answer_and_in_the_log(app: App) -> None:
    out = app.guest.invoke(app.event("GET", "/fault"))
    assert (out.error, out.payload["statusCode"], out.payload["body"]) == (None, 500, "Internal Server Error")
    assert any(
        "RuntimeError: a fault of the handler's own" in line for line in app.guest.said(out.request_id)
    )


def test_lifespan(guest: Guests, layer: str, web_app: Guest) -> None:
    asked = events.http_api("GET", "/lifespan")
    assert json.loads(web_app.payload(asked)["body"]) == []
    on = guest("web_app", "on", Layers=[layer])
    bodies = [json.loads(on.payload(asked)["body"]) for _ in range(2)]
    assert bodies == [["up"], ["up", "down", "up"]], "Mangum's lifespan is as long as an event"


def test_starlette_alone(guest: Guests, layer: str) -> None:
    plain = guest("web_app", "plain", Layers=[layer])
    for door in DOORS:
        answer = plain.payload(door("GET", "/hello", query=[("name", "Ada")]))
        assert (answer["statusCode"], answer["body"]) == (200, "hello, Ada")
        answer = plain.payload(door("GET", "/stream"))
        assert base64.b64decode(answer["body"]) == b"0\n1\n2\n"
