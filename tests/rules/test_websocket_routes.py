"""Which route a message takes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lablambda.rules.websocket_routes import route_for, selected

NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)
SCALARS = st.text() | st.integers() | st.booleans()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def at(path: list[str], value: Any) -> Any:
    for name in reversed(path):
        value = {name: value}
    return value


@given(path=st.lists(NAMES, min_size=1, max_size=4), value=SCALARS)
def test_what_is_there_is_found(path: list[str], value: str | int | bool) -> None:
    message, dotted = json.dumps(at(path, value)), ".".join(path)
    expected = value if isinstance(value, str) else json.dumps(value)
    assert selected(f"$request.body.{dotted}", message) == expected
    assert selected(f"${{request.body.{dotted}}}", message) == expected
    assert selected(f"a-${{request.body.{dotted}}}/b", message) == f"a-{expected}/b"


@given(path=st.lists(NAMES, min_size=1, max_size=3), value=st.none() | st.lists(SCALARS) | st.just({}))
def test_only_scalars_select(path: list[str], value: Any) -> None:
    assert selected(f"$request.body.{'.'.join(path)}", json.dumps(at(path, value))) is None


@given(message=st.text() | JSON.map(json.dumps), expression=st.text() | NAMES.map("$request.body.{}".format))
def test_any_message_takes_one_of_the_routes(message: str, expression: str) -> None:
    """And never that of connecting or disconnecting."""
    keys = ["$connect", "$disconnect", "$default", "a"]
    route = route_for([{"RouteKey": key} for key in keys], expression, message)
    assert route is not None
    assert route["RouteKey"] in ("$default", "a")
    assert route_for([{"RouteKey": "$connect"}], expression, message) is None


@pytest.mark.parametrize("key", ["$connect", "$disconnect"])
def test_a_message_cant_connect(key: str) -> None:
    routes = [{"RouteKey": key}, {"RouteKey": "$default"}]
    route = route_for(routes, "$request.body.action", json.dumps({"action": key}))
    assert route == {"RouteKey": "$default"}


@pytest.mark.parametrize("message", ["", "{", "[" * 100_000, "1" * 5_000, '"a"', "null"])
def test_messages_without_an_action(message: str) -> None:
    assert selected("$request.body.action", message) is None
