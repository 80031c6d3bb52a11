"""The HTTPS port: HTTP/1.1, HTTP/2 and WebSocket over TLS, by granian.

granian is the one server that has all of them, tells the path as it was sent (`raw_path`, without which signatures
can't be verified) and was near the fastest when measured; what it serves is a plain ASGI application.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import resource
from collections.abc import Awaitable, Callable
from typing import Any

from granian.constants import Interfaces, SSLProtocols
from granian.http import HTTP1Settings, HTTP2Settings
from granian.server.embed import Server

from lablambda.gateway.certificates import ServerFiles
from lablambda.gateway.ports import free_port
from lablambda.rules.addresses import LOOPBACK

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]
_BACKLOG = 2048
# For a request's headers, and for how long a connection may wait for its next request: there is one limit for both,
# and clients that keep a connection expect it to last for a while.
_HEADERS_WITHIN_MS = 60_000
_SHARE_OF_FILES = 0.75  # the lab needs the rest for its environments and its API
_MOST_HEADER_BYTES = 64 * 1024
_STARTS_WITHIN_S, _STOPS_WITHIN_S = 60.0, 5.0  # a machine may be very busy


class Listener:
    """Serves `application` on `port` of the address `host`, once it is opened."""

    def __init__(self, application: Application, host: str, port: int) -> None:
        self._application = application
        self._host, self._port = host, port
        self._server: Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def open(self, files: ServerFiles) -> None:
        """Listen. Raises OSError if the port was taken meanwhile."""
        free_port(self._port, self._host)
        self._server = Server(
            self._application,
            address=self._host,
            port=self._port,
            interface=Interfaces.ASGINL,
            backlog=_BACKLOG,
            backpressure=_most_connections(),
            http1_settings=HTTP1Settings(
                header_read_timeout=_HEADERS_WITHIN_MS, max_buffer_size=_MOST_HEADER_BYTES
            ),
            http2_settings=HTTP2Settings(max_headers_size=_MOST_HEADER_BYTES),
            log_enabled=False,
            ssl_cert=files.certificate,
            ssl_key=files.key,
            ssl_protocol_min=SSLProtocols.tls12,
        )
        logging.getLogger("_granian").setLevel(logging.CRITICAL)  # it logs what clients do wrong
        self._serving = asyncio.ensure_future(self._server.serve())
        await self._wait_until_it_answers()

    async def _wait_until_it_answers(self) -> None:
        """granian doesn't say when it listens."""
        assert self._serving is not None
        async with asyncio.timeout(_STARTS_WITHIN_S):
            while True:
                if self._serving.done():
                    self._serving.result()
                    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection(LOOPBACK, self._port)
                    writer.close()
                    return
                await asyncio.sleep(0.005)

    async def close(self) -> None:
        """Listen no more; requests that are being answered are cut off after a while."""
        if self._server is not None and self._serving is not None:
            self._server.stop()  # type: ignore[no-untyped-call] # granian's has no types
            await asyncio.wait({self._serving}, timeout=_STOPS_WITHIN_S)
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)


def _most_connections() -> int:
    """As many as the system lets be open: granian counts idle ones too, and beyond that lets nobody in."""
    return int(resource.getrlimit(resource.RLIMIT_NOFILE)[0] * _SHARE_OF_FILES)
