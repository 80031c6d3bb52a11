"""One figure of a table, and a client that takes as little time of its own as there can be."""

from __future__ import annotations

import asyncio
import ssl
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import uvloop

from lablambda.client import Lab
from lablambda.rules import sigv4

RUNTIME = f"python3.{sys.version_info.minor}"
PLAIN = "def handler(event, context):\n    return {'ok': True, 'n': event.get('n')}\n"
BODY = b'{"n": 1}'


@dataclass(frozen=True)
class Row:
    """One figure. `bound` is in the unit of the figure, or a multiple of the control."""

    what: str
    value: float
    unit: str
    control: float | None = None
    bound: str = ""

    def __str__(self) -> str:
        ratio = f"{self.value / self.control:6.2f} x control {self.control:.3g}" if self.control else ""
        return f"{self.what:46} {self.value:10.3f} {self.unit:4} {ratio:28} {self.bound}"


class Client(asyncio.Protocol):
    """A keep-alive connection that sends the same signed request again and again: uvloop, as little of
    its own around it as there can be."""

    def __init__(
        self,
        lab: Lab | None,
        port: int,
        path: str,
        *,
        tls: ssl.SSLContext | None = None,
        method: str = "POST",
    ) -> None:
        self._request = _signed_request(lab, port, path) if method == "POST" else _bare_request(port, path)
        self._port = port
        self._tls = tls
        self._answer = b""
        self._whole: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        assert self._whole is not None
        if not self._whole.done() and _whole(self._answer):
            self._whole.set_result(None)

    async def ask(self) -> float:
        """Milliseconds for one request."""
        loop = asyncio.get_running_loop()
        if self._transport is None:
            await loop.create_connection(lambda: self, "127.0.0.1", self._port, ssl=self._tls)
        assert self._transport is not None
        self._answer, self._whole = b"", loop.create_future()
        began = time.perf_counter()
        self._transport.write(self._request)
        await self._whole
        elapsed = (time.perf_counter() - began) * 1000
        assert self._answer.startswith(b"HTTP/1.1 200"), self._answer
        assert b"X-Amz-Function-Error" not in self._answer, self._answer
        return elapsed


def ask_in_turns(clients: list[Client], rounds: int, each: int) -> list[list[float]]:
    """Times of each client, taken in turns so that a busy moment of the machine hits all of them."""

    async def run() -> list[list[float]]:
        times: list[list[float]] = [[] for _ in clients]
        for _ in range(rounds):
            for client, found in zip(clients, times, strict=True):
                found += [await client.ask() for _ in range(each)]
        return times

    return uvloop.run(run())


def ask_at_once(clients: list[Client]) -> float:
    """Seconds until all have their answer."""

    async def run() -> float:
        began = time.perf_counter()
        await asyncio.gather(*(client.ask() for client in clients))
        return time.perf_counter() - began

    return uvloop.run(run())


def rate(clients: list[Client], seconds: float) -> float:
    """Requests a second when each client asks again as soon as it has its answer."""

    async def run() -> float:
        await asyncio.gather(*(client.ask() for client in clients))
        asked, began = 0, time.perf_counter()

        async def keep_on(client: Client) -> None:
            nonlocal asked
            while time.perf_counter() < began + seconds:
                await client.ask()
                asked += 1

        await asyncio.gather(*map(keep_on, clients))
        return asked / (time.perf_counter() - began)

    return uvloop.run(run())


def port_of(lab: Lab) -> int:
    return int(lab.endpoint.rpartition(":")[2])


def _signed_request(lab: Lab | None, port: int, path: str) -> bytes:
    headers = {"host": f"127.0.0.1:{port}"}
    if lab is not None:
        headers |= sigv4.sign(
            access_key=lab.descriptor.access_key,
            secret=lab.descriptor.secret_key,
            region="us-east-1",
            service="lambda",
            method="POST",
            path=path.partition("?")[0],
            query=path.partition("?")[2],
            headers=headers,
            payload=BODY,
            now=datetime.now(UTC),
        )
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"content-length: {len(BODY)}", "", ""]).encode() + BODY


def _bare_request(port: int, path: str) -> bytes:
    """A GET, which has no body."""
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n".encode()


def _whole(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    at = head.find(b"content-length: ")
    return bool(found) and len(body) >= int(head[at + 16 :].split(b"\r", 1)[0])
