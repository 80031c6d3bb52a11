"""Parameters that integrations get from requests, and answers from what integrations give.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from lablambda.model.http import Headers, HttpResponse
from lablambda.rules.access_log import flat
from lablambda.rules.http_event import parameters
from lablambda.rules.json_path import InvalidPath, parse_path, value_at
from lablambda.rules.rest_event import Call

_STATIC = re.compile(r"'([^']*)'")
_REQUEST_SOURCE = re.compile(
    r"method\.request\.(body(\.\S+)?|(path|querystring|multivaluequerystring|header|multivalueheader)\.\S+)"
    r"|context\.\S+|stageVariables\.\S+"
)
_RESPONSE_SOURCE = re.compile(
    r"integration\.response\.(body(\.\S+)?|(header|multivalueheader)\.\S+)|context\.\S+|stageVariables\.\S+"
)
_REQUEST_KEY = re.compile(r"integration\.request\.((path|querystring)\.\S+|header\.[\w!#$%&'*+.^`|~-]+)")
_RESPONSE_KEY = re.compile(r"method\.response\.(header|multivalueheader)\.[\w!#$%&'*+.^`|~-]+")


class InvalidMapping(Exception):
    """A mapping isn't one; the message says which."""


def check_request_mapping(mapping: Mapping[str, str]) -> None:
    """Raises InvalidMapping."""
    _check(mapping, _REQUEST_KEY, _REQUEST_SOURCE)


def check_response_mapping(mapping: Mapping[str, str]) -> None:
    """Raises InvalidMapping."""
    _check(mapping, _RESPONSE_KEY, _RESPONSE_SOURCE)


def _check(mapping: Mapping[str, str], key: re.Pattern[str], source: re.Pattern[str]) -> None:
    for name, expression in mapping.items():
        if not key.fullmatch(name) or not (_STATIC.fullmatch(expression) or source.fullmatch(expression)):
            raise InvalidMapping(f"Invalid mapping expression specified: {name} = {expression}")
        _, body, path = expression.partition(".body")
        if body and not _STATIC.fullmatch(expression):
            try:
                parse_path(f"${path}")
            except InvalidPath as error:
                raise InvalidMapping(str(error)) from None


def value_of(expression: str, call: Call) -> list[str]:
    """The values of `method.request.header.x`, `'text'`, `context.requestId` and so on; empty if there are none."""
    if static := _STATIC.fullmatch(expression):
        return [static[1]]
    place, _, name = expression.partition(".")
    if place == "stageVariables":
        return _one(call.stage_variables.get(name))
    if place == "context":
        return _one(flat(call.context).get(name))
    kind, _, name = name.removeprefix("request.").partition(".")
    match kind:
        case "path":
            return _one(call.path_variables.get(name))
        case "querystring":
            return parameters(call.request).get(name, [])[-1:]
        case "multivaluequerystring":
            return parameters(call.request).get(name, [])
        case "header":
            return _header(call.request.headers, name)[-1:]
        case "multivalueheader":
            return _header(call.request.headers, name)
        case "body":
            return _of_body(call.request.body, name)
    return []


def mapped_request(
    mapping: Mapping[str, str], call: Call
) -> tuple[Headers, dict[str, list[str]], dict[str, str]]:
    """Headers, query and path variables that the integration gets by the mapping."""
    headers: Headers = []
    query: dict[str, list[str]] = {}
    path: dict[str, str] = {}
    for key, expression in mapping.items():
        kind, _, name = key.removeprefix("integration.request.").partition(".")
        for value in value_of(expression, call):
            if kind == "header":
                headers.append((name.lower(), value))
            elif kind == "querystring":
                query.setdefault(name, []).append(value)
            else:
                path[name] = value
    return headers, query, path


def mapped_headers(mapping: Mapping[str, str], response: HttpResponse, call: Call) -> Headers:
    """The headers of the answer, by the mapping of what the integration gave."""
    return [
        (key.split(".", 3)[3].lower(), value)
        for key, expression in mapping.items()
        for value in _response_value(expression, response, call)
    ]


def _response_value(expression: str, response: HttpResponse, call: Call) -> list[str]:
    if not expression.startswith("integration.response."):
        return value_of(expression, call)
    kind, _, name = expression.removeprefix("integration.response.").partition(".")
    if kind == "body":
        return _of_body(response.body, name)
    values = _header(response.headers, name)
    return values if kind == "multivalueheader" else values[-1:]


def _header(headers: Headers, name: str) -> list[str]:
    return [value for key, value in headers if key == name.lower()]


def _of_body(body: bytes, path: str) -> list[str]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return [] if path else _one(body.decode("utf-8", "replace"))
    return _one(value_at(parse_path(f"$.{path}" if path else "$"), found))


def _one(value: Any) -> list[str]:
    if value is None:
        return []
    return [value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))]
