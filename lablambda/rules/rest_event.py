"""A request to a REST API as events: its function's, its authorizer's, and `$context`.

Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html,
apigateway-use-lambda-authorizer.html
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lablambda.model.http import HttpRequest
from lablambda.rules.header_names import spelt
from lablambda.rules.http_event import NOBODY, clf_time, parameters
from lablambda.rules.names import ACCOUNT


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has found its method. `path` is without the stage, percent-encoded; `resource` is the path of the
    resource, `variables` are those of the path and the stage, `context` is `requestContext`. `binary_types` are the
    media types that the API takes for bytes, not for text."""

    request: HttpRequest
    path: str
    resource: str
    path_variables: Mapping[str, str]
    stage_variables: Mapping[str, str]
    context: Mapping[str, Any]
    binary_types: Sequence[str]

    def headers(self) -> dict[str, list[str]]:
        """By name, as functions look for it."""
        found: dict[str, list[str]] = {}
        for name, value in self.request.headers:
            found.setdefault(spelt(name), []).append(value)
        return found

    def is_binary(self, media_type: str = "") -> bool:
        """Whether a body of that type is bytes; the request's, if none is named."""
        return _is_binary(media_type or self.request.header("content-type"), self.binary_types)

    def wants_binary(self) -> bool:
        """Whether the first type that the client accepts is bytes."""
        return _is_binary(self.request.header("accept").partition(",")[0], self.binary_types)

    def body_text(self) -> str:
        """The body as templates see it, which know no bytes."""
        return self.request.body.decode("utf-8", "replace")


def context(
    request: HttpRequest,
    *,
    api_id: str,
    domain: str,
    stage: str,
    path: str,
    request_id: str,
    extended_id: str,
) -> dict[str, Any]:
    """`requestContext`, before the resource is found and anybody known. `path` is without the stage."""
    return {
        "resourceId": None,
        "resourcePath": None,
        "httpMethod": request.method,
        "extendedRequestId": extended_id,
        "requestTime": clf_time(request.received),
        "path": f"/{stage}{path}",
        "accountId": ACCOUNT,
        "protocol": request.protocol,
        "stage": stage,
        "domainPrefix": api_id,
        "requestTimeEpoch": int(request.received * 1000),
        "requestId": request_id,
        "identity": {
            **NOBODY,
            "sourceIp": request.source_ip,
            "userAgent": request.header("user-agent") or None,
        },
        "domainName": domain,
        "apiId": api_id,
    }


def proxy_event(call: Call) -> dict[str, Any]:
    """The event of a function that the request is passed on to (AWS_PROXY)."""
    return {**_described(call), **_body(call)}


def token_event(token: str, arn: str) -> dict[str, Any]:
    """The event of an authorizer of type TOKEN."""
    return {"type": "TOKEN", "methodArn": arn, "authorizationToken": token}


def request_event(call: Call, arn: str) -> dict[str, Any]:
    """The event of an authorizer of type REQUEST, which has no body."""
    absent = ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables")
    described = {
        name: {} if name in absent and value is None else value for name, value in _described(call).items()
    }
    return {"type": "REQUEST", "methodArn": arn, **described}


def _described(call: Call) -> dict[str, Any]:
    headers, queried = call.headers(), parameters(call.request)
    return {
        "resource": call.resource,
        "path": call.path,
        "httpMethod": call.request.method,
        "headers": last(headers),
        "multiValueHeaders": headers,
        "queryStringParameters": last(queried) or None,
        "multiValueQueryStringParameters": queried or None,
        "pathParameters": dict(call.path_variables) or None,
        "stageVariables": dict(call.stage_variables) or None,
        "requestContext": call.context,
    }


def _body(call: Call) -> dict[str, Any]:
    if not call.request.body:
        return {"body": None, "isBase64Encoded": False}
    if call.is_binary():
        return {"body": base64.b64encode(call.request.body).decode(), "isBase64Encoded": True}
    return {"body": call.body_text(), "isBase64Encoded": False}


def last(several: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Of repeated headers or parameters, the last value."""
    return {name: values[-1] for name, values in several.items()}


def _is_binary(media_type: str, binary_types: Sequence[str]) -> bool:
    named = media_type.partition(";")[0].strip().lower()
    kind = named.partition("/")[0]
    return any(one.lower() in ("*/*", named, f"{kind}/*") for one in binary_types)
