"""The API of a lab for the panel in the browser: `lablambda/api/LAB/SERVICE/...`, behind Jupyter's login."""

from __future__ import annotations

from typing import Any

import aiohttp
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado.web import HTTPError, authenticated

from lablambda.jupyter.server_extension.clients import Clients, descriptor

PLACE = "lablambda/api"
RESOURCE = "lablambda"  # what Jupyter's authorizers know it by
_TOLD, _ANSWERED = ("content-type", "x-amz-"), ("content-type", "x-amz-", "x-amzn-", "x-lablambda-")
_SIGNATURES = ("x-amz-date", "x-amz-security-token", "x-amz-content-sha256")


class ApiHandler(APIHandler):
    """Passes a request on, signed with the lab's key."""

    auth_resource = RESOURCE

    def initialize(self, clients: Clients, place: str) -> None:
        self._clients, self._place = clients, place

    @authenticated
    @authorized
    async def get(self) -> None:
        """Ask the lab, and give its answer."""
        path = self.request.path.removeprefix(f"{self._place}/")
        name, _, path = path.partition("/")
        service, _, path = path.partition("/")
        target = f"/{path}?{self.request.query}" if self.request.query else f"/{path}"
        headers = {
            name.lower(): value
            for name, value in self.request.headers.items()
            if name.lower().startswith(_TOLD) and name.lower() not in _SIGNATURES
        }
        method, body = str(self.request.method), self.request.body
        try:
            asking = self._clients.request(
                descriptor(name), service, method, target, headers=headers, body=body
            )
            async with asking as answer:
                self._give(answer, await answer.read())
        except (aiohttp.ClientError, OSError) as error:
            self.log.warning("lablambda: %s", error)
            raise HTTPError(503, f"The lab {name} doesn't answer. See 'lablambda status'.") from None

    post = put = patch = delete = get

    def _give(self, answer: aiohttp.ClientResponse, body: bytes) -> None:
        self.set_status(answer.status, answer.reason)
        for name, value in answer.headers.items():
            if name.lower().startswith(_ANSWERED):
                self.set_header(name, value)
        kind = answer.headers.get("content-type", "application/json")
        finish: Any = self.finish  # Jupyter's takes more than tornado's, which it is typed as
        finish(body, set_content_type=kind)
