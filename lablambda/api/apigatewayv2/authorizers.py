"""Authorizers: who says whether a request may pass."""

from __future__ import annotations

from lablambda.api.apigatewayv2.parts import PartRules
from lablambda.model.api import Members
from lablambda.model.errors import ResourceConflict, ValidationFailed
from lablambda.model.http_api import HttpApi, Part
from lablambda.rules.lambda_uri import InvalidUri, function_of

_MOST_TTL_S = 3600


def _checked(api: HttpApi, identity: str, members: Members) -> Members:
    if any(
        other["Name"] == members["Name"] and name != identity
        for name, other in api.all(Part.AUTHORIZER).items()
    ):
        raise ResourceConflict(f"Authorizer name {members['Name']} already exists for this API")
    if members["AuthorizerType"] == "JWT":
        return _checked_jwt(members)
    members = {**members}
    if not api.is_websocket:
        if members.get("AuthorizerPayloadFormatVersion") not in ("1.0", "2.0"):
            raise ValidationFailed(
                "AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer: 1.0 or 2.0"
            )
        members = {
            "AuthorizerResultTtlInSeconds": 300 if members["IdentitySource"] else 0,
            "EnableSimpleResponses": False,
        } | members
    if not 0 <= members.get("AuthorizerResultTtlInSeconds", 0) <= _MOST_TTL_S:
        raise ValidationFailed("AuthorizerResultTtlInSeconds must be between 0 and 3600")
    try:
        function_of(members.get("AuthorizerUri", ""), {})
    except InvalidUri as error:
        raise ValidationFailed(str(error)) from None
    return members


def _checked_jwt(members: Members) -> Members:
    jwt = members.get("JwtConfiguration") or {}
    if not jwt.get("Issuer") or not jwt.get("Audience"):
        raise ValidationFailed("JwtConfiguration with Issuer and Audience is required for JWT authorizers")
    if not jwt["Issuer"].startswith(("https://", "http://", "file://")):
        raise ValidationFailed(
            "Invalid issuer: an https or http address or, in a lab, file:///PATH of a file that holds the keys (JWKS)"
        )
    if len(members["IdentitySource"]) != 1:
        raise ValidationFailed(
            "A JWT authorizer has one identity source, such as $request.header.Authorization"
        )
    return members


def _check_unused(api: HttpApi, identity: str) -> None:
    used = [
        route["RouteKey"] for route in api.all(Part.ROUTE).values() if route.get("AuthorizerId") == identity
    ]
    if used:
        raise ResourceConflict(f"Cannot delete authorizer '{identity}', is referenced in route: '{used[0]}'")


AUTHORIZERS = PartRules(Part.AUTHORIZER, _checked, _check_unused)
