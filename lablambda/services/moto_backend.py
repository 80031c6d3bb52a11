"""moto as the services backend: its process started on first use, requests relayed, its pushes taken."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import socket
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from lablambda import __version__, programs
from lablambda.clock import Clock
from lablambda.model.errors import LabError, NotImplementedHere, ServiceFault
from lablambda.rules.names import ACCOUNT
from lablambda.services import adoption
from lablambda.services.adoption import AdoptedProcess
from lablambda.services.backend import Deliver, Push, ServiceRequest, ServiceResponse, Wake
from lablambda.services.link import Message, answer_all
from lablambda.services.moto_request import CALLER, CLOCK, FAULT, NOT_BUILT
from lablambda.services.moto_server import MOST_CONNECTIONS
from lablambda.services.relay import Relay, sendable

Answer = Callable[[Message], Awaitable[Message]]

_START_WITHIN_S = 60.0
_UNDERSCORES = "x-lablambda-underscores"
_CLOSED = "The lab is closing; its services have ended."
_EMPTY = "It starts again, empty, with the next request: buckets, tables and queues must be made again."


class MotoServices:
    """moto, in a process of the lab's, started when somebody first needs it. It goes by the lab's clock."""

    def __init__(
        self, folder: Path, deliver: Deliver, wake: Wake, clock: Clock, *, linger_s: float = 0.0
    ) -> None:
        """`linger_s` is for how long the process outlives a lab that is killed, to be taken over by the next one."""
        self._folder = folder
        self._linger_s = linger_s
        self._answer = _answerer(deliver, wake)
        self._clock = clock
        self._process: _MotoProcess | None = None
        self._starting: asyncio.Task[_MotoProcess] | None = None
        self._lost = ""
        self._closed = False

    def wakes(self, service: str) -> bool:  # noqa: ARG002 - it is the same for every service
        return True

    async def resume(self) -> None:
        """Take over what a lab that was killed has left, if it is there."""
        found = await adoption.find(self._folder)
        if found is None:
            return
        process, link, hello = found
        if hello["version"] != __version__:
            self._lost = f"It was of version {hello['version']} of lablambda, and has been ended. {_EMPTY}"
            link.close()
            process.terminate()
            await process.wait()
            return
        self._clock.advance(max(0.0, hello["clock"] - self._clock.now()))
        self._process = await _MotoProcess.adopt(process, link, self._folder, self._answer)
        self._process.note("taken over by the next lab")

    async def forward(self, request: ServiceRequest) -> ServiceResponse:
        process = await self._running()
        try:
            return await process.forward(request, self._clock)
        except ServiceFault:
            if self._closed:
                raise ServiceFault(_CLOSED) from None
            if not process.alive:
                await self._bury(process)
            raise

    def status(self) -> dict[str, str]:
        running = self._process is not None and self._process.alive
        told = {"backend": "moto", "state": "running" if running else "starts on first use"}
        if running and isinstance(self._process and self._process.process, AdoptedProcess):
            told["state"] = "running, taken over from a lab that was killed"
        return told | ({"lost": self._lost} if self._lost else {})

    async def close(self) -> None:
        self._closed = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait({self._starting})
        if self._process is not None:
            await self._process.close()

    async def _running(self) -> _MotoProcess:
        """The process; raises ServiceFault once when one that had state has ended since the last request."""
        if self._closed:
            raise ServiceFault(_CLOSED)
        if self._process is not None:
            if self._process.alive:
                return self._process
            fault = self._process.obituary()
            await self._bury(self._process)
            raise ServiceFault(fault)
        if self._starting is None:
            self._starting = asyncio.ensure_future(
                _MotoProcess.start(self._folder, self._answer, self._linger_s)
            )
            self._starting.add_done_callback(self._started)
        # A caller that leaves doesn't take the start along: others wait for it too.
        starting = self._starting
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            if starting.cancelled():
                raise ServiceFault(_CLOSED) from None
            raise

    def _started(self, starting: asyncio.Task[_MotoProcess]) -> None:
        self._starting = None
        if not starting.cancelled() and starting.exception() is None:
            self._process = starting.result()

    async def _bury(self, process: _MotoProcess) -> None:
        """Of all who find the process dead, the first clears away; what was lost is kept for `status`."""
        if self._process is process:
            self._process = None
            self._lost = process.obituary()
            process.note(self._lost)
            await process.close()


class _MotoProcess:
    """One run of the services process."""

    def __init__(
        self,
        process: asyncio.subprocess.Process | AdoptedProcess,
        answering: asyncio.Task[None],
        log: Path,
    ) -> None:
        self.process = process
        self._relay: Relay | None = None  # there once it has started
        self._folder = -1
        self._answering = answering
        self._log = log

    @classmethod
    async def adopt(
        cls, process: AdoptedProcess, link: socket.socket, folder: Path, answer: Answer
    ) -> _MotoProcess:
        adopted = cls(process, asyncio.ensure_future(answer_all(link, answer)), folder / "services.log")
        await adopted._open(folder)
        return adopted

    @classmethod
    async def start(cls, folder: Path, answer: Answer, linger_s: float) -> _MotoProcess:
        if importlib.util.find_spec("moto") is None:
            raise ServiceFault(
                "S3, SQS and the other services need moto, which isn't installed. Install it: "
                "pip install 'moto[server]', or start the lab with --services none."
            )
        log = folder / "services.log"
        ours, theirs = socket.socketpair()
        try:
            logged = _make_ready(folder, log)
            process = await _spawn(folder, log, theirs, linger_s)
        except OSError as error:
            ours.close()
            raise ServiceFault(
                f"The services backend can't start ({error}). Make sure that you may write to {folder} and that "
                "the disk isn't full, or start the lab with another --data folder or with --services none."
            ) from None
        except asyncio.CancelledError:
            ours.close()
            raise
        finally:
            theirs.close()
        answering = asyncio.ensure_future(answer_all(ours, answer))
        started = cls(process, answering, log)
        try:
            await started._open(folder)
            await started._wait_until_ready(process, logged)
        except BaseException:
            await started._kill()
            raise
        return started

    async def _open(self, folder: Path) -> None:
        # aiohttp takes a while to load: in a thread, while moto loads too.
        await asyncio.to_thread(importlib.import_module, "aiohttp")
        self._folder = os.open(folder, os.O_PATH)
        self._relay = _relay_to(self._folder)

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    async def forward(self, request: ServiceRequest, clock: Clock) -> ServiceResponse:
        import aiohttp

        assert self._relay is not None
        ours = {CALLER: request.caller, CLOCK: f"{clock.now()} {clock.speed}"}
        try:
            answer = await self._relay.send(request, _sent_headers(request.headers) | ours)
        except (aiohttp.ClientError, OSError) as error:
            raise ServiceFault(await self._why_broken(error)) from None
        if fault := dict(answer.headers).get(FAULT.lower()):
            raise self._fault(fault, answer.body.decode(), request)
        return answer

    def obituary(self) -> str:
        """What to say of a process that ended by itself, with all that was in it."""
        code = self.process.returncode
        how = (
            f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with status {code}"
        )
        return f"The services backend {how}; see {self._log}. {_EMPTY}"

    def note(self, text: str) -> None:
        """Write into the services' log."""
        with contextlib.suppress(OSError), self._log.open("a") as log:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} lablambda: {text}\n")

    async def close(self) -> None:
        """End the process."""
        await self._close_relay()
        if self.alive:
            self.process.terminate()
        try:
            async with asyncio.timeout(5):
                await self.process.wait()
        except TimeoutError:
            await self._kill()
        # The link has ended with the process; an event on its way in may still be written down.
        await asyncio.wait({self._answering}, timeout=5)
        await self._stop_answering()

    async def _kill(self) -> None:
        if self.alive:
            await _end(self.process)
        await self._close_relay()
        await self._stop_answering()

    async def _close_relay(self) -> None:
        relay, self._relay = self._relay, None
        if relay is not None:
            await relay.close()
            os.close(self._folder)

    async def _stop_answering(self) -> None:
        self._answering.cancel()
        await asyncio.wait({self._answering})

    def _fault(self, kind: str, said: str, request: ServiceRequest) -> LabError:
        what = request.headers.get("x-amz-target") or f"{request.method} {request.path}"
        if kind == NOT_BUILT:
            return NotImplementedHere(
                f"{what} needs something that moto or lablambda hasn't built yet: {said}"
            )
        return ServiceFault(f"The services backend failed on {what} ({said}); see {self._log}. It runs on.")

    async def _why_broken(self, error: Exception) -> str:
        """A broken connection is the first sign of a death, some way ahead of the process's exit."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self.process.wait()
        if not self.alive:
            return self.obituary()
        reason = error or type(error).__name__
        return f"The services backend broke off ({reason}); see {self._log}. It runs on: try again."

    async def _wait_until_ready(self, process: asyncio.subprocess.Process, logged: int) -> None:
        assert process.stdout is not None
        said = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_START_WITHIN_S):
                said = await process.stdout.readline()
        if said:
            return
        lines = self._log.read_bytes()[logged:].decode(errors="replace").strip().splitlines()
        raise ServiceFault(
            f"The services backend didn't start: {lines[-1] if lines else 'it said nothing'} (more in {self._log}). "
            "Repair the installation of moto, or start the lab with --services none."
        )


async def _end(process: asyncio.subprocess.Process | AdoptedProcess) -> None:
    if isinstance(process, AdoptedProcess):
        process.kill()
        await process.wait()
    else:
        await programs.end(process)


async def _spawn(folder: Path, log: Path, link: socket.socket, linger_s: float) -> asyncio.subprocess.Process:
    with log.open("ab") as log_file:
        return await programs.start(
            *(sys.executable, "-m", "lablambda.services.moto_server"),
            *("--socket", "socket", "--link", str(link.fileno()), "--linger", str(linger_s)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log_file,
            pass_fds=[link.fileno()],
            env=_environment(),
            cwd=folder,
        )


def _relay_to(folder: int) -> Relay:
    """Requests to the socket in the open folder `folder`, by a path that is short enough for one: Linux
    takes 107 bytes, and a data folder's path may be longer."""
    import aiohttp  # slow, so only a lab that uses services loads it

    path = f"/proc/self/fd/{folder}/socket"
    return Relay(aiohttp.UnixConnector(path=path, limit=MOST_CONNECTIONS), "http://services")


