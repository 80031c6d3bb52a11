from __future__ import annotations

import pytest

from lablambda.model.errors import AccessDenied, InvalidParameterValue, ResourceNotFound
from lablambda.rules.names import FunctionReference, parse_reference

ARN = "arn:aws:lambda:us-east-1:000000000000:function:hello"


@pytest.mark.parametrize(
    ("text", "qualifier", "expected"),
    [
        ("hello", None, FunctionReference("hello")),
        ("hello:live", None, FunctionReference("hello", "live")),
        ("hello", "$LATEST", FunctionReference("hello", "$LATEST")),
        ("000000000000:function:hello", None, FunctionReference("hello")),
        ("function:hello", None, FunctionReference("hello")),
        (ARN, None, FunctionReference("hello")),
        (f"{ARN}:3", "3", FunctionReference("hello", "3")),
        ("with.dots", None, FunctionReference("with.dots")),
        (f"{ARN}:$LATEST.PUBLISHED", None, FunctionReference("hello", "$LATEST.PUBLISHED")),
    ],
)
def test_every_form(text: str, qualifier: str | None, expected: FunctionReference) -> None:
    assert parse_reference(text, qualifier) == expected


def test_the_arn_is_qualified_only_if_the_caller_qualified_it() -> None:
    assert parse_reference("hello").arn == ARN
    assert parse_reference("hello", "$LATEST").arn == f"{ARN}:$LATEST"


def test_two_qualifiers_that_differ() -> None:
    with pytest.raises(InvalidParameterValue, match="does not match the specified qualifier"):
        parse_reference("hello:1", "2")


def test_another_region() -> None:
    with pytest.raises(ResourceNotFound, match="'eu-west-1' are not reachable in this region"):
        parse_reference("arn:aws:lambda:eu-west-1:000000000000:function:hello")


@pytest.mark.parametrize("form", ["arn:aws:lambda:us-east-1:{}:function:hello", "{}:function:hello"])
def test_another_account(form: str) -> None:
    with pytest.raises(AccessDenied, match="functions of 123456789012 aren't here"):
        parse_reference(form.format("123456789012"))


@pytest.mark.parametrize("text", ["", "a b", "arn:aws:s3:::bucket", "hello:", "héllo"])
def test_no_function_at_all(text: str) -> None:
    with pytest.raises(InvalidParameterValue):
        parse_reference(text)
