"""The HTTP server, by raw bytes."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import pytest

from lablambda import httpserver as http
from lablambda.httpserver import HttpServer, Request, Response

pytestmark = pytest.mark.anyio


async def echo(request: Request) -> Response:
    if request.path == "/boom":
        raise RuntimeError("a bug in the lab")
    if request.path == "/slow":
        await asyncio.sleep(0.05)
    text = f"{request.method} {request.path} ? {request.query} {request.headers.get('x-a', '-')} "
    return Response(200, text.encode() + request.body)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    server = HttpServer(echo)
    yield await server.start("127.0.0.1", 0)
    await server.close()


async def talk(port: int, *sent: bytes, until: bytes = b"", close: bool = False) -> bytes:
    """Send pieces; read until the text appears or the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in sent:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    if close:
        writer.write_eof()
    received = b""
    async with asyncio.timeout(10):
        while not until or until not in received:
            data = await reader.read(65536)
            if not data:
                break
            received += data
    writer.close()
    return received


def get(path: str = "/", *headers: str, close: bool = True) -> bytes:
    more = "".join(f"{header}\r\n" for header in (*headers, *(["Connection: close"] if close else [])))
    return f"GET {path} HTTP/1.1\r\nHost: h\r\n{more}\r\n".encode()


async def test_a_request_and_its_answer(port: int) -> None:
    answer = await talk(port, get("/p%20q?a=%2F&b", "X-A: 1", "x-a: 2"))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close" in head
    assert body == b"GET /p%20q ? a=%2F&b 1,2 "


async def test_byte_by_byte(port: int) -> None:
    request = b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
    answer = await talk(port, *(request[i : i + 1] for i in range(len(request))))
    assert answer.endswith(b"POST /x ?  - abc")


async def test_chunks_and_100_continue(port: int) -> None:
    head = b"PUT /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    answer = await talk(port, head, b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")
    assert answer.endswith(b"PUT /x ?  - abcde")


async def test_pipelined_requests_are_answered_in_order(port: int) -> None:
    requests = [get("/slow" if n % 3 == 0 else f"/{n}", close=False) for n in range(60)]
    answer = await talk(port, b"".join(requests) + get("/last"))
    paths = [part.split()[1] for part in answer.split(b"GET ")[1:]]
    assert [line.split(b" ?")[0] for line in answer.split(b"GET ")[1:]] == [
        *(b"/slow" if n % 3 == 0 else b"/%d" % n for n in range(60)),
        b"/last",
    ], paths


async def test_a_head_answer_has_no_body(port: int) -> None:
    answer = await talk(port, b"HEAD /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert b"content-length: 13" in answer
    assert answer.endswith(b"\r\n\r\n")


async def test_a_bug_answers_500_and_the_server_goes_on(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    assert (await talk(port, get("/boom"))).startswith(b"HTTP/1.1 500")
    assert "a bug in the lab" in capfd.readouterr().err
    assert (await talk(port, get("/x"))).startswith(b"HTTP/1.1 200")


async def test_what_is_no_request_is_told_after_the_answers_that_are_due(port: int) -> None:
    told = await talk(port, get("/slow", close=False) + b"nonsense\r\n\r\n")
    assert told.index(b"GET /slow") < told.index(b"HTTP/1.1 400")
    assert told.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/9.9\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost h\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nA: " + b"x" * 1_100_000 + b"\r\n\r\n", b"431"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
    ],
)
async def test_what_is_no_request(port: int, sent: bytes, status: bytes) -> None:
    assert (await talk(port, sent)).startswith(b"HTTP/1.1 " + status)
    assert (await talk(port, get("/x"))).startswith(b"HTTP/1.1 200")


