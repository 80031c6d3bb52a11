"""Which route of a WebSocket API a message takes.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-routes.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

CONNECT, DISCONNECT, DEFAULT = "$connect", "$disconnect", "$default"
_WHOLE = re.compile(r"\$(request\.body\.[^\s${}]+)")
_BRACED = re.compile(r"\$\{([^}]*)\}")
_BODY = "request.body."


def selected(expression: str, message: str) -> str | None:
    """The route key that `$request.body.action`, or a text with `${request.body.a.b}` in it, makes of a message; None
    if that isn't JSON or lacks what the expression names."""
    try:
        body = json.loads(message)
    except (ValueError, RecursionError):
        return None
    if whole := _WHOLE.fullmatch(expression):
        return member(body, whole[1].removeprefix(_BODY))
    values: list[str | None] = []

    def put_in(found: re.Match[str]) -> str:
        of_body = found[1].startswith(_BODY)
        values.append(member(body, found[1].removeprefix(_BODY)) if of_body else None)
        return values[-1] or ""

    key = _BRACED.sub(put_in, expression)
    return None if None in values else key


def member(body: Any, path: str) -> str | None:
    """A text, number or boolean by its path (`a.b`), as text; None if there is none."""
    for name in path.split("."):
        if not isinstance(body, dict) or name not in body:
            return None
        body = body[name]
    if isinstance(body, str):
        return body
    return json.dumps(body) if isinstance(body, bool | int | float) else None


def route_of(routes: Iterable[Mapping[str, Any]], key: str) -> Mapping[str, Any] | None:
    """The route with that key."""
    return next((route for route in routes if route["RouteKey"] == key), None)


def route_for(routes: Iterable[Mapping[str, Any]], expression: str, message: str) -> Mapping[str, Any] | None:
    """The route of a message: the one that it selects, else `$default`. A message can't take the routes of connecting
    and disconnecting."""
    by_key = {route["RouteKey"]: route for route in routes if route["RouteKey"] not in (CONNECT, DISCONNECT)}
    return by_key.get(selected(expression, message) or DEFAULT) or by_key.get(DEFAULT)
