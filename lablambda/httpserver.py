"""HTTP/1.1 on httptools, as little of it as an API needs: whole requests in, whole answers out; and, where
that is asked for, bodies that come and go part by part.

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
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

import httptools

MOST_BODY_BYTES = 256 * 1024 * 1024
_MOST_HEADER_BYTES = 1024 * 1024
_MOST_PIPELINED = 16
_MOST_WAITING_BYTES = 1 << 20  # of a streamed body, before the client has to wait
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(slots=True)
class Request:
    """`path` and `query` as sent, percent-encoded; `headers` by lower-case name, repeated ones joined.

    A body that is streamed is in `parts`, and `body` is empty. Who answers may set `abandonable`: then the
    answering is cancelled if the client goes away.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    parts: Parts | None = None
    abandonable: bool = False


@dataclass(slots=True)
class Response:
    """`parts` is a body that comes part by part, sent chunked. If that fails midway the connection is dropped,
    so that the client sees that something is missing."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    parts: AsyncIterator[bytes] | None = None


Respond = Callable[[Request], Awaitable[Response]]


class Interrupted(Exception):
    """The client went away before its body was whole."""


class Parts:
    """A body on its way in: iterate over it once. `trailers` are there after its end."""

    def __init__(self, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self.trailers: dict[str, str] = {}
        self._pause = pause
        self._resume = resume
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._interrupted = False
        self._unread = False
        self._news = asyncio.Event()

    def add(self, part: bytes) -> None:
        if self._unread:
            return
        self._waiting.append(part)
        self._size += len(part)
        if self._size > _MOST_WAITING_BYTES:
            self._pause()
        self._news.set()

    def end(self, *, interrupted: bool = False) -> None:
        self._ended = True
        self._interrupted = interrupted
        self._news.set()

    async def leave(self) -> None:
        """Nobody reads the rest. It is let in all the same: a client that sends doesn't listen yet."""
        self._waiting.clear()
        self._unread = True
        self._resume()
        while not self._ended:
            self._news.clear()
            await self._news.wait()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            while self._waiting:
                part = self._waiting.popleft()
                self._size -= len(part)
                if self._size <= _MOST_WAITING_BYTES:
                    self._resume()
                yield part
            if self._interrupted:
                raise Interrupted
            if self._ended:
                return
            self._news.clear()
            await self._news.wait()


class TooLarge(Exception):
    """The request is over a limit of this server; `status` says which."""

    def __init__(self, status: int) -> None:
        super().__init__(http.HTTPStatus(status).phrase)
        self.status = status


