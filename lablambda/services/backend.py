"""The lab's side of the services backend: start it on first use, relay requests, take its pushes."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lablambda.model.errors import NotImplementedHere, ServiceFault
from lablambda.rules.names import ACCOUNT
from lablambda.services.link import Message, answer_all

if TYPE_CHECKING:
    import aiohttp

_START_WITHIN_S = 60.0
_LONGEST_SOCKET_PATH = 107  # of Linux's sockaddr_un
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
    }
)
_UNDERSCORES = "x-lablambda-underscores"


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """A request as it came in: path and query percent-encoded, headers by lower-case name."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class ServiceResponse:
    """The backend's answer."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass(frozen=True, slots=True)
class Push:
    """A service invokes a function (`kind` "invoke"), or asks if it may ("may_invoke")."""

    kind: str
    function_arn: str
    principal: str
    source_arn: str
    source_account: str
    event: Any


Deliver = Callable[[Push], Awaitable[str | None]]  # None when accepted, else why not


class Services(Protocol):
    """Whoever answers for the services that aren't the lab's own."""

    async def forward(self, request: ServiceRequest) -> ServiceResponse:
        """Relay a request. Raises ServiceFault if the backend can't be reached."""

    def status(self) -> dict[str, str]:
        """What `lablambda status` says of it."""

    async def close(self) -> None:
        """End it."""


class NoServices:
    """`--services none`: there is nobody behind."""

    async def forward(self, request: ServiceRequest) -> ServiceResponse:
        raise NotImplementedHere(
            f"This lab has no backend for {request.method} {request.path}: it was started with --services none."
        )

    def status(self) -> dict[str, str]:
        return {"backend": "none"}

    async def close(self) -> None:
        return


class MotoServices:
    """moto, in a process of the lab's, started when somebody first needs it."""

    def __init__(self, folder: Path, deliver: Deliver) -> None:
        self._folder = folder
        self._deliver = deliver
        self._process: _MotoProcess | None = None
        self._starting = asyncio.Lock()

    async def forward(self, request: ServiceRequest) -> ServiceResponse:
        process = await self._running()
        return await process.forward(request)

    def status(self) -> dict[str, str]:
        return {"backend": "moto", "state": "running" if self._alive() else "starts on first use"}

    async def close(self) -> None:
        if self._process is not None:
            await self._process.close()

    def _alive(self) -> bool:
        return self._process is not None and self._process.alive

    async def _running(self) -> _MotoProcess:
        async with self._starting:
            if self._process is not None and not self._process.alive:
                await self._process.close()
                self._process = None
            if self._process is None:
                self._process = await _MotoProcess.start(self._folder, self._deliver)
            return self._process


class _MotoProcess:
    """One run of the services process."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        session: aiohttp.ClientSession,
        answering: asyncio.Task[None],
        log: Path,
    ) -> None:
        self._process = process
        self._session = session
        self._answering = answering
        self._log = log

    @classmethod
    async def start(cls, folder: Path, deliver: Deliver) -> _MotoProcess:
        if importlib.util.find_spec("moto") is None:
            raise ServiceFault(
                "S3, SQS and the other services need moto, which isn't installed. Install it: "
                "pip install 'moto[server]', or start the lab with --services none."
            )
        _make_private(folder)
        if len(os.fsencode(folder / "socket")) > _LONGEST_SOCKET_PATH:
            raise ServiceFault(
                f"{folder} is too long a path for a socket. Give the lab a shorter --data folder."
            )
        path, log = folder / "socket", folder / "services.log"
        ours, theirs = socket.socketpair()
        with log.open("ab") as log_file:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "lablambda.services.moto_server"),
                *("--socket", str(path), "--link", str(theirs.fileno())),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log_file,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env=_environment(),
                cwd=folder,
            )
        theirs.close()
        answering = asyncio.ensure_future(answer_all(ours, _answerer(deliver)))
        started = cls(process, await _open_session(path), answering, log)
        await started._wait_until_ready()
        return started

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def forward(self, request: ServiceRequest) -> ServiceResponse:
        import aiohttp
        import yarl

        target = f"http://services{request.path}" + (f"?{request.query}" if request.query else "")
        try:
            async with self._session.request(
                request.method,
                yarl.URL(target, encoded=True),
                headers=_sent_headers(request.headers),
                data=request.body,
                allow_redirects=False,
            ) as response:
                body = await response.read()
                return ServiceResponse(response.status, _received_headers(response, request.method), body)
        except aiohttp.ClientError as error:
            raise ServiceFault(
                f"The services backend broke off ({error or type(error).__name__}); see {self._log}. It is started "
                "again by the next request, empty: buckets, tables and queues must be made again."
            ) from None

    async def close(self) -> None:
        """End the process: its standard input closing is the sign."""
        await self._session.close()
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(5):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        self._answering.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._answering

    async def _wait_until_ready(self) -> None:
        assert self._process.stdout is not None
        said = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_START_WITHIN_S):
                said = await self._process.stdout.readline()
        if said:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self.close()
        lines = self._log.read_text(errors="replace").strip().splitlines()
        raise ServiceFault(
            f"The services backend didn't start: {lines[-1] if lines else 'it said nothing'} (more in {self._log}). "
            "Repair the installation of moto, or start the lab with --services none."
        )


async def _open_session(path: Path) -> aiohttp.ClientSession:
    """aiohttp takes a while to load, so only a lab that uses services does."""
    import aiohttp

    return aiohttp.ClientSession(
        connector=aiohttp.UnixConnector(path=str(path), limit=256),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
    )


def _answerer(deliver: Deliver) -> Callable[[Message], Awaitable[Message]]:
    async def answer(message: Message) -> Message:
        try:
            return {"refused": await deliver(Push(**message))}
        except ServiceFault as error:
            return {"refused": str(error)}

    return answer


def _environment() -> dict[str, str]:
    """moto gets nothing of the user's, least of all AWS credentials."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "MOTO_ACCOUNT_ID": ACCOUNT,
        "AWS_ACCESS_KEY_ID": "moto",
        "AWS_SECRET_ACCESS_KEY": "moto",
    }


def _make_private(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    (folder / "socket").unlink(missing_ok=True)


def _sent_headers(headers: Mapping[str, str]) -> dict[str, str]:
    sent = {name: value for name, value in headers.items() if name not in _HOP_BY_HOP and "_" not in name}
    odd = {name: value for name, value in headers.items() if "_" in name}
    # The body is whole by now, whatever form it came in.
    sent.pop("content-length", None)
    return sent | ({_UNDERSCORES: json.dumps(odd)} if odd else {})


def _received_headers(response: aiohttp.ClientResponse, method: str) -> list[tuple[str, str]]:
    """An answer to HEAD keeps the length of the body that it doesn't have."""
    dropped = _HOP_BY_HOP | ({"server"} if method == "HEAD" else {"server", "content-length"})
    # S3 keeps the names of user metadata in lower case; moto capitalises them.
    headers = ((name.lower(), value) for name, value in response.headers.items())
    return [(name, value) for name, value in headers if name not in dropped]
