"""Requests that no client should send: each gets its answer or is hung up on, and the next client is served."""

from __future__ import annotations

import contextlib
import json
import random
import resource
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.gateway.conftest import Url
from tests.gateway.raw import Door, statuses

ECHO = "def handler(event, context): return event"


@pytest.fixture
def door(url: Url, trust: ssl.SSLContext) -> Iterator[Door]:
    """It must still serve when the test is done with it."""
    address = httpx.URL(url(ECHO))
    assert address.port is not None
    made = Door(address.port, address.path, trust)
    yield made
    assert statuses(made.send(made.request("GET {} HTTP/1.1"))) == [200]


CHUNKED = "Transfer-Encoding: chunked"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (["Content-Length: 5", CHUNKED], b"0\r\n\r\n" + SMUGGLED),
        ([CHUNKED, "Content-Length: 5"], b"0\r\n\r\n" + SMUGGLED),
        ([CHUNKED, "Transfer-Encoding: identity"], b"0\r\n\r\n" + SMUGGLED),
        (["Transfer-Encoding: xchunked"], b"0\r\n\r\n" + SMUGGLED),
        (["Transfer-Encoding : chunked"], b"0\r\n\r\n" + SMUGGLED),
        (["Transfer-Encoding: chunked, identity"], b"0\r\n\r\n" + SMUGGLED),
        (["Content-Length: 1", f"Content-Length: {len(SMUGGLED)}"], SMUGGLED),
        (["Content-Length: +1"], b"x" + SMUGGLED),
        (["Content-Length: -1"], b"x" + SMUGGLED),
        (["Content-Length: 1, 1"], b"x" + SMUGGLED),
        (["Content-Length: 0x1"], b"x" + SMUGGLED),
        (["Content-Length: 99999999999999999999999"], b"x" + SMUGGLED),
        (["X-Folded: a", " Content-Length: 1"], b"x" + SMUGGLED),
        ([CHUNKED], b"zz\r\nabc\r\n0\r\n\r\n" + SMUGGLED),
        ([CHUNKED], b"-1\r\nabc\r\n0\r\n\r\n" + SMUGGLED),
        ([CHUNKED], b"ffffffffffffffffff\r\nabc\r\n0\r\n\r\n" + SMUGGLED),
        ([CHUNKED], b"3\r\nabcd\r\n0\r\n\r\n" + SMUGGLED),
    ],
)
def test_smuggling(door: Door, headers: list[str], body: bytes) -> None:
    """One answer at most, whatever one makes of the lengths; the second request is never one."""
    answer = door.send(door.request("POST {} HTTP/1.1", *headers, body=body))
    if headers in (["Content-Length: 5", CHUNKED], [CHUNKED, "Content-Length: 5"]):
        assert statuses(answer) == [200]  # chunks count, and the connection ends there
        assert b"smuggled" not in answer
    else:
        assert statuses(answer) == [400]


@pytest.mark.parametrize(
    "line_and_headers",
    [
        ["GET {}"],
        ["GET {} HTTP/9.9"],
        ["GET {}a b HTTP/1.1"],
        [b"GET {}\0 HTTP/1.1"],
        [b"GET {}\xff\xfe HTTP/1.1"],
        ["G(T {} HTTP/1.1"],
        ["GET {} HTTP/1.1", "no colon"],
        ["GET {} HTTP/1.1", ": no name"],
        ["GET {} HTTP/1.1", "a name: with a space"],
        ["GET {} HTTP/1.1", "X-A: a\rb"],
        ["GET {} HTTP/1.1", "X-A: a\0b"],
        ["GET {} HTTP/1.1", "Host: evil.example"],
        ["GET {} HTTP/1.1", "Host: 127.0.0.1"],
    ],
)
def test_what_isnt_http(door: Door, line_and_headers: list[str | bytes]) -> None:
    assert statuses(door.send(door.request(*line_and_headers))) == [400]


