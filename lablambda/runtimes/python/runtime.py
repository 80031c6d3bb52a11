"""The Python runtimes of this machine, and the zygote each forks its environments from."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lablambda.execution.channel import Channel
from lablambda.execution.log_pipe import LogPipe
from lablambda.execution.worker import Launch, Worker
from lablambda.model.errors import ServiceFault
from lablambda.rules.limits import FILE_DESCRIPTORS
from lablambda.runtimes.python.zygote import DISTRIBUTIONS, RUNTIME_PACKAGES

_ZYGOTE = Path(__file__).with_name("zygote.py")
_MESSAGE_BYTES = 1 << 17
_FORKS_IN_FLIGHT = 16  # so that the socket's buffer always has room for the next message
SUPPORTED = tuple(f"python3.{minor}" for minor in range(10, 15))


class PythonRuntime:
    """One interpreter, with its zygote: started on first use, again if it dies."""

    def __init__(self, name: str, version: str, path: str, folder: Path) -> None:
        self.name = name
        self.version = version
        self.path = path
        self._folder = folder
        self._zygote: Zygote | None = None
        self._starting = asyncio.Lock()

    async def warm(self) -> None:
        await self._ready_zygote()

    async def start(self, launch: Launch) -> Worker:
        zygote = await self._ready_zygote()
        return await zygote.fork(_message(launch, self.name, self._folder), launch)

    async def close(self) -> None:
        if self._zygote is not None:
            await self._zygote.close()

    async def _ready_zygote(self) -> Zygote:
        if self._zygote is not None and self._zygote.alive:
            return self._zygote
        async with self._starting:
            if self._zygote is None or not self._zygote.alive:
                self._zygote = await Zygote.start(self.path, runtime_packages(self._folder))
        return self._zygote


class Zygote:
    """The lab's side of one zygote process."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self.alive = True
        self._process = process
        self._control = control
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._forks: deque[asyncio.Future[int]] = deque()
        self._exits: dict[int, asyncio.Future[int]] = {}
        self._turns = asyncio.Semaphore(_FORKS_IN_FLIGHT)
        self._loop.add_reader(control, self._hear)

    @classmethod
    async def start(cls, python: str, packages: Path) -> Zygote:
        """Start one and wait until it can fork."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        # -I and -S: the interpreter and its standard library, nothing of the user's or the lab's.
        command = [python, "-I", "-S", "-X", "utf8", str(_ZYGOTE), str(theirs.fileno()), str(packages)]
        process = await asyncio.to_thread(
            subprocess.Popen,
            command,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={"PATH": os.defpath, "LANG": "en_US.UTF-8"},
        )
        theirs.close()
        zygote = cls(process, ours)
        try:
            async with asyncio.timeout(30):
                await zygote._ready
        except BaseException as error:
            await zygote.close()
            if isinstance(error, TimeoutError):
                raise ServiceFault(
                    f"{python} didn't get ready within 30 s. Try it by hand: {python} -I -S -V"
                ) from None
            raise
        return zygote

    async def fork(self, message: dict[str, Any], launch: Launch) -> Worker:
        """A new process from this zygote, running the bootstrap."""
        channel_ours, channel_theirs = socket.socketpair()
        log_read, log_write = os.pipe()
        try:
            async with self._turns:
                pid = await self._ask_to_fork(message, [channel_theirs.fileno(), log_write])
        except (OSError, ServiceFault) as error:
            channel_ours.close()
            os.close(log_read)
            raise ServiceFault(f"A new environment couldn't be started ({error}); try again.") from None
        finally:
            channel_theirs.close()
            os.close(log_write)
        channel = Channel(channel_ours)
        exited = self._exits[pid]
        exited.add_done_callback(lambda _: channel.no_more())
        return Worker(pid, channel, LogPipe(log_read, launch.write_log), exited, lambda: self._kill(pid))

    async def _ask_to_fork(self, message: dict[str, Any], descriptors: list[int]) -> int:
        forked: asyncio.Future[int] = self._loop.create_future()
        socket.send_fds(self._control, [json.dumps({"fork": message}).encode()], descriptors)
        self._forks.append(forked)
        return await forked

    async def close(self) -> None:
        """End the zygote and everything it forked: closing its socket is the sign."""
        self._lost()
        try:
            await asyncio.to_thread(self._process.wait, 5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    def _kill(self, pid: int) -> None:
        if pid in self._exits and self.alive:
            self._control.send(json.dumps({"kill": pid}).encode())

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
        if "forked" in message:
            pid = message["forked"]
            self._exits[pid] = self._loop.create_future()
            self._forks.popleft().set_result(pid)
        elif "exited" in message:
            exited = self._exits.pop(message["exited"])
            exited.set_result(message["status"])
        else:
            self._ready.set_result(None)

    def _lost(self) -> None:
        """The zygote is gone, and with it (they die with their parent) every process it forked."""
        if not self.alive:
            return
        self.alive = False
        self._loop.remove_reader(self._control)
        self._control.close()
        for forked in self._forks:
            forked.set_exception(ServiceFault("The Python runtime's parent process died; try again."))
        for exited in self._exits.values():
            exited.set_result(9)
        self._forks.clear()
        self._exits.clear()
        if not self._ready.done():
            self._ready.set_exception(ServiceFault("The Python runtime couldn't start; see the lab's log."))


def _message(launch: Launch, runtime: str, packages: Path) -> dict[str, Any]:
    paths = {"/var/task": str(launch.task)}
    python_path = [str(launch.task)]
    if launch.layers is not None:
        paths["/opt"] = str(launch.layers)
        # AWS's order: the versioned site-packages of a layer come before its plain python folder.
        python_path += [
            str(launch.layers / "python" / "lib" / runtime / "site-packages"),
            str(launch.layers / "python"),
        ]
    variables = dict(launch.variables)
    python_path += filter(None, variables.get("PYTHONPATH", "").split(os.pathsep))
    return {
        "handler": launch.handler,
        # So that a Python which the handler starts finds boto3 too.
        "variables": {"PYTHONPATH": str(packages), **variables},
        "paths": paths,
        "python_path": python_path,
        "limits": {"RLIMIT_NOFILE": FILE_DESCRIPTORS, "RLIMIT_CORE": 0},
    }


def runtime_packages(folder: Path) -> Path:
    """A folder that shows a handler boto3 and what it needs, and no other package of the lab's.

    AWS's runtime has boto3 built in. All of these are pure Python at heart, so the lab's own
    installation serves interpreters of other versions too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {source.name: source for source in _package_sources()}
    for link in folder.iterdir():
        if (
            link.is_symlink() and wanted.get(link.name) != link.readlink()
        ):  # of an installation that was moved or upgraded
            link.unlink()
    for name, source in wanted.items():
        with contextlib.suppress(FileExistsError):
            (folder / name).symlink_to(source)
    return folder


