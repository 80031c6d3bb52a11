"""A runtime that asks for its events over HTTP: both its calls, and the conversation that the lab has with it.

Which call is legal when is a table. A runtime asks for the next event and is handed it when there is one; it
answers, or reports an error, once; then it asks again. What is illegal changes nothing. Who asks again before
having answered is handed the same event: the first time it may have been lost on its way.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any

from lablambda.execution.api_error import JSON, ApiFault, accepted
from lablambda.execution.channel import ChannelClosed, Kind, NotSent
from lablambda.httpserver import Interrupted, Request, Response
from lablambda.model.invocation import too_large
from lablambda.rules.limits import RESPONSE_BYTES

RESPONSE_MODE = "lambda-runtime-function-response-mode"
_MOST_PARTS = 64  # of a streamed answer, before the runtime has to wait
_NO_PEAK = bytes(4)  # such a process's memory is measured from outside
_ANSWER = re.compile(r"invocation/([^/]+)/(response|error)")
_LINE_ENDS = re.compile(r"[\r\n]")  # a client context may be JSON on many lines
_KNOWN_ERROR_TYPE = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")


class Phase(Enum):
    """Named as AWS's messages name them."""

    STARTING = "Started"
    FAILED = "InitError"
    WAITING = "Ready"
    AT_WORK = "Running"
    ANSWERING = "InvocationResponse"
    REPORTING = "InvocationErrorResponse"
    ANSWERED = "RuntimeResponseSentState"


# From which phases a call may lead to a phase.
_LEGAL = {
    Phase.FAILED: {Phase.STARTING},
    Phase.WAITING: {Phase.STARTING, Phase.WAITING, Phase.ANSWERED},
    Phase.ANSWERING: {Phase.AT_WORK},
    Phase.REPORTING: {Phase.AT_WORK},
}