def test_hosts_that_arent_ours(door: Door) -> None:
    """A page elsewhere may have its own name lead here."""
    hosts = ("evil.example", "127.0.0.1.evil.example", "a@127.0.0.1", "localhost.evil.example:443", "")
    for host in hosts:
        sent = f"GET {door.path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        assert statuses(door.send(sent)) == [403], host


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"%zz%", "%zz%"),
        (b"%00", "%00"),
        (b"%ff%fe", "%ff%fe"),
        (b"\xc3\xbc", "\u00fc"),
        (b"../../etc/passwd", "../../etc/passwd"),
        (b"//a//", "//a//"),
    ],
)
def test_paths_reach_the_function_as_they_are(door: Door, sent: bytes, told: str) -> None:
    answer = door.send(door.request(b"GET {}" + sent + b"?" + sent.replace(b"?", b"") + b"=1 HTTP/1.1"))
    event = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (event["rawPath"], event["rawQueryString"]) == (f"/{told}", f"{told}=1")


def test_too_large(door: Door) -> None:
    more = "x" * 100_000
    assert statuses(door.send(door.request("GET {} HTTP/1.1", f"X-A: {more}"))) == [431]
    assert statuses(door.send(door.request("GET {} HTTP/1.1", *(f"X-{n}: a" for n in range(2000))))) == [431]
    assert statuses(door.send(door.request(f"GET {{}}{more} HTTP/1.1"))) in ([414], [431], [])
    huge = "Content-Length: 100000000000"
    assert statuses(door.send(door.request("POST {} HTTP/1.1", huge))) == [413]
    endless = (b"%x\r\n" % 65_536 + b"x" * 65_536 + b"\r\n") * 200
    assert statuses(door.send(door.request("POST {} HTTP/1.1", CHUNKED, body=endless))) in ([413], [])


def test_fuzzed(door: Door) -> None:
    """Whole requests with bytes changed, cut out, doubled; each of them is answered or hung up on."""
    chance = random.Random(6)
    whole = [
        door.request("GET {}a%20b?c=d&c=e HTTP/1.1", "Cookie: a=1; b=2", "Accept: */*"),
        door.request("POST {} HTTP/1.1", "Content-Length: 8", body=b'{"n": 1}'),
        door.request("POST {} HTTP/1.1", CHUNKED, body=b"3\r\nabc\r\n5\r\ndefgh\r\n0\r\nX-T: 1\r\n\r\n"),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0\0\0\1\1\5\0\0\0\1\x82\x87\x84",
    ]
    tried: set[bytes] = set()
    for _ in range(300):
        data = bytearray(chance.choice(whole))
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(data))
            match chance.randrange(4):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    del data[at : at + chance.randint(1, 20)]
                case 2:
                    data[at:at] = data[at : at + chance.randint(1, 20)]
                case _:
                    data[at:at] = chance.randbytes(chance.randint(1, 8))
        with door.connect() as connection, contextlib.suppress(OSError):
            connection.sendall(data)
            connection.unwrap().shutdown(socket.SHUT_RDWR)  # it has read all, or hung up
        tried.add(bytes(data))
    assert len(tried) > 250


def test_noise_in_place_of_tls(door: Door) -> None:
    chance = random.Random(6)
    for _ in range(100):
        with socket.create_connection(("127.0.0.1", door.port)) as connection, contextlib.suppress(OSError):
            connection.sendall(chance.choice((b"", b"\x16\x03\x01")) + chance.randbytes(200))


def test_slow_clients_dont_slow_others(door: Door) -> None:
    """Each has begun a request and goes on a byte at a time, while another client's requests are answered."""
    with ExitStack() as open_:
        slow = [open_.enter_context(door.connect()) for _ in range(100)]
        unfinished = door.request("POST {} HTTP/1.1", "Content-Length: 100")
        for at in range(20):
            for connection in slow[::2]:
                connection.sendall(unfinished[at : at + 1])
            for connection in slow[1::2]:
                connection.sendall(unfinished if at == 0 else b"x")
            assert statuses(door.send(door.request("GET {} HTTP/1.1"))) == [200]


def test_thousands_of_connections_keep_nobody_out(door: Door) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = 2_100  # the server's own idea of a limit was just below that
    if hard < 2 * many:
        pytest.skip(f"only {hard} open files are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, many + 500), hard))
    try:
        with ExitStack() as open_:
            for _ in range(many):
                open_.enter_context(door.connect())
            assert statuses(door.send(door.request("GET {} HTTP/1.1"))) == [200]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_clients_that_leave_in_the_middle(door: Door) -> None:
    for sent in (
        b"GET",
        b"GET {} HTTP/1.1\r\n",
        door.request("POST {} HTTP/1.1", "Content-Length: 9", body=b"x"),
    ):
        for _ in range(20):
            with door.connect() as connection:
                connection.sendall(sent)
