"""Checking who signed a request (SigV4, in headers or in the query).

A local port that deploys code is a way in for every web page and every other user of the machine, so
nothing is answered that isn't signed with the lab's key or a function's role credentials.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from lablambda.httpserver import Request
from lablambda.lab.credentials import ExpiredToken, KeyRing, UnknownKey
from lablambda.rules import sigv4

SKEW = {"s3": timedelta(minutes=15)}
_DEFAULT_SKEW = timedelta(minutes=5)
_LONGEST_PRESIGNED_S = 604_800
_AUTHORIZATION = re.compile(
    r"^AWS4-HMAC-SHA256\s+Credential=(?P<key>[^/,\s]+)/(?P<day>\d{8})/(?P<region>[^/,]+)/(?P<service>[^/,]+)"
    r"/aws4_request,\s*SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{64})$"
)
_PRESIGNED = re.compile(r"(?:^|&)X-Amz-Signature=[0-9a-f]*")


class NotAuthenticated(Exception):
    """The request isn't signed as it must be. `code` is the REST-JSON services' error code; S3 and the
    Query services have other words for some of them (see `api/errors.py`)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Claim(NamedTuple):
    """What a request says of its signer, before anything is believed."""

    access_key: str
    scope: sigv4.Scope
    timestamp: str
    signed_headers: tuple[str, ...]
    signature: str
    token: str | None
    query: str
    expires_s: int | None = None


def service_of(request: Request) -> str | None:
    """The service that the request was signed for; None if it isn't signed. Nothing is verified."""
    authorization = request.headers.get("authorization")
    if authorization:
        match = _AUTHORIZATION.match(authorization)
        return match["service"] if match else None
    if "X-Amz-Credential=" in request.query:
        parts = dict(parse_qsl(request.query)).get("X-Amz-Credential", "").split("/")
        return parts[3] if len(parts) == 5 else None
    return "s3" if "AWSAccessKeyId=" in request.query else None


def authenticate(request: Request, keys: KeyRing, now: datetime) -> sigv4.Scope:
    """Verify the signature; gives its scope. Raises NotAuthenticated."""
    if "AWSAccessKeyId=" in request.query:
        return _authenticate_old_presigned(request, keys, now)
    claim = _claim(request)
    secret = _secret(keys, claim.access_key, claim.token)
    _check_time(claim, now)
    expected = sigv4.signature(
        secret=secret,
        scope=claim.scope,
        timestamp=claim.timestamp,
        method=request.method,
        path=request.path,
        query=claim.query,
        headers=request.headers,
        signed_headers=claim.signed_headers,
        payload_hash=_payload_hash(request, claim),
    )
    if not hmac.compare_digest(expected, claim.signature):
        raise _mismatch()
    return claim.scope


def _authenticate_old_presigned(request: Request, keys: KeyRing, now: datetime) -> sigv4.Scope:
    """S3's presigned URLs of signature version 2, which boto3 still makes unless told otherwise."""
    from urllib.parse import urlsplit

    from botocore.auth import HmacV1QueryAuth
    from botocore.credentials import Credentials

    given = dict(parse_qsl(request.query, keep_blank_values=True))
    signature, expires = given.get("Signature", ""), given.get("Expires", "")
    token = given.get("x-amz-security-token")
    access_key = given["AWSAccessKeyId"]
    signer = HmacV1QueryAuth(Credentials(access_key, _secret(keys, access_key, token), token))
    signer._get_date = lambda: expires  # botocore signs for now; this was signed for another moment
    headers = {name: value for name, value in request.headers.items() if name != "date"}
    text = signer.canonical_string(request.method, urlsplit(f"{request.path}?{request.query}"), headers)
    if not hmac.compare_digest(signer.sign_string(text).encode(), signature.encode()):
        raise _mismatch()
    if not expires.isdecimal() or int(expires) < now.timestamp():
        raise NotAuthenticated("InvalidSignatureException", "Request has expired")
    return sigv4.Scope(now.strftime("%Y%m%d"), "us-east-1", "s3")


def _secret(keys: KeyRing, access_key: str, token: str | None) -> str:
    try:
        return keys.secret_for(access_key, token)
    except ExpiredToken:
        raise NotAuthenticated(
            "ExpiredTokenException", "The security token included in the request is expired"
        ) from None
    except (UnknownKey, ValueError, KeyError):
        raise NotAuthenticated(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        ) from None


