"""The ASGI application behind the HTTPS port: requests read whole, answers written, and nothing a client or a function
does can break it."""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lablambda.gateway.answers import Refused, message
from lablambda.gateway.channel import Channel, ClientLeft
from lablambda.model.http import Headers, HttpRequest, HttpResponse
from lablambda.rules.addresses import Address, address, is_loopback

Respond = Callable[[HttpRequest, Address], Awaitable[HttpResponse]]
Serve = Callable[[HttpRequest, Address, Channel], Awaitable[None]]
MOST_BODY_BYTES = 10 * 1024 * 1024  # what API Gateway takes; Lambda takes less
_PART_WITHIN_S = 20.0
_NO_BODY = (204, 304)
_TELLS_OF_BODY = ("content-length", "transfer-encoding")
_NOWHERE = (
    "There is no endpoint at this address. Function URLs are below /lambda-url/ID/, APIs below /execute-api/ID/: "
    "see 'lablambda status', or GetFunctionUrlConfig and GetApis."
)


class Entrance:
    """`endpoints` answer by the kind of address, `sockets` serve clients that want a WebSocket; `touch` is called with
    each request; `for_others` is whether clients on other machines are welcome, who know this one by any name."""

    def __init__(
        self,
        endpoints: Mapping[str, Respond],
        sockets: Mapping[str, Serve],
        touch: Callable[[], None],
        *,
        for_others: bool = False,
    ) -> None:
        self._for_others = for_others
        self._endpoints = endpoints
        self._sockets = sockets
        self._touch = touch

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self._touch()
        if scope["type"] == "websocket":
            await self._connect(scope, Channel(receive, send))
            return
        try:
            response = await self._respond(scope, receive)
        except Refused as refused:
            response = refused.response
        except Exception:
            traceback.print_exc(file=sys.stderr)
            response = message(500, "Internal Server Error")
        await _write(response, send, head_only=scope["method"] == "HEAD")

    async def _respond(self, scope: dict[str, Any], receive: Any) -> HttpResponse:
        headers, meant = self._meant(scope)
        body = await _body(headers, receive) if _may_have_body(scope, headers) else b""
        request = _request(scope, headers, body)
        return await self._endpoints[meant.kind](request, meant)

    async def _connect(self, scope: dict[str, Any], channel: Channel) -> None:
        try:
            await channel.begin()
            headers, meant = self._meant(scope)
            if meant.kind not in self._sockets:
                raise Refused(message(403, "Forbidden"))
            await self._sockets[meant.kind](_request(scope, headers, b""), meant, channel)
        except Refused as refused:
            await channel.refuse(refused.response)
        except ClientLeft:
            return
        except Exception:
            traceback.print_exc(file=sys.stderr)
            await channel.refuse(message(500, "Internal server error"))

    def _meant(self, scope: dict[str, Any]) -> tuple[Headers, Address]:
        """The request's headers, and whom its address means. Raises Refused."""
        headers: Headers = [(_text(name), _text(value)) for name, value in scope["headers"]]
        hosts = [value for name, value in headers if name == "host"]
        if len(hosts) > 1:
            raise Refused(message(400, "Bad Request"))
        host = "".join(hosts)
        if not self._for_others and not is_loopback(host):
            raise Refused(message(403, f"This lab answers on loopback only, not as {host!r}."))
        meant = address(host, _text(scope["raw_path"]))
        if meant is None:
            raise Refused(message(404, _NOWHERE))
        return headers, meant


def _request(scope: dict[str, Any], headers: Headers, body: bytes) -> HttpRequest:
    return HttpRequest(
        method=scope.get("method", "GET"),  # a WebSocket's has none
        path=_text(scope["raw_path"]),
        query=_text(scope["query_string"]),
        headers=headers,
        body=body,
        source_ip=scope["client"][0],
        protocol="HTTP/2.0" if scope["http_version"] == "2" else f"HTTP/{scope['http_version']}",
        received=time.time(),
        port=int(scope["server"][1]),
    )


def _may_have_body(scope: dict[str, Any], headers: Headers) -> bool:
    """HTTP/1.1 says so beforehand; to ask for one that isn't there takes a quarter of an answer's time."""
    return scope["http_version"] == "2" or any(name in _TELLS_OF_BODY for name, _ in headers)


async def _body(headers: Headers, receive: Any) -> bytes:
    """The body, whole. A client that dawdles or sends too much is told so."""
    parts: list[bytes] = []
    size = 0
    stated = dict(headers).get("content-length", "")
    if stated.isdecimal() and int(stated) > MOST_BODY_BYTES:
        raise Refused(message(413, "Request Entity Too Large"))
    while True:
        try:
            async with asyncio.timeout(_PART_WITHIN_S):
                event = await receive()
        except TimeoutError:
            raise Refused(message(408, "Request Timeout")) from None
        if event["type"] == "http.disconnect":
            raise Refused(message(400, "Bad Request"))  # the body isn't HTTP, or the client has left
        parts.append(event.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BODY_BYTES:
            raise Refused(message(413, "Request Entity Too Large"))
        if not event.get("more_body"):
            return b"".join(parts)


async def _write(response: HttpResponse, send: Any, *, head_only: bool) -> None:
    headers = [(name.encode(), value.encode("utf-8", "replace")) for name, value in response.headers]
    bodiless = head_only or response.status in _NO_BODY
    if response.parts is None and not bodiless:
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if response.parts is not None:
        async for part in response.parts:
            if not bodiless:
                await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b"" if bodiless else response.body, "more_body": False})


def _text(data: bytes) -> str:
    """Headers have no encoding of their own: UTF-8 where it is that, else each byte a character."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
