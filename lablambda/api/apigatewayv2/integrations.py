"""Integrations: what answers a route."""

from __future__ import annotations

from lablambda.api.apigatewayv2.parts import PartRules
from lablambda.model.api import Members
from lablambda.model.errors import NotImplementedHere, ResourceConflict, ValidationFailed
from lablambda.model.http_api import HttpApi, Part
from lablambda.rules.lambda_uri import InvalidUri, function_of
from lablambda.rules.parameter_mapping import (
    InvalidMapping,
    check_request_mapping,
    check_response_mapping,
)

_TIMEOUT_MS = {False: 30_000, True: 29_000}
_OF_HTTP = ("AWS_PROXY", "HTTP_PROXY")
_VERSIONS = ("1.0", "2.0")


def _checked(api: HttpApi, _: str, members: Members) -> Members:
    kind = members["IntegrationType"]
    most = _TIMEOUT_MS[api.is_websocket]
    members = {"ConnectionType": "INTERNET", "TimeoutInMillis": most, **members}
    if members["ConnectionType"] != "INTERNET":
        raise NotImplementedHere(
            "Private integrations (VPC links) are not implemented in this version of lablambda."
        )
    if members.get("IntegrationSubtype"):
        raise NotImplementedHere(
            f"The integration with {members['IntegrationSubtype']} is not implemented in this version of lablambda: "
            "have a function make the call."
        )
    if not 50 <= members["TimeoutInMillis"] <= most:
        raise ValidationFailed(f"TimeoutInMillis must be between 50 and {most}")
    if not api.is_websocket:
        if kind not in _OF_HTTP:
            raise ValidationFailed(
                f"{kind} integrations are not supported for HTTP protocol APIs: use AWS_PROXY or HTTP_PROXY"
            )
        if members.get("PayloadFormatVersion") not in _VERSIONS:
            raise ValidationFailed("PayloadFormatVersion is a required parameter: 1.0 or 2.0")
        _check_mappings(members)
    elif kind in ("AWS", "HTTP"):
        raise NotImplementedHere(
            f"{kind} integrations of WebSocket APIs are not implemented in this version of lablambda: "
            f"use {kind}_PROXY, which passes events on as they are."
        )
    elif members.get("RequestTemplates") and kind != "MOCK":
        raise ValidationFailed("Request templates are not supported by proxy integrations")
    _check_uri(kind, members.get("IntegrationUri"))
    return members


def _checked_response(_: HttpApi, __: str, members: Members) -> Members:
    if members.get("ResponseTemplates"):
        raise NotImplementedHere(
            "Response templates of HTTP and WebSocket APIs are not implemented in this version of lablambda: "
            "have a function make the answer."
        )
    return members


def _check_mappings(members: Members) -> None:
    try:
        check_request_mapping(members.get("RequestParameters") or {})
        check_response_mapping(members.get("ResponseParameters") or {})
    except InvalidMapping as error:
        raise ValidationFailed(str(error)) from None


def _check_uri(kind: str, uri: str | None) -> None:
    if kind in ("AWS", "AWS_PROXY"):
        try:
            function_of(uri or "", {})
        except InvalidUri as error:
            raise ValidationFailed(str(error)) from None
    elif kind in ("HTTP", "HTTP_PROXY") and not (uri or "").startswith(("http://", "https://")):
        raise ValidationFailed("Invalid HTTP endpoint specified for URI")


def _check_unused(api: HttpApi, identity: str) -> None:
    used = [
        route["RouteKey"]
        for route in api.all(Part.ROUTE).values()
        if route.get("Target") == f"integrations/{identity}"
    ]
    if used:
        raise ResourceConflict(
            f"Cannot delete Integration '{identity}' as it is used by the route '{used[0]}'"
        )


INTEGRATIONS = PartRules(Part.INTEGRATION, _checked, _check_unused)
INTEGRATION_RESPONSES = PartRules(Part.INTEGRATION_RESPONSE, _checked_response, within=Part.INTEGRATION)
