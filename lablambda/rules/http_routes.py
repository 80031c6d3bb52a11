"""Which route of an HTTP API a request takes.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

DEFAULT = "$default"
METHODS = ("ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_VARIABLE = re.compile(r"\{([A-Za-z0-9_.:-]+)(\+?)\}")
_FIXED, _ONE, _REST = 0, 1, 2


class InvalidRouteKey(Exception):
    """A route key isn't one; the message says why."""


@dataclass(frozen=True, slots=True)
class Segment:
    """`kind` is fixed text, one segment of any text, or all the rest."""

    kind: int
    text: str


@dataclass(frozen=True, slots=True)
class RouteKey:
    """`GET /pets/{id}`, read."""

    method: str
    segments: tuple[Segment, ...]

    @property
    def rank(self) -> tuple[bool, tuple[int, ...], bool]:
        """Of the routes that fit a request, the lowest is taken: first those that match it in full, then by the first
        segment that differs, and of equal paths by the method."""
        kinds = tuple(segment.kind for segment in self.segments)
        return _REST in kinds, kinds, self.method == "ANY"

    def variables(self, method: str, path: list[str]) -> dict[str, str] | None:
        """The variables of the path (its segments, decoded); None if it doesn't fit."""
        if self.method not in (method, "ANY"):
            return None
        greedy = bool(self.segments) and self.segments[-1].kind == _REST
        if len(path) < len(self.segments) or (len(path) > len(self.segments) and not greedy):
            return None
        found: dict[str, str] = {}
        for number, segment in enumerate(self.segments):
            value = "/".join(path[number:]) if segment.kind == _REST else path[number]
            if segment.kind == _FIXED:
                if value != segment.text:
                    return None
            elif not value:
                return None
            else:
                found[segment.text] = value
        return found


def parse_route_key(text: str) -> RouteKey | None:
    """Read a route key of an HTTP API; None for `$default`. Raises InvalidRouteKey."""
    if text == DEFAULT:
        return None
    method, _, path = text.partition(" ")
    if method not in METHODS or not path.startswith("/"):
        raise InvalidRouteKey(
            "The provided route key is not formatted properly for HTTP protocol. Format should be "
            '"<HTTP METHOD> /<RESOURCE PATH>" or "$default"'
        )
    segments = tuple(map(_segment, _split(path)))
    if any(segment.kind == _REST for segment in segments[:-1]):
        raise InvalidRouteKey("A greedy path variable must be the last part of a route's path")
    names = [segment.text for segment in segments if segment.kind != _FIXED]
    if len(set(names)) < len(names):
        raise InvalidRouteKey("A route's path variables must have names of their own")
    return RouteKey(method, segments)


def _segment(text: str) -> Segment:
    if found := _VARIABLE.fullmatch(text):
        return Segment(_REST if found[2] else _ONE, found[1])
    if "{" in text or "}" in text:
        raise InvalidRouteKey(f"'{text}' is neither text nor a path variable such as {{id}} or {{proxy+}}")
    return Segment(_FIXED, text)


def _split(path: str) -> list[str]:
    """`/` has no segments; `/a/` has two, the second empty."""
    return path[1:].split("/") if path != "/" else []


class Routes:
    """An API's routes, by their members, ready to be asked."""

    def __init__(self, routes: Iterable[Mapping[str, Any]]) -> None:
        self._default: Mapping[str, Any] | None = None
        found: list[tuple[RouteKey, Mapping[str, Any]]] = []
        for members in routes:
            key = parse_route_key(members["RouteKey"])
            if key is None:
                self._default = members
            else:
                found.append((key, members))
        self._routes = sorted(found, key=lambda route: route[0].rank)

    def match(self, method: str, path: str) -> tuple[Mapping[str, Any], dict[str, str]] | None:
        """The route's members and the path's variables; None if nothing fits. `path` is percent-encoded."""
        segments = [unquote(segment) for segment in _split(path)]
        for key, members in self._routes:
            variables = key.variables(method, segments)
            if variables is not None:
                return members, variables
        return None if self._default is None else (self._default, {})
