"""The seam to the services behind the lab's port: requests go to them, and their pushes come back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lablambda.model.errors import NotImplementedHere
from lablambda.rules.names import ROOT


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """A request as it came in: path and query percent-encoded, headers by lower-case name.

    `service` is the name that it is signed for, None if it isn't signed. `caller` is the ARN of who signed it: the
    account's root for the lab's owner, or a function's role.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    service: str | None = None
    caller: str = ROOT


@dataclass(frozen=True, slots=True)
class ServiceResponse:
    """The backend's answer."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass(frozen=True, slots=True)
class Push:
    """A service invokes a function (`kind` "invoke"), or asks if it may ("may_invoke"); or it tells the default event
    bus of something ("tell"): then `event` is an entry of PutEvents, and there is no function.
    `trace` is the trace header of the request that led to it."""

    kind: str
    function_arn: str
    principal: str
    source_arn: str
    source_account: str
    event: Any
    trace: str = ""


Deliver = Callable[[Push], Awaitable[str | None]]  # None when accepted, else why not
Wake = Callable[[str], None]  # something new is at the source of this ARN


class Services(Protocol):
    """Whoever answers for the services that aren't the lab's own."""

    def wakes(self, service: str) -> bool:
        """Whether it tells by itself when there is something new at a source of that service."""

    async def resume(self) -> None:
        """Go on with what a lab that was killed has left behind."""

    async def forward(self, request: ServiceRequest) -> ServiceResponse:
        """Relay a request. Raises ServiceFault if the backend can't be reached."""

    def status(self) -> dict[str, str]:
        """What `lablambda status` says of it."""

    async def close(self) -> None:
        """End it."""


class NoServices:
    """`--services none`: there is nobody behind."""

    def wakes(self, service: str) -> bool:  # noqa: ARG002 - it is the same for every service
        return False

    async def resume(self) -> None:
        return

    async def forward(self, request: ServiceRequest) -> ServiceResponse:
        raise NotImplementedHere(
            f"This lab has no backend for {request.method} {request.path}: it was started with --services none."
        )

    def status(self) -> dict[str, str]:
        return {"backend": "none"}

    async def close(self) -> None:
        return
