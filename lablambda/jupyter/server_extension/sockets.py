"""WebSockets of endpoints, passed through message by message."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import aiohttp
from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from lablambda.jupyter.server_extension.endpoints import login
from lablambda.jupyter.server_extension.labs import NO_ANSWER, Labs

_NOT_TO_BE_SENT = (1005, 1006)  # codes that tell of an end without a code


class EndpointSocket(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """The lab's side is opened first: if it refuses, so does this."""

    def initialize(self, labs: Labs, place: str) -> None:
        self._labs, self._before = labs, place
        self._lab: aiohttp.ClientWebSocketResponse | None = None
        self._reading: asyncio.Task[None] | None = None

    @ws_authenticated
    async def get(self) -> None:
        passage = self._labs.passage(self.request, self._before, *login(self))
        offered = self.request.headers.get("Sec-WebSocket-Protocol", "")
        try:
            self._lab = await self._labs.session().ws_connect(
                passage.address,
                headers=passage.headers,
                protocols=[name.strip() for name in offered.split(",") if name.strip()],
                max_msg_size=0,
            )
        except aiohttp.WSServerHandshakeError as refused:
            raise HTTPError(refused.status) from None
        except (aiohttp.ClientError, OSError) as error:
            self.log.warning("lablambda: %s", error)
            raise HTTPError(503, NO_ANSWER) from None
        await super().get()

    def select_subprotocol(self, _: list[str]) -> str | None:
        return self._lab.protocol if self._lab is not None else None

    def open(self, *args: str, **kwargs: str) -> None:
        super().open(*args, **kwargs)
        self._reading = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        """What the lab sends, to the browser, until one of them ends it."""
        lab = self._lab
        assert lab is not None
        with contextlib.suppress(WebSocketClosedError):
            async for message in lab:
                await self.write_message(message.data, binary=message.type is aiohttp.WSMsgType.BINARY)
        code = lab.close_code
        self.close(None if code in _NOT_TO_BE_SENT else code)

    async def on_message(self, message: Any) -> None:
        assert self._lab is not None
        with contextlib.suppress(ConnectionError, aiohttp.ClientError):  # the reader hears of the end
            await (self._lab.send_bytes if isinstance(message, bytes) else self._lab.send_str)(message)

    def on_close(self) -> None:
        super().on_close()
        if self._lab is not None and not self._lab.closed:
            code = self.close_code
            sent = 1000 if code is None or code in _NOT_TO_BE_SENT else code
            self._ending = asyncio.ensure_future(self._lab.close(code=sent))
