"""HTTP_PROXY: another server answers, and what it says goes back as it is."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

import aiohttp
import yarl

from lablambda.gateway.answers import Refused, message
from lablambda.model.http import HttpRequest, HttpResponse
from lablambda.rules.http_result import SERVERS_OWN

_MOST_BYTES = 10 * 1024 * 1024


class HttpProxy:
    """Requests to servers that integrations name."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self, request: HttpRequest, uri: str, variables: Mapping[str, str], *, method: str, path: str | None
    ) -> HttpResponse:
        """The server's answer. `variables` replace `{name}` in the URI, `path` stands for the URI's own. Raises
        Refused if there is no answer."""
        target = _target(uri, variables, path) + (f"?{request.query}" if request.query else "")
        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar())
        headers = [(name, value) for name, value in request.headers if name not in SERVERS_OWN | {"host"}]
        forwarded = ("forwarded", f"for={request.source_ip};host={request.header('host')};proto=https")
        try:
            async with self._session.request(
                request.method if method == "ANY" else method,
                yarl.URL(target, encoded=True),
                headers=[*headers, forwarded],
                data=request.body or None,
                allow_redirects=False,
            ) as answer:
                body = await answer.content.read(_MOST_BYTES)
                told = [(name.lower(), value) for name, value in answer.headers.items()]
                kept = [pair for pair in told if pair[0] not in SERVERS_OWN | {"date", "server"}]
                return HttpResponse(answer.status, body, kept)
        except (aiohttp.ClientError, OSError, ValueError):
            raise Refused(message(503, "Service Unavailable")) from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _target(uri: str, variables: Mapping[str, str], path: str | None) -> str:
    if path is not None:
        parts = urlsplit(uri)
        return f"{parts.scheme}://{parts.netloc}/{quote(path.lstrip('/'), safe='/%')}"
    for name, value in variables.items():
        for form in (f"{{{name}}}", f"{{{name}+}}"):
            uri = uri.replace(form, quote(value, safe="/"))
    return uri
