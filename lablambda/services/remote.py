"""An AWS-compatible endpoint as a backend: DynamoDB Local, an S3 server, an emulator, or AWS itself.

It keeps its own time and tells of nothing by itself: sources there are polled, and it can't push to
functions of this lab.
"""

from __future__ import annotations

import asyncio
import importlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from lablambda.model.errors import InvalidParameterValue, NotImplementedHere, ServiceFault
from lablambda.rules import sigv4
from lablambda.rules.names import REGION
from lablambda.services import aws_chunks
from lablambda.services.backend import ServiceRequest, ServiceResponse
from lablambda.services.relay import Relay, sendable

if TYPE_CHECKING:
    from botocore.credentials import Credentials

_AUTHENTICATION = (
    "authorization",
    "date",
    "host",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
)
_IN_QUERY = re.compile(
    r"^(X-Amz-(Algorithm|Credential|Date|Expires|SignedHeaders|Signature|Security-Token)"
    r"|AWSAccessKeyId|Signature|Expires|x-amz-security-token)="
)
_OF_CHUNKS = ("x-amz-decoded-content-length", "x-amz-trailer")
_AWS_REGION = re.compile(r"\.([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com$")
# For endpoints that ask for a signature and believe any: always the same, for some keep data by the key.
_ANY_KEYS = ("lablambda", "lablambda", None)

_MOST_CONNECTIONS = 512

Keys = tuple[str, str, str | None]


class RemoteServices:
    """The endpoint at `origin` (scheme and authority). Requests are signed anew, with the AWS credentials of
    the lab's environment if it has some."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._host = urlsplit(origin).netloc
        found = _AWS_REGION.search(urlsplit(origin).hostname or "")
        self._region = found[1] if found else REGION
        self._relay: Relay | None = None
        self._credentials: Credentials | None = None
        self._opening = asyncio.Lock()

    def wakes(self, service: str) -> bool:  # noqa: ARG002 - it is the same for every service
        return False

    async def resume(self) -> None:
        return

    async def forward(self, request: ServiceRequest) -> ServiceResponse:
        self._refuse_push(request)
        relay = await self._open()
        import aiohttp

        request = _unsigned(request)
        try:
            return await relay.send(request, await asyncio.to_thread(self._headers, request))
        except (aiohttp.ClientError, OSError) as error:
            raise ServiceFault(
                f"The services backend {self._origin} doesn't answer ({error or type(error).__name__}). Start it, or "
                "start the lab with other --services."
            ) from None

    def status(self) -> dict[str, str]:
        return {"backend": self._origin}

    async def close(self) -> None:
        if self._relay is not None:
            await self._relay.close()

    async def _open(self) -> Relay:
        async with self._opening:
            if self._relay is None:
                aiohttp = await asyncio.to_thread(importlib.import_module, "aiohttp")  # takes a while
                self._credentials = await asyncio.to_thread(_credentials, self._origin)
                self._relay = Relay(aiohttp.TCPConnector(limit=_MOST_CONNECTIONS), self._origin)
            return self._relay

    def _headers(self, request: ServiceRequest) -> dict[str, str]:
        """Its headers, signed. Credentials may have to be fetched anew, which takes a while."""
        headers = {**request.headers, "host": self._host}
        if request.service is None:
            return headers
        access_key, secret_key, token = self._keys()
        signed = {name: value for name, value in headers.items() if _is_signed(name)}
        return headers | sigv4.sign(
            access_key=access_key,
            secret=secret_key,
            token=token,
            region=self._region,
            service=request.service,
            method=request.method,
            path=request.path,
            query=request.query,
            headers=signed,
            payload=request.body,
            now=datetime.now(UTC),
        )

    def _keys(self) -> Keys:
        if self._credentials is None:
            return _ANY_KEYS
        found = self._credentials.get_frozen_credentials()
        return found.access_key, found.secret_key, found.token

    def _refuse_push(self, request: ServiceRequest) -> None:
        """A push to a function would be accepted there, and never come."""
        bucket = (
            request.service == "s3" and request.method == "PUT" and "notification" in request.query.split("&")
        )
        topic = request.service == "sns" and "lambda" in dict(
            parse_qsl(request.body.decode(errors="replace"))
        ).get("Protocol", "")
        if topic or (bucket and b":lambda:" in request.body):
            raise NotImplementedHere(
                f"{self._origin} can't call this lab's functions: pushes from {request.service} need moto (lablambda "
                f"up --services moto). From {self._origin}, a function can poll a queue or a stream."
            )


def _credentials(origin: str) -> Credentials | None:
    """Those of the lab's environment: variables, profile, single sign-on."""
    from botocore.session import Session

    session = Session()
    if not origin.startswith("https:"):  # asking for a machine's role takes seconds where there is none
        session.get_component("credential_provider").remove("iam-role")
    return session.get_credentials()


def _is_signed(name: str) -> bool:
    return name in ("host", "content-type") or name.startswith("x-amz-")


def _unsigned(request: ServiceRequest) -> ServiceRequest:
    """The request without what its sender signed it by."""
    headers = {
        name: value for name, value in sendable(request.headers).items() if name not in _AUTHENTICATION
    }
    query = "&".join(part for part in request.query.split("&") if not _IN_QUERY.match(part))
    body = request.body
    if request.headers.get("x-amz-content-sha256", "").startswith("STREAMING-"):
        try:
            body, trailer = aws_chunks.plain(body)
        except aws_chunks.NotChunks as error:
            raise InvalidParameterValue(f"The body isn't in aws-chunked form: {error}.") from None
        headers = _without_chunks(headers) | trailer
    return replace(request, headers=headers, query=query, body=body)


def _without_chunks(headers: dict[str, str]) -> dict[str, str]:
    encodings = [word.strip() for word in headers.get("content-encoding", "").split(",")]
    others = ", ".join(word for word in encodings if word not in ("", "aws-chunked"))
    kept = {name: value for name, value in headers.items() if name not in (*_OF_CHUNKS, "content-encoding")}
    return kept | ({"content-encoding": others} if others else {})
