"""What happens on a connection as events, and the values in them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lablambda.model.http import HttpRequest
from lablambda.model.websocket import Connection
from lablambda.rules.access_log import flat
from lablambda.rules.http_result import Malformed
from lablambda.rules.websocket_event import connect_event, disconnect_event, message_event
from lablambda.rules.websocket_parameters import mapped, value_of
from lablambda.rules.websocket_result import frame_of, reply_of

CONNECTION = Connection(
    "c1", "api1", "dev", "host:1/execute-api/api1", "127.0.0.1", "me", 1_793_527_200.5, {"principalId": "ada"}
)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12).map(lambda name: f"x-{name}")
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)


def request(headers: list[tuple[str, str]], query: str = "") -> HttpRequest:
    return HttpRequest("GET", "/dev", query, headers, b"", "127.0.0.1", "HTTP/1.1", 0.0)


@given(headers=st.lists(st.tuples(NAMES, VALUES)))
def test_no_header_is_lost(headers: list[tuple[str, str]]) -> None:
    event = connect_event(CONNECTION, request(headers), "r", 0.0)
    several: dict[str, list[str]] = event["multiValueHeaders"]
    found = [(name, value) for name, values in several.items() for value in values]
    assert sorted(found) == sorted(headers)
    assert event["headers"] == dict(headers)


@given(message=st.text())
def test_a_message_is_told_as_it_is(message: str) -> None:
    event = message_event(CONNECTION, message, "$default", "r", 1.0)
    assert json.loads(json.dumps(event))["body"] == message
    assert event["requestContext"]["messageId"] == "r"


def test_a_connection_in_events() -> None:
    told = disconnect_event(CONNECTION, 1001, "r", 1_793_527_260.0)["requestContext"]
    assert told == {
        "routeKey": "$disconnect",
        "disconnectStatusCode": 1001,
        "disconnectReason": "Going away",
        "eventType": "DISCONNECT",
        "extendedRequestId": "r",
        "requestTime": "01/Nov/2026:10:01:00 +0000",
        "messageDirection": "IN",
        "stage": "dev",
        "connectedAt": 1_793_527_200_500,
        "requestTimeEpoch": 1_793_527_260_000,
        "identity": {"userAgent": "me", "sourceIp": "127.0.0.1"},
        "requestId": "r",
        "domainName": "host:1/execute-api/api1",
        "connectionId": "c1",
        "apiId": "api1",
        "authorizer": {"principalId": "ada"},
    }
    assert flat(told)["authorizer.principalId"] == "ada"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("route.request.header.Authorization", "t"),
        ("$request.header.authorization", "t"),
        ("route.request.querystring.q", "2"),
        ("route.request.querystring.absent", None),
        ("context.connectionId", "c1"),
        ("context.identity.sourceIp", "127.0.0.1"),
        ("context.absent", None),
        ("stageVariables.v", "1"),
        ("'text'", "text"),
        ("nonsense", None),
    ],
)
def test_values(expression: str, value: str | None) -> None:
    event = {
        **connect_event(CONNECTION, request([("authorization", "t")], "q=1&q=2"), "r", 0.0),
        "stageVariables": {"v": "1"},
    }
    assert value_of(expression, event) == value


def test_values_of_a_body_and_where_they_go() -> None:
    event = message_event(CONNECTION, '{"a": {"b": 1}}', "$default", "r", 1.0)
    mapping = {
        "integration.request.header.Who": "context.connectionId",
        "integration.request.querystring.b": "route.request.body.a.b",
        "integration.request.header.none": "route.request.body.c",
    }
    assert mapped(mapping, event) == ([("who", "c1")], [("b", "1")])


@given(body=st.binary())
def test_a_body_is_sent_whole(body: bytes) -> None:
    frame = frame_of(body)
    assert (frame.encode() if isinstance(frame, str) else frame) == body


@pytest.mark.parametrize("result", [None, "text", [], {}, {"statusCode": "many"}, {"body": "x"}])
def test_what_is_no_result(result: Any) -> None:
    with pytest.raises(Malformed):
        reply_of(json.dumps(result).encode())
