"""Signed requests on raw connections, as little as there can be around each: thousands a second from one process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

import httptools

from lablambda.config import Descriptor
from lablambda.connection import signed_headers

# A signature is good for fifteen minutes; the same bytes are sent for one.
_SIGN_EVERY_S = 60.0
Told = Callable[[int, bool], None]


class Signed:
    """The bytes of one request, signed anew now and then."""

    def __init__(self, descriptor: Descriptor, path: str, query: str, body: bytes) -> None:
        self._descriptor = descriptor
        self._path, self._query, self._body = path, query, body
        self._bytes = b""
        self._signed = -_SIGN_EVERY_S

    def get(self) -> bytes:
        """What to send now."""
        now = time.monotonic()
        if now - self._signed >= _SIGN_EVERY_S:
            self._bytes, self._signed = self._sign(), now
        return self._bytes

    def _sign(self) -> bytes:
        headers = signed_headers(
            self._descriptor, "lambda", "POST", self._path, query=self._query, body=self._body
        )
        target = f"{self._path}?{self._query}" if self._query else self._path
        lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, f"content-length: {len(self._body)}", "", ""]).encode() + self._body


class Wire(asyncio.Protocol):
    """A kept connection with at most one request under way."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._told: Told | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._failed = False
        self.open = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by class

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.open = False
        self._tell(0)

    def send(self, request: bytes, told: Told) -> None:
        """Send it; `told` hears the answer's status (0 if none comes), and whether the function failed."""
        assert self._transport is not None
        self._told, self._failed = told, False
        self._transport.write(request)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:  # noqa: ARG002 - httptools' signature
        if name.lower() == b"x-amz-function-error":
            self._failed = True

    def on_message_complete(self) -> None:
        self.open = self._parser.should_keep_alive()
        status = self._parser.get_status_code()
        self._parser = httptools.HttpResponseParser(self)
        self._tell(status)

    def _tell(self, status: int) -> None:
        told, self._told = self._told, None
        if told is not None:
            told(status, self._failed)


class Wires:
    """Connections to one lab: an idle one if there is one, else another."""

    def __init__(self, descriptor: Descriptor) -> None:
        address = urlsplit(descriptor.endpoint)
        self._host, self._port = address.hostname or "", address.port or 0
        self._idle: list[Wire] = []
        self._all: set[Wire] = set()

    async def send(self, request: bytes, told: Told) -> None:
        """Send it on a connection that is new; raises OSError if there can't be one."""
        _, wire = await asyncio.get_running_loop().create_connection(Wire, self._host, self._port)
        self._all.add(wire)
        self._send_on(wire, request, told)

    def send_on_idle(self, request: bytes, told: Told) -> bool:
        """Send it at once if there is an idle connection; else False."""
        while self._idle:
            wire = self._idle.pop()
            if wire.open:
                self._send_on(wire, request, told)
                return True
        return False

    def _send_on(self, wire: Wire, request: bytes, told: Told) -> None:
        def answered(status: int, failed: bool) -> None:
            if wire.open:
                self._idle.append(wire)
            told(status, failed)

        wire.send(request, answered)

    def close(self) -> None:
        for wire in self._all:
            wire.close()
