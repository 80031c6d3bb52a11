"""Which method a request takes, against a plain reading of the rules."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lablambda.rules.rest_resources import InvalidResource, Tree, child_path, with_paths

PARTS = st.sampled_from(["a", "b", "{x}", "{r+}"])
METHODS = st.sampled_from(["GET", "POST", "ANY"])


@st.composite
def paths(draw: st.DrawFn) -> str:
    parts = draw(st.lists(PARTS, max_size=4))
    while "{r+}" in parts[:-1]:
        parts.remove("{r+}")
    named = [f"{{x{number}}}" if part == "{x}" else part for number, part in enumerate(parts)]
    return "/" + "/".join(named)


def resource(path: str, methods: list[str]) -> dict[str, Any]:
    return {"path": path, "resourceMethods": {name: {"httpMethod": name} for name in methods}}


def reading(resources: dict[str, list[str]], method: str, path: str) -> str | None:
    """The best of all that fit: segment by segment, fixed before variable before the rest."""
    found = []
    for template, methods in resources.items():
        if method not in methods and "ANY" not in methods:
            continue
        parts = [part for part in template.split("/") if part]
        pattern = "".join(
            "/.+" if part.endswith("+}") else "/[^/]+" if part.startswith("{") else f"/{part}"
            for part in parts
        )
        if re.fullmatch(pattern, path.rstrip("/")):
            found.append(
                ([2 if p.endswith("+}") else 1 if p.startswith("{") else 0 for p in parts], template)
            )
    return min(found)[1] if found else None


@given(
    resources=st.dictionaries(paths(), st.lists(METHODS, min_size=1, unique=True), max_size=8),
    method=st.sampled_from(["GET", "POST"]),
    asked=st.lists(st.sampled_from(["a", "b", "c"]), max_size=4),
)
def test_the_best_is_taken(resources: dict[str, list[str]], method: str, asked: list[str]) -> None:
    tree = Tree(resource(path, methods) for path, methods in resources.items())
    path = "/" + "/".join(asked)
    found = tree.match(method, path)
    wanted = reading(resources, method, path)
    assert (None if found is None else found.resource["path"]) == wanted
    if found is not None:
        assert found.method["httpMethod"] == (method if method in resources[str(wanted)] else "ANY")


def test_variables() -> None:
    tree = Tree([resource("/pets/{id}/{rest+}", ["GET"])])
    found = tree.match("GET", "/pets/a%2Fb/c/d%20e")
    assert found is not None
    assert found.variables == {"id": "a/b", "rest": "c/d e"}
    for path in ("/pets/a", "/pets//b", "/pets/a/", "/pets", "/"):
        assert tree.match("GET", path) is None, path


def test_paths_follow_their_parents() -> None:
    placed = with_paths(
        {
            "2": {"id": "2", "parentId": "1", "pathPart": "{id}"},
            "1": {"id": "1", "parentId": "0", "pathPart": "pets"},
            "0": {"id": "0"},
        }
    )
    assert {name: one["path"] for name, one in placed.items()} == {"0": "/", "1": "/pets", "2": "/pets/{id}"}


@pytest.mark.parametrize(
    "resources",
    [
        {"0": {}, "1": {"parentId": "1", "pathPart": "a"}},
        {"0": {}, "1": {"parentId": "2", "pathPart": "a"}, "2": {"parentId": "1", "pathPart": "b"}},
        {"0": {}, "1": {"parentId": "0", "pathPart": "a"}, "2": {"parentId": "0", "pathPart": "a"}},
        {"0": {}, "1": {"parentId": "0", "pathPart": "{a}"}, "2": {"parentId": "0", "pathPart": "{b}"}},
        {"0": {}, "1": {"parentId": "0", "pathPart": "{a+}"}, "2": {"parentId": "1", "pathPart": "b"}},
    ],
)
def test_trees_that_are_none(resources: dict[str, Any]) -> None:
    with pytest.raises(InvalidResource):
        with_paths(resources)


@pytest.mark.parametrize("part", ["", "a b", "{a", "a}", "{a}b", "{}", "{+}", "a/b", "ä", "{a b}", "\n"])
def test_parts_that_are_none(part: str) -> None:
    with pytest.raises(InvalidResource):
        child_path("/", part)
