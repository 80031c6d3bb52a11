"""A request that came to an endpoint, and the answer to it.

Structs, not dataclasses: every request has several, and frozen dataclasses take ten times as long to make.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

Headers = list[tuple[str, str]]


class HttpRequest(msgspec.Struct, frozen=True):
    """`path` and `query` are percent-encoded as sent, header names in lower case, repeated ones in their order.
    `received` is in seconds since 1970."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes
    source_ip: str
    protocol: str  # as AWS's events name it: HTTP/1.1 or HTTP/2.0
    received: float
    port: int = 443

    def header(self, name: str) -> str:
        """The header's values, joined as HTTP allows; empty if it isn't there."""
        return ",".join(value for key, value in self.headers if key == name)


class HttpResponse(msgspec.Struct, frozen=True):
    """`parts` is a body that comes part by part, instead of `body`."""

    status: int
    body: bytes = b""
    headers: Headers = msgspec.field(default_factory=list)
    parts: AsyncIterator[bytes] | None = None
