"""Extensions: programs beside the runtime that are told of every invocation, and of the end.

Those whose executables lie in /opt/extensions are external: init waits until they have registered and asked
for their first event. What registers under another name runs inside the runtime's process. An invocation is
over when each extension that was told of it asks for the next event.
Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html; the words of errors are those
of AWS's emulator.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from lablambda.execution.api_error import JSON, ApiFault, accepted
from lablambda.execution.worker import Failed
from lablambda.httpserver import Request, Response

_T = TypeVar("_T")
INVOKE, SHUTDOWN = "INVOKE", "SHUTDOWN"
_MOST = 10
_IDENTIFIER = "lambda-extension-identifier"
_ERROR_TYPE = "Lambda-Extension-Function-Error-Type"
_FEATURES = "lambda-extension-accept-feature"
_EXIT_S = 0.5  # who reports an error is about to exit, and how it does is worth waiting for


class State(Enum):
    """Named as AWS's messages name them."""

    REGISTERED = "Registered"
    READY = "Ready"
    RUNNING = "Running"
    INIT_ERROR = "InitError"
    EXIT_ERROR = "ExitError"


# From which states a call may lead to a state. Who asks for an event may ask again: it may have lost its
# connection.
_LEGAL = {
    State.READY: {State.REGISTERED, State.READY, State.RUNNING},
    State.INIT_ERROR: {State.REGISTERED, State.INIT_ERROR},
    State.EXIT_ERROR: {State.REGISTERED, State.READY, State.RUNNING, State.EXIT_ERROR},
}


@dataclass(eq=False)
class Extension:
    """One that registered."""

    name: str
    events: frozenset[str]
    identity: str = field(default_factory=lambda: str(uuid.uuid4()))
    inbox: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    state: State = State.REGISTERED

    def go(self, target: State) -> None:
        if self.state not in _LEGAL[target]:
            raise _illegal(self.state, target.value, self.identity)
        self.state = target

    def tell(self, event: dict[str, Any]) -> None:
        self.state = State.RUNNING
        self.inbox.put_nowait(event)