async def test_a_body_over_the_limit(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MOST_BODY_BYTES", 1000)
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\n\r\n"
    assert (await talk(port, head + b"x" * 2000)).startswith(b"HTTP/1.1 413")


async def test_random_bytes_never_break_it(port: int) -> None:
    chance = random.Random(7)
    for _ in range(50):
        noise = chance.randbytes(chance.randrange(1, 400))
        mangled = bytearray(get("/x"))
        mangled[chance.randrange(len(mangled))] = chance.randrange(256)
        await talk(port, noise, close=True)
        await talk(port, bytes(mangled), close=True)
    assert (await talk(port, get("/x"))).startswith(b"HTTP/1.1 200")


# ------------------------------------------------------------------------------------------ streaming


class Streamer:
    """Answers with what it is told to stream, or takes what is streamed to it."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.trailers: dict[str, str] = {}
        self.went_on = asyncio.Event()
        self.given_up = asyncio.Event()
        self.interrupted = asyncio.Event()
        self.may_read = asyncio.Event()

    async def respond(self, request: Request) -> Response:
        if request.path == "/wait":
            request.abandonable = True
            try:
                await asyncio.Event().wait()
            finally:
                self.given_up.set()
        if request.path == "/unread":
            return Response(403)
        if request.path == "/slow":
            await self.may_read.wait()
        if request.parts is not None:
            try:
                async for part in request.parts:
                    self.taken.append(part)
            except http.Interrupted:
                self.interrupted.set()
                raise
            self.trailers = request.parts.trailers
            return Response(200, b"taken")
        return Response(200, parts=self.parts(request.path))

    async def parts(self, path: str) -> AsyncIterator[bytes]:
        count = 2_000 if path == "/many" else 3
        for number in range(count):
            yield b"x" * 65_536 if path == "/many" else f"part {number};".encode()
            await asyncio.sleep(0)
            if path == "/breaks":
                raise RuntimeError("half way")
        yield b""
        self.went_on.set()


@pytest.fixture
async def streamer() -> Streamer:
    return Streamer()


@pytest.fixture
async def streaming(streamer: Streamer) -> AsyncIterator[int]:
    server = HttpServer(streamer.respond, streams=lambda request: request.method == "PUT")
    yield await server.start("127.0.0.1", 0)
    await server.close()


async def test_an_answer_comes_part_by_part_and_the_connection_goes_on(streaming: int) -> None:
    told = await talk(streaming, b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n" + get("/b"))
    assert told.count(b"HTTP/1.1 200") == 2
    assert (
        b"transfer-encoding: chunked\r\n\r\n7\r\npart 0;\r\n7\r\npart 1;\r\n7\r\npart 2;\r\n0\r\n\r\n" in told
    )


async def test_an_answer_that_breaks_off_is_seen_to(
    streaming: int, capfd: pytest.CaptureFixture[str]
) -> None:
    told = await talk(streaming, get("/breaks"))
    assert b"part 0;" in told
    assert not told.endswith(b"0\r\n\r\n")
    assert "half way" in capfd.readouterr().err


async def test_a_source_goes_on_when_the_client_has_gone(streaming: int, streamer: Streamer) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", streaming)
    writer.write(get("/many"))
    await writer.drain()
    writer.transport.abort()
    async with asyncio.timeout(20):
        await streamer.went_on.wait()


async def test_a_client_that_is_slow_makes_the_source_wait(streaming: int, streamer: Streamer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", streaming, limit=1024)
    writer.write(get("/many"))
    await asyncio.sleep(0.3)
    assert not streamer.went_on.is_set()
    async with asyncio.timeout(20):
        while not streamer.went_on.is_set():
            await reader.read(1 << 20)
    writer.close()


CHUNKED = b"PUT /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n"


async def test_a_body_comes_part_by_part_with_its_trailers(streaming: int, streamer: Streamer) -> None:
    pieces = [CHUNKED, b"3\r\none\r\n", b"3\r\ntwo\r\n", b"0\r\nX-End: well\r\n\r\n"]
    told = await talk(streaming, *pieces, until=b"taken")
    assert told.startswith(b"HTTP/1.1 200")
    assert (streamer.taken, streamer.trailers) == ([b"one", b"two"], {"x-end": "well"})


async def test_two_bodies_on_one_connection(streaming: int, streamer: Streamer) -> None:
    one = CHUNKED + b"1\r\na\r\n0\r\n\r\n"
    told = await talk(streaming, one + one + get("/a"), until=b"0\r\n\r\n")
    assert told.count(b"HTTP/1.1 200") == 3
    assert streamer.taken == [b"a", b"a"]


async def test_a_body_that_is_cut_off(
    streaming: int, streamer: Streamer, capfd: pytest.CaptureFixture[str]
) -> None:
    await talk(streaming, CHUNKED + b"3\r\none\r\n", close=True)
    async with asyncio.timeout(5):
        await streamer.interrupted.wait()
    assert capfd.readouterr().err == "", "a client that goes away isn't a bug of the lab"


async def test_a_body_that_is_malformed(streaming: int, streamer: Streamer) -> None:
    told = await talk(streaming, CHUNKED + b"3\r\none\r\n", b"no length\r\n")
    assert told.startswith(b"HTTP/1.1 400")
    assert (streamer.taken, streamer.interrupted.is_set()) == ([b"one"], True)


async def test_a_body_that_nobody_reads_is_let_in_and_the_connection_goes_on(streaming: int) -> None:
    """A client that sends everything before it listens, more than would be kept for a reader."""
    unread = CHUNKED.replace(b"/up", b"/unread") + b"10000\r\n%b\r\n" % bytes(65_536) * 100 + b"0\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", streaming)
    async with asyncio.timeout(10):
        writer.write(unread)
        await writer.drain()
        writer.write(get("/a"))
        told = await reader.read()
    assert told.startswith(b"HTTP/1.1 403")
    assert told.count(b"HTTP/1.1 200") == 1
    writer.close()


async def test_a_body_that_nobody_reads_is_let_in_before_the_connection_ends(streaming: int) -> None:
    """Closing earlier would reset the connection, and the client would never see the answer."""
    head = CHUNKED.replace(b"/up", b"/unread").replace(b"Host: h", b"Host: h\r\nConnection: close")
    body = b"10000\r\n%b\r\n" % bytes(65_536) * 100 + b"0\r\n\r\n"
    assert (await talk(streaming, head, body)).startswith(b"HTTP/1.1 403")


async def test_a_reader_that_is_slow_makes_the_client_wait(streaming: int, streamer: Streamer) -> None:
    body = b"10000\r\n%b\r\n" % bytes(65_536) * 400 + b"0\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", streaming)
    writer.write(CHUNKED.replace(b"/up", b"/slow") + body)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await writer.drain()
    streamer.may_read.set()
    async with asyncio.timeout(10):
        assert b"taken" in await reader.readuntil(b"taken")
    assert sum(map(len, streamer.taken)) == 400 * 65_536
    writer.close()


async def test_trailers_belong_to_their_body_alone(streaming: int, streamer: Streamer) -> None:
    one = CHUNKED + b"1\r\na\r\n0\r\nX-End: 1\r\n\r\n"
    await talk(streaming, one + CHUNKED + b"1\r\nb\r\n0\r\n\r\n" + get("/a"), until=b"part 2")
    assert (streamer.taken, streamer.trailers) == ([b"a", b"b"], {})


async def test_head_has_no_body_that_comes_part_by_part(streaming: int, streamer: Streamer) -> None:
    told = await talk(streaming, b"HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n" + get("/b"))
    first, _, rest = told.partition(b"\r\n\r\n")
    assert b"chunked" not in first
    assert rest.startswith(b"HTTP/1.1 200"), "the connection goes on"
    assert streamer.went_on.is_set(), "its source isn't left waiting"


async def test_a_client_of_http_1_0_gets_no_chunks(streaming: int) -> None:
    told = await talk(streaming, b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    head, _, body = told.partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert b"connection: close" in head
    assert body == b"part 0;part 1;part 2;"


async def test_a_long_poll_is_given_up_with_its_connection(streaming: int, streamer: Streamer) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", streaming)
    writer.write(get("/wait"))
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.transport.abort()
    async with asyncio.timeout(5):
        await streamer.given_up.wait()


async def test_who_is_not_admitted_hears_nothing() -> None:
    server = HttpServer(echo, admits=lambda peer: False)
    port = await server.start("127.0.0.1", 0)
    with contextlib.suppress(ConnectionError):
        assert await talk(port, get("/x")) == b""
    await server.close()
