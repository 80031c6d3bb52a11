"""The answers that a REST API gives itself, and how they may be made one's own.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from lablambda.model.api import Members
from lablambda.model.http import HttpResponse
from lablambda.rules.rest_event import Call
from lablambda.rules.rest_mapping import value_of
from lablambda.rules.rest_templates import Values, rendered

DEFAULT_4XX, DEFAULT_5XX = "DEFAULT_4XX", "DEFAULT_5XX"
_TEMPLATE = {"application/json": '{"message":$context.error.messageString}'}
_KEY = re.compile(r"gatewayresponse\.header\.[\w!#$%&'*+.^`|~-]+")


class _Kind(NamedTuple):
    status: int | None
    error: str  # as x-amzn-ErrorType names it
    text: str = ""


KINDS: Mapping[str, _Kind] = {
    "ACCESS_DENIED": _Kind(403, "AccessDeniedException", "User is not authorized to access this resource"),
    "API_CONFIGURATION_ERROR": _Kind(500, "InternalServerErrorException", "Internal server error"),
    "AUTHORIZER_CONFIGURATION_ERROR": _Kind(500, "AuthorizerConfigurationException"),
    "AUTHORIZER_FAILURE": _Kind(500, "AuthorizerConfigurationException"),
    "BAD_REQUEST_BODY": _Kind(400, "BadRequestException", "Invalid request body"),
    "BAD_REQUEST_PARAMETERS": _Kind(400, "BadRequestException"),
    DEFAULT_4XX: _Kind(None, ""),
    DEFAULT_5XX: _Kind(None, "InternalServerErrorException", "Internal server error"),
    "EXPIRED_TOKEN": _Kind(
        403, "ExpiredTokenException", "The security token included in the request is expired"
    ),
    "INTEGRATION_FAILURE": _Kind(
        504, "InternalServerErrorException", "Network error communicating with endpoint"
    ),
    "INTEGRATION_TIMEOUT": _Kind(504, "InternalServerErrorException", "Endpoint request timed out"),
    "INVALID_API_KEY": _Kind(403, "ForbiddenException", "Forbidden"),
    "INVALID_SIGNATURE": _Kind(403, "InvalidSignatureException"),
    "MISSING_AUTHENTICATION_TOKEN": _Kind(
        403, "MissingAuthenticationTokenException", "Missing Authentication Token"
    ),
    "QUOTA_EXCEEDED": _Kind(429, "LimitExceededException", "Limit Exceeded"),
    "REQUEST_TOO_LARGE": _Kind(413, "RequestTooLargeException", "Request Too Long"),
    "RESOURCE_NOT_FOUND": _Kind(404, "NotFoundException", "Not Found"),
    "THROTTLED": _Kind(429, "TooManyRequestsException", "Too Many Requests"),
    "UNAUTHORIZED": _Kind(401, "UnauthorizedException", "Unauthorized"),
    "UNSUPPORTED_MEDIA_TYPE": _Kind(415, "BadRequestException", "Unsupported Media Type"),
    "WAF_FILTERED": _Kind(403, "ForbiddenException", "Forbidden"),
}


class Failed(Exception):
    """A request goes no further, for a reason that AWS has a kind of answer for. `status` is for kinds that have none
    of their own, `reason` for access logs, `details` what a body's validation found."""

    def __init__(
        self, kind: str, text: str = "", *, status: int = 0, reason: str = "", details: str = ""
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.text = text or KINDS[kind].text
        self.status = status
        self.reason = reason or self.text
        self.details = details


def failed_inside(status: int, reason: str) -> Failed:
    """An integration that gave nothing which could be an answer."""
    return Failed(DEFAULT_5XX, status=status, reason=reason)


def described(kind: str, own: Mapping[str, Members]) -> dict[str, Any]:
    """The response of a kind as AWS shows it; `own` are those that the API has made its own."""
    if kind in own:
        return {**own[kind], "defaultResponse": False}
    status = KINDS[kind].status
    return {
        "responseType": kind,
        "statusCode": None if status is None else str(status),
        "responseParameters": {},
        "responseTemplates": _TEMPLATE,
        "defaultResponse": True,
    }


def is_header(key: str) -> bool:
    """Whether the key of a response parameter is one."""
    return _KEY.fullmatch(key) is not None


def response_to(failed: Failed, own: Mapping[str, Members], call: Call) -> HttpResponse:
    """The answer to a request that failed, by the API's own gateway responses or the general ones. Raises
    InvalidTemplate."""
    status = failed.status or KINDS[failed.kind].status or 500
    general = DEFAULT_5XX if status >= 500 else DEFAULT_4XX
    chosen = own.get(failed.kind) or own.get(general) or {}
    error = {
        "message": failed.text,
        "messageString": json.dumps(failed.text or None),
        "responseType": failed.kind,
        "validationErrorString": failed.details,
    }
    context = {**call.context, "error": error}
    media_type, template = _template(chosen.get("responseTemplates") or _TEMPLATE, call)
    values = Values(body=call.body_text(), context=context, stage_variables=call.stage_variables)
    headers = {"content-type": media_type, "x-amzn-ErrorType": KINDS[failed.kind].error}
    for key, expression in (chosen.get("responseParameters") or {}).items():
        for value in value_of(expression, call):
            headers[key.removeprefix("gatewayresponse.header.").lower()] = value
    kept = [(name.lower(), value) for name, value in headers.items() if value]
    return HttpResponse(int(chosen.get("statusCode") or status), rendered(template, values).encode(), kept)


def _template(templates: Mapping[str, str], call: Call) -> tuple[str, str]:
    """That of the type that the client asks for; else JSON's, else the first."""
    for media_type in (call.request.header("accept").partition(",")[0].strip(), "application/json"):
        if media_type in templates:
            return media_type, templates[media_type]
    return next(iter(templates.items()))
