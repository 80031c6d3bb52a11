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

_CHUNK = 1 << 16  # larger ones come from mmap anew each time, at 20 us
_MOST = RESPONSE_BYTES + 65_536
_ENOUGH = 1 << 20  # read ahead; the process has to wait then, until somebody takes its frames


class Kind(IntEnum):
    INVOKE = 1
    READY = 2
    INIT_ERROR = 3
    RESPONSE = 4
    ERROR = 5
    START = 6
    STREAM = 7
    CHUNK = 8
    END = 9
    FATAL = 10


_KINDS = frozenset(Kind)


class ChannelClosed(Exception):
    """The other end is gone, or sent what no runtime sends."""


class NotSent(ChannelClosed):
    """The other end was gone before it could take the event."""


class Channel:
    """The lab's end. One reader at a time, and it stays registered with the event loop: registering it
    anew for every answer costs two system calls."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self._buffer = bytearray()
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Future[None] | None = None
        self._broken: str | None = None
        self._reads = True
        self._loop.add_reader(end, self._read)

    def start(self, message: dict[str, Any]) -> None:
        """Tell the process what it is to be. It always fits into the socket's buffer."""
        body = json.dumps(message).encode()
        with contextlib.suppress(OSError):  # it is gone already, and `receive` will say so
            self._socket.send(struct.pack("!IB", len(body) + 1, Kind.START) + body)

    async def invoke(self, header: dict[str, Any], payload: bytes, deadline: float) -> None:
        """Hand over an event. Raises TimeoutError at `deadline` (the event loop's time)."""
        head = json.dumps(header).encode()
        size = 1 + 4 + len(head) + len(payload)
        frame = b"".join((struct.pack("!IBI", size, Kind.INVOKE, len(head)), head, payload))
        if self._broken is not None:
            raise NotSent(self._broken)
        try:
            sent = self._send_now(frame)
            if sent < len(frame):
                async with asyncio.timeout_at(deadline):
                    await self._loop.sock_sendall(self._socket, memoryview(frame)[sent:])
        except TimeoutError:  # an OSError too
            raise
        except OSError as error:
            raise NotSent(str(error)) from None

    def _send_now(self, frame: bytes) -> int:
        """What the socket takes at once: nearly always all of it, without a turn of the event loop."""
        try:
            return self._socket.send(frame)
        except BlockingIOError:
            return 0

    async def receive(self, deadline: float) -> tuple[Kind, bytes]:
        """Wait for the next frame. Raises TimeoutError at `deadline` (the event loop's time)."""
        # A timer of our own: asyncio.timeout costs three times as much, and every invocation has one.
        timer = self._loop.call_at(deadline, self._expire)
        try:
            while (frame := self._take()) is None:
                if self._broken is not None:
                    raise ChannelClosed(self._broken)
                self._waiting = self._loop.create_future()
                await self._waiting
        finally:
            timer.cancel()
        return frame

    def _expire(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(TimeoutError())

    def _read(self) -> None:
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            data, self._broken = b"", str(error)
        if data:
            self._buffer += data
            if len(self._buffer) > _ENOUGH and self._has_frame():
                self._pause()
        else:
            self._broken = self._broken or "end of stream"
            self._pause()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _take(self) -> tuple[Kind, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 5:
            return None
        size, kind = struct.unpack_from("!IB", buffer)
        if not 1 <= size <= _MOST or kind not in _KINDS:
            raise ChannelClosed(f"a frame of kind {kind} and {size} bytes")
        if len(buffer) < 4 + size:
            return None
        body = bytes(buffer[5 : 4 + size])
        del buffer[: 4 + size]
        if not self._reads and self._broken is None and (len(buffer) <= _ENOUGH or not self._has_frame()):
            self._reads = True
            self._loop.add_reader(self._socket, self._read)
        return Kind(kind), body

    def _has_frame(self) -> bool:
        """Whether there is something to take, be it whole or wrong."""
        size: int = struct.unpack_from("!I", self._buffer)[0] if len(self._buffer) >= 4 else _MOST
        return size > _MOST or len(self._buffer) >= 4 + size

    def _pause(self) -> None:
        self._reads = False
        self._loop.remove_reader(self._socket)

    def release(self) -> socket.socket:
        """Give the socket to somebody else; this is no channel any more."""
        if self._broken is None:
            self._loop.remove_reader(self._socket)
            self._broken = "released"
        return self._socket

    def no_more(self) -> None:
        """The process is gone: what it sent can still be read, then comes ChannelClosed.

        Needed because a process that the handler left behind may hold the other end open.
        """
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        if self._broken is None:
            self._loop.remove_reader(self._socket)
            self._broken = "closed"
        self._socket.close()
