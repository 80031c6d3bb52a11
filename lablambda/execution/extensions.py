"""Extensions: programs beside the runtime that are told of every invocation, and of the end.

Those whose executables lie in /opt/extensions are external: init waits until they have registered and asked
for their first event. What registers under another name runs inside the runtime's process. An invocation is
over when each extension that was told of it asks for the next event.
Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from lablambda.execution.api_error import JSON, ApiFault, accepted
from lablambda.httpserver import Request, Response

INVOKE, SHUTDOWN = "INVOKE", "SHUTDOWN"
_IDENTIFIER = "lambda-extension-identifier"


@dataclass(eq=False)
class Extension:
    """One that registered. `waiting` is whether it asks for an event now."""

    name: str
    events: frozenset[str]
    identity: str = field(default_factory=lambda: str(uuid.uuid4()))
    inbox: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    waiting: bool = False


class Extensions:
    """Those of one environment. `facts` are told to each that registers; `expected` are the external ones."""

    def __init__(self, facts: Mapping[str, str], expected: Collection[str]) -> None:
        self._facts = facts
        self._expected = frozenset(expected)
        self._known: dict[str, Extension] = {}
        self._ready = False
        self._failure: dict[str, str] | None = None
        self._news = asyncio.Event()

    # -------------------------------------------------------------------------------- the lab's side

    async def ready(self, deadline: float) -> dict[str, str] | None:
        """Wait until all have registered and ask for events; gives the error if one of them failed."""
        await self._until(self._all_here, deadline)
        self._ready = True
        return self._failure

    async def settled(self, deadline: float) -> dict[str, str] | None:
        """Wait until all that were told of an invocation ask again; gives the error if one failed."""
        await self._until(lambda: all(extension.waiting for extension in self._listening(INVOKE)), deadline)
        return self._failure

    def tell_invoke(self, header: Mapping[str, Any]) -> None:
        event = {
            "eventType": INVOKE,
            "deadlineMs": header["deadline_ms"],
            "requestId": header["request_id"],
            "invokedFunctionArn": header["arn"],
            "tracing": {"type": "X-Amzn-Trace-Id", "value": header.get("trace_id", "")},
        }
        for extension in self._listening(INVOKE):
            extension.waiting = False
            extension.inbox.put_nowait(event)

    def tell_shutdown(self, reason: str, within_s: float) -> bool:
        """Tell those that want to know; whether there are any."""
        deadline_ms = int((time.time() + within_s) * 1000)
        event = {"eventType": SHUTDOWN, "shutdownReason": reason, "deadlineMs": deadline_ms}
        listening = self._listening(SHUTDOWN)
        for extension in listening:
            extension.inbox.put_nowait(event)
        return bool(listening)

    def gone(self, name: str) -> None:
        """The process of an external extension has ended, which none may before its environment does."""
        self._fail("Extension.Crash", f"The extension {name} exited")

    def _listening(self, event: str) -> list[Extension]:
        return [extension for extension in self._known.values() if event in extension.events]

    def _all_here(self) -> bool:
        names = {extension.name for extension in self._known.values()}
        return self._expected <= names and all(extension.waiting for extension in self._known.values())

    async def _until(self, reached: Callable[[], bool], deadline: float) -> None:
        async with asyncio.timeout_at(deadline):
            while self._failure is None and not reached():
                self._news.clear()
                await self._news.wait()

    def _fail(self, kind: str, message: str) -> None:
        self._failure = self._failure or {"errorType": kind, "errorMessage": message}
        self._news.set()

    # ------------------------------------------------------------------------- the extensions' side

    def route(self, method: str, path: str) -> Callable[[Request], Awaitable[Response]]:
        """What answers a call. Raises ApiFault if there is no such call."""
        calls = {
            ("POST", "register"): self._register,
            ("GET", "event/next"): self._next,
            ("POST", "init/error"): self._init_error,
            ("POST", "exit/error"): self._exit_error,
        }
        if (method, path) not in calls:
            raise ApiFault(404, "NotFound", f"The Extensions API has no {method} {path}")
        return calls[method, path]

    async def _register(self, request: Request) -> Response:
        name = request.headers.get("lambda-extension-name", "")
        events = self._checked(name, _events(request.body))
        extension = Extension(name, events)
        self._known[extension.identity] = extension
        return Response(
            200, json.dumps(self._facts).encode(), [JSON, ("Lambda-Extension-Identifier", extension.identity)]
        )

    def _checked(self, name: str, events: frozenset[str]) -> frozenset[str]:
        if not name:
            raise ApiFault(403, "Extension.InvalidExtensionName", "Invalid extension name")
        if self._ready:
            raise ApiFault(
                403, "Extension.InvalidExtensionState", "Init is over: no extension can register now"
            )
        if any(extension.name == name for extension in self._known.values()):
            raise ApiFault(403, "Extension.AlreadyRegistered", f"{name} has registered already")
        unknown = events - {INVOKE, SHUTDOWN}
        if unknown:
            raise ApiFault(
                403, "Extension.InvalidEventType", f"{', '.join(sorted(unknown))}: unknown event type"
            )
        if SHUTDOWN in events and name not in self._expected:
            message = "SHUTDOWN event is not supported for internal extensions"
            raise ApiFault(403, "ShutdownEventNotSupportedForInternalExtension", message)
        return events

    async def _next(self, request: Request) -> Response:
        extension = self._caller(request)
        extension.waiting = True
        self._news.set()
        request.abandonable = True
        event = await extension.inbox.get()
        return Response(
            200, json.dumps(event).encode(), [JSON, ("Lambda-Extension-Event-Identifier", str(uuid.uuid4()))]
        )

    async def _init_error(self, request: Request) -> Response:
        self._fail(*_reported(request, "Extension.InitError", self._caller(request).name))
        return accepted()

    async def _exit_error(self, request: Request) -> Response:
        self._fail(*_reported(request, "Extension.ExitError", self._caller(request).name))
        return accepted()

    def _caller(self, request: Request) -> Extension:
        identity = request.headers.get(_IDENTIFIER)
        if identity is None:
            raise ApiFault(
                403, "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header"
            )
        if identity not in self._known:
            raise ApiFault(403, "Extension.UnknownExtensionIdentifier", f"Unknown extension {identity}")
        return self._known[identity]


def _events(body: bytes) -> frozenset[str]:
    try:
        return frozenset(map(str, json.loads(body or b"{}").get("events", ())))
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise ApiFault(
            400, "InvalidRequestFormat", 'The body isn\'t JSON of the form {"events": [...]}'
        ) from None


def _reported(request: Request, kind: str, name: str) -> tuple[str, str]:
    told = request.headers.get("lambda-extension-function-error-type", kind)
    return kind, f"The extension {name} reported {told}"
