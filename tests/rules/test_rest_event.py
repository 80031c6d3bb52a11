"""Requests as events, parameters on their way, and what an API says by itself."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lablambda.model.http import HttpRequest, HttpResponse
from lablambda.rules.gateway_responses import KINDS, Failed, response_to
from lablambda.rules.rest_event import Call, context, proxy_event, request_event
from lablambda.rules.rest_mapping import (
    InvalidMapping,
    check_request_mapping,
    check_response_mapping,
    mapped_headers,
    mapped_request,
    value_of,
)
from lablambda.rules.rest_transformations import Given, answer, request_body

NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12).map(lambda name: f"x-{name}")
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)


def call(
    headers: list[tuple[str, str]] | None = None,
    query: str = "",
    body: bytes = b"",
    binary_types: tuple[str, ...] = (),
    variables: Mapping[str, str] | None = None,
) -> Call:
    request = HttpRequest(
        "GET", "/dev/a", query, headers or [], body, "127.0.0.1", "HTTP/1.1", 1_793_527_200.0
    )
    told = context(
        request, api_id="api1", domain="d", stage="dev", path="/a", request_id="r", extended_id="e"
    )
    return Call(request, "/a", "/{id}", {"id": "a"}, variables or {}, told, binary_types)


@given(
    headers=st.lists(st.tuples(NAMES, VALUES)), query=st.lists(st.tuples(NAMES, VALUES.filter(str.isalnum)))
)
def test_nothing_is_lost(headers: list[tuple[str, str]], query: list[tuple[str, str]]) -> None:
    event = proxy_event(call(headers, "&".join(f"{name}={value}" for name, value in query)))
    for several, single, sent in (
        ("multiValueHeaders", "headers", headers),
        ("multiValueQueryStringParameters", "queryStringParameters", query),
    ):
        told: dict[str, list[str]] = event[several] or {}
        assert sorted((name, value) for name, values in told.items() for value in values) == sorted(sent)
        assert (event[single] or {}) == dict(sent)


@given(body=st.binary(min_size=1), media_type=st.sampled_from(["image/png", "text/plain", "IMAGE/GIF; a=b"]))
def test_bodies(body: bytes, media_type: str) -> None:
    event = proxy_event(call([("content-type", media_type)], body=body, binary_types=("image/*",)))
    if event["isBase64Encoded"]:
        assert base64.b64decode(event["body"]) == body
    else:
        assert (media_type, event["body"]) == ("text/plain", body.decode("utf-8", "replace"))


def test_an_authorizers_event_has_no_body_and_no_null() -> None:
    event = request_event(call(body=b"secret"), "arn")
    assert (event["type"], event["methodArn"], "body" in event) == ("REQUEST", "arn", False)
    assert [name for name, value in event.items() if value is None] == []


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("'a b'", ["a b"]),
        ("method.request.header.X-A", ["2"]),
        ("method.request.multivalueheader.X-A", ["1", "2"]),
        ("method.request.querystring.q", ["4"]),
        ("method.request.multivaluequerystring.q", ["3", "4"]),
        ("method.request.path.id", ["a"]),
        ("method.request.path.no", []),
        ("method.request.body.a.b[0]", ["5"]),
        ("method.request.body", ['{"a":{"b":[5]}}']),
        ("context.identity.sourceIp", ["127.0.0.1"]),
        ("context.no", []),
        ("stageVariables.v", ["6"]),
    ],
)
def test_where_values_come_from(expression: str, values: list[str]) -> None:
    whole = call([("x-a", "1"), ("x-a", "2")], "q=3&q=4", b'{"a": {"b": [5]}}', variables={"v": "6"})
    check_request_mapping({"integration.request.header.y": expression})
    assert value_of(expression, whole) == values
    headers, query, path = mapped_request(
        {f"integration.request.{kind}.y": expression for kind in ("header", "querystring", "path")}, whole
    )
    assert headers == [("y", value) for value in values]
    assert query == ({"y": values} if values else {})
    assert path == ({"y": values[-1]} if values else {})


def test_where_answers_come_from() -> None:
    response = HttpResponse(200, b'{"a": "1"}', [("x-a", "2"), ("x-a", "3")])
    mapping = {
        "method.response.header.a": "integration.response.body.a",
        "method.response.header.b": "integration.response.header.X-A",
        "method.response.header.c": "integration.response.multivalueheader.x-a",
        "method.response.header.d": "context.stage",
        "method.response.header.e": "integration.response.header.no",
    }
    check_response_mapping(mapping)
    found = mapped_headers(mapping, response, call())
    assert found == [("a", "1"), ("b", "3"), ("c", "2"), ("c", "3"), ("d", "dev")]


@pytest.mark.parametrize(
    ("key", "expression"),
    [
        ("integration.request.header.a b", "'1'"),
        ("integration.request.header.a:", "'1'"),
        ("integration.request.cookie.a", "'1'"),
        ("method.request.header.a", "'1'"),
        ("integration.request.header.a", "1"),
        ("integration.request.header.a", "'1"),
        ("integration.request.header.a", "method.request.cookie.a"),
        ("integration.request.header.a", "method.request.body.a[*]"),
        ("integration.request.header.a", "integration.response.header.a"),
    ],
)
def test_what_is_no_mapping(key: str, expression: str) -> None:
    with pytest.raises(InvalidMapping):
        check_request_mapping({key: expression})


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_has_its_answer(kind: str) -> None:
    failed = Failed(kind, status=0 if KINDS[kind].status else 502)
    response = response_to(failed, {}, call())
    assert response.status == (KINDS[kind].status or 502)
    assert json.loads(response.body) == {"message": KINDS[kind].text or None}


@pytest.mark.parametrize(
    ("behavior", "templates", "media_type", "body"),
    [
        ("WHEN_NO_MATCH", {}, "", b"in"),
        ("WHEN_NO_MATCH", {"application/json": "t"}, "", b"t"),
        ("WHEN_NO_MATCH", {"application/json": "t"}, "application/json; charset=utf-8", b"t"),
        ("WHEN_NO_MATCH", {"application/json": "t"}, "text/plain", b"in"),
        ("WHEN_NO_TEMPLATES", {}, "text/plain", b"in"),
        ("WHEN_NO_TEMPLATES", {"application/json": "t"}, "text/plain", None),
        ("NEVER", {}, "", None),
    ],
)
def test_what_passes_through(
    behavior: str, templates: dict[str, str], media_type: str, body: bytes | None
) -> None:
    whole = call([("content-type", media_type)] if media_type else [], body=b"in")
    integration = {"passthroughBehavior": behavior, "requestTemplates": templates}
    if body is not None:
        assert request_body(integration, whole) == body
        return
    with pytest.raises(Failed) as caught:
        request_body(integration, whole)
    assert caught.value.kind == "UNSUPPORTED_MEDIA_TYPE"


@pytest.mark.parametrize(
    ("handling", "media_type", "body"),
    [
        (None, "image/png", b"\xff"),
        ("CONVERT_TO_TEXT", "image/png", b"/w=="),
        ("CONVERT_TO_TEXT", "text/plain", b"\xff"),
        ("CONVERT_TO_BINARY", "image/png", b"\xff"),
    ],
)
def test_encodings(handling: str | None, media_type: str, body: bytes) -> None:
    whole = call([("content-type", media_type)], body=b"\xff", binary_types=("image/png",))
    assert request_body({"contentHandling": handling, "passthroughBehavior": "WHEN_NO_MATCH"}, whole) == body


def test_the_answer_is_chosen() -> None:
    responses = {
        "200": {"statusCode": "200", "contentHandling": "CONVERT_TO_BINARY"},
        "400": {"statusCode": "400", "selectionPattern": "4.."},
        "418": {"statusCode": "418", "selectionPattern": "41."},
        "500": {"statusCode": "500", "selectionPattern": "(5.*)+"},
    }
    method = {
        "methodIntegration": {"integrationResponses": responses},
        "methodResponses": {"200": {}, "400": {}},
    }

    def ask(chosen_by: str, body: bytes = b"/w==") -> Any:
        return answer(Given(HttpResponse(200, body), chosen_by), method, call())

    assert [ask(text).status for text in ("200", "418", "x 418")] == [
        200,
        400,
        200,
    ]  # the first that fits in full
    assert ask("200").body == b"\xff"
    for chosen_by, body in (("500", b""), ("200", b"=!")):
        with pytest.raises(Failed):  # no method response; not base64
            ask(chosen_by, body)
