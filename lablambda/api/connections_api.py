"""API Gateway's calls on the connections of WebSocket APIs: send, look at, end.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from lablambda.api.shapes import Operation, Parameters, Service
from lablambda.api.validation import validate
from lablambda.httpserver import Request, Response
from lablambda.lab.connections import Live
from lablambda.lab.house import House
from lablambda.model.errors import Gone, RequestTooLarge, ResourceNotFound
from lablambda.rules.moments import iso
from lablambda.rules.websocket_limits import MESSAGE_BYTES, NORMAL
from lablambda.rules.websocket_result import frame_of

PREFIX = "/@connections/"


async def respond(house: House, request: Request, place: tuple[str, str] | None = None) -> Response:
    """Answer a call that is signed. `place` are the API and the stage at whose address it came; None is an address
    that all share. Raises LabError."""
    operation, parameters = _read(request)
    live = house.connections.find(parameters["ConnectionId"])
    if place not in (None, (live.connection.api_id, live.connection.stage)):
        raise Gone(f"The connection {parameters['ConnectionId']} isn't one of this stage.")
    return operation.write(_ANSWERS[operation.name](house, live, parameters))


def _read(request: Request) -> tuple[Operation, Parameters]:
    """The operation and its parameters; what the path has before PREFIX is a stage's."""
    path = PREFIX + request.path.partition(PREFIX)[2]
    asked = Request(request.method, path, request.query, request.headers, request.body)
    found = _service().match(asked)
    if found is None:
        raise ResourceNotFound(f"API Gateway has no call {request.method} {request.path} on connections")
    if len(request.body) > MESSAGE_BYTES:
        raise RequestTooLarge(f"A message may have {MESSAGE_BYTES} bytes at most")
    operation, in_path = found
    parameters = operation.read(asked, in_path)
    validate(parameters, operation.input)
    return operation, parameters


@functools.cache
def _service() -> Service:
    """Loaded for whoever first asks."""
    return Service("apigatewaymanagementapi")


def _get(_: House, live: Live, __: Parameters) -> Mapping[str, Any]:
    connection = live.connection
    identity = {"SourceIp": connection.source_ip, "UserAgent": connection.user_agent}
    return {
        "ConnectedAt": iso(connection.connected),
        "Identity": identity,
        "LastActiveAt": iso(live.last_active),
    }


def _post(house: House, live: Live, parameters: Parameters) -> Mapping[str, Any]:
    house.connections.post(live.connection.identity, frame_of(parameters["Data"]))
    return {}


def _delete(house: House, live: Live, _: Parameters) -> Mapping[str, Any]:
    house.connections.end(live, NORMAL)
    return {}


_ANSWERS = {"GetConnection": _get, "PostToConnection": _post, "DeleteConnection": _delete}
