"""The API inside an environment, by raw HTTP: who may use it, and what it says to nonsense."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import subprocess

import pytest

from lablambda.execution.extensions import Extensions
from lablambda.execution.platform_api import PlatformApi
from lablambda.execution.runtime_session import RuntimeSession
from tests.execution.conftest import Client, soon

pytestmark = pytest.mark.anyio
NEXT = "/2018-06-01/runtime/invocation/next"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("DELETE", NEXT),
        ("GET", NEXT + "/"),
        ("GET", "/2018-06-01/runtime/nothing"),
        ("GET", "/2018-06-01/runtime/restore/next"),
        ("POST", "/2018-06-01/runtime/invocation//response"),
        ("POST", "/2018-06-01/runtime/invocation/a/b/response"),
        ("PUT", "/2020-01-01/extension/register"),
        ("GET", "/2020-01-01/extension/../../2018-06-01/runtime/invocation/next"),
    ],
)
async def test_what_is_not_there(client: Client, method: str, path: str) -> None:
    answer = await client.ask(method, path)
    assert answer.error == (404, "NotFound")
    assert answer.headers["content-type"] == "application/json"


async def test_what_is_not_supported_says_so(client: Client) -> None:
    answer = await client.ask("PUT", "/2022-07-01/telemetry", "{}")
    assert (answer.status, answer.told) == (
        202,
        {"errorType": "Telemetry.NotSupported", "errorMessage": "Telemetry API is not supported"},
    )
    assert (await client.ask("PUT", "/2020-08-15/logs", "{}")).error == (202, "Logs.NotSupported")


async def test_without_a_runtime_of_its_own_there_is_no_runtime_api() -> None:
    api = PlatformApi(Extensions({}, []), None)
    await api.start()
    assert (await Client(api, RuntimeSession(), api.extensions).next()).status == 404
    await api.close()


async def test_closing_ends_who_waits(client: Client) -> None:
    reader, writer = await client.connect(f"GET {NEXT} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    await client.runtime.receive(soon())
    await client.api.close()
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()


# -------------------------------------------------------------------------------------------- nonsense


async def test_mangled_requests_do_no_harm(client: Client) -> None:
    """Each is a good one with some bytes changed, left out or repeated; the same ones every time."""
    chance = random.Random(11)
    good = [
        b"POST /2018-06-01/runtime/invocation/x/response HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /2018-06-01/runtime/invocation/x/response HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n\r\n2\r\n{}\r\n0\r\nA: b\r\n\r\n",
        b"POST /2018-06-01/runtime/invocation/x/error HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /2020-01-01/extension/register HTTP/1.1\r\nLambda-Extension-Name: e\r\nContent-Length: 2\r\n\r\n{}",
        b"GET /2020-01-01/extension/event/next HTTP/1.1\r\nLambda-Extension-Identifier: \xff\r\n\r\n",
    ]
    for number in range(300):
        mangled = bytearray(chance.choice(good))
        for _ in range(chance.randrange(1, 4)):
            place, length = chance.randrange(len(mangled)), chance.randrange(4)
            mangled[place : place + length] = chance.randbytes(chance.randrange(4))
        reader, writer = await client.connect(bytes(mangled if number % 10 else chance.randbytes(300)))
        writer.write_eof()
        async with asyncio.timeout(5):
            answer = await reader.read()
        assert not answer or answer.split(b" ")[1] in (b"200", b"400", b"403", b"404", b"431", b"501"), (
            mangled
        )
        writer.close()
    assert (await client.respond("x")).error == (400, "InvalidRequestID")
    with pytest.raises(TimeoutError):
        await client.runtime.receive(soon(0.01))


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"])
async def test_any_method_anywhere_is_answered(client: Client, method: str) -> None:
    for path in ("/2018-06-01/runtime/init/error/x", "/2020-01-01/extension/exit/error", "*", "//"):
        assert (await client.ask(method, path)).status in (400, 403, 404)


# ---------------------------------------------------------------------------------------------- owners


async def test_an_ipv6_socket_is_ones_own_too(client: Client) -> None:
    host, port = client.api.address.split(":")
    try:
        reader, writer = await asyncio.open_connection(f"::ffff:{host}", int(port), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this system has no IPv6")
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 404")
    writer.close()


def told_to(user: int | None, client: Client, *, then: str = "cat <&3") -> str:
    """What one gets that reports a failed init, running as another user, or as this one."""
    host, port = client.api.address.split(":")
    request = "POST /2018-06-01/runtime/init/error HTTP/1.0\\r\\nContent-Length: 2\\r\\n\\r\\n{}"
    script = f"exec 3<>/dev/tcp/{host}/{port}; printf '{request}' >&3; {then}"
    done = subprocess.run(
        ["/bin/bash", "-c", script],
        user=user,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        timeout=10,
    )
    return done.stdout


async def test_the_labs_own_user_is_let_in(client: Client) -> None:
    assert (await asyncio.to_thread(told_to, None, client)).startswith("HTTP/1.1 202")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
async def test_another_user_is_not(client: Client) -> None:
    assert await asyncio.to_thread(told_to, 65534, client) == ""
    with pytest.raises(TimeoutError):
        await client.runtime.receive(soon(0.05))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
async def test_another_user_who_has_hung_up_is_not_taken_for_root(client: Client) -> None:
    """Older kernels say root's id of a socket that was closed; here it is, before it is looked at."""
    told_to(65534, client, then="exec 3>&-")
    with pytest.raises(TimeoutError):
        await client.runtime.receive(soon(0.05))
