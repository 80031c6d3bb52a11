"""How the services process asks the lab: frames of `u32 length | JSON` on an inherited socket pair.

The services side asks from many threads and waits; the lab's side answers from its event loop.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from typing import Any

Message = dict[str, Any]
_ANSWER_WITHIN_S = 30.0


class LinkBroken(Exception):
    """The other side is gone or doesn't answer."""


class ServicesEnd:
    """The services process's end."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.settimeout(_ANSWER_WITHIN_S)
        self._turn = threading.Lock()

    def ask(self, message: Message) -> Message:
        """Send, and wait for the answer; one question at a time. Raises LinkBroken."""
        with self._turn:
            try:
                self._socket.sendall(_frame(message))
                (size,) = struct.unpack("!I", self._exactly(4))
                answer: Message = json.loads(self._exactly(size))
            except OSError as error:
                raise LinkBroken(str(error)) from None
            return answer

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            piece = self._socket.recv(size - len(data))
            if not piece:
                raise LinkBroken("the lab has gone")
            data += piece
        return bytes(data)


async def answer_all(end: socket.socket, answer: Callable[[Message], Awaitable[Message]]) -> None:
    """The lab's end: answer every message until the services process is gone."""
    reader, writer = await asyncio.open_connection(sock=end)
    try:
        while True:
            (size,) = struct.unpack("!I", await reader.readexactly(4))
            writer.write(_frame(await answer(json.loads(await reader.readexactly(size)))))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        return
    finally:
        writer.close()


def _frame(message: Message) -> bytes:
    data = json.dumps(message).encode()
    return struct.pack("!I", len(data)) + data
