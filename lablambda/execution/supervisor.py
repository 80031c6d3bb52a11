"""The lab's side of a parent process: starts processes, ends them, and learns how they ended."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lablambda.execution.place import Place
from lablambda.execution.reach import NOTHING, Reach
from lablambda.model.errors import ServiceFault
from lablambda.rules.limits import FILE_DESCRIPTORS

PARENT = Path(__file__).with_name("parent.py")
_MESSAGE_BYTES = 1 << 17
_STARTS_IN_FLIGHT = 16  # so that the socket's buffer always has room for the next message
_READY_WITHIN_S = 30.0
_LIMITS = {"RLIMIT_NOFILE": FILE_DESCRIPTORS, "RLIMIT_CORE": 0}

Started = tuple[int, asyncio.Future[int]]  # the process, and its wait status when it has ended


class NotStarted(Exception):
    """A program couldn't be run; `number` is the system's errno."""

    def __init__(self, number: int) -> None:
        super().__init__(os.strerror(number))
        self.number = number


@dataclass(slots=True)
class Process:
    """A started process that no environment has yet. `log` is the reading end of its output, `socket` the
    lab's end of its channel, if it has one; `exited` resolves to its wait status; `reach` is what it may reach, `place`
    the folder that its function comes to, if it was started ahead."""

    pid: int
    log: int
    socket: socket.socket | None
    exited: asyncio.Future[int]
    supervisor: Supervisor
    reach: Reach = NOTHING
    place: Place | None = None

    def kill(self) -> None:
        """End it and its group."""
        self.supervisor.kill(self.pid)

    async def wait(self) -> int:
        """Its wait status, when it has ended."""
        return await asyncio.shield(self.exited)

    async def discard(self) -> None:
        """End it: nobody wanted it."""
        self.kill()
        await self.wait()
        os.close(self.log)
        if self.socket is not None:
            self.socket.close()


def exit_words(status: int) -> str:
    """A wait status in AWS's words."""
    if os.WIFSIGNALED(status):
        names = {9: "killed", 11: "segmentation fault", 6: "aborted", 15: "terminated"}
        number = os.WTERMSIG(status)
        return f"signal: {names.get(number, str(number))}"
    code = os.WEXITSTATUS(status)
    return f"exit status {code}" if code else "exit code 0"


