"""Which route a request takes, against a model: every route a pattern, and AWS's order of preference word for word."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lablambda.rules.http_routes import InvalidRouteKey, Routes, parse_route_key

FIXED = st.sampled_from(["a", "b", "ü x", ""])
METHODS = st.sampled_from(["GET", "POST", "ANY"])


@st.composite
def keys(draw: st.DrawFn) -> str:
    parts = draw(st.lists(FIXED | st.just("{}"), max_size=4))
    parts += draw(st.sampled_from([[], ["{}+"]]))
    named = [part.replace("{}", f"{{v{at}}}").replace("}+", "+}") for at, part in enumerate(parts)]
    return f"{draw(METHODS)} /{'/'.join(named)}"


PATHS = st.lists(FIXED | st.sampled_from(["c", "a/b", "%"]), max_size=5).map(
    lambda parts: "/" + "/".join(quote(part, safe="") for part in parts)
)


def fits(key: str, method: str, path: str) -> dict[str, str] | None:
    """By a regular expression over the path as it was sent."""
    wanted, _, template = key.partition(" ")
    if wanted not in (method, "ANY"):
        return None
    pattern = ""
    for part in re.split(r"(\{[^}]+\})", template):
        if part.endswith("+}"):
            pattern += f"(?P<{part[1:-2]}>.+)"
        elif part.startswith("{"):
            pattern += f"(?P<{part[1:-1]}>[^/]+)"
        else:
            pattern += re.escape(quote(part))
    found = re.fullmatch(pattern, path)
    return None if found is None else {name: unquote(value) for name, value in found.groupdict().items()}


def preferred(routes: list[str]) -> str:
    """Of those that fit: a full match, else a greedy one; the first segment where they differ decides, fixed text
    before a variable before the rest; then the method by name."""
    full = [key for key in routes if "+}" not in key]
    left, at = full or routes, 0
    while len({key.partition(" ")[2] for key in left}) > 1:
        parts = {key: [*key.partition(" ")[2].split("/"), "", "", "", "", ""][at] for key in left}
        fixed = [key for key, part in parts.items() if "{" not in part]
        one = [key for key, part in parts.items() if part.startswith("{") and "+" not in part]
        left = fixed or one or left
        at += 1
    return min(left, key=lambda key: key.startswith("ANY "))


@given(
    table=st.lists(keys(), max_size=8, unique_by=lambda key: re.sub(r"\{v\d+", "{v", key)),
    default=st.booleans(),
    method=st.sampled_from(["GET", "POST", "PUT"]),
    path=PATHS,
)
def test_as_the_model_says(table: list[str], default: bool, method: str, path: str) -> None:
    routes = Routes({"RouteKey": key} for key in [*table, *(["$default"] if default else [])])
    found = routes.match(method, path)
    fitting: dict[str, Any] = {key: fits(key, method, path) for key in table}
    fitting = {key: variables for key, variables in fitting.items() if variables is not None}
    if fitting:
        best = preferred(list(fitting))
        assert found == ({"RouteKey": best}, fitting[best])
    else:
        assert found == (({"RouteKey": "$default"}, {}) if default else None)
    assert routes.match(method, path) == found


@given(table=st.lists(keys(), max_size=8), path=PATHS, data=st.data())
def test_the_order_of_routes_is_nothing(table: list[str], path: str, data: st.DataObject) -> None:
    table = list({re.sub(r"\{v\d+", "{v", key): key for key in table}.values())
    shuffled = data.draw(st.permutations(table))
    one, other = (Routes({"RouteKey": key} for key in each) for each in (table, shuffled))
    assert one.match("GET", path) == other.match("GET", path)


@given(keys(), st.data())
def test_variables_make_the_path_again(key: str, data: st.DataObject) -> None:
    segments = st.text(min_size=1).filter(lambda text: "/" not in text)
    values: dict[str, str] = {}

    def put(found: re.Match[str]) -> str:
        parts = data.draw(st.lists(segments, min_size=1)) if found[2] else [data.draw(segments)]
        values[found[1]] = "/".join(parts)
        return "/".join(quote(part, safe="", errors="replace") for part in parts)

    template = quote(key.partition(" ")[2], safe="/{}+")
    path = re.sub(r"\{(\w+)(\+?)\}", put, template)
    found = Routes([{"RouteKey": key}]).match(key.partition(" ")[0].replace("ANY", "PUT"), path)
    assert found is not None
    expected = {name: value.encode(errors="replace").decode() for name, value in values.items()}
    assert found[1] == expected


@pytest.mark.parametrize(
    "key",
    [
        "",
        "GET",
        "get /a",
        "GET a",
        "TRACE /a",
        "GET /{a+}/b",
        "GET /{a}/{a}",
        "GET /x{a}",
        "GET /{a b}",
        "GET /{}",
    ],
)
def test_what_is_no_route_key(key: str) -> None:
    with pytest.raises(InvalidRouteKey):
        parse_route_key(key)