def _claim(request: Request) -> Claim:
    authorization = request.headers.get("authorization")
    if authorization is not None:
        return _header_claim(request, authorization)
    if "X-Amz-Signature=" in request.query:
        return _query_claim(request)
    raise NotAuthenticated("MissingAuthenticationTokenException", "Missing Authentication Token")


def _header_claim(request: Request, authorization: str) -> Claim:
    match = _AUTHORIZATION.match(authorization)
    timestamp = request.headers.get("x-amz-date")
    if match is None or timestamp is None:
        raise NotAuthenticated(
            "IncompleteSignatureException",
            "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters, and the "
            "request an 'X-Amz-Date' header.",
        )
    return Claim(
        access_key=match["key"],
        scope=sigv4.Scope(match["day"], match["region"], match["service"]),
        timestamp=timestamp,
        signed_headers=_signed(request, match["headers"].split(";")),
        signature=match["signature"],
        token=request.headers.get("x-amz-security-token"),
        query=request.query,
    )


def _query_claim(request: Request) -> Claim:
    given = dict(parse_qsl(request.query, keep_blank_values=True))
    try:
        access_key, day, region, service, _ = given["X-Amz-Credential"].split("/")
        return Claim(
            access_key=access_key,
            scope=sigv4.Scope(day, region, service),
            timestamp=given["X-Amz-Date"],
            signed_headers=_signed(request, given["X-Amz-SignedHeaders"].split(";")),
            signature=given["X-Amz-Signature"],
            token=given.get("X-Amz-Security-Token"),
            query=_PRESIGNED.sub("", request.query).lstrip("&"),
            expires_s=min(int(given["X-Amz-Expires"]), _LONGEST_PRESIGNED_S),
        )
    except (KeyError, ValueError):
        raise NotAuthenticated(
            "IncompleteSignatureException", "The query doesn't hold all parameters of a presigned request."
        ) from None


def _signed(request: Request, names: list[str]) -> tuple[str, ...]:
    """The host must be signed, or a signature made for one lab would open another."""
    if "host" not in names or any(name not in request.headers for name in names):
        raise _mismatch()
    return tuple(names)


def _payload_hash(request: Request, claim: Claim) -> str:
    stated = request.headers.get("x-amz-content-sha256")
    if stated is not None and stated.startswith(("STREAMING-", sigv4.UNSIGNED_PAYLOAD)):
        return stated
    if claim.expires_s is not None and claim.scope.service == "s3":
        return stated or sigv4.UNSIGNED_PAYLOAD
    found = hashlib.sha256(request.body).hexdigest() if request.body else sigv4.EMPTY_SHA256
    if stated is not None and stated != found:
        raise _mismatch()
    return found


def _check_time(claim: Claim, now: datetime) -> None:
    try:
        if len(claim.timestamp) != len("20261101T100000Z"):
            raise ValueError
        signed_at = datetime.fromisoformat(claim.timestamp).astimezone(UTC)
    except ValueError:
        raise NotAuthenticated(
            "IncompleteSignatureException",
            f"Date must be in ISO-8601 'basic format'. Got '{unquote(claim.timestamp)}'.",
        ) from None
    if claim.timestamp[:8] != claim.scope.day:
        raise NotAuthenticated(
            "InvalidSignatureException", "Date in Credential scope does not match YYYYMMDD from the request."
        )
    skew = SKEW.get(claim.scope.service, _DEFAULT_SKEW)
    latest = signed_at + (timedelta(seconds=claim.expires_s) if claim.expires_s is not None else skew)
    if latest < now:
        raise _wrong_time(f"Signature expired: {claim.timestamp} is now earlier than", now)
    if signed_at - skew > now:
        raise _wrong_time(f"Signature not yet current: {claim.timestamp} is still later than", now)


def _wrong_time(words: str, now: datetime) -> NotAuthenticated:
    return NotAuthenticated("InvalidSignatureException", f"{words} {now.strftime('%Y%m%dT%H%M%SZ')}.")


def _mismatch() -> NotAuthenticated:
    return NotAuthenticated(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
        "Access Key and signing method. Consult the service documentation for details.",
    )
