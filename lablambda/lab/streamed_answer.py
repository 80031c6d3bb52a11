"""The answer of one invocation, on its way: where the function's parts arrive, and where they leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any, NamedTuple

from lablambda.model.invocation import Invocation, Outcome

Invoke = Callable[[Invocation], Awaitable[Outcome]]
_MOST_WAITING = 16  # parts, before the function has to wait for the client


class Beginning(NamedTuple):
    """`streams` is whether the function streams; `content_type` is empty if it doesn't say one."""

    executed_version: str
    streams: bool
    content_type: str = ""


class StreamedAnswer:
    """A function that doesn't stream gives its whole answer as one part. The function goes on when the client
    goes away, as on AWS."""

    def __init__(self, invoke: Invoke, invocation: Invocation) -> None:
        self._parts: asyncio.Queue[bytes | None] = asyncio.Queue(_MOST_WAITING)
        self._begun: asyncio.Future[Beginning] = asyncio.get_running_loop().create_future()
        self._outcome = asyncio.ensure_future(self._run(invoke, replace(invocation, sink=self)))

    async def begin(self, content_type: str, executed_version: str) -> None:
        self._begun.set_result(Beginning(executed_version, streams=True, content_type=content_type))

    async def take(self, part: bytes) -> None:
        await self._parts.put(part)

    async def beginning(self) -> Beginning:
        """Wait until the function begins to answer. Raises what keeps it from running at all."""
        either: list[asyncio.Future[Any]] = [self._begun, self._outcome]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._begun.done():
            return self._begun.result()
        return Beginning((await self._outcome).executed_version, streams=False)

    async def parts(self) -> AsyncIterator[bytes]:
        """What the function gives, to its end."""
        while (part := await self._parts.get()) is not None:
            yield part

    async def outcome(self) -> Outcome:
        """What became of it; read the parts first."""
        return await self._outcome

    async def _run(self, invoke: Invoke, invocation: Invocation) -> Outcome:
        outcome = await invoke(invocation)
        if outcome.payload and outcome.function_error is None:
            await self._parts.put(outcome.payload)
        await self._parts.put(None)
        return outcome
