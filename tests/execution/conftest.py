"""The API inside an environment, and a client of it."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from lablambda.execution.extensions import Extensions
from lablambda.execution.platform_api import PlatformApi
from lablambda.execution.runtime_session import RuntimeSession

FACTS = {"functionName": "f", "accountId": "1"}


@dataclass(frozen=True)
class Answer:
    """`told` is the body, read as JSON if it is."""

    status: int
    headers: dict[str, str]
    told: Any

    @property
    def error(self) -> tuple[int, str]:
        return self.status, self.told["errorType"]


@dataclass(frozen=True)
class Client:
    """Asks one environment's API."""

    api: PlatformApi
    runtime: RuntimeSession
    extensions: Extensions

    async def ask(self, method: str, path: str, body: str | bytes = "", **headers: str) -> Answer:
        """One call, on a connection of its own. A header's name is told with underscores."""
        return await asyncio.to_thread(self._ask, method, path, body, headers)

    def _ask(self, method: str, path: str, body: str | bytes, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection(self.api.address, timeout=5)
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        told = {name.lower(): text for name, text in answer.headers.items()}
        return Answer(answer.status, told, json.loads(data) if data else None)

    async def next(self) -> Answer:
        return await self.ask("GET", "/2018-06-01/runtime/invocation/next")

    async def respond(self, request_id: str, body: str | bytes = "1", **headers: str) -> Answer:
        return await self.ask(
            "POST", f"/2018-06-01/runtime/invocation/{request_id}/response", body, **headers
        )

    async def connect(self, sent: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection of raw bytes."""
        host, port = self.api.address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(sent)
        await writer.drain()
        return reader, writer


def soon(seconds: float = 5) -> float:
    return asyncio.get_running_loop().time() + seconds


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """Of an environment with a runtime and one external extension, `outer`."""
    runtime, extensions = RuntimeSession(), Extensions(FACTS, ["outer"])
    api = PlatformApi(extensions, runtime)
    await api.start()
    yield Client(api, runtime, extensions)
    runtime.close()
    await api.close()