class HttpConnection(asyncio.Protocol):
    """One client's connection; requests on it are answered in order."""

    def __init__(
        self,
        respond: Respond,
        connections: set[HttpConnection],
        *,
        streams: Callable[[Request], bool] | None,
        admits: Callable[[tuple[str, int]], bool] | None,
    ) -> None:
        self._respond = respond
        self._streams = streams
        self._admits = admits
        self._parts: Parts | None = None
        self._current: Request | None = None
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._requests: deque[tuple[Request, bool, bool]] = deque()  # kept alive, and takes chunks
        self._refusal: int | None = None
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
        if self._admits is not None and not self._admits(transport.get_extra_info("peername")):
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        # A function that was invoked runs on, as on AWS; only the answer has nowhere to go.
        self._transport = None
        self._writable.set()
        self._connections.discard(self)
        if self._parts is not None:
            self._parts.end(interrupted=True)
        if self._task is not None and self._current is not None and self._current.abandonable:
            self._task.cancel()

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
        headers = self._headers if self._parts is None else self._parts.trailers
        headers[key] = f"{headers[key]},{text}" if key in headers else text

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue" and self._transport is not None:
            self._transport.write(_CONTINUE)
        if self._streams is not None and self._streams(request := self._request(b"")):
            request.parts = self._parts = Parts(self._pause, self._resume)
            self._enqueue(request)

    def on_body(self, body: bytes) -> None:
        if self._parts is not None:
            self._parts.add(body)
            return
        self._body_bytes += len(body)
        if self._body_bytes > MOST_BODY_BYTES:
            raise TooLarge(413)
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._parts is None:
            self._enqueue(self._request(b"".join(self._body)))
        else:
            self._parts.end()
            self._parts = None
        self._begin()

    def _request(self, body: bytes) -> Request:
        path, _, query = self._target.decode("latin-1").partition("?")
        method = self._parser.get_method().decode("latin-1")
        return Request(method=method, path=path, query=query, headers=self._headers, body=body)

    def _enqueue(self, request: Request) -> None:
        takes_chunks = self._parser.get_http_version() != "1.0"
        self._requests.append((request, self._parser.should_keep_alive(), takes_chunks))
        if self._task is None:
            self._task = self._loop.create_task(self._answer())
        elif len(self._requests) >= _MOST_PIPELINED:
            self._pause()

    def _pause(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def _count_header(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > _MOST_HEADER_BYTES:
            raise TooLarge(431)

    # ---------------------------------------------------------------------------------------- answering

    async def _answer(self) -> None:
        while self._requests:
            request, keep_alive, takes_chunks = self._requests.popleft()
            self._current = request
            try:
                response = await self._respond(request)
            except Interrupted:
                break
            except Exception:
                traceback.print_exc(file=sys.stderr)
                response = Response(500, b'{"message":"Internal failure; see the lab\'s log."}')
            if response.parts is None:
                head_only = request.method == "HEAD"
                self._write(_encode(response, head_only=head_only, keep_alive=keep_alive))
            else:
                bodiless = request.method == "HEAD" or response.status in (204, 304)
                frame = _nothing if bodiless else _chunk if takes_chunks else _plain
                keep_alive &= frame is not _plain
                keep_alive = await self._send_parts(response, response.parts, frame, keep_alive=keep_alive)
            await self._writable.wait()
            if request.parts is not None:
                await request.parts.leave()
            if self._transport is None:
                break
            if not keep_alive:
                self.close()
                break
            if len(self._requests) < _MOST_PIPELINED:
                self._resume()
        self._task = None
        if self._refusal is not None:
            self._refuse(self._refusal)

    async def _send_parts(
        self,
        response: Response,
        parts: AsyncIterator[bytes],
        frame: Callable[[bytes], bytes],
        *,
        keep_alive: bool,
    ) -> bool:
        """Send a body as it comes, whether or not anybody listens any more: it is for its source to stop.
        Gives whether the connection can go on: it can't if the body broke off."""
        encoding = [("transfer-encoding", "chunked")] if frame is _chunk else []
        self._write(_head(response.status, [*response.headers, *encoding], keep_alive=keep_alive))
        try:
            async for part in parts:
                if part:
                    self._write(frame(part))
                    await self._writable.wait()
        except Exception:
            traceback.print_exc(file=sys.stderr)
            return False
        self._write(frame(b""))
        return keep_alive

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _refuse(self, status: int) -> None:
        """What came isn't a request that can be answered: say so, after the answers that are due, and hang
        up."""
        self._refusal = status
        if self._parts is not None:
            self._parts.end(interrupted=True)
        if self._task is not None:
            self._pause()
        elif self._transport is not None:
            body = f'{{"message":"{http.HTTPStatus(status).phrase}"}}'.encode()
            self._transport.write(_encode(Response(status, body), head_only=False, keep_alive=False))
            self.close()

    @property
    def idle(self) -> bool:
        return self._task is None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


# How a part of a streamed body is sent; the empty part is its end.


def _chunk(part: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(part), part)


def _plain(part: bytes) -> bytes:
    """To a client of HTTP/1.0: its end is the connection's."""
    return part


def _nothing(part: bytes) -> bytes:  # noqa: ARG001 - the others take it
    return b""


_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in http.HTTPStatus}


def _encode(response: Response, *, head_only: bool, keep_alive: bool) -> bytes:
    headers = response.headers
    bodiless = response.status in (204, 304)
    if not bodiless and not _gives_length(response):
        headers = [*headers, ("content-length", str(len(response.body)))]
    head = _head(response.status, headers, keep_alive=keep_alive)
    return head if head_only or bodiless else head + response.body


def _head(status: int, headers: list[tuple[str, str]], *, keep_alive: bool) -> bytes:
    lines = [_STATUS_LINES.get(status) or f"HTTP/1.1 {status} Status\r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in headers]
    if not keep_alive:
        lines.append("connection: close\r\n")
    lines.append("\r\n")
    return "".join(lines).encode("utf-8", "surrogateescape")


def _gives_length(response: Response) -> bool:
    """A relayed answer to HEAD states the length of a body that it doesn't have."""
    return any(name.lower() == "content-length" for name, _ in response.headers)


class HttpServer:
    """Listens on loopback. `streams` says, by its head, of which requests the body is to be streamed;
    `admits` is asked of each client, by its address and port, whether it may connect."""

    def __init__(
        self,
        respond: Respond,
        *,
        streams: Callable[[Request], bool] | None = None,
        admits: Callable[[tuple[str, int]], bool] | None = None,
    ) -> None:
        self._respond = respond
        self._streams = streams
        self._admits = admits
        self._connections: set[HttpConnection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen and give the port in use (`port` 0 takes a free one). Raises OSError if it can't."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, host, port, backlog=1024)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    def _connection(self) -> HttpConnection:
        return HttpConnection(self._respond, self._connections, streams=self._streams, admits=self._admits)

    async def close(self) -> None:
        """Take no more connections and drop those that are there."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.close()
