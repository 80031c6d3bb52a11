"""Documents, also such as nobody would write."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lablambda.rules import openapi_http, openapi_rest
from lablambda.rules.openapi import InvalidDocument, read_document

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
INTEGRATION = {
    "type": "aws_proxy",
    "httpMethod": "POST",
    "uri": FUNCTION,
    "payloadFormatVersion": "1.0",
    "requestParameters": {},
    "responses": {"default": {"statusCode": 200, "responseParameters": {}}},
}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.1",
    "info": {"title": "pets", "description": "d", "version": "1"},
    "servers": [{"url": "https://a.example/{s}/x", "variables": {"s": {"default": "v1"}}}],
    "security": [{"key": []}],
    "x-amazon-apigateway-request-validators": {"all": {"validateRequestBody": True}},
    "x-amazon-apigateway-request-validator": "all",
    "x-amazon-apigateway-gateway-responses": {"THROTTLED": {"statusCode": 420}},
    "x-amazon-apigateway-cors": {"allowOrigins": ["*"]},
    "paths": {
        "/pets/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True}],
            "get": {
                "security": [{"own": ["read"]}],
                "parameters": [{"$ref": "#/components/parameters/Q"}],
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}
                },
                "responses": {
                    "200": {"headers": {"X": {}}, "content": {"a/b": {"schema": {"type": "object"}}}}
                },
                "x-amazon-apigateway-auth": {"type": "NONE"},
                "x-amazon-apigateway-integration": INTEGRATION,
            },
        }
    },
    "components": {
        "parameters": {"Q": {"name": "q", "in": "query"}},
        "schemas": {"Pet": {"type": "object", "properties": {"self": {"$ref": "#/components/schemas/Pet"}}}},
        "securitySchemes": {
            "key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
            "own": {
                "type": "apiKey",
                "name": "Authorization",
                "x-amazon-apigateway-authorizer": {
                    "type": "request",
                    "authorizerUri": FUNCTION,
                    "authorizerResultTtlInSeconds": 0,
                    "authorizerPayloadFormatVersion": "2.0",
                },
            },
        },
    },
}


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(place for name, item in inner for place in places(item, (*here, name)))]


PLACES = places(DOCUMENT)[1:]
JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, 200, "", "x", "/", [], [1], [[]], {}, {"a": 1}, {"$ref": "#/x"}, {"$ref": 1}, {"a": []}]
)


def read_both(document: Any) -> None:
    """Either can be read, or is refused with words."""
    for encoded in (json.dumps(document), yaml.safe_dump(document)):
        for reading in (lambda read, base: openapi_rest.wanted(read, "api", base), openapi_http.wanted):
            try:
                read = read_document(encoded.encode())
                reading(read, read.base_path("prepend"))
            except InvalidDocument:
                continue


def test_the_document_itself() -> None:
    read = read_document(json.dumps(DOCUMENT).encode())
    rest, http = openapi_rest.wanted(read, "api", "/v1"), openapi_http.wanted(read, "")
    assert [(one.path, one.members["httpMethod"]) for one in rest.methods] == [("/v1/pets/{id}", "GET")]
    assert [one.members["routeKey"] for one in http.routes] == ["GET /pets/{id}"]
    assert [read.base_path(mode) for mode in ("ignore", "prepend", "split")] == ["", "/v1/x", "/x"]


@pytest.mark.parametrize("junk", [None, True, 200, "x", [1], {"a": 1}, {"$ref": "#/paths"}], ids=str)
def test_anything_anywhere(junk: Any) -> None:
    for place in PLACES:
        read_both(with_junk(place, junk))


def with_junk(place: tuple[Any, ...], junk: Any) -> Any:
    """The document with something else at a place."""
    document = copy.deepcopy(DOCUMENT)
    inner: Any = document
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = junk
    return document


@given(where=st.lists(st.tuples(st.sampled_from(PLACES), JUNK), min_size=1, max_size=4))
def test_much_of_it_at_once(where: list[tuple[tuple[Any, ...], Any]]) -> None:
    document = copy.deepcopy(DOCUMENT)
    for place, junk in where:
        inner: Any = document
        for name in place[:-1]:
            inner = inner[name] if isinstance(inner, dict | list) and name in places_of(inner) else None
        if isinstance(inner, dict) or (isinstance(inner, list) and place[-1] in places_of(inner)):
            inner[place[-1]] = copy.deepcopy(junk)
    read_both(document)


def places_of(value: Any) -> set[Any]:
    return set(value) if isinstance(value, dict) else set(range(len(value)))


@given(text=st.binary(max_size=200))
def test_any_bytes(text: bytes) -> None:
    with pytest.raises(InvalidDocument):
        read_document(text)


def test_yaml_is_read_as_json_would_say_it() -> None:
    read = read_document(
        b"openapi: 3.0.0\ninfo: {title: 1, version: 2026-01-01}\npaths: {/a: {get: {responses: {200: {}}}}}"
    )
    assert (read.title, read.info["version"]) == ("1", "2026-01-01")
    (operation,) = read.operations()
    assert operation.members["responses"] == {"200": {}}
    bomb = b"a: &a [1]\n" + b"".join(b"%c: &%c [*%c, *%c]\n" % (n + 1, n + 1, n, n) for n in range(97, 120))
    with pytest.raises(InvalidDocument, match="aliases"):
        read_document(bomb)
