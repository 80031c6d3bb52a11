"""A started runtime process, and the seam by which a runtime starts one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from lablambda.execution.channel import Channel, Kind
from lablambda.execution.log_pipe import LogPipe, WriteEvent
from lablambda.execution.reach import Reach
from lablambda.execution.supervisor import Process


@dataclass(frozen=True, slots=True)
class Program:
    """What all environments of a version run.

    `runtime` is the identifier that the function names, which may not be the one that runs it. `task` is
    the unpacked package, `layers` the merged content of /opt (or None). `variables` are the function's own.
    """

    runtime: str
    handler: str
    task: Path
    layers: Path | None
    memory_mb: int
    variables: Mapping[str, str]

    @property
    def code(self) -> tuple[Path, ...]:
        """The folders that it may read."""
        return (self.task,) if self.layers is None else (self.task, self.layers)

    @property
    def extensions(self) -> tuple[Path, ...]:
        """The executables of its external extensions."""
        folder = None if self.layers is None else self.layers / "extensions"
        if folder is None or not folder.is_dir():
            return ()
        return tuple(sorted(path for path in folder.iterdir() if path.is_file()))

    @property
    def library_folders(self) -> tuple[Path, ...]:
        """Where its shared libraries may be."""
        layers = () if self.layers is None else (self.layers / "lib",)
        return (self.task, self.task / "lib", *layers)


@dataclass(frozen=True, slots=True)
class Launch:
    """What a runtime needs to start a process for one environment. `scratch` is the environment's own /tmp,
    `variables` the whole environment of the process. `shared` is whether others use its /tmp already; `snapshot`
    whether it is to be what other environments are forked from."""

    program: Program
    scratch: Path
    variables: Mapping[str, str]
    write_log: WriteEvent
    shared: bool = False
    snapshot: bool = False

    @property
    def owner(self) -> str:
        """What names the environment among all of the host's."""
        return str(self.scratch)

    def seen_by(self, reach: Reach) -> Launch:
        """The same, with paths as the environment sees them."""
        program = self.program
        layers = None if program.layers is None else Path(reach.seen(str(program.layers)))
        return replace(
            self,
            program=replace(program, task=Path(reach.seen(str(program.task))), layers=layers),
            scratch=Path(reach.seen(str(self.scratch))),
            variables={name: reach.seen(value) for name, value in self.variables.items()},
        )

    def message(self) -> dict[str, Any]:
        """What the process is told of it; see `runtimes/python/bootstrap.py`."""
        program = self.program
        return {
            "runtime": program.runtime,
            "handler": program.handler,
            "task": str(program.task),
            "layers": None if program.layers is None else str(program.layers),
            "scratch": str(self.scratch),
            "variables": dict(self.variables),
            "snapshot": self.snapshot,
        }


class Conversation(Protocol):
    """How the lab talks with a runtime process: by frames, or by the Runtime API. Deadlines are of the event
    loop's time, and passing one raises TimeoutError; a process that has gone raises ChannelClosed, and an
    extension beside it that failed raises Failed."""

    async def invoke(self, header: dict[str, Any], payload: bytes, deadline: float) -> None:
        """Hand over an event. Raises NotSent if the process couldn't take it any more."""

    async def receive(self, deadline: float) -> tuple[Kind, bytes]:
        """What the process says next."""

    def no_more(self) -> None:
        """The process is gone: what it said before can still be received."""

    def close(self) -> None:
        """Nobody listens any more."""


class Companion(Protocol):
    """What lives and dies with a runtime's process."""

    async def end(self, reason: str) -> None:
        """Come to an end; `reason` is SPINDOWN, TIMEOUT or FAILURE."""


class Failed(Exception):
    """An environment can't go on, and not because of its runtime's process; kind and message are AWS's."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class InvalidEntrypoint(Failed):
    """There is nothing to run, or it can't be run."""

    def __init__(self, message: str) -> None:
        super().__init__("Runtime.InvalidEntrypoint", message)


@dataclass(slots=True)
class Worker:
    """The process of one environment; `scratch` is its /tmp if that is another one's."""

    process: Process
    channel: Conversation
    logs: LogPipe
    companions: Companion | None = None
    scratch: Path | None = None

    async def end(self, reason: str, *, after_s: float = 0.0) -> int:
        """End the process and all it started, wait until it is gone, and give its wait status. It may end by
        itself within `after_s` seconds: then the status says how. `reason` is for those who accompany it."""
        await asyncio.wait([self.process.exited], timeout=after_s)
        self.process.kill()
        status = await self.process.wait()
        if self.companions is not None:
            await self.companions.end(reason)
        self.logs.close()
        self.channel.close()
        return status


def adopt(process: Process, launch: Launch) -> Worker:
    """Tell a generic process, one that talks frames, which environment it is to be."""
    assert process.socket is not None
    channel = Channel(process.socket)
    channel.start(launch.message())
    process.exited.add_done_callback(lambda _: channel.no_more())
    return Worker(process, channel, LogPipe(process.log, launch.write_log))


class Runtime(Protocol):
    """One runtime identifier, such as python3.13, on this machine."""

    name: str
    version: str
    path: str

    async def warm(self, program: Program) -> None:
        """Get ready to start processes for it quickly."""

    async def start(self, launch: Launch) -> Worker:
        """Start a process; its init phase runs on its own and ends with a frame on the channel. Raises
        Failed."""
