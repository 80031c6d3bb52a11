"""The way from a Jupyter server to the HTTPS ports of the user's labs."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

import aiohttp
import yarl
from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError

from lablambda.browser import LAB_MARK
from lablambda.config import CA_CERTIFICATE, DEFAULT_NAME, ConfigError, authority_dir, read_descriptor
from lablambda.rules.proxied import Pairs, Place, place, request_headers, without_token

_CONNECTS_WITHIN_S = 10.0
NO_ANSWER = "The lab doesn't answer at its HTTPS port. See 'lablambda status'."


@dataclass(frozen=True, slots=True)
class Passage:
    """A request's way to an endpoint: where it goes, and with which headers."""

    place: Place
    address: yarl.URL
    headers: Pairs


class Labs:
    """The connections to the labs. They trust the user's own authority and no other."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def session(self) -> aiohttp.ClientSession:
        """What is sent and received is passed on as it is."""
        if self._session is None:
            trust = ssl.create_default_context(cafile=authority_dir() / CA_CERTIFICATE)
            self._session = aiohttp.ClientSession(
                auto_decompress=False,
                connector=aiohttp.TCPConnector(ssl=trust, limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("accept", "accept-encoding", "content-type", "user-agent"),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECTS_WITHIN_S),
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def passage(self, request: HTTPServerRequest, before: str, login: str, cookie: str) -> Passage:
        """The way of a request whose path begins with `before`; `login` and `cookie` are the token and the name of the
        cookie by which Jupyter knows the person. Raises HTTPError if there is no such lab or endpoint."""
        path = request.path.removeprefix(before)
        name = DEFAULT_NAME
        if path.startswith(f"/{LAB_MARK}"):
            name, _, _ = path[2:].partition("/")
            before, path = f"{before}/{LAB_MARK}{name}", path.removeprefix(f"/{LAB_MARK}{name}")
        try:
            lab = read_descriptor(name)
        except ConfigError as error:
            raise HTTPError(503, str(error)) from None
        at = place(path, lab.https_endpoint, before)
        if at is None:
            raise HTTPError(
                404, "Endpoints are below lambda-url/ID/ and execute-api/ID/: see %lambda routes."
            )
        query = without_token(request.query, login)
        address = f"{lab.https_endpoint}{path}{'?' if query else ''}{query}"
        headers = request_headers(request.headers.get_all(), login=login, cookies=[cookie])
        return Passage(at, yarl.URL(address, encoded=True), headers)
