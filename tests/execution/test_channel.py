"""The lab's end of the channel, against a worker that behaves badly."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator

import pytest

from lablambda.execution.channel import Channel, ChannelClosed, Kind
from lablambda.rules.limits import RESPONSE_BYTES

pytestmark = pytest.mark.anyio
SOON = 1e9  # of the event loop's time: no deadline


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def frame(kind: int, body: bytes) -> bytes:
    return struct.pack("!IB", len(body) + 1, kind) + body


async def test_frames_arrive_whole_however_they_are_cut(ends: tuple[socket.socket, socket.socket]) -> None:
    channel = Channel(ends[0])
    for byte in frame(Kind.READY, b"") + frame(Kind.RESPONSE, b"answer"):
        ends[1].send(bytes([byte]))
    assert await channel.receive(SOON) == (Kind.READY, b"")
    assert await channel.receive(SOON) == (Kind.RESPONSE, b"answer")


async def test_an_event_larger_than_the_sockets_buffer(ends: tuple[socket.socket, socket.socket]) -> None:
    payload = b"x" * 5_000_000
    channel = Channel(ends[0])
    sending = asyncio.ensure_future(channel.invoke({"request_id": "r"}, payload, SOON))
    read = await asyncio.to_thread(_read_frame, ends[1])
    await sending
    assert read.endswith(payload)
    assert read[:1] == bytes([Kind.INVOKE])


def _read_frame(end: socket.socket) -> bytes:
    file = end.makefile("rb")
    (size,) = struct.unpack("!I", file.read(4))
    return file.read(size)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff\xff\xff\xff\x04",
        struct.pack("!IB", 0, 4),
        frame(77, b"x"),
        frame(Kind.RESPONSE, b"")[:4] + b"\x00",
        struct.pack("!IB", RESPONSE_BYTES * 2, Kind.RESPONSE),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_garbage_ends_the_conversation(
    ends: tuple[socket.socket, socket.socket], garbage: bytes
) -> None:
    ends[1].send(garbage)
    with pytest.raises(ChannelClosed):
        await Channel(ends[0]).receive(SOON)


async def test_what_was_sent_before_the_end_is_still_read(ends: tuple[socket.socket, socket.socket]) -> None:
    channel = Channel(ends[0])
    ends[1].send(frame(Kind.RESPONSE, b"last words"))
    channel.no_more()  # although the other end is still open
    assert await channel.receive(SOON) == (Kind.RESPONSE, b"last words")
    with pytest.raises(ChannelClosed):
        await channel.receive(SOON)


async def test_sending_to_one_who_left(ends: tuple[socket.socket, socket.socket]) -> None:
    ends[1].close()
    with pytest.raises(ChannelClosed):
        await Channel(ends[0]).invoke({}, b"{}", SOON)


async def test_an_answer_that_does_not_come(ends: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(TimeoutError):
        await Channel(ends[0]).receive(asyncio.get_running_loop().time() + 0.05)


async def test_an_event_that_nobody_takes(ends: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(TimeoutError):
        await Channel(ends[0]).invoke({}, b"x" * 5_000_000, asyncio.get_running_loop().time() + 0.05)


async def test_a_worker_that_gives_more_than_is_taken_has_to_wait(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    channel = Channel(ends[0])
    part = frame(Kind.CHUNK, b"x" * 65_531)
    many = 100
    sending = asyncio.ensure_future(asyncio.get_running_loop().sock_sendall(_unblocked(ends[1]), part * many))
    for _ in range(10 * many):
        await asyncio.sleep(0)
    assert not sending.done(), "all of it was read ahead"
    for _ in range(many):
        assert await channel.receive(SOON) == (Kind.CHUNK, b"x" * 65_531)
    await sending


def _unblocked(end: socket.socket) -> socket.socket:
    end.setblocking(False)
    return end