class RuntimeSession:
    """One runtime process's. The lab's side is that of `execution/channel.py`."""

    def __init__(self) -> None:
        self._phase = Phase.STARTING
        self._request_id = ""
        self._event = Response(200)
        self._events: asyncio.Queue[tuple[dict[str, Any], bytes]] = asyncio.Queue(1)
        self._frames: asyncio.Queue[tuple[Kind, bytes] | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(_MOST_PARTS)
        self._gone = False

    # -------------------------------------------------------------------------------- the lab's side

    async def invoke(self, header: dict[str, Any], payload: bytes, deadline: float) -> None:
        if self._gone:
            raise NotSent("the process is gone")
        async with asyncio.timeout_at(deadline):
            await self._events.put((header, payload))

    async def receive(self, deadline: float) -> tuple[Kind, bytes]:
        async with asyncio.timeout_at(deadline):
            frame = await self._frames.get()
        if frame is None:
            self._frames.put_nowait(None)  # so is every later call answered
            if not self._events.empty():
                raise NotSent("the process ended without asking for the event")
            raise ChannelClosed("the process is gone")
        if frame[0] is Kind.CHUNK:
            self._room.release()
        return frame

    def no_more(self) -> None:
        self._gone = True
        self._frames.put_nowait(None)
        self._room.release()  # for a stream that waits for a reader

    def close(self) -> None:
        self.no_more()

    def _tell(self, kind: Kind, body: bytes = b"") -> None:
        self._frames.put_nowait((kind, body))

    # ---------------------------------------------------------------------------- the runtime's side

    def route(self, method: str, path: str) -> Callable[[Request], Awaitable[Response]]:
        """What answers a call. Raises ApiFault if there is no such call."""
        match = _ANSWER.fullmatch(path)
        if method == "GET" and path == "invocation/next":
            return self._next
        if method == "POST" and path == "init/error":
            return self._init_error
        if method == "POST" and match is not None:
            take = self._response if match[2] == "response" else self._error
            return lambda request: take(match[1], request)
        raise ApiFault(404, "NotFound", f"The Runtime API has no {method} {path}")

    def _go(self, target: Phase) -> None:
        if self._phase not in _LEGAL[target]:
            raise ApiFault(
                403,
                "InvalidStateTransition",
                f"State transition from {self._phase.value} to {target.value} failed for runtime. "
                "Error: State transition is not allowed",
            )
        self._phase = target

    async def _next(self, request: Request) -> Response:
        if self._phase is not Phase.AT_WORK:
            if self._phase is Phase.STARTING:
                self._tell(Kind.READY)
            self._go(Phase.WAITING)
            request.abandonable = True
            header, payload = await self._events.get()
            self._phase = Phase.AT_WORK
            self._request_id = header["request_id"]
            self._event = Response(200, payload, [JSON, *_headers(header)])
        return self._event

    async def _init_error(self, request: Request) -> Response:
        self._go(Phase.FAILED)
        self._tell(Kind.INIT_ERROR, _error_body(request))
        return accepted()

    async def _response(self, request_id: str, request: Request) -> Response:
        self._begin_answer(request_id, Phase.ANSWERING)
        try:
            if request.parts is not None:
                return await self._stream(request)
            if request.headers.get(RESPONSE_MODE):
                self._tell(Kind.ERROR, _NO_PEAK + _error("Runtime.InvalidResponseModeHeader"))
                raise ApiFault(400, "InvalidFunctionResponseMode", "Invalid function response mode")
            return self._take(Kind.RESPONSE, request.body)
        finally:
            self._phase = Phase.ANSWERED

    async def _error(self, request_id: str, request: Request) -> Response:
        self._begin_answer(request_id, Phase.REPORTING)
        self._phase = Phase.ANSWERED
        return self._take(Kind.ERROR, _error_body(request))

    def _begin_answer(self, request_id: str, phase: Phase) -> None:
        if request_id != self._request_id:
            raise ApiFault(400, "InvalidRequestID", "Invalid request ID")
        self._go(phase)

    def _take(self, kind: Kind, body: bytes) -> Response:
        if len(body) > RESPONSE_BYTES:
            self._tell(Kind.ERROR, _NO_PEAK + too_large(RESPONSE_BYTES))
            message = f"Exceeded maximum allowed payload size ({RESPONSE_BYTES} bytes)."
            raise ApiFault(413, "RequestEntityTooLarge", message)
        self._tell(kind, _NO_PEAK + body)
        return accepted()

    async def _stream(self, request: Request) -> Response:
        """Pass an answer on as it comes. An error midway is told in the trailers, its body in base64."""
        assert request.parts is not None
        self._tell(Kind.STREAM, request.headers.get("content-type", "").encode(errors="surrogateescape"))
        try:
            async for part in request.parts:
                await self._room.acquire()
                if self._gone:
                    raise Interrupted
                self._tell(Kind.CHUNK, part)
        except Interrupted:
            self._tell(Kind.END, _NO_PEAK + _error("Runtime.TruncatedResponse", "The response was cut off."))
            raise
        self._tell(Kind.END, _NO_PEAK + _trailing_error(request.parts.trailers))
        return accepted()


def _headers(header: dict[str, Any]) -> list[tuple[str, str]]:
    names = {
        "request_id": "Lambda-Runtime-Aws-Request-Id",
        "deadline_ms": "Lambda-Runtime-Deadline-Ms",
        "arn": "Lambda-Runtime-Invoked-Function-Arn",
        "trace_id": "Lambda-Runtime-Trace-Id",
        "client_context": "Lambda-Runtime-Client-Context",
    }
    return [(name, _LINE_ENDS.sub(" ", str(header[key]))) for key, name in names.items() if key in header]


def _error(kind: str, message: str = "") -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


def _error_body(request: Request) -> bytes:
    """The error as the runtime tells it, passed on as it is; if it tells nothing, at least its type."""
    return request.body or _error(_error_type(request.headers.get("lambda-runtime-function-error-type", "")))


def _error_type(told: str) -> str:
    if _KNOWN_ERROR_TYPE.search(told):
        return told
    return "Function.Unknown" if told.startswith("Function.") else "Runtime.Unknown"


def _trailing_error(trailers: dict[str, str]) -> bytes:
    kind = trailers.get("lambda-runtime-function-error-type")
    if kind is None:
        return b""
    try:
        body = base64.b64decode(trailers.get("lambda-runtime-function-error-body", ""), validate=True)
    except ValueError:
        body = b""
    return body or _error(_error_type(kind))
