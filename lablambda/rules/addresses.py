"""Which endpoint a request's address means: by the host, as on AWS, or by the path's beginning.

Names below `localhost` need no name service in browsers and curl; Python and others don't know them on a plain
Debian. So the lab gives addresses of the second kind, and serves both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lablambda.rules.names import REGION

LOOPBACK, EVERY_ADDRESS = "127.0.0.1", "0.0.0.0"  # noqa: S104 - the second only for who asks for it
_LOOPBACK_NAMES = (LOOPBACK, "localhost", "[::1]")
URL, API = "lambda-url", "execute-api"
HOST_SUFFIXES = tuple(f"{kind}.{REGION}.localhost" for kind in (URL, API))
_HOST = re.compile(
    rf"^(?P<id>[a-z0-9]+)\.(?P<kind>{URL}|{API})\.{REGION}\.(localhost|on\.aws|amazonaws\.com)(:\d+)?$"
)
_PATH = re.compile(rf"^/(?P<kind>{URL}|{API})/(?P<id>[a-z0-9]+)(?P<rest>/.*)?$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Address:
    """`kind` is `lambda-url` or `execute-api`, `path` what is left of the path for the function, `domain` what stands
    before it: where an endpoint's domain name is on AWS, so that `https://{domain}{path}` is the request's address."""

    kind: str
    identity: str
    path: str
    domain: str


def address(host: str, path: str) -> Address | None:
    """Read the Host header and the path as sent; None if they mean no endpoint."""
    if found := _HOST.match(host.lower()):
        return Address(found["kind"], found["id"], path or "/", host)
    if found := _PATH.match(path):
        return Address(
            found["kind"], found["id"], found["rest"] or "/", f"{host}/{found['kind']}/{found['id']}"
        )
    return None


def url_id(members: Mapping[str, Any] | None) -> str:
    """The id of a function URL: the first part of the address that it has on AWS, which is kept."""
    return "" if members is None else str(members["FunctionUrl"]).removeprefix("https://").partition(".")[0]


def is_loopback(host: str) -> bool:
    """Whether a Host header names this machine alone. A page on another site can make a browser resolve its own
    name to loopback; it can't change the header."""
    host = host.lower()
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return name in _LOOPBACK_NAMES or name.endswith(".localhost")
