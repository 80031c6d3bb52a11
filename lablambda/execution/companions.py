"""What lives and dies with a runtime's process: its API and its extensions."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from lablambda.execution.channel import Kind
from lablambda.execution.extensions import Extensions
from lablambda.execution.log_pipe import LogPipe
from lablambda.execution.platform_api import PlatformApi
from lablambda.execution.supervisor import Process
from lablambda.execution.worker import Conversation

# Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html (shutdown phase)
_SHUTDOWN_S = 2.0


class Companions:
    """The API of one environment, and the processes of its external extensions."""

    def __init__(self, api: PlatformApi) -> None:
        self._api = api
        self._processes: list[tuple[Process, LogPipe]] = []
        self._ending = False

    def add(self, name: str, process: Process, logs: LogPipe) -> None:
        self._processes.append((process, logs))
        process.exited.add_done_callback(lambda _: None if self._ending else self._api.extensions.gone(name))

    async def end(self, reason: str) -> None:
        """Tell the extensions, give them their time, and end what is left. `reason` is SPINDOWN, TIMEOUT or
        FAILURE."""
        self._ending = True
        exits = [process.exited for process, _ in self._processes if not process.exited.done()]
        if self._api.extensions.tell_shutdown(reason, _SHUTDOWN_S) and exits:
            await asyncio.wait(exits, timeout=_SHUTDOWN_S)
        for process, logs in self._processes:
            process.kill()
            await process.wait()
            logs.close()
        await self._api.close()


class Accompanied:
    """A conversation with a runtime that has extensions beside it: what it ends must be over for them too,
    and one that failed ends the environment."""

    def __init__(self, runtime: Conversation, extensions: Extensions) -> None:
        self._runtime = runtime
        self._extensions = extensions

    async def invoke(self, header: dict[str, Any], payload: bytes, deadline: float) -> None:
        await self._runtime.invoke(header, payload, deadline)
        self._extensions.tell_invoke(header)

    async def receive(self, deadline: float) -> tuple[Kind, bytes]:
        kind, body = await self._runtime.receive(deadline)
        if kind is Kind.READY:
            failure = await self._extensions.ready(deadline)
            return (kind, body) if failure is None else (Kind.INIT_ERROR, json.dumps(failure).encode())
        if kind in (Kind.RESPONSE, Kind.ERROR, Kind.END, Kind.FATAL):
            failure = await self._extensions.settled(deadline)
            return (kind, body) if failure is None else (Kind.FATAL, body[:4] + json.dumps(failure).encode())
        return kind, body

    def no_more(self) -> None:
        self._runtime.no_more()

    def close(self) -> None:
        self._runtime.close()
