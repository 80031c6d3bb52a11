"""Requests read and answers written as botocore's service models say, for the JSON protocols.

A service is loaded once; each operation is then a small plan of where its members come from, so that
nothing about shapes is typed again here or in the operations.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape

from lablambda.api import event_stream
from lablambda.httpserver import Request, Response
from lablambda.model.errors import InvalidRequestContent

Parameters = dict[str, Any]


class Operation:
    """One operation of a service's model, ready to read requests and write answers."""

    def __init__(self, model: OperationModel) -> None:
        self.name: str = model.name
        self.status: int = model.http.get("responseCode", 200)
        self.input: Shape | None = model.input_shape
        self.output: Shape | None = model.output_shape
        self._payload = self.input.serialization.get("payload") if self.input else None
        members = self.input.members if self.input else {}
        self._located = [
            (name, shape, shape.serialization.get("location", "body"), shape.serialization.get("name", name))
            for name, shape in members.items()
        ]
        self._queried = {wire for _, _, location, wire in self._located if location == "querystring"}
        self._content_type = (
            event_stream.CONTENT_TYPE if model.has_event_stream_output else "application/json"
        )
        self._answer_payload = self.output.serialization.get("payload") if self.output else None
        self._answered = [
            (name, shape, shape.serialization.get("location"), shape.serialization.get("name", name))
            for name, shape in (self.output.members if self.output else {}).items()
            if shape.serialization.get("location") != "statusCode"
        ]

    def read(self, request: Request, in_path: Mapping[str, str]) -> Parameters:
        """The input's members. Raises InvalidRequestContent if the body isn't JSON."""
        query = parse_qs(request.query, keep_blank_values=True) if request.query else {}
        body = self._read_body(request)
        parameters: Parameters = {}
        for name, shape, location, wire_name in self._located:
            if location == "uri":
                parameters[name] = _from_text(unquote(in_path[_group(wire_name)]), shape)
            elif location == "querystring":
                if shape.type_name == "map":  # all that has no name of its own
                    parameters[name] = {
                        key: values[-1] for key, values in query.items() if key not in self._queried
                    }
                elif wire_name in query:
                    values = query[wire_name]
                    parameters[name] = values if shape.type_name == "list" else _from_text(values[-1], shape)
            elif location in ("header", "headers"):
                text = request.headers.get(wire_name.lower())
                if text is not None:
                    parameters[name] = _from_text(text, shape)
            elif name == self._payload:
                parameters[name] = request.body if shape.type_name == "blob" else from_json(body, shape)
            elif body.get(wire_name) is not None:
                parameters[name] = from_json(body[wire_name], shape)
        return parameters

    def _read_body(self, request: Request) -> dict[str, Any]:
        """The JSON object in the body; empty when the body is a payload of its own."""
        if self._payload is not None or not request.body:
            return {}
        try:
            body = json.loads(request.body)
        except (ValueError, RecursionError) as error:
            raise InvalidRequestContent(f"Could not parse request body into json: {error}") from None
        if not isinstance(body, dict):
            raise InvalidRequestContent("Could not parse request body into json: an object was expected")
        return _without_lone_surrogates(body) if b"\\ud" in request.body.lower() else body

    def write(self, result: Mapping[str, Any], status: int | None = None) -> Response:
        """The answer that carries `result`, whose members are the output's."""
        status = status or self.status
        if self.output is None:
            return Response(status)
        headers: list[tuple[str, str]] = []
        body: dict[str, Any] = {}
        payload = self._answer_payload
        raw = None if payload is None else b""
        for name, shape, location, wire_name in self._answered:
            value = result.get(name)
            if value is None:
                continue
            if location == "header":
                headers.append((wire_name, str(value)))
            elif name == payload:
                raw = value if isinstance(value, bytes) else json.dumps(_to_json(value, shape)).encode()
            else:
                body[wire_name] = _to_json(value, shape)
        headers.append(("content-type", self._content_type))
        return Response(status, json.dumps(body).encode() if raw is None else raw, headers)


