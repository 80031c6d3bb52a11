"""The Jupyter Server extension: the endpoints of the user's labs, below the server's own address and behind its login,
and what JupyterLab's panel asks of the labs.

It is what makes them open in a browser that isn't on the lab's machine, as behind a JupyterHub.
"""

from __future__ import annotations

import re
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from tornado.httputil import HTTPServerRequest
from tornado.routing import PathMatches, Rule
from tornado.web import RequestHandler

from lablambda.browser import PLACE
from lablambda.jupyter.server_extension import api, labs_api, live
from lablambda.jupyter.server_extension.clients import Clients
from lablambda.jupyter.server_extension.endpoints import EndpointHandler
from lablambda.jupyter.server_extension.labs import Labs
from lablambda.jupyter.server_extension.sockets import EndpointSocket


class Lablambda(ExtensionApp):
    """Its life is the server's."""

    name = "lablambda"

    def initialize_handlers(self) -> None:
        """Serve endpoints and the panel from now on."""
        assert self.serverapp is not None
        self._labs, self._clients = Labs(), Clients()
        place = f"{self.serverapp.base_url}{PLACE}"
        pattern, given = rf"{re.escape(place)}/.*", {"labs": self._labs, "place": place}
        rules = [
            Rule(_SocketPath(pattern), EndpointSocket, given),
            Rule(PathMatches(pattern), EndpointHandler, given),
            *_panel_rules(self._clients, self.serverapp.base_url),
        ]
        web_app: Any = self.serverapp.web_app  # Jupyter types it in part only
        web_app.add_handlers(".*$", rules)

    async def stop_extension(self) -> None:
        await self._labs.close()
        await self._clients.close()


def _panel_rules(clients: Clients, base: str) -> list[Rule]:
    def rule(path: str, handler: type[RequestHandler], **given: Any) -> Rule:
        return Rule(PathMatches(re.escape(base) + path), handler, given)

    return [
        rule(rf"{api.PLACE}/[^/]+/[^/]+/.*", api.ApiHandler, clients=clients, place=f"{base}{api.PLACE}"),
        rule(rf"{live.PLACE}/([^/]+)", live.LiveSocket, clients=clients),
        rule("lablambda/labs", labs_api.LabsHandler),
        rule("lablambda/labs/([^/]+)/functions/([^/]+)", labs_api.FunctionHandler, clients=clients),
        rule("lablambda/labs/([^/]+)/samples", labs_api.SamplesHandler, clients=clients),
    ]


class _SocketPath(PathMatches):
    """A path, if a WebSocket is wanted there."""

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        wanted = request.headers.get("Upgrade", "").lower() == "websocket"
        return super().match(request) if wanted else None
