"""InvokeWithResponseStream: the answer goes out as the function gives it.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from lablambda.api import event_stream
from lablambda.model.invocation import Invocation, Outcome

Invoke = Callable[[Invocation], Awaitable[Outcome]]
_MOST_WAITING = 16  # parts, before the function has to wait for the client


class StreamedAnswer:
    """The answer of one invocation, on its way: where the function's parts arrive, and where they leave.

    A function that doesn't stream gives its whole answer as one part. The function goes on when the client
    goes away, as on AWS.
    """

    def __init__(self, invoke: Invoke, invocation: Invocation) -> None:
        self._parts: asyncio.Queue[bytes | None] = asyncio.Queue(_MOST_WAITING)
        self._version: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._outcome = asyncio.ensure_future(self._run(invoke, replace(invocation, sink=self)))

    async def begin(self, content_type: str, executed_version: str) -> None:  # noqa: ARG002 - AWS tells it nowhere
        self._version.set_result(executed_version)

    async def take(self, part: bytes) -> None:
        await self._parts.put(part)

    async def executed_version(self) -> str:
        """Wait until the function begins to answer; gives the version that runs. Raises what keeps it from
        running at all."""
        either: list[asyncio.Future[Any]] = [self._version, self._outcome]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        return self._version.result() if self._version.done() else (await self._outcome).executed_version

    async def events(self, last: Callable[[Outcome], Mapping[str, str]]) -> AsyncIterator[bytes]:
        """The messages to send; `last` gives the members of the one that ends them."""
        while (part := await self._parts.get()) is not None:
            yield event_stream.event("PayloadChunk", "application/octet-stream", part)
        complete = json.dumps(last(await self._outcome)).encode()
        yield event_stream.event("InvokeComplete", "application/json", complete)

    async def _run(self, invoke: Invoke, invocation: Invocation) -> Outcome:
        outcome = await invoke(invocation)
        if outcome.payload and outcome.function_error is None:
            await self._parts.put(outcome.payload)
        await self._parts.put(None)
        return outcome
