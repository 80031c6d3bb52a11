"""Results as answers: what is well formed goes out as it is, and nothing else can break the door."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lablambda.model.http import HttpResponse
from lablambda.rules.http_result import SERVERS_OWN, Malformed, prelude, response_1_0, response_2_0

TOKEN = "!#$%&'*+.^_`|~-0123456789abcdefghijklmnopqrstuvwxyz"
NAMES = st.text(TOKEN, min_size=1, max_size=12).map(lambda name: f"x-{name}")
VALUES = st.text(st.characters(min_codepoint=33, exclude_characters="\x7f", exclude_categories=["Cs"]))
STATUSES = st.integers(200, 599)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
MEMBERS = st.sampled_from(
    ["statusCode", "headers", "multiValueHeaders", "cookies", "body", "isBase64Encoded"]
)
CONTENT_TYPE = ("content-type", "application/json")


def encoded(result: Any) -> bytes:
    return json.dumps(result).encode()


@given(STATUSES, st.dictionaries(NAMES, VALUES), st.lists(VALUES), st.binary() | TEXT)
def test_2_0_goes_out_as_it_is(
    status: int, headers: dict[str, str], cookies: list[str], body: bytes | str
) -> None:
    as_bytes = isinstance(body, bytes)
    text = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    result = {
        "statusCode": status,
        "headers": headers,
        "cookies": cookies,
        "body": text,
        "isBase64Encoded": as_bytes,
    }
    answer = response_2_0(encoded(result))
    assert (answer.status, answer.body) == (status, body if isinstance(body, bytes) else body.encode())
    assert answer.headers == [
        *headers.items(),
        *(("set-cookie", cookie) for cookie in cookies),
        CONTENT_TYPE,
    ]
    assert prelude(encoded(result)) == (status, answer.headers[:-1])


@given(STATUSES, st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES, st.lists(VALUES)), TEXT)
def test_1_0_goes_out_as_it_is(
    status: int, headers: dict[str, str], several: dict[str, list[str]], body: str
) -> None:
    result = {"statusCode": status, "headers": headers, "multiValueHeaders": several, "body": body}
    answer = response_1_0(encoded(result))
    assert (answer.status, answer.body) == (status, body.encode())
    pairs = [(name, value) for name, values in several.items() for value in values]
    named = {name for name, _ in pairs}
    kept = [(name, value) for name, value in headers.items() if name not in named]
    assert answer.headers == [*kept, *pairs, CONTENT_TYPE]


@given(JSON.filter(lambda value: not isinstance(value, dict | str)))
def test_the_short_form(value: Any) -> None:
    answer = response_2_0(encoded(value))
    assert (answer.status, answer.headers) == (200, [CONTENT_TYPE])
    assert repr(json.loads(answer.body)) == repr(value)  # by repr, because NaN isn't itself


@given(TEXT)
def test_the_short_form_of_text(text: str) -> None:
    assert response_2_0(encoded(text)).body == text.encode()


@pytest.mark.parametrize("convert", [response_2_0, response_1_0])
@given(payload=st.dictionaries(MEMBERS, JSON).map(encoded) | JSON.map(encoded) | st.binary())
def test_nothing_else_breaks_the_door(convert: Callable[[bytes], HttpResponse], payload: bytes) -> None:
    """Whatever a function gives is an answer that can be sent, or Malformed."""
    try:
        answer = convert(payload)
    except Malformed:
        return
    assert 200 <= answer.status <= 599
    for name, value in answer.headers:
        assert re.fullmatch(rf"[{re.escape(TOKEN)}]+", name)
        assert name not in SERVERS_OWN
        assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value)


@pytest.mark.parametrize("depth", [*range(880, 1010, 3), 10_000])
def test_depth(depth: int) -> None:
    nested = b"[" * depth + b"]" * depth
    for payload in (nested, b'{"statusCode": 200, "body": ' + nested + b"}"):
        try:
            assert response_2_0(payload).body == nested
        except Malformed:
            assert depth > 900


@pytest.mark.parametrize("status", ["2\uff10\uff10", "1" * 5000, True, 199, 600, 200.5, "", None, [200]])
def test_no_status(status: Any) -> None:
    with pytest.raises(Malformed):
        response_2_0(encoded({"statusCode": status}))
