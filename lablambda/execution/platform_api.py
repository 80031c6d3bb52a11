"""What AWS serves inside an environment, over HTTP on a loopback port of its own: the Runtime API and the
Extensions API.

Sources: Using the Lambda runtime API, https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, and
Lambda Extensions API, https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html

The other users of a machine reach its loopback too, and other environments do, so a client is admitted only if its
socket is the lab's own user's, and not of another environment.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable

from lablambda.execution.api_error import ApiFault, render
from lablambda.execution.extensions import Extensions
from lablambda.execution.runtime_session import RESPONSE_MODE, RuntimeSession
from lablambda.execution.socket_owner import socket_owner
from lablambda.httpserver import HttpServer, Request, Response

HOST = "127.0.0.1"
_RUNTIME = "/2018-06-01/runtime/"
_EXTENSION = "/2020-01-01/extension/"
# AWS's emulator answers these so: what asks for them goes on without.
_NOT_SUPPORTED = {
    "/2022-07-01/telemetry": ("Telemetry.NotSupported", "Telemetry API is not supported"),
    "/2020-08-15/logs": ("Logs.NotSupported", "Logs API is not supported"),
}


class PlatformApi:
    """One environment's. `runtime` is there for a runtime that talks HTTP; `extensions` for all. `may_use` says of a
    socket's inode whether it may lead here."""

    def __init__(
        self,
        extensions: Extensions,
        runtime: RuntimeSession | None,
        may_use: Callable[[int], bool] = lambda _: True,
    ) -> None:
        self._may_use = may_use
        self.extensions = extensions
        self.runtime = runtime
        self.address = ""
        self._server = HttpServer(self._respond, streams=_is_streamed, admits=self._admits)
        self._port = 0

    async def start(self) -> None:
        """Serve, at `address` from then on."""
        self._port = await self._server.start(HOST, 0)
        self.address = f"{HOST}:{self._port}"

    async def close(self) -> None:
        await self._server.close()

    async def _respond(self, request: Request) -> Response:
        try:
            return await self._route(request)(request)
        except ApiFault as fault:
            return render(fault)

    def _route(self, request: Request) -> Callable[[Request], Awaitable[Response]]:
        path = request.path
        if path.startswith(_RUNTIME) and self.runtime is not None:
            return self.runtime.route(request.method, path.removeprefix(_RUNTIME))
        if path.startswith(_EXTENSION):
            return self.extensions.route(request.method, path.removeprefix(_EXTENSION))
        if path in _NOT_SUPPORTED:
            return _not_supported
        raise ApiFault(404, "NotFound", f"There is no {request.method} {path}")

    def _admits(self, peer: tuple[str, int]) -> bool:
        owner = socket_owner(peer, (HOST, self._port))
        return owner is not None and owner.user == os.getuid() and self._may_use(owner.inode)


async def _not_supported(request: Request) -> Response:
    kind, message = _NOT_SUPPORTED[request.path]
    body = json.dumps({"errorType": kind, "errorMessage": message}).encode()
    return Response(202, body, [("content-type", "application/json")])


def _is_streamed(request: Request) -> bool:
    return request.headers.get(RESPONSE_MODE) == "streaming" and request.path.endswith("/response")
