"""Routes: which request goes where, and who may send it."""

from __future__ import annotations

from lablambda.api.apigatewayv2.parts import PartRules
from lablambda.model.api import Members
from lablambda.model.errors import ResourceConflict, ResourceNotFound, ValidationFailed
from lablambda.model.http_api import HttpApi, Part
from lablambda.rules.http_routes import InvalidRouteKey, parse_route_key
from lablambda.rules.websocket_routes import CONNECT

_INTEGRATIONS = "integrations/"
_TYPES = {"JWT": "JWT", "CUSTOM": "REQUEST"}  # of a route, and of the authorizer that it needs


def _checked(api: HttpApi, identity: str, members: Members) -> Members:
    members = {"ApiKeyRequired": False, "AuthorizationType": "NONE", **members}
    key = members["RouteKey"]
    if not api.is_websocket:
        try:
            parse_route_key(key)
        except InvalidRouteKey as error:
            raise ValidationFailed(str(error)) from None
    if any(route["RouteKey"] == key and name != identity for name, route in api.all(Part.ROUTE).items()):
        raise ResourceConflict(f"Route with key {key} already exists for this API")
    _check_target(api, members.get("Target"))
    _check_authorization(api, members)
    return members


def _check_target(api: HttpApi, target: str | None) -> None:
    if target is None:
        return
    if not target.startswith(_INTEGRATIONS):
        raise ValidationFailed(
            f"Invalid route target: {target}. A target is integrations/ and an integration's id"
        )
    if target.removeprefix(_INTEGRATIONS) not in api.all(Part.INTEGRATION):
        raise ResourceNotFound(f"Unable to find Integration by id {target.removeprefix(_INTEGRATIONS)}")


def _check_authorization(api: HttpApi, members: Members) -> None:
    kind = members["AuthorizationType"]
    if api.is_websocket and kind != "NONE" and (kind == "JWT" or members["RouteKey"] != CONNECT):
        raise ValidationFailed(
            f"WebSocket APIs have authorization of type AWS_IAM or CUSTOM, on the route {CONNECT} alone"
        )
    if kind not in _TYPES:
        if members.get("AuthorizationScopes") and kind != "JWT":
            raise ValidationFailed("Authorization scopes are only supported for JWT authorization")
        return
    authorizer = api.all(Part.AUTHORIZER).get(members.get("AuthorizerId", ""))
    if authorizer is None:
        raise ValidationFailed(f"{kind} authorization needs the AuthorizerId of an authorizer of this API")
    if authorizer["AuthorizerType"] != _TYPES[kind]:
        raise ValidationFailed(f"{kind} authorization needs an authorizer of type {_TYPES[kind]}")


ROUTES = PartRules(Part.ROUTE, _checked)
ROUTE_RESPONSES = PartRules(Part.ROUTE_RESPONSE, within=Part.ROUTE)
