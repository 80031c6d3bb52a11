"""What lives and dies with a runtime's process: its API and its extensions."""

from __future__ import annotations

import asyncio
from typing import Any

from lablambda.execution.channel import Kind, NotSent
from lablambda.execution.extensions import Extensions
from lablambda.execution.log_pipe import LogPipe
from lablambda.execution.platform_api import PlatformApi
from lablambda.execution.supervisor import Process, exit_words
from lablambda.execution.worker import Conversation

# Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html (shutdown phase)
_SHUTDOWN_S = 2.0


class Companions:
    """The API of one environment, and the processes of its external extensions."""

    def __init__(self, api: PlatformApi) -> None:
        self._api = api
        self._processes: dict[str, tuple[Process, LogPipe]] = {}
        self._ending = False

    def add(self, name: str, process: Process, logs: LogPipe) -> None:
        self._processes[name] = process, logs
        process.exited.add_done_callback(lambda exited: self._gone(name, exited.result()))

    def _gone(self, name: str, status: int) -> None:
        if not self._ending:
            self._api.extensions.gone(name, exit_words(status))

    async def end(self, reason: str) -> None:
        """Tell the extensions, give them their time, and end what is left. `reason` is SPINDOWN, TIMEOUT or
        FAILURE."""
        self._ending = True
        told = self._api.extensions.tell_shutdown(reason, _SHUTDOWN_S)
        exits = [self._processes[name][0].exited for name in told if name in self._processes]
        if exits:
            await asyncio.wait(exits, timeout=_SHUTDOWN_S)
        for process, logs in self._processes.values():
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
        self._used = False

    async def invoke(self, header: dict[str, Any], payload: bytes, deadline: float) -> None:
        if self._used and self._extensions.failure is not None:
            raise NotSent("an extension had failed while the environment was idle")
        self._used = True
        await self._runtime.invoke(header, payload, deadline)
        self._extensions.tell_invoke(header)

    async def receive(self, deadline: float) -> tuple[Kind, bytes]:
        kind, body = await self._extensions.beside(self._runtime.receive(deadline))
        if kind is Kind.READY:
            await self._extensions.ready(deadline)
        elif kind in (Kind.RESPONSE, Kind.ERROR, Kind.END, Kind.FATAL):
            await self._extensions.settled(deadline)
        return kind, body

    def no_more(self) -> None:
        self._runtime.no_more()

    def close(self) -> None:
        self._runtime.close()