def _package_sources() -> Iterator[Path]:
    """Each package with its metadata: a handler may ask for its version."""
    for name in RUNTIME_PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        source = origin.parent if spec.submodule_search_locations else origin
        yield source
        distribution = DISTRIBUTIONS.get(name, name)
        yield from source.parent.glob(f"{distribution}-*.dist-info")


def own_runtime() -> tuple[str, str, str]:
    """Name, version and path of the interpreter that runs the lab; always there, found at once."""
    version = ".".join(map(str, sys.version_info[:3]))
    path = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    return f"python3.{sys.version_info.minor}", version, path


async def discover() -> dict[str, tuple[str, str]]:
    """Every supported Python on this machine: name to (version, path). Takes about a second."""
    own, version, path = own_runtime()
    found = {own: (version, path)}
    for entry in await _installed_pythons():
        name = "python{major}.{minor}".format(**entry["version_parts"])
        plain = entry["implementation"] == "cpython" and entry["variant"] == "default"
        if name in SUPPORTED and plain and name not in found:
            found[name] = (entry["version"], await _real_path(entry["path"]))
    return dict(sorted(found.items()))


async def _installed_pythons() -> list[dict[str, Any]]:
    from uv import find_uv_bin

    words = ("python", "list", "--only-installed", "--output-format", "json", "--offline", "--no-config")
    try:
        entries: list[dict[str, Any]] = json.loads(await _output(find_uv_bin(), *words))
    except ValueError:
        return []
    return entries


async def _real_path(python: str) -> str:
    """A version manager's shim leads to the interpreter by way of the user's environment; go straight there."""
    code = "import sys; print(getattr(sys, '_base_executable', sys.executable))"
    answer = await _output(python, "-I", "-c", code)
    return os.path.realpath(answer.decode().strip() or python)


async def _output(*command: str) -> bytes:
    """What a command prints; it is ended if nobody wants to know any more."""
    nothing = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *command, stdin=nothing, stdout=asyncio.subprocess.PIPE, stderr=nothing
    )
    try:
        answer, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    return answer
