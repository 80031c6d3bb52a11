"""Values that a WebSocket API's authorizers and integrations name by where they are in an event.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-data-mapping.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lablambda.rules.access_log import flat
from lablambda.rules.websocket_routes import member

_TO_HEADER, _TO_QUERY = "integration.request.header.", "integration.request.querystring."


def value_of(expression: str, event: Mapping[str, Any]) -> str | None:
    """The value of `route.request.header.X`, `route.request.querystring.x`, `route.request.body.a.b`,
    `context.connectionId`, `stageVariables.x` or `'text'`; None if the event has none, or an empty one."""
    if len(expression) > 1 and expression[0] == expression[-1] == "'":
        return expression[1:-1]
    place, _, rest = expression.removeprefix("$").removeprefix("route.").partition(".")
    if place == "request":
        return _of_request(rest, event) or None
    if place == "stageVariables":
        return event.get("stageVariables", {}).get(rest) or None
    found = flat(event["requestContext"]).get(rest) if place == "context" else None
    return None if found in (None, "") else str(found)


def _of_request(name: str, event: Mapping[str, Any]) -> str | None:
    place, _, rest = name.partition(".")
    match place:
        case "header":
            headers: Mapping[str, str] = event.get("headers", {})
            return next((value for key, value in headers.items() if key.lower() == rest.lower()), None)
        case "querystring":
            queried: Mapping[str, str] = event.get("queryStringParameters", {})
            return queried.get(rest)
        case "body":
            try:
                return member(json.loads(event.get("body", "")), rest)
            except (ValueError, RecursionError):
                return None
    return None


def mapped(
    mapping: Mapping[str, str], event: Mapping[str, Any]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The headers and the query's parameters that a request to an integration gets."""
    headers: list[tuple[str, str]] = []
    query: list[tuple[str, str]] = []
    for key, expression in mapping.items():
        value = value_of(expression, event)
        if value is not None and key.startswith(_TO_HEADER):
            headers.append((key.removeprefix(_TO_HEADER).lower(), value))
        elif value is not None and key.startswith(_TO_QUERY):
            query.append((key.removeprefix(_TO_QUERY), value))
    return headers, query