class Extensions:
    """Those of one environment. `facts` are told to each that registers; `expected` are the external ones."""

    def __init__(self, facts: Mapping[str, str], expected: Collection[str]) -> None:
        self.failure: Failed | None = None
        self._facts = facts
        self._expected = frozenset(expected)
        self._known: dict[str, Extension] = {}
        self._closed = False
        self._news = asyncio.Event()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # -------------------------------------------------------------------------------- the lab's side

    async def registered(self) -> None:
        """Wait until the external ones have registered. Raises Failed if one can't any more."""
        await self._until(lambda: self._expected <= {extension.name for extension in self._known.values()})

    async def ready(self, deadline: float) -> None:
        """Wait until all have registered and ask for events. Raises Failed if one can't any more."""
        async with asyncio.timeout_at(deadline):
            await self.registered()
            await self._until(lambda: _all_ready(self._known.values()))
        self._closed = True

    async def settled(self, deadline: float) -> None:
        """Wait until all that were told of an invocation ask again. Raises Failed if one can't any more."""
        async with asyncio.timeout_at(deadline):
            await self._until(lambda: _all_ready(self._listening(INVOKE)))

    async def beside(self, runtime: Awaitable[_T]) -> _T:
        """Wait for what the runtime does. Raises Failed as soon as an extension can't go on."""
        work = asyncio.ensure_future(runtime)
        first: list[asyncio.Future[Any]] = [work, self._failed]
        try:
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if self.failure is not None and not work.done():
                raise self.failure
            return await work
        finally:
            work.cancel()

    def tell_invoke(self, header: Mapping[str, Any]) -> None:
        event = {
            "eventType": INVOKE,
            "deadlineMs": header["deadline_ms"],
            "requestId": header["request_id"],
            "invokedFunctionArn": header["arn"],
            "tracing": {"type": "X-Amzn-Trace-Id", "value": header.get("trace_id", "")},
        }
        for extension in self._listening(INVOKE):
            extension.tell(event)

    def tell_shutdown(self, reason: str, within_s: float) -> list[str]:
        """Tell those that want to know; gives their names."""
        deadline_ms = int((time.time() + within_s) * 1000)
        event = {"eventType": SHUTDOWN, "shutdownReason": reason, "deadlineMs": deadline_ms}
        listening = self._listening(SHUTDOWN)
        for extension in listening:
            extension.tell(event)
        return [extension.name for extension in listening]

    def gone(self, name: str, how: str) -> None:
        """The process of an external extension has ended, which none may before its environment does. `how` is
        in AWS's words."""
        kinds = {State.INIT_ERROR: "Extension.InitError", State.EXIT_ERROR: "Extension.ExitError"}
        reported = {extension.state for extension in self._known.values() if extension.name == name}
        self._fail(next((kinds[state] for state in reported if state in kinds), "Extension.Crash"), how)

    def _listening(self, event: str) -> list[Extension]:
        return [extension for extension in self._known.values() if event in extension.events]

    async def _until(self, reached: Callable[[], bool]) -> None:
        while self.failure is None and not reached():
            self._news.clear()
            await self._news.wait()
        if self.failure is not None:
            raise self.failure

    def _fail(self, kind: str, message: str) -> None:
        if self.failure is None:
            self.failure = Failed(kind, message)
            self._failed.set_result(None)
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
        if not name:
            raise _refused("InvalidExtensionName", "Empty extension name")
        extension = Extension(name, _events(request.body, external=name in self._expected))
        self._check_place(name)
        self._known[extension.identity] = extension
        self._news.set()
        facts = dict(self._facts)
        if "accountId" not in map(str.strip, request.headers.get(_FEATURES, "").split(",")):
            facts.pop("accountId", None)
        headers = [JSON, ("Lambda-Extension-Identifier", extension.identity)]
        return Response(200, json.dumps(facts).encode(), headers)

    def _check_place(self, name: str) -> None:
        """Whether one of this name can register now."""
        twin = next((known for known in self._known.values() if known.name == name), None)
        if twin is not None and name in self._expected:
            raise _illegal(twin.state, State.REGISTERED.value, name)
        if self._closed:
            raise _refused("RegistrationClosed", "Extension registration closed already")
        if twin is not None:
            raise _refused("InvalidExtensionState", "Extension with this name already registered")
        inner = sum(known.name not in self._expected for known in self._known.values())
        if name not in self._expected and len(self._expected) + inner >= _MOST:
            raise _refused("TooManyExtensions", f"Extension limit ({_MOST}) reached")

    async def _next(self, request: Request) -> Response:
        extension = self._caller(request)
        extension.go(State.READY)
        self._news.set()
        request.abandonable = True
        event = await extension.inbox.get()
        headers = [JSON, ("Lambda-Extension-Event-Identifier", str(uuid.uuid4()))]
        return Response(200, json.dumps(event).encode(), headers)

    async def _init_error(self, request: Request) -> Response:
        return self._report(request, State.INIT_ERROR)

    async def _exit_error(self, request: Request) -> Response:
        return self._report(request, State.EXIT_ERROR)

    def _report(self, request: Request, state: State) -> Response:
        extension = self._caller(request)
        told = request.headers.get(_ERROR_TYPE.lower(), "")
        if not told:
            raise _refused("MissingHeader", f"{_ERROR_TYPE} not found")
        extension.go(state)
        message = f"The extension {extension.name} reported {told}"
        asyncio.get_running_loop().call_later(_EXIT_S, self._fail, f"Extension.{state.value}", message)
        return accepted()

    def _caller(self, request: Request) -> Extension:
        identity = request.headers.get(_IDENTIFIER, "")
        if not identity:
            raise _refused("MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header")
        try:
            return self._known[str(uuid.UUID(identity))]
        except ValueError:
            raise _refused("InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier") from None
        except KeyError:
            raise _refused("UnknownExtensionIdentifier", f"Unknown extension {identity}") from None


def _all_ready(extensions: Collection[Extension]) -> bool:
    return all(extension.state is State.READY for extension in extensions)


def _refused(kind: str, message: str) -> ApiFault:
    return ApiFault(403, f"Extension.{kind}", message)


def _illegal(state: State, target: str, who: str) -> ApiFault:
    return _refused(
        "InvalidExtensionState",
        f"State transition from {state.value} to {target} failed for extension {who}. "
        "Error: State transition is not allowed",
    )


def _events(body: bytes, *, external: bool) -> frozenset[str]:
    """The events that are asked for in the body of a registration."""
    try:
        told = json.loads(body)
        events = told.get("events") or []
        if not isinstance(events, list) or not all(isinstance(event, str) for event in events):
            raise TypeError
    except (ValueError, AttributeError, TypeError, RecursionError):
        message = 'The body isn\'t JSON of the form {"events": [...]}'
        raise ApiFault(403, "InvalidRequestFormat", message) from None
    for event in events:
        if event not in (INVOKE, SHUTDOWN):
            raise _refused("InvalidEventType", f"{event}: ErrorInvalidEventType")
        if event == SHUTDOWN and not external:
            raise _refused("InvalidEventType", f"{event}: ShutdownEventNotSupportedForInternalExtension")
    return frozenset(events)
