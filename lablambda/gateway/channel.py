"""A WebSocket, as the server gives it: whole messages in and out.

granian puts a message's frames together before anybody sees them. So a message has a limit here, and frames haven't
the 32 KB that they may have on AWS; nor is it told what a client gave as its reason for closing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import Any

from lablambda.model.errors import LimitExceeded
from lablambda.model.http import HttpResponse

_MOST_WAITING, _MOST_WAITING_BYTES = 1000, 1 << 20
_LEAVES_WITHIN_S = 5.0
_NO_CODE = 1005


class ClientLeft(Exception):
    """The connection is no more; `code` is the close code."""

    def __init__(self, code: int = _NO_CODE) -> None:
        super().__init__(code)
        self.code = code


class Channel:
    """One client's. What is sent waits in a queue of its own, so a slow client holds up nobody; if it takes too little
    the queue is full, and sending refused."""

    def __init__(self, receive: Any, send: Any) -> None:
        self._receive = receive
        self._send = send
        self._waiting: deque[str | bytes] = deque()
        self._size = 0
        self._writing: asyncio.Task[None] | None = None
        self._patience: asyncio.Timeout | None = None
        self._accepted = False
        self._closing: int | None = None
        self._left = False

    async def begin(self) -> None:
        """Hear that the client wants to connect. Raises ClientLeft."""
        if (await self._receive())["type"] != "websocket.connect":
            raise ClientLeft

    async def accept(self, subprotocol: str | None) -> None:
        """Let the client in. Raises ClientLeft."""
        self._accepted = True
        await self._send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": []})

    async def refuse(self, response: HttpResponse) -> None:
        """Answer the client that wanted to connect as any other HTTP request; does nothing once it is let in."""
        if self._accepted:
            return
        headers = [(name.encode(), value.encode("utf-8", "replace")) for name, value in response.headers]
        start = {"type": "websocket.http.response.start", "status": response.status, "headers": headers}
        with contextlib.suppress(RuntimeError):  # the client left meanwhile
            await self._send(start)
            await self._send({"type": "websocket.http.response.body", "body": response.body})

    async def receive(self) -> str | bytes:
        """The next message; none is heard any more once it is told to leave. Raises ClientLeft."""
        while True:
            try:
                async with asyncio.timeout(None) as self._patience:
                    if self._closing is not None:
                        self._hasten()
                    event = await self._receive()
            except TimeoutError:  # it was told to leave, and doesn't
                event = {"type": "websocket.disconnect"}
            if event["type"] != "websocket.receive":
                self._left = True
                raise ClientLeft(self._closing or event.get("code") or _NO_CODE)
            if self._closing is None:
                message: str | bytes | None = event.get("text")
                return bytes(event["bytes"]) if message is None else message

    def send(self, message: str | bytes) -> None:
        """Send it after those that wait. Raises LimitExceeded."""
        if self._closing is not None or self._left:
            return
        size = len(message)
        if len(self._waiting) >= _MOST_WAITING or self._size + size > _MOST_WAITING_BYTES:
            raise LimitExceeded("The client takes its messages too slowly: the buffer for them is full.")
        self._waiting.append(message)
        self._size += size
        self._write()

    def close(self, code: int) -> None:
        """End the connection after what waits has been sent; if that takes too long, before."""
        if self._closing is None and not self._left:
            self._closing = code
            self._hasten()
            self._write()

    def _hasten(self) -> None:
        if self._patience is not None:
            with contextlib.suppress(RuntimeError):  # nobody is receiving
                self._patience.reschedule(asyncio.get_running_loop().time() + _LEAVES_WITHIN_S)

    def _write(self) -> None:
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._write_all())

    async def _write_all(self) -> None:
        """What waits, and the end if it has come."""
        with contextlib.suppress(RuntimeError):  # the client has left, which receiving tells
            while self._waiting and not self._left:
                message = self._waiting.popleft()
                await self._send(
                    {"type": "websocket.send", "text" if isinstance(message, str) else "bytes": message}
                )
                self._size -= len(message)
            if self._closing is not None and not self._left:
                await self._send({"type": "websocket.close", "code": self._closing})

    async def end(self) -> None:
        """Let go of it."""
        self._left = True
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
