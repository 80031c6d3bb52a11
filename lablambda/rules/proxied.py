"""What changes of a request to an endpoint, and of the answer, on the way through a Jupyter server.

The server's own logins stay with it: a function is told neither its cookies nor its token. And the endpoint's root,
which is a host's on AWS, is a folder of the server: so cookies and redirections go below that.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import unquote_plus

from lablambda.rules.addresses import address

Pairs = list[tuple[str, str]]
# Of one connection, not of the message: RFC 9110, 7.6.1. `Expect` is answered by the server itself.
_OF_CONNECTIONS = (
    "connection",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
)
_OF_HANDSHAKES = "sec-websocket-"
_JUPYTERS = re.compile(r"^(_xsrf$|username-|jupyterhub-)")
_LOGIN = re.compile(r"^(token|bearer)\s+(.+)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """An endpoint's root: `inside` on the lab's HTTPS port at `origin`, `outside` on the Jupyter server; both without
    a slash at the end."""

    origin: str
    inside: str
    outside: str


def place(path: str, origin: str, before: str) -> Place | None:
    """The place of the endpoint that a path (as sent, beginning with a slash) on the lab's port means; None if it means
    none. `before` is what stands before the path on the Jupyter server."""
    found = address("", path)
    if found is None:
        return None
    inside = f"/{found.kind}/{found.identity}"
    return Place(origin, inside, f"{before}{inside}")


def request_headers(
    headers: Iterable[tuple[str, str]], *, login: str, cookies: Collection[str] = ()
) -> Pairs:
    """The headers for the endpoint. `login` is the token by which the person logged in to Jupyter (empty: by none),
    `cookies` names of further cookies of Jupyter's."""
    kept: Pairs = []
    for name, value in headers:
        lower = name.lower()
        if lower == "cookie":
            value = _without_jupyters(value, cookies)
        if lower in _OF_CONNECTIONS or lower.startswith(_OF_HANDSHAKES) or (lower == "cookie" and not value):
            continue
        if lower == "authorization" and login and (found := _LOGIN.match(value)) and found[2] == login:
            continue
        kept.append((name, value))
    return kept


def without_token(query: str, login: str) -> str:
    """The query without the token by which the person logged in to Jupyter; everything else as it was sent."""
    parts = query.split("&") if query else []
    return "&".join(part for part in parts if not (login and _is_token(part, login)))


def _is_token(part: str, login: str) -> bool:
    name, _, value = part.partition("=")
    return name == "token" and unquote_plus(value) == login


def _without_jupyters(cookies: str, more: Collection[str]) -> str:
    parts = [part.strip() for part in cookies.split(";")]
    return "; ".join(part for part in parts if part and not _is_jupyters(part.partition("=")[0], more))


def _is_jupyters(name: str, more: Collection[str]) -> bool:
    return name in more or _JUPYTERS.match(name) is not None


def response_headers(headers: Iterable[tuple[str, str]], at: Place) -> Pairs:
    """The answer's headers for the browser."""
    kept: Pairs = []
    for name, value in headers:
        lower = name.lower()
        if lower == "set-cookie":
            value = _cookie_below(at.outside, value)
        elif lower == "location":
            value = _location(value, at)
        if lower not in _OF_CONNECTIONS:
            kept.append((name, value))
    return kept


def _cookie_below(folder: str, cookie: str) -> str:
    """A cookie whose path is below the folder, and that no other host is sent."""
    first, *attributes = cookie.split(";")
    kept = [first]
    for attribute in attributes:
        name, _, value = attribute.strip().partition("=")
        if name.lower() == "path":
            kept.append(f" Path={folder}{value if value.startswith('/') else '/'}")
        elif name.lower() != "domain":
            kept.append(attribute)
    return ";".join(kept)


def _location(target: str, at: Place) -> str:
    """Where a redirection leads: the endpoint's own addresses are found through the Jupyter server too."""
    inside = at.origin + at.inside
    if target == inside or target.startswith((f"{inside}/", f"{inside}?")):
        return at.outside + target.removeprefix(inside)
    if target.startswith("/") and not target.startswith("//"):
        return at.outside + target
    return target
