"""Calls that the lab itself makes of AWS's services, to whoever answers for them here.

botocore writes the request, signs it and reads the answer, as it would for anybody; only the way there is
the lab's own, so nothing waits in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from lablambda.rules.names import REGION
from lablambda.services.backend import ServiceRequest, ServiceResponse

Forward = Callable[[ServiceRequest], Awaitable[ServiceResponse]]
# A name would be taken for a bucket's.
_ENDPOINT = "http://127.0.0.1"
_TRACE = "x-amzn-trace-id"
# How services say that there is no such thing.
NOT_THERE = (
    "ResourceNotFoundException",
    "NoSuchBucket",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
    "NotFound",
    "NotFoundException",
    "404",
)


class CallRefused(Exception):
    """The service said no; `code` and `text` are AWS's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.text = message


class AwsCalls:
    """Calls made as the lab's owner."""

    def __init__(self, forward: Forward, access_key: str, secret_key: str) -> None:
        self._forward = forward
        self._keys = (access_key, secret_key)
        self._tools: dict[str, _Tools] = {}

    async def call(
        self, service: str, operation: str, parameters: Mapping[str, Any], *, trace: str = ""
    ) -> dict[str, Any]:
        """The members of an operation's output; `trace` is the trace header to send, if any. Raises CallRefused,
        and ServiceFault if nobody answers."""
        tools = self._tools.get(service)
        if tools is None:  # reading a model takes a while
            tools = self._tools[service] = await asyncio.to_thread(_Tools, service)
        request = tools.request(operation, parameters, self._keys)
        if trace:
            request = replace(request, headers={**request.headers, _TRACE: trace})
        answer = await self._forward(request)
        return tools.read(operation, answer)


class _Tools:
    """What botocore has for one service."""

    def __init__(self, service: str) -> None:
        from botocore.loaders import Loader
        from botocore.model import ServiceModel
        from botocore.parsers import create_parser
        from botocore.serialize import create_serializer

        self._service = service
        self._model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
        protocol = self._model.resolved_protocol
        self._serializer = create_serializer(protocol)
        self._parser = create_parser(protocol)

    def request(self, operation: str, parameters: Mapping[str, Any], keys: tuple[str, str]) -> ServiceRequest:
        from botocore.auth import S3SigV4Auth, SigV4Auth
        from botocore.awsrequest import create_request_object, prepare_request_dict
        from botocore.credentials import Credentials

        model = self._model.operation_model(operation)
        written = self._serializer.serialize_to_request(dict(parameters), model)
        prepare_request_dict(written, _ENDPOINT)
        request = create_request_object(written)
        signer = S3SigV4Auth if self._service == "s3" else SigV4Auth
        signer(Credentials(*keys), self._model.signing_name, REGION).add_auth(request)
        prepared = request.prepare()
        address = urlsplit(prepared.url)
        body = prepared.body or b""
        return ServiceRequest(
            method=prepared.method,
            path=address.path,
            query=address.query,
            headers={name.lower(): _text(value) for name, value in prepared.headers.items()}
            | {"host": "127.0.0.1"},
            body=body.encode() if isinstance(body, str) else bytes(body),
            service=self._model.signing_name,
        )

    def read(self, operation: str, answer: ServiceResponse) -> dict[str, Any]:
        from botocore.awsrequest import HeadersDict

        given = {
            "status_code": answer.status,
            "headers": HeadersDict(dict(answer.headers)),
            "body": answer.body,
            "context": {},
        }
        shape = self._model.operation_model(operation).output_shape
        told: dict[str, Any] = self._parser.parse(given, shape)
        if answer.status >= 300:
            error = told.get("Error", {})
            raise CallRefused(str(error.get("Code", answer.status)), str(error.get("Message", "")))
        return told


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
