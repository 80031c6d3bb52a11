"""A WebSocket client for tests that don't await.

`websockets` has one of its own, which reads and writes a TLS socket in two threads at once: before Python 3.13 that
loses data or worse, about once in two hundred connections.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

T = TypeVar("T")
_WITHIN_S = 30.0


class Socket:
    """A connection, used from outside of its event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: ClientConnection) -> None:
        self._loop = loop
        self._connection = connection
        self.subprotocol = connection.subprotocol

    def send(self, message: str | bytes) -> None:
        self._run(self._connection.send(message))

    def recv(self) -> str | bytes:
        """The next message. Raises ConnectionClosed."""
        return self._run(self._connection.recv())

    def ping(self) -> None:
        """Be sure that what was sent has been read."""

        async def ping() -> None:
            await (await self._connection.ping())

        self._run(ping())

    def close(self, code: int = 1000, reason: str = "") -> None:
        self._run(self._connection.close(code, reason))

    def ended(self) -> int:
        """Wait for the server to end the connection; the code it gives."""
        with pytest.raises(ConnectionClosed) as caught:
            self.recv()
        assert caught.value.rcvd is not None, "it broke"
        return caught.value.rcvd.code

    def _run(self, doing: Coroutine[Any, Any, T]) -> T:
        return _run(self._loop, doing)


class Sockets:
    """Makes connections, which trust `trust`. Its event loop runs in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    @contextmanager
    def connect(self, address: str, trust: ssl.SSLContext, **more: Any) -> Iterator[Socket]:
        """A connection, closed at the end. Raises InvalidStatus if it is refused."""

        async def begin() -> ClientConnection:
            return await connect(address, ssl=trust, compression=None, proxy=None, **more)

        connection = _run(self._loop, begin())
        try:
            yield Socket(self._loop, connection)
        finally:
            _run(self._loop, connection.close())

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _run(loop: asyncio.AbstractEventLoop, doing: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(asyncio.wait_for(doing, _WITHIN_S), loop).result()
