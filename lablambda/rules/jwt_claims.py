"""What a JWT authorizer asks of a token's claims, and how an event tells them.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


class InvalidToken(Exception):
    """The token doesn't let its bearer in; the message says why."""


def check_claims(claims: Mapping[str, Any], *, issuer: str, audience: Sequence[str], now: float) -> None:
    """Raises InvalidToken."""
    if claims.get("iss") != issuer:
        raise InvalidToken("the token has the wrong issuer")
    named = claims.get("aud", claims.get("client_id"))
    if not set(named if isinstance(named, list) else [named]) & set(audience):
        raise InvalidToken("the token does not have a valid audience")
    if not isinstance(claims.get("exp"), int | float) or claims["exp"] <= now:
        raise InvalidToken("the token has expired")
    for name in ("nbf", "iat"):
        if not isinstance(claims.get(name, 0), int | float) or claims.get(name, 0) > now:
            raise InvalidToken(f"the token's {name} is in the future")


def has_scope(claims: Mapping[str, Any], wanted: Sequence[str]) -> bool:
    """Whether the token has one of the route's scopes; a route without any asks for none."""
    given = claims.get("scope", claims.get("scp", ""))
    return not wanted or bool(set(given if isinstance(given, list) else str(given).split()) & set(wanted))


def told(claims: Mapping[str, Any]) -> dict[str, str]:
    """The claims as an event has them: each as text, a list as `[a b]`."""
    return {name: _text(value) for name, value in claims.items()}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{' '.join(map(_text, value))}]"
    return json.dumps(value, separators=(",", ":"))
