"""The API inside an environment, by raw HTTP: who may use it, and what it says to nonsense."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import random
import socket
import subprocess
from collections.abc import AsyncIterator
from typing import Any

import pytest

from lablambda.execution.channel import ChannelClosed, Kind, NotSent
from lablambda.execution.extensions import Extensions
from lablambda.execution.platform_api import PlatformApi, socket_owner
from lablambda.execution.runtime_session import RuntimeSession

pytestmark = pytest.mark.anyio
HEADER = {"request_id": "r-1", "arn": "arn", "deadline_ms": 1}


@pytest.fixture
async def api() -> AsyncIterator[PlatformApi]:
    found = PlatformApi(Extensions({"functionName": "f"}, ["outer"]), RuntimeSession())
    await found.start()
    yield found
    await found.close()


def soon() -> float:
    return asyncio.get_running_loop().time() + 5


async def ask(
    api: PlatformApi, method: str, path: str, body: str = "", **headers: str
) -> tuple[int, dict[str, str], Any]:
    """One call, its answer read as JSON if it is."""

    def call() -> tuple[int, dict[str, str], Any]:
        connection = http.client.HTTPConnection(api.address, timeout=5)
        connection.request(
            method, path, body, {name.replace("_", "-"): text for name, text in headers.items()}
        )
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        told = {name.lower(): text for name, text in answer.headers.items()}
        return answer.status, told, json.loads(data) if data else None

    return await asyncio.to_thread(call)


NEXT = "/2018-06-01/runtime/invocation/next"


# --------------------------------------------------------------------------------------- the runtime


async def test_a_runtime_that_asks_and_answers(api: PlatformApi) -> None:
    assert api.runtime is not None
    asking = asyncio.ensure_future(ask(api, "GET", NEXT))
    assert await api.runtime.receive(soon()) == (Kind.READY, b"")
    await api.runtime.invoke(HEADER, b'{"a": 1}', soon())
    status, headers, event = await asking
    assert (status, headers["lambda-runtime-aws-request-id"], event) == (200, "r-1", {"a": 1})
    told = await ask(api, "POST", "/2018-06-01/runtime/invocation/r-1/response", "[1]")
    assert (told[0], told[2]) == (202, {"status": "OK"})
    assert await api.runtime.receive(soon()) == (Kind.RESPONSE, bytes(4) + b"[1]")


async def test_a_poll_that_was_given_up_swallows_no_event(api: PlatformApi) -> None:
    assert api.runtime is not None
    reader, writer = await asyncio.open_connection(*api.address.split(":"))
    writer.write(f"GET {NEXT} HTTP/1.1\r\nHost: {api.address}\r\n\r\n".encode())
    await api.runtime.receive(soon())
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.05)
    await api.runtime.invoke(HEADER, b"7", soon())
    assert (await ask(api, "GET", NEXT))[2] == 7
    reader.feed_eof()


async def test_an_init_that_fails(api: PlatformApi) -> None:
    assert api.runtime is not None
    told = await ask(api, "POST", "/2018-06-01/runtime/init/error", '{"errorType": "T"}')
    assert told[0] == 202
    assert await api.runtime.receive(soon()) == (Kind.INIT_ERROR, b'{"errorType": "T"}')
    refused = await ask(api, "GET", NEXT)
    assert (refused[0], refused[2]["errorType"]) == (403, "InvalidStateTransition")


async def test_a_process_that_goes(api: PlatformApi) -> None:
    session = api.runtime
    assert session is not None
    asking = asyncio.ensure_future(ask(api, "GET", NEXT))
    await session.receive(soon())
    await session.invoke(HEADER, b"1", soon())
    await asking
    session.no_more()
    with pytest.raises(ChannelClosed):
        await session.receive(soon())
    with pytest.raises(NotSent):
        await session.invoke(HEADER, b"2", soon())


async def test_waiting_has_an_end() -> None:
    session = RuntimeSession()
    with pytest.raises(TimeoutError):
        await session.receive(asyncio.get_running_loop().time() + 0.05)


async def test_what_is_not_there(api: PlatformApi) -> None:
    for method, path in [
        ("GET", "/"),
        ("DELETE", NEXT),
        ("GET", "/2018-06-01/runtime/nothing"),
        ("PUT", "/2020-01-01/extension/register"),
        ("GET", "/2018-06-01/runtime/restore/next"),
    ]:
        assert (await ask(api, method, path))[0] == 404
    status, _, told = await ask(api, "PUT", "/2022-07-01/telemetry", "{}")
    assert (status, told["errorType"]) == (202, "Telemetry.NotSupported")
    assert (await ask(api, "PUT", "/2020-08-15/logs", "{}"))[2]["errorType"] == "Logs.NotSupported"


async def test_without_a_runtime_of_its_own_there_is_no_runtime_api() -> None:
    api = PlatformApi(Extensions({}, []), None)
    await api.start()
    assert (await ask(api, "GET", NEXT))[0] == 404
    await api.close()


async def test_random_bytes_do_no_harm(api: PlatformApi) -> None:
    chance = random.Random(11)
    good = f"POST /2018-06-01/runtime/invocation/x/response HTTP/1.1\r\nHost: {api.address}\r\n\r\n".encode()
    for _ in range(60):
        _, writer = await asyncio.open_connection(*api.address.split(":"))
        mangled = bytearray(good)
        mangled[chance.randrange(len(mangled))] = chance.randrange(256)
        writer.write(chance.choice([bytes(mangled), chance.randbytes(200)]))
        writer.close()
    refused = await ask(api, "POST", "/2018-06-01/runtime/invocation/x/response", "1")
    assert refused[0] == 403


# -------------------------------------------------------------------------------------- extensions


async def register(api: PlatformApi, name: str, *events: str) -> tuple[int, dict[str, str], Any]:
    body = json.dumps({"events": events})
    return await ask(api, "POST", "/2020-01-01/extension/register", body, Lambda_Extension_Name=name)


async def test_registering(api: PlatformApi) -> None:
    status, headers, facts = await register(api, "outer", "INVOKE", "SHUTDOWN")
    assert (status, facts) == (200, {"functionName": "f"})
    assert len(headers["lambda-extension-identifier"]) == 36
    assert (await register(api, "inner", "INVOKE"))[0] == 200


@pytest.mark.parametrize(
    ("name", "events", "kind"),
    [
        ("", ["INVOKE"], "Extension.InvalidExtensionName"),
        ("twice", ["INVOKE"], "Extension.AlreadyRegistered"),
        ("other", ["BEGIN"], "Extension.InvalidEventType"),
        ("inner", ["SHUTDOWN"], "ShutdownEventNotSupportedForInternalExtension"),
    ],
)
async def test_registering_wrongly(api: PlatformApi, name: str, events: list[str], kind: str) -> None:
    await register(api, "twice", "INVOKE")
    status, _, told = await register(api, name, *events)
    assert (status, told["errorType"]) == (403, kind)


@pytest.mark.parametrize("body", ["{", "[1]", '{"events": 7}', "\x00"])
async def test_registering_with_nonsense(api: PlatformApi, body: str) -> None:
    told = await ask(api, "POST", "/2020-01-01/extension/register", body, Lambda_Extension_Name="outer")
    assert (told[0], told[2]["errorType"]) == (400, "InvalidRequestFormat")


async def test_who_is_not_known(api: PlatformApi) -> None:
    path = "/2020-01-01/extension/event/next"
    assert (await ask(api, "GET", path))[2]["errorType"] == "Extension.MissingExtensionIdentifier"
    told = await ask(api, "GET", path, Lambda_Extension_Identifier="x")
    assert (told[0], told[2]["errorType"]) == (403, "Extension.UnknownExtensionIdentifier")


async def test_nobody_registers_when_init_is_over(api: PlatformApi) -> None:
    _, headers, _ = await register(api, "outer", "INVOKE")
    identity = headers["lambda-extension-identifier"]
    path = "/2020-01-01/extension/event/next"
    asking = asyncio.ensure_future(ask(api, "GET", path, Lambda_Extension_Identifier=identity))
    assert await api.extensions.ready(soon()) is None
    assert (await register(api, "late", "INVOKE"))[2]["errorType"] == "Extension.InvalidExtensionState"
    api.extensions.tell_invoke(HEADER)
    assert (await asking)[2]["requestId"] == "r-1"


# ------------------------------------------------------------------------------------------- owners


async def test_the_labs_own_user_is_let_in(api: PlatformApi) -> None:
    reader, writer = await asyncio.open_connection(*api.address.split(":"))
    local, remote = writer.get_extra_info("sockname"), writer.get_extra_info("peername")
    assert socket_owner(local, remote) == os.getuid()
    assert socket_owner(("127.0.0.1", 1), remote) is None
    writer.close()
    reader.feed_eof()


async def test_an_ipv6_socket_is_ones_own_too(api: PlatformApi) -> None:
    host, port = api.address.split(":")
    try:
        reader, writer = await asyncio.open_connection(f"::ffff:{host}", int(port), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this system has no IPv6")
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 404")
    writer.close()


def told_to(user: int | None, api: PlatformApi) -> str:
    """What a client gets that runs as another user, or as this one."""
    host, port = api.address.split(":")
    script = f"exec 3<>/dev/tcp/{host}/{port}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"
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


async def test_another_user_is_not(api: PlatformApi) -> None:
    assert (await asyncio.to_thread(told_to, None, api)).startswith("HTTP/1.1 404")
    if os.getuid() != 0:
        pytest.skip("only root can be another user")
    assert await asyncio.to_thread(told_to, 65534, api) == ""
