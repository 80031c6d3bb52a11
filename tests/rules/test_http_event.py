"""Requests as events: nothing that a client sent is lost, whatever it was."""

from __future__ import annotations

import base64
import copy
import json
from collections import defaultdict
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lablambda.model.http import Headers, HttpRequest
from lablambda.rules.http_event import Match, event_1_0, event_2_0, forwarded, joined, parameters

NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12).map(lambda name: f"x{name}")
# Header values as they come to be text: UTF-8, or each byte a character; nobody can send control characters.
VALUES = st.text(st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cs"]))
COOKIES = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=";"), min_size=1)
KINDS = st.sampled_from(
    ["", "text/plain", "application/json; charset=utf-8", "image/png", "application/x-www-form-urlencoded"]
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PAIRS = st.lists(st.tuples(TEXT, TEXT))
PATHS = st.lists(TEXT, max_size=4).map(lambda parts: "/" + "/".join(quote(part, safe="") for part in parts))


@st.composite
def requests(draw: st.DrawFn) -> HttpRequest:
    headers = draw(st.lists(st.tuples(NAMES, VALUES)))
    cookies = draw(st.lists(st.lists(COOKIES, min_size=1)))
    headers += [("cookie", "; ".join(each)) for each in cookies]
    if kind := draw(KINDS):
        headers.append(("content-type", kind))
    return HttpRequest(
        draw(st.sampled_from(["GET", "POST", "PATCH", "PROPFIND"])),
        draw(PATHS),
        draw(st.text(st.characters(min_codepoint=33, max_codepoint=126))),
        draw(st.permutations(headers)),
        draw(st.binary() | TEXT.map(str.encode)),
        "127.0.0.1",
        "HTTP/1.1",
        draw(st.floats(0, 4e9)),
    )


def match(request: HttpRequest, **more: Any) -> Match:
    return Match("api1", "host:1", "$default", "ANY /x", request.path, request.path, "r=", **more)


def sent(event: dict[str, Any]) -> Any:
    """The event as the function reads it."""
    return json.loads(msgspec.json.encode(event))


def body_of(event: dict[str, Any]) -> bytes:
    body: str = event.get("body") or ""
    return base64.b64decode(body) if event["isBase64Encoded"] else body.encode()


def values_of(headers: Headers) -> dict[str, list[str]]:
    found = defaultdict(list)
    for name, value in headers:
        found[name].append(value)
    return dict(found)


@given(request=requests(), keeps=st.booleans())
def test_2_0_loses_nothing(request: HttpRequest, keeps: bool) -> None:
    event = sent(event_2_0(request, match(request, keeps_cookies=keeps)))
    assert event["requestContext"]["http"]["method"] == request.method
    assert (event["rawPath"], event["rawQueryString"]) == (request.path, request.query)
    assert body_of(event) == request.body
    values = values_of(request.headers)
    cookies = values.pop("cookie", []) if not keeps else values.get("cookie", [])
    assert event["headers"] == {name: ",".join(several) for name, several in values.items()}
    assert event.get("cookies", []) == [cookie for value in cookies for cookie in value.split("; ")]
    assert event["requestContext"]["timeEpoch"] == int(request.received * 1000)


@given(request=requests())
def test_1_0_loses_nothing(request: HttpRequest) -> None:
    event = sent(event_1_0(request, match(request)))
    assert (event["httpMethod"], event["path"]) == (request.method, request.path)
    assert body_of(event) == request.body
    assert event["multiValueHeaders"] == values_of(request.headers)
    assert event["headers"] == dict(request.headers)
    assert (event["body"] is None) is (request.body == b"")


@given(pairs=PAIRS, plus=st.booleans())
def test_the_query_is_read(pairs: list[tuple[str, str]], plus: bool) -> None:
    encode = quote_plus if plus else quote
    query = "&".join(f"{encode(name, safe='')}={encode(value, safe='')}" for name, value in pairs)
    request = HttpRequest("GET", "/", query, [], b"", "127.0.0.1", "HTTP/1.1", 0.0)
    several = values_of(pairs)
    assert parameters(request) == several
    told = sent(event_2_0(request, match(request)))
    assert told.get("queryStringParameters", {}) == {name: ",".join(each) for name, each in several.items()}
    told = sent(event_1_0(request, match(request)))
    assert (told["multiValueQueryStringParameters"] or {}) == several
    assert (told["queryStringParameters"] or {}) == dict(pairs)


@given(query=st.text(st.characters(min_codepoint=33, max_codepoint=126)))
def test_no_query_is_too_odd(query: str) -> None:
    request = HttpRequest("GET", "/", query, [], b"", "127.0.0.1", "HTTP/1.1", 0.0)
    assert sent(event_2_0(request, match(request)))["rawQueryString"] == query
    sent(event_1_0(request, match(request)))


@given(request=requests())
def test_conversion_is_pure(request: HttpRequest) -> None:
    before, match_before = copy.deepcopy(request), match(request)
    assert event_2_0(request, match_before) == event_2_0(before, match_before)
    assert event_1_0(request, match_before) == event_1_0(before, match_before)
    assert request == before


@given(request=requests(), forged=st.lists(st.tuples(st.just("x-forwarded-for"), VALUES)))
def test_only_the_fronts_own_word_counts(request: HttpRequest, forged: Headers) -> None:
    """Whoever sends the front's headers doesn't get them through, and loses nothing else by it."""
    whole = forwarded(replace(request, headers=[*forged, *request.headers]), "Root=1-x")
    told = joined(whole)
    assert told["x-forwarded-for"] == request.source_ip
    assert told["x-amzn-trace-id"] == "Root=1-x"
    own = ("x-forwarded-for", "x-forwarded-port", "x-forwarded-proto", "x-amzn-trace-id")
    assert [pair for pair in whole.headers if pair[0] not in own] == request.headers


@pytest.mark.parametrize(
    ("moment", "told"), [(0.0, "01/Jan/1970:00:00:00 +0000"), (1_793_527_200.9, "01/Nov/2026:10:00:00 +0000")]
)
def test_the_time_in_both_forms(moment: float, told: str) -> None:
    request = HttpRequest("GET", "/", "", [], b"", "127.0.0.1", "HTTP/1.1", moment)
    assert event_2_0(request, match(request))["requestContext"]["time"] == told
    assert event_1_0(request, match(request))["requestContext"]["requestTime"] == told