def _answerer(deliver: Deliver, wake: Wake) -> Answer:
    async def answer(message: Message) -> Message:
        if message["kind"] == "wake":
            wake(message["source_arn"])
            return {}
        try:
            return {"refused": await deliver(Push(**message))}
        except ServiceFault as error:
            return {"refused": str(error)}
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            return {"refused": f"the lab failed on it ({type(error).__name__}: {error}); see the lab's log"}

    return answer


def _environment() -> dict[str, str]:
    """moto gets nothing of the user's, least of all AWS credentials."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "MOTO_ACCOUNT_ID": ACCOUNT,
        "DOCKER_HOST": "unix:///nonexistent",  # moto's Batch would start containers
        "AWS_ACCESS_KEY_ID": "moto",
        "AWS_SECRET_ACCESS_KEY": "moto",
    }


def _make_ready(folder: Path, log: Path) -> int:
    """A private folder without a socket; gives how long the log is already."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name in ("socket", adoption.SOCKET):
        (folder / name).unlink(missing_ok=True)
    return log.stat().st_size if log.exists() else 0


def _sent_headers(headers: Mapping[str, str]) -> dict[str, str]:
    sent = {name: value for name, value in sendable(headers).items() if "_" not in name}
    odd = {name: value for name, value in headers.items() if "_" in name}
    return sent | ({_UNDERSCORES: json.dumps(odd)} if odd else {})
