"""Who signed a request, where AWS_IAM is asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lablambda.api.authentication import NotAuthenticated, authenticate
from lablambda.httpserver import Request
from lablambda.lab.credentials import KeyRing
from lablambda.model.http import HttpRequest
from lablambda.rules.http_event import joined
from lablambda.rules.names import ACCOUNT


def iam_caller(request: HttpRequest, keys: KeyRing, service: str) -> dict[str, Any]:
    """What an event says of the caller, whose signature must be for that service. Raises NotAuthenticated."""
    headers = joined(request)
    signed = Request(request.method, request.path, request.query, headers, request.body)
    scope = authenticate(signed, keys, datetime.now(UTC))
    if scope.service != service:
        raise NotAuthenticated(
            "InvalidSignatureException", f"Credential should be scoped to service: '{service}'"
        )
    return {
        "accessKey": headers.get("authorization", "").partition("Credential=")[2].partition("/")[0],
        "accountId": ACCOUNT,
        "callerId": ACCOUNT,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": keys.caller(headers.get("x-amz-security-token")),
        "userId": ACCOUNT,
    }
