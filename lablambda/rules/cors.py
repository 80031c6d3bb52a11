"""Which CORS headers an answer gets, by an endpoint's configuration.

Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html,
https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-cors
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lablambda.model.http import Headers, HttpRequest

PREFIX = "access-control-"


def is_preflight(request: HttpRequest) -> bool:
    return (
        request.method == "OPTIONS"
        and bool(request.header("origin"))
        and bool(request.header("access-control-request-method"))
    )


def cors_headers(cors: Mapping[str, Any], request: HttpRequest) -> Headers:
    """For the answer to the request: none if its origin isn't allowed. `cors` has AllowOrigins and so on."""
    origin = request.header("origin")
    if not origin or not _allows(cors.get("AllowOrigins") or (), origin):
        return []
    everybody = "*" in cors["AllowOrigins"] and not cors.get("AllowCredentials")
    headers = [(f"{PREFIX}allow-origin", "*" if everybody else origin)]
    if not everybody:
        headers.append(("vary", "Origin"))
    if cors.get("AllowCredentials"):
        headers.append((f"{PREFIX}allow-credentials", "true"))
    headers += _listed("expose-headers", cors.get("ExposeHeaders"))
    if is_preflight(request):
        headers += _asked_for(cors, request)
        if cors.get("MaxAge") is not None:
            headers.append((f"{PREFIX}max-age", str(cors["MaxAge"])))
    return headers


def _asked_for(cors: Mapping[str, Any], request: HttpRequest) -> Headers:
    """The methods and headers that are allowed; a wildcard doesn't do where credentials are."""
    methods = cors.get("AllowMethods") or ()
    headers = cors.get("AllowHeaders") or ()
    if cors.get("AllowCredentials"):
        methods = [request.header("access-control-request-method")] if "*" in methods else methods
        headers = [request.header("access-control-request-headers")] if "*" in headers else headers
    return [*_listed("allow-methods", methods), *_listed("allow-headers", headers)]


def _listed(name: str, values: Sequence[str] | None) -> Headers:
    return [(f"{PREFIX}{name}", ",".join(values))] if values and any(values) else []


def _allows(origins: Sequence[str], origin: str) -> bool:
    """An origin may be given with a wildcard for its host's beginning: https://*.example.com. `*` stands for any."""
    patterns = (re.escape(allowed.lower()).replace(r"\*", "[^/,]*") for allowed in origins)
    return "*" in origins or any(re.fullmatch(pattern, origin.lower()) for pattern in patterns)
