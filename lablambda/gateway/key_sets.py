"""The keys that JWTs are signed with, from those who issue them."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import aiohttp
import jwt

from lablambda.rules.jwt_claims import InvalidToken

ALGORITHMS = ("RS256", "RS384", "RS512")
_KEPT_S, _AGAIN_S = 300.0, 5.0
_WITHIN_S = 1.5  # as AWS
_MOST_BYTES = 1 << 20


class KeySets:
    """Key sets by issuer, kept for a while; a key that isn't among them has them fetched anew."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, dict[str, Any]]] = {}

    async def claims(self, token: str, issuer: str) -> dict[str, Any]:
        """What a token claims that one of the issuer's keys has signed. Raises InvalidToken."""
        try:
            head = jwt.get_unverified_header(token)
            key = await self._key(issuer, str(head.get("kid", "")))
            found: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                options={"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except jwt.PyJWTError as error:
            raise InvalidToken(f"the token isn't valid: {error}") from None
        return found

    async def _key(self, issuer: str, identity: str) -> Any:
        now = time.monotonic()
        fetched, keys = self._known.get(issuer, (-_KEPT_S, {}))
        if now - fetched >= _KEPT_S or (identity not in keys and now - fetched >= _AGAIN_S):
            keys = await _fetched(issuer)
            self._known[issuer] = now, keys
        if identity not in keys:
            raise InvalidToken("the token's key isn't among the issuer's")
        return keys[identity]


async def _fetched(issuer: str) -> dict[str, Any]:
    try:
        async with asyncio.timeout(_WITHIN_S):
            document = await _document(issuer)
        listed = jwt.PyJWKSet.from_dict(document).keys
    except (
        OSError,
        TimeoutError,
        ValueError,
        KeyError,
        TypeError,
        aiohttp.ClientError,
        jwt.PyJWTError,
    ) as error:
        raise InvalidToken(f"the keys of {issuer} can't be had ({error or type(error).__name__})") from None
    return {str(key.key_id or ""): key for key in listed if key.key_type == "RSA"}


async def _document(issuer: str) -> dict[str, Any]:
    """The key set: in a file, or where the issuer's OpenID configuration says."""
    if issuer.startswith("file:"):
        path = Path(unquote(urlsplit(issuer).path))
        return _object(await asyncio.to_thread(path.read_bytes))
    async with aiohttp.ClientSession() as session:
        place = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        configuration = _object(await _get(session, place))
        return _object(await _get(session, str(configuration["jwks_uri"])))


async def _get(session: aiohttp.ClientSession, address: str) -> bytes:
    async with session.get(address) as answer:
        answer.raise_for_status()
        return await answer.content.read(_MOST_BYTES)


def _object(data: bytes) -> dict[str, Any]:
    found = json.loads(data)
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    return found
