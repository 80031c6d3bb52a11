"""AWS Signature Version 4: the signature of a request, from its parts.

The lab verifies with this what AWS's clients sign, and the notebook client signs its own calls with
it, so that neither has to load an AWS SDK. Both sides of a request go through `signature`.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


class Scope(NamedTuple):  # made for every request, at a third of a frozen dataclass's cost
    """Day, region and service that a signing key is good for."""

    day: str
    region: str
    service: str

    def __str__(self) -> str:
        return f"{self.day}/{self.region}/{self.service}/aws4_request"


@lru_cache(maxsize=256)
def signing_key(secret: str, scope: Scope) -> bytes:
    """The key derived from a secret for one scope; it holds for a day, so it is worth remembering."""
    key = f"AWS4{secret}".encode()
    for part in (scope.day, scope.region, scope.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def canonical_query(query: str) -> str:
    """Sort an already percent-encoded query string as the signature wants it."""
    if not query:
        return ""
    pairs = (part.partition("=") for part in query.split("&") if part)
    return "&".join(f"{name}={value}" for name, value in sorted((n, v) for n, _, v in pairs))


@lru_cache(maxsize=1024)
def canonical_path(path: str, service: str) -> str:
    """S3 signs the path as sent; every other service encodes it once more, dots resolved."""
    if service == "s3":
        return path or "/"
    return quote(_without_dots(path), safe="/~") if path else "/"


def _without_dots(path: str) -> str:
    if "./" not in path and "//" not in path and not path.endswith("/."):
        return path
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    closing = "/" if path.endswith("/") and parts else ""
    return "/" + "/".join(parts) + closing


def signature(
    *,
    secret: str,
    scope: Scope,
    timestamp: str,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    signed_headers: Iterable[str],
    payload_hash: str,
) -> str:
    """The hex signature of a request.

    `path` and `query` are percent-encoded as on the wire, `headers` has lower-case names,
    `timestamp` is the X-Amz-Date (`20261101T100000Z`).
    """
    names = list(signed_headers)
    canonical_headers = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names)
    canonical = "\n".join(
        (
            method,
            canonical_path(path, scope.service),
            canonical_query(query),
            canonical_headers,
            ";".join(names),
            payload_hash,
        )
    )
    hashed = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    text = f"{ALGORITHM}\n{timestamp}\n{scope}\n{hashed}"
    return hmac.digest(signing_key(secret, scope), text.encode(), "sha256").hex()


def sign(
    *,
    access_key: str,
    secret: str,
    region: str,
    service: str,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    payload: bytes,
    now: datetime,
    token: str | None = None,
) -> dict[str, str]:
    """The headers to add to a request so that it is signed; `headers` (lower-case) are signed too."""
    timestamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = Scope(timestamp[:8], region, service)
    payload_hash = hashlib.sha256(payload).hexdigest()
    added = {"x-amz-date": timestamp}
    if service == "s3":
        added["x-amz-content-sha256"] = payload_hash
    if token:
        added["x-amz-security-token"] = token
    signed = {**headers, **added}
    names = sorted(signed)
    value = signature(
        secret=secret,
        scope=scope,
        timestamp=timestamp,
        method=method,
        path=path,
        query=query,
        headers=signed,
        signed_headers=names,
        payload_hash=payload_hash,
    )
    added["authorization"] = (
        f"{ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={';'.join(names)}, Signature={value}"
    )
    return added


def presign(
    *,
    access_key: str,
    secret: str,
    region: str,
    service: str,
    host: str,
    path: str,
    now: datetime,
    expires_s: int,
) -> str:
    """The query string with which anybody may GET `path` (percent-encoded) from `host` for a while."""
    timestamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = Scope(timestamp[:8], region, service)
    query = (
        f"X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={quote(f'{access_key}/{scope}', safe='')}"
        f"&X-Amz-Date={timestamp}&X-Amz-Expires={expires_s}&X-Amz-SignedHeaders=host"
    )
    value = signature(
        secret=secret,
        scope=scope,
        timestamp=timestamp,
        method="GET",
        path=path,
        query=query,
        headers={"host": host},
        signed_headers=["host"],
        payload_hash=EMPTY_SHA256,
    )
    return f"{query}&X-Amz-Signature={value}"
