"""A started runtime process, and the seam by which a runtime starts one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lablambda.execution.channel import Channel
from lablambda.execution.log_pipe import LogPipe, WriteEvent


@dataclass(frozen=True, slots=True)
class Launch:
    """What a runtime needs to start a process for one environment.

    `task` is the unpacked package, `layers` the merged content of /opt (or None), `scratch` the
    environment's own /tmp. `variables` is the whole environment of the process.
    """

    handler: str
    task: Path
    layers: Path | None
    scratch: Path
    variables: Mapping[str, str]
    write_log: WriteEvent


@dataclass(slots=True)
class Worker:
    """A running process. `exited` resolves to its wait status when it has ended."""

    pid: int
    channel: Channel
    logs: LogPipe
    exited: asyncio.Future[int]
    kill: Callable[[], None]

    async def end(self) -> int:
        """End the process and all it started, and wait until it is gone."""
        self.kill()
        status = await asyncio.shield(self.exited)
        self.logs.close()
        self.channel.close()
        return status


class Runtime(Protocol):
    """One runtime identifier, such as python3.13, on this machine."""

    name: str
    version: str
    path: str

    async def warm(self) -> None:
        """Get ready to start processes quickly."""

    async def start(self, launch: Launch) -> Worker:
        """Start a process; its init phase runs on its own and ends with a frame on the channel."""

    async def close(self) -> None:
        """End everything this runtime started."""
