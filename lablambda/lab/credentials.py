"""Who may sign requests: the lab's owner, and each function with its role's temporary credentials."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from lablambda.model.function import Version
from lablambda.rules import sigv4
from lablambda.rules.names import ACCOUNT, REGION, ROOT

SESSION_S = 36 * 3600


class UnknownKey(Exception):
    """No such access key, or a session token that isn't ours."""


class ExpiredToken(Exception):
    """A session token past its time."""


class KeyRing:
    """Session credentials are derived from a key that lives as long as the lab's process, so none is
    stored: the token says who and until when, and can't be forged."""

    def __init__(self, access_key: str, secret_key: str) -> None:
        self._access_key = access_key
        self._secret_key = secret_key
        self._sealing_key = secrets.token_bytes(32)

    def issue(self, version: Version) -> Mapping[str, str]:
        """Role credentials for one environment, as the variables that AWS's SDKs read."""
        access_key = "ASIA" + base64.b32encode(secrets.token_bytes(10)).decode()
        claims = {
            "key": access_key,
            "role": version.role,
            "function": version.arn,
            "until": int(time.time()) + SESSION_S,
        }
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
        return {
            "AWS_ACCESS_KEY_ID": access_key,
            "AWS_SECRET_ACCESS_KEY": self._derive("secret", access_key),
            "AWS_SESSION_TOKEN": f"{body}.{self._derive('token', body)}",
        }

    def sign_s3(self) -> Callable[[str, str, str], Mapping[str, str]]:
        """How the lab itself asks its S3: (method, path, query) to headers signed as its owner."""

        def sign(method: str, path: str, query: str) -> Mapping[str, str]:
            headers = {"host": "127.0.0.1"}  # a name would be taken for a bucket's
            return headers | sigv4.sign(
                access_key=self._access_key,
                secret=self._secret_key,
                region=REGION,
                service="s3",
                method=method,
                path=path,
                query=query,
                headers=headers,
                payload=b"",
                now=datetime.now(UTC),
            )

        return sign

    def presign(self, host: str, path: str, expires_s: int) -> str:
        """The query string with which anybody may GET `path` of the lab's own calls for a while."""
        return sigv4.presign(
            access_key=self._access_key,
            secret=self._secret_key,
            region=REGION,
            service="lablambda",
            host=host,
            path=path,
            now=datetime.now(UTC),
            expires_s=expires_s,
        )

    def is_owner(self, access_key: bytes, secret_key: bytes) -> bool:
        """Whether these are the lab's own key and secret; takes as long whatever they are."""
        known = hmac.compare_digest(access_key, self._access_key.encode())
        return hmac.compare_digest(secret_key, self._secret_key.encode()) and known

    def caller(self, token: str | None) -> str:
        """The ARN of whoever signs with these credentials: the owner, or a function in its role.

        Raises UnknownKey for a token that isn't ours.
        """
        if token is None:
            return ROOT
        claims = self._claims(token)
        role, function = claims["role"].rpartition("/")[2], claims["function"].split(":")[6]
        return f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{function}"

    def secret_for(self, access_key: str, token: str | None) -> str:
        """The secret that a request of `access_key` must be signed with."""
        if token is None:
            if access_key != self._access_key:
                raise UnknownKey
            return self._secret_key
        claims = self._claims(token)
        if claims["key"] != access_key:
            raise UnknownKey
        if claims["until"] < time.time():
            raise ExpiredToken
        return self._derive("secret", access_key)

    def _claims(self, token: str) -> dict[str, Any]:
        """What one of our session tokens says; UnknownKey if it isn't ours."""
        body, _, seal = token.partition(".")
        if not hmac.compare_digest(seal.encode(), self._derive("token", body).encode()):
            raise UnknownKey
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body))
        return claims

    def _derive(self, purpose: str, text: str) -> str:
        digest = hmac.digest(self._sealing_key, f"{purpose}:{text}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode()
