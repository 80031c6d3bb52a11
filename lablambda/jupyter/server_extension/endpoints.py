"""HTTP requests to endpoints, passed on and back as they come, part by part."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http.client import responses
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from jupyter_server.base.handlers import JupyterHandler
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, authenticated, stream_request_body

from lablambda.gateway.entrance import MOST_BODY_BYTES
from lablambda.jupyter.server_extension.labs import NO_ANSWER, Labs, Passage
from lablambda.rules.proxied import response_headers


@stream_request_body
class EndpointHandler(JupyterHandler):
    """The body is passed on while it comes, so the lab is asked before tornado calls the verb."""

    def initialize(self, labs: Labs, place: str) -> None:
        self._labs, self._before = labs, place
        self._parts: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        self._size = 0
        self._passage: Passage | None = None
        self._refusal: HTTPError | None = None
        self._asking: asyncio.Task[aiohttp.ClientResponse] | None = None

    def check_xsrf_cookie(self) -> None:
        """A page of an endpoint has no token of Jupyter's to send; it is told from a page of another site by the
        Origin, which no page can change."""
        origin = urlsplit(self.request.headers.get("Origin", "")).netloc
        if not origin or origin.lower() != self.request.host.lower():
            super().check_xsrf_cookie()

    async def prepare(self, **how: Any) -> None:
        """Begin to ask the lab, if the person is logged in; the verbs see to those that aren't. They also tell a
        refusal: tornado cuts the connection of a request that is answered before its end."""
        try:
            await super().prepare(**how)
            self._check_size(int(self.request.headers.get("Content-Length", "0")))
            if self.current_user and not self._finished:
                self._passage = self._labs.passage(self.request, self._before, *login(self))
                self._asking = asyncio.ensure_future(self._ask(self._passage))
        except HTTPError as refusal:
            self._refusal = refusal

    async def _ask(self, passage: Passage) -> aiohttp.ClientResponse:
        return await self._labs.session().request(
            str(self.request.method),
            passage.address,
            headers=passage.headers,
            data=self._body() if _has_body(self.request.headers) else None,
            allow_redirects=False,
        )

    async def _body(self) -> AsyncIterator[bytes]:
        while part := await self._parts.get():
            yield part

    def _check_size(self, size: int) -> None:
        """The lab says no to more than it takes, and leaves: an answer that its sender often doesn't hear."""
        if size > MOST_BODY_BYTES:
            raise HTTPError(413, f"An endpoint takes {MOST_BODY_BYTES} bytes at most.")

    async def data_received(self, chunk: bytes) -> None:
        self._size += len(chunk)
        try:
            self._check_size(self._size)
            await self._put(chunk)
        except HTTPError as refusal:
            self._refusal = refusal
            if self._asking is not None:
                self._asking.cancel()

    async def _put(self, part: bytes | None) -> None:
        """Hand on a part of the body, unless the lab has answered without waiting for it."""
        if self._asking is not None:
            putting = asyncio.ensure_future(self._parts.put(part))
            await asyncio.wait({putting, self._asking}, return_when=asyncio.FIRST_COMPLETED)
            putting.cancel()

    @authenticated
    async def get(self) -> None:
        """Give the lab's answer."""
        if self._refusal is not None:
            raise self._refusal
        assert self._asking is not None
        assert self._passage is not None
        await self._put(None)
        try:
            answer = await self._asking
        except asyncio.CancelledError:
            if not self._asking.cancelled():
                raise
            return  # the person has left
        except (aiohttp.ClientError, OSError) as error:
            self.log.warning("lablambda: %s", error)
            raise HTTPError(503, NO_ANSWER) from None
        async with answer:
            self._begin(answer, self._passage)
            await self._pass_on(answer)

    head = post = put = patch = delete = options = get

    def _begin(self, answer: aiohttp.ClientResponse, passage: Passage) -> None:
        """Status and headers; what the answer says replaces what Jupyter would say itself."""
        self.set_status(answer.status, answer.reason)
        headers = response_headers(answer.headers.items(), passage.place)
        for name in {"Content-Type", *(name for name, _ in headers)}:
            self.clear_header(name)
        for name, value in headers:
            self.add_header(name, value)

    async def _pass_on(self, answer: aiohttp.ClientResponse) -> None:
        with contextlib.suppress(StreamClosedError):  # the person has left
            await self.flush()
            try:
                async for part in answer.content.iter_any():
                    self.write(part)
                    await self.flush()
            except aiohttp.ClientError as error:
                self.log.warning("lablambda: an answer ended half-way: %s", error)
                self.request.connection.close()  # type: ignore[union-attr] # so that it doesn't look whole

    def on_connection_close(self) -> None:
        """The person has left: the lab needs to say no more."""
        super().on_connection_close()
        if self._asking is None or self._asking.cancel():
            return
        if not self._asking.cancelled() and self._asking.exception() is None:
            self._asking.result().close()

    def write_error(self, status_code: int, **how: Any) -> None:
        """In plain text: who asks is as often a program as a person."""
        error = how["exc_info"][1] if "exc_info" in how else None
        told = error.log_message % error.args if isinstance(error, HTTPError) and error.log_message else ""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{told or responses.get(status_code, 'Error')}\n")


def login(handler: JupyterHandler) -> tuple[str, str]:
    """The token by which the person logged in with this request, if it was by one, and the name of the cookie."""
    provider: Any = handler.identity_provider
    token = provider.get_token(handler) if handler.token_authenticated else ""
    return token or "", provider.get_cookie_name(handler)


def _has_body(headers: Any) -> bool:
    return "Transfer-Encoding" in headers or headers.get("Content-Length", "0") != "0"