class Supervisor:
    """One parent process. When it dies, so does everything that it started."""

    def __init__(self, process: subprocess.Popen[bytes] | None, control: socket.socket) -> None:
        """`process` is None if somebody else sees to its end."""
        self.alive = True
        self._process = process
        self._control = control
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._starting: deque[tuple[asyncio.Future[Started], str]] = deque()
        self._owners: dict[int, str] = {}
        self._exits: dict[int, asyncio.Future[int]] = {}
        self._turns = asyncio.Semaphore(_STARTS_IN_FLIGHT)
        self._loop.add_reader(control, self._hear)

    @classmethod
    async def start(
        cls,
        python: str = sys.executable,
        script: Path = PARENT,
        *arguments: str,
        terms: Mapping[str, Any] | None = None,
    ) -> Supervisor:
        """Start one and wait until it can start others. `script` gets its socket as first argument. `terms`
        are what confines all that it starts; see `confine.py`."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        # -I and -S: the interpreter and its standard library, nothing of the user's or the lab's.
        command = [python, "-I", "-S", "-X", "utf8", str(script), str(theirs.fileno()), *arguments]
        process = await asyncio.to_thread(
            subprocess.Popen,
            command,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={"PATH": os.defpath, "LANG": "en_US.UTF-8"},
        )
        theirs.close()
        supervisor = cls(process, ours)
        ours.send(json.dumps({"terms": terms}).encode())
        try:
            async with asyncio.timeout(_READY_WITHIN_S):
                await supervisor._ready
        except BaseException as error:
            await supervisor.close()
            if isinstance(error, TimeoutError):
                raise ServiceFault(
                    f"{python} didn't get ready within 30 s. Try it by hand: {python} -I -S -V"
                ) from None
            raise
        return supervisor

    async def ready(self) -> None:
        """Wait until it can start others. Raises ServiceFault if it never will."""
        await self._ready

    async def spawn(
        self,
        command: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
        *,
        folder: str = "/",
        channel: bool = True,
        reach: Reach = NOTHING,
        owner: str = "",
        packets: bool = False,
    ) -> Process:
        """A new process; a parent that is a zygote needs no command. `reach` is what it may reach beside
        what all may, `owner` names the environment that it is of, if it is known. Its channel keeps messages
        apart if it is to be a parent itself (`packets`). Raises NotStarted,
        ServiceFault."""
        request = {
            "command": [*command],
            "variables": dict(variables or {}),
            "folder": folder,
            "limits": _LIMITS,
            "rules": reach.rules,
            "mounts": reach.mounts,
        }
        kind = socket.SOCK_SEQPACKET if packets else socket.SOCK_STREAM
        ours, theirs = socket.socketpair(type=kind) if channel else (None, None)
        log_read, log_write = os.pipe()
        try:
            async with self._turns:
                descriptors = [log_write] if theirs is None else [log_write, theirs.fileno()]
                pid, exited = await self._ask(request, descriptors, owner)
        except BaseException as error:
            os.close(log_read)
            if ours is not None:
                ours.close()
            lacking = isinstance(error, NotStarted) and error.number in (errno.EAGAIN, errno.ENOMEM)
            if lacking or isinstance(error, OSError | ServiceFault):
                raise ServiceFault(f"A new environment couldn't be started ({error}); try again.") from None
            raise
        finally:
            os.close(log_write)
            if theirs is not None:
                theirs.close()
        return Process(pid, log_read, ours, exited, self, reach)

    async def _ask(self, request: Mapping[str, Any], descriptors: list[int], owner: str) -> Started:
        started: asyncio.Future[Started] = self._loop.create_future()
        socket.send_fds(self._control, [json.dumps({"start": request}).encode()], descriptors)
        self._starting.append((started, owner))
        try:
            return await asyncio.shield(started)
        except asyncio.CancelledError:
            started.add_done_callback(self._end_unwanted)
            raise

    def _end_unwanted(self, started: asyncio.Future[Started]) -> None:
        if started.exception() is None:
            self.kill(started.result()[0])

    def give(self, pid: int, owner: str) -> None:
        """The process is of that environment from now on."""
        if owner:
            self._owners[pid] = owner

    @property
    def owners(self) -> Mapping[int, str]:
        """Whose the processes are that are some environment's."""
        return self._owners

    def kill(self, pid: int) -> None:
        if pid in self._exits and self.alive:
            with contextlib.suppress(OSError):  # it is dying itself, and they with it
                self._control.send(json.dumps({"end": pid}).encode())

    async def close(self) -> None:
        """End the parent and everything it started: closing its socket is the sign."""
        self._lost()
        if self._process is None:
            return
        try:
            await asyncio.to_thread(self._process.wait, 5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    def _hear(self) -> None:
        try:
            data = self._control.recv(_MESSAGE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lost()
            return
        message = json.loads(data)
        if "started" in message:
            pid = message["started"]
            self._exits[pid] = self._loop.create_future()
            started, owner = self._starting.popleft()
            self.give(pid, owner)
            started.set_result((pid, self._exits[pid]))
        elif "refused" in message:
            self._starting.popleft()[0].set_exception(NotStarted(message["refused"]))
        elif "exited" in message:
            self._owners.pop(message["exited"], None)
            self._exits.pop(message["exited"]).set_result(message["status"])
        else:
            self._ready.set_result(None)

    def _lost(self) -> None:
        """The parent is gone, and with it (they die with it) every process it started."""
        if not self.alive:
            return
        self.alive = False
        self._loop.remove_reader(self._control)
        self._control.close()
        for started, _ in self._starting:
            started.set_exception(ServiceFault("The process that starts environments died"))
        for exited in self._exits.values():
            exited.set_result(9)
        self._starting.clear()
        self._owners.clear()
        self._exits.clear()
        if not self._ready.done():
            self._ready.set_exception(ServiceFault("The runtime couldn't start; see the lab's log."))


class Spawner:
    """A supervisor that is started on first use, and again if it died."""

    def __init__(self, start: Callable[[], Awaitable[Supervisor]] = Supervisor.start) -> None:
        self._start = start
        self._supervisor: Supervisor | None = None
        self._starting = asyncio.Lock()

    async def ready(self) -> Supervisor:
        if self._supervisor is not None and self._supervisor.alive:
            return self._supervisor
        async with self._starting:
            if self._supervisor is None or not self._supervisor.alive:
                self._supervisor = await self._start()
        return self._supervisor

    @property
    def owners(self) -> Mapping[int, str]:
        return {} if self._supervisor is None else self._supervisor.owners

    async def close(self) -> None:
        if self._supervisor is not None:
            await self._supervisor.close()