@dataclass(frozen=True, slots=True)
class _Route:
    """`query` is a fixed part (`List=ALL`) by which the model tells two operations of one path apart."""

    method: str
    pattern: re.Pattern[str]
    query: str
    operation: Operation


class Service:
    """A service's model: which operation a request means."""

    def __init__(self, name: str) -> None:
        self.model = ServiceModel(Loader().load_service_model(name, "service-2"), name)
        self.operations = {n: Operation(self.model.operation_model(n)) for n in self.model.operation_names}
        self.target_prefix: str | None = self.model.metadata.get("targetPrefix")
        self._routes = [] if self.target_prefix else [self._route(name) for name in self.operations]
        # The most fixed text first, so that `/functions/{n}/code` comes before `/functions/{n}`.
        self._routes.sort(key=lambda route: (not route.query, -len(route.pattern.pattern)))
        self._match_path = lru_cache(maxsize=1024)(self._find_route)

    def _route(self, name: str) -> _Route:
        http = self.model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        path = path.rstrip("/")
        parts = re.split(r"\{([\w-]+)(\+?)\}", path)
        pattern = ""
        for i in range(0, len(parts) - 1, 3):
            fixed, member, greedy = parts[i : i + 3]
            pattern += f"{re.escape(fixed)}(?P<{_group(member)}>{'.+' if greedy else '[^/]+'})"
        return _Route(
            http["method"], re.compile(f"{pattern}{re.escape(parts[-1])}/?"), query, self.operations[name]
        )

    def match(self, request: Request) -> tuple[Operation, dict[str, str]] | None:
        """The operation and the parts of the path that are its parameters; None if there is none."""
        if self.target_prefix is not None:
            prefix, _, name = request.headers.get("x-amz-target", "").partition(".")
            operation = self.operations.get(name) if prefix == self.target_prefix else None
            return None if operation is None else (operation, {})
        return self._match_path(request.method, request.path, request.query)

    def _find_route(self, method: str, path: str, query: str) -> tuple[Operation, dict[str, str]] | None:
        for route in self._routes:
            if (
                route.method == method
                and (not route.query or route.query in query.split("&"))
                and (found := route.pattern.fullmatch(path))
            ):
                return route.operation, found.groupdict()
        return None


# --------------------------------------------------------------------------------------------- values


def _group(member: str) -> str:
    """What a part of the path is called in a pattern, where names have no hyphens."""
    return member.replace("-", "_")


def _without_lone_surrogates(body: dict[str, Any]) -> dict[str, Any]:
    """JSON can escape half a character, which no UTF-8 can hold; AWS's Java writes a question mark."""
    whole: dict[str, Any] = json.loads(json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))
    return whole


def _from_text(text: str, shape: Shape) -> Any:
    """A value from a header or query; text that isn't one is left for validation to name."""
    if shape.type_name in ("integer", "long"):
        try:
            return int(text)
        except ValueError:
            return text
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(text.lower(), text)
    return text


def from_json(value: Any, shape: Shape) -> Any:
    """A value from JSON: unknown members dropped, blobs decoded; wrong types left for validation."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        return {
            name: from_json(value[wire], member)
            for name, member in shape.members.items()
            if value.get(wire := member.serialization.get("name", name)) is not None
        }
    if kind == "list" and isinstance(value, list):
        return [from_json(item, shape.member) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {key: from_json(item, shape.value) for key, item in value.items()}
    if kind == "blob" and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except ValueError:  # bad base64, or not even ASCII
            return value
    return value


def _to_json(value: Any, shape: Shape) -> Any:
    kind = shape.type_name
    if kind == "structure" and isinstance(value, Mapping):
        return {
            member.serialization.get("name", name): _to_json(value[name], member)
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if kind == "list":
        return [_to_json(item, shape.member) for item in value]
    if kind == "map":
        return {key: _to_json(item, shape.value) for key, item in value.items()}
    if kind == "blob":
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.timestamp()
    return value
