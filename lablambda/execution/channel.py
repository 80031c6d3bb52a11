"""Frames between the lab and one environment, over an inherited socket pair.

The format is told in `runtimes/python/bootstrap.py`: `u32 length | u8 kind | body`. Events and answers
are bytes here, never parsed. The other end is a handler's process and isn't trusted: a frame over the
limit ends the conversation.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from enum import IntEnum
from typing import Any

from lablambda.rules.limits import RESPONSE_BYTES

_CHUNK = 1 << 18
_MOST = RESPONSE_BYTES + 65_536


class Kind(IntEnum):
    INVOKE = 1
    READY = 2
    INIT_ERROR = 3
    RESPONSE = 4
    ERROR = 5


class ChannelClosed(Exception):
    """The other end is gone, or sent what no runtime sends."""


class Channel:
    """The lab's end."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self._buffer = bytearray()
        self._loop = asyncio.get_running_loop()

    async def invoke(self, header: dict[str, Any], payload: bytes) -> None:
        """Hand over an event."""
        head = json.dumps(header).encode()
        size = 1 + 4 + len(head) + len(payload)
        frame = b"".join((struct.pack("!IBI", size, Kind.INVOKE, len(head)), head, payload))
        try:
            await self._loop.sock_sendall(self._socket, frame)
        except OSError as error:
            raise ChannelClosed(str(error)) from None

    async def receive(self) -> tuple[Kind, bytes]:
        """Wait for the next frame."""
        while True:
            frame = self._take()
            if frame is not None:
                return frame
            try:
                data = await self._loop.sock_recv(self._socket, _CHUNK)
            except OSError as error:
                raise ChannelClosed(str(error)) from None
            if not data:
                raise ChannelClosed("end of stream")
            self._buffer += data

    def _take(self) -> tuple[Kind, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 5:
            return None
        size, kind = struct.unpack_from("!IB", buffer)
        if not 1 <= size <= _MOST or kind not in Kind.__members__.values():
            raise ChannelClosed(f"a frame of kind {kind} and {size} bytes")
        if len(buffer) < 4 + size:
            return None
        body = bytes(buffer[5 : 4 + size])
        del buffer[: 4 + size]
        return Kind(kind), body

    def ended(self) -> bool:
        """Whether the other end is gone already, without waiting for anything."""
        try:
            return not self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def no_more(self) -> None:
        """The process is gone: what it sent can still be read, then comes ChannelClosed.

        Needed because a process that the handler left behind may hold the other end open.
        """
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        self._socket.close()
