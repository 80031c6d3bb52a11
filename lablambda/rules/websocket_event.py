"""What happens on a connection as a function's event.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lablambda.model.http import HttpRequest
from lablambda.model.websocket import Connection
from lablambda.rules.header_names import spelt
from lablambda.rules.http_event import clf_time, parameters
from lablambda.rules.websocket_limits import reason
from lablambda.rules.websocket_routes import CONNECT, DISCONNECT

_HOP = frozenset({"connection", "upgrade"})  # AWS's front keeps these to itself


def context(
    connection: Connection, kind: str, route_key: str, request_id: str, now: float, **more: Any
) -> dict[str, Any]:
    """`requestContext`. `kind` is CONNECT, MESSAGE or DISCONNECT, `now` is in seconds since 1970."""
    found: dict[str, Any] = {
        "routeKey": route_key,
        **more,
        "eventType": kind,
        "extendedRequestId": request_id,
        "requestTime": clf_time(now),
        "messageDirection": "IN",
        "stage": connection.stage,
        "connectedAt": int(connection.connected * 1000),
        "requestTimeEpoch": int(now * 1000),
        "identity": {
            **connection.caller,
            "userAgent": connection.user_agent,
            "sourceIp": connection.source_ip,
        },
        "requestId": request_id,
        "domainName": connection.domain,
        "connectionId": connection.identity,
        "apiId": connection.api_id,
    }
    return found if connection.authorizer is None else {**found, "authorizer": connection.authorizer}


def connect_event(
    connection: Connection, request: HttpRequest, request_id: str, now: float
) -> dict[str, Any]:
    """A client wants to connect: with its headers and query, which nothing after this has."""
    several: dict[str, list[str]] = {}
    for name, value in request.headers:
        if name not in _HOP:
            several.setdefault(spelt(name), []).append(value)
    queried = parameters(request)
    event = {
        "headers": _last(several),
        "multiValueHeaders": several,
        "requestContext": context(connection, "CONNECT", CONNECT, request_id, now),
        "isBase64Encoded": False,
    }
    if queried:
        event |= {"queryStringParameters": _last(queried), "multiValueQueryStringParameters": queried}
    return event


def message_event(
    connection: Connection, message: str, route_key: str, request_id: str, now: float
) -> dict[str, Any]:
    """A message came."""
    told = context(connection, "MESSAGE", route_key, request_id, now, messageId=request_id)
    return {"requestContext": told, "body": message, "isBase64Encoded": False}


def disconnect_event(connection: Connection, code: int, request_id: str, now: float) -> dict[str, Any]:
    """The connection has ended, with that close code."""
    told = context(
        connection,
        "DISCONNECT",
        DISCONNECT,
        request_id,
        now,
        disconnectStatusCode=code,
        disconnectReason=reason(code),
    )
    headers = {"Host": connection.domain, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    return {
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": told,
        "isBase64Encoded": False,
    }


def authorizer_event(event: Mapping[str, Any], method_arn: str) -> dict[str, Any]:
    """The event of a client that wants to connect, as its authorizer gets it."""
    kept = {name: value for name, value in event.items() if name != "isBase64Encoded"}
    absent: dict[str, Any] = {
        "queryStringParameters": {},
        "multiValueQueryStringParameters": {},
        "stageVariables": {},
    }
    return {"type": "REQUEST", "methodArn": method_arn, **absent, **kept}


def _last(several: Mapping[str, list[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in several.items()}
