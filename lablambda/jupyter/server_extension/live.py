"""What happens in a lab, for the panel in the browser: a WebSocket at `lablambda/live/LAB`.

Each message is a line of the lab's own live stream, a `Tick`; or, while no such lab runs, `{"absent": why}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from urllib.parse import unquote

import aiohttp
from jupyter_server.auth.decorator import authorized, ws_authenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from lablambda.jupyter.server_extension.api import RESOURCE
from lablambda.jupyter.server_extension.clients import Clients, descriptor

PLACE = "lablambda/live"
_LOOK_EVERY_S = 1.0  # for a lab that isn't there: its note is all that tells of it


class LiveSocket(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """Watches the lab for as long as the browser listens, also when it ends and another takes its name."""

    auth_resource = RESOURCE

    def initialize(self, clients: Clients) -> None:
        self._clients = clients
        self._watching: asyncio.Task[None] | None = None

    @ws_authenticated
    @authorized
    async def get(self, name: str) -> None:
        self._name = unquote(name)
        await super().get(name)

    def open(self, *args: str, **kwargs: str) -> None:
        super().open(*args, **kwargs)
        self._watching = asyncio.ensure_future(self._watch())

    def on_message(self, message: str | bytes) -> None:
        """The browser has nothing to say."""

    def on_close(self) -> None:
        super().on_close()
        if self._watching is not None:
            self._watching.cancel()

    async def _watch(self) -> None:
        told = ""
        with contextlib.suppress(WebSocketClosedError):
            while True:
                try:
                    await self._pass_on()
                    told = ""
                except HTTPError as absent:
                    if told != absent.log_message:
                        told = str(absent.log_message)
                        await self.write_message(json.dumps({"absent": told}))
                await asyncio.sleep(_LOOK_EVERY_S)

    async def _pass_on(self) -> None:
        """The lab's lines, to its end. Raises HTTPError if there is no such lab."""
        lab = descriptor(self._name)
        with contextlib.suppress(aiohttp.ClientError, OSError):
            async with self._clients.request(lab, "lablambda", "GET", "/lablambda/live") as answer:
                async for line in answer.content:
                    await self.write_message(line)
