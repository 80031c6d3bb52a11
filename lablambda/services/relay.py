"""Requests on their way to a backend, and its answers on their way back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lablambda.services.backend import ServiceRequest, ServiceResponse

if TYPE_CHECKING:
    import aiohttp

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


class Relay:
    """The way to one backend: `origin` is scheme and authority, such as `http://127.0.0.1:8000`."""

    def __init__(self, connector: aiohttp.BaseConnector, origin: str) -> None:
        import aiohttp  # slow, so only a lab that uses services loads it

        self._origin = origin
        self._session = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )

    async def send(self, request: ServiceRequest, headers: Mapping[str, str]) -> ServiceResponse:
        """Send a request with these headers in place of its own. Raises aiohttp.ClientError, OSError."""
        import yarl

        target = f"{self._origin}{request.path}" + (f"?{request.query}" if request.query else "")
        async with self._session.request(
            request.method,
            yarl.URL(target, encoded=True),
            headers=headers,
            data=request.body,
            allow_redirects=False,
        ) as response:
            body = await response.read()
            return ServiceResponse(response.status, _received(response, request.method), body)

    async def close(self) -> None:
        await self._session.close()


def sendable(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that concern more than one connection. The body is whole by now, whatever form it came in."""
    return {name: value for name, value in headers.items() if name not in _HOP_BY_HOP | {"content-length"}}


def _received(response: aiohttp.ClientResponse, method: str) -> list[tuple[str, str]]:
    """An answer to HEAD keeps the length of the body that it doesn't have."""
    dropped = _HOP_BY_HOP | ({"server"} if method == "HEAD" else {"server", "content-length"})
    # S3 keeps the names of user metadata in lower case; moto capitalises them.
    headers = ((name.lower(), value) for name, value in response.headers.items())
    return [(name, value) for name, value in headers if name not in dropped]
