"""Patch operations: on every noun, whatever they ask."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lablambda.api.apigateway.patches import PATCHES, patched, tokens_of
from lablambda.api.nouns import shape_of
from lablambda.api.validation import validate
from lablambda.model.errors import ValidationFailed

VALUES = (
    st.none()
    | st.sampled_from(["", "1", "-1", "1.5", "nan", "inf", "true", "EDGE", "x" * 100])
    | st.text(max_size=5)
)
PATHS = [(noun, op, path) for noun, paths in PATCHES.items() for path, ops in paths.items() for op in ops]


@pytest.mark.parametrize(("noun", "path"), sorted({(noun, path) for noun, _, path in PATHS}))
def test_each_path_leads_somewhere(noun: str, path: str) -> None:
    """Botocore's shapes have what the table says may be changed."""
    shape = shape_of("apigateway", noun)
    for name in tokens_of(path):
        if shape.type_name == "structure" and name != "*":
            shape = shape.members[name]
        elif shape.type_name == "map":
            shape = shape.value
        elif shape.type_name == "list":
            shape = shape.member


@given(
    asked=st.lists(
        st.tuples(st.sampled_from(PATHS), st.sampled_from(["a", "a~1b", "EDGE", "", "~"]), VALUES), max_size=6
    )
)
def test_what_comes_of_it_is_the_noun_or_a_refusal(
    asked: list[tuple[tuple[str, str, str], str, str | None]],
) -> None:
    known: dict[str, dict[str, Any]] = {}
    for (noun, op, path), name, value in asked:
        operation = {"op": op, "path": path.replace("*", name), "value": value}
        try:
            known[noun] = patched(noun, known.get(noun, required(noun)), {"patchOperations": [operation]})
        except ValidationFailed:
            continue
        validate(known[noun], shape_of("apigateway", noun))


def required(noun: str) -> dict[str, Any]:
    """The least that the noun is."""
    return dict.fromkeys(shape_of("apigateway", noun).required_members, "x")


@given(op=st.text(), path=st.text(), value=VALUES)
def test_any_operation(op: str, path: str, value: str | None) -> None:
    for noun in PATCHES:
        with pytest.raises(ValidationFailed):
            patched(
                noun, {}, {"patchOperations": [{"op": op, "path": f"/{path}/nowhere/at/all", "value": value}]}
            )


def test_lists_and_maps() -> None:
    def after(*operations: tuple[str, str, str | None]) -> Any:
        asked = [{"op": op, "path": path, "value": value} for op, path, value in operations]
        return patched("RestApi", {"binaryMediaTypes": ["a/b"], "name": "x"}, {"patchOperations": asked})

    assert after(("add", "/binaryMediaTypes/c~1d", None))["binaryMediaTypes"] == ["a/b", "c/d"]
    assert after(("add", "/binaryMediaTypes/a~1b", None))["binaryMediaTypes"] == ["a/b"]
    assert after(("remove", "/binaryMediaTypes/a~1b", None))["binaryMediaTypes"] == []
    assert after(("replace", "/binaryMediaTypes/a~1b", "e/f"))["binaryMediaTypes"] == ["e/f"]
    assert tokens_of("/a~01~1b/~0") == ["a~1/b", "~"]
