"""The HTTP server, by raw bytes."""

from __future__ import annotations

import asyncio
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
