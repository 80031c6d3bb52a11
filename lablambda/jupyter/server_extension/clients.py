"""The way from a Jupyter server to the APIs of the user's labs: signed here, so that no key goes to a browser."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import yarl
from tornado.web import HTTPError

from lablambda.client import Lab
from lablambda.config import (
    DEFAULT_NAME,
    NAME_VARIABLE,
    ConfigError,
    Descriptor,
    check_name,
    read_descriptor,
    runtime_dir,
)
from lablambda.connection import signed_headers

_CONNECTS_WITHIN_S = 10.0
_LONGEST_LINE = 64 * 1024 * 1024


def lab_names() -> list[str]:
    """The labs of this user that run now."""
    return [name for name in sorted(path.stem for path in runtime_dir().glob("[!.]*.json")) if _runs(name)]


def usual_lab() -> str:
    """The name of the lab that notebooks of this server attach to unless told otherwise."""
    name = os.environ.get(NAME_VARIABLE, "")
    return DEFAULT_NAME if not name or os.sep in name else name


def descriptor(name: str) -> Descriptor:
    """The lab's note. A name only, never a path: it comes from a browser. Raises HTTPError."""
    try:
        return read_descriptor(check_name(name))
    except ConfigError as error:
        raise HTTPError(503, str(error)) from None


def _runs(name: str) -> bool:
    try:
        read_descriptor(check_name(name))
    except ConfigError:
        return False
    return True


class Clients:
    """The connections to the labs' APIs."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._labs: dict[str, Lab] = {}

    @asynccontextmanager
    async def request(
        self,
        lab: Descriptor,
        service: str,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask the lab, signed for `service`; `target` is path and query, percent-encoded."""
        path, _, query = target.partition("?")
        address = yarl.URL(lab.endpoint + target, encoded=True)
        named = signed_headers(
            lab, service, method, path, query=query, headers=dict(headers or {}), body=body
        )
        async with self._open().request(method, address, headers=named, data=body or None) as answer:
            yield answer

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("accept", "accept-encoding", "content-type", "user-agent"),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECTS_WITHIN_S),
                read_bufsize=_LONGEST_LINE,
            )
        return self._session

    def lab(self, name: str) -> Lab:
        """The lab as Python sees it; looked up anew, since it may have been restarted. Raises HTTPError."""
        found, kept = descriptor(name), self._labs.get(name)
        if kept is None or kept.descriptor != found:
            if kept is not None:
                kept.close()
            kept = self._labs[name] = Lab(found)
        return kept

    async def close(self) -> None:
        for lab in self._labs.values():
            lab.close()
        if self._session is not None:
            await self._session.close()
