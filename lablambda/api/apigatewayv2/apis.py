"""APIs as a whole, and quick create: an API of one function at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lablambda.api.apigatewayv2 import stages
from lablambda.api.apigatewayv2.integrations import INTEGRATIONS
from lablambda.api.apigatewayv2.parts import Handler, Result, paged, save
from lablambda.api.apigatewayv2.routes import ROUTES
from lablambda.api.identities import new_id, new_part_id
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.errors import ValidationFailed
from lablambda.model.http_api import HttpApi, Part
from lablambda.rules.http_routes import DEFAULT
from lablambda.rules.moments import iso

_SELECTION = "$request.method $request.path"
_QUICK = ("CredentialsArn", "RouteKey", "Target")  # parameters that aren't members


async def create_api(house: House, p: Parameters) -> Result:
    given = {name: value for name, value in p.items() if name not in _QUICK and not name.startswith("_")}
    api = new_api(given, house.clock.now())
    if p.get("Target"):
        api = _quick(house, api, p)
    await save(house, api)
    await house.serve_https()
    return described(house, api)


async def get_api(house: House, p: Parameters) -> Result:
    return described(house, house.http_apis.api(p["ApiId"]))


async def get_apis(house: House, p: Parameters) -> Result:
    return paged([described(house, api) for api in house.http_apis.apis()], p)


async def update_api(house: House, p: Parameters) -> Result:
    api = house.http_apis.api(p["ApiId"])
    given = {
        name: value
        for name, value in p.items()
        if name not in (*_QUICK, "ApiId") and not name.startswith("_")
    }
    api = replace(api, members=_checked({**api.members, **given}))
    await save(house, api)
    return described(house, api)


async def delete_api(house: House, p: Parameters) -> Result:
    await house.http_apis.remove(house.http_apis.api(p["ApiId"]))
    return {}


async def delete_cors_configuration(house: House, p: Parameters) -> Result:
    api = house.http_apis.api(p["ApiId"])
    await save(house, replace(api, members={**api.members, "CorsConfiguration": None}))
    return {}


def new_api(given: Mapping[str, Any], now: float) -> HttpApi:
    """An API with these members."""
    members = {
        "ApiKeySelectionExpression": "$request.header.x-api-key",
        "RouteSelectionExpression": None if given["ProtocolType"] == "WEBSOCKET" else _SELECTION,
        "DisableExecuteApiEndpoint": False,
        "IpAddressType": "ipv4",
        "Tags": {},
        **given,
        "CreatedDate": iso(now),
    }
    return HttpApi(new_id(), _checked(members))


def described(house: House, api: HttpApi) -> dict[str, Any]:
    """The API's members as AWS tells them."""
    return {**api.members, "ApiId": api.identity, "ApiEndpoint": house.api_endpoint(api)}


def _checked(members: Mapping[str, Any]) -> Mapping[str, Any]:
    cors = members.get("CorsConfiguration") or {}
    if members["ProtocolType"] == "WEBSOCKET":
        if not members["RouteSelectionExpression"]:
            raise ValidationFailed("Route selection expression is required for WEBSOCKET protocol APIs")
        if cors:
            raise ValidationFailed("CORS configuration is only supported for HTTP protocol APIs")
    elif members["RouteSelectionExpression"] not in (_SELECTION, "${request.method} ${request.path}"):
        raise ValidationFailed(f"Route selection expression must be '{_SELECTION}' for HTTP protocol APIs")
    if "*" in (cors.get("AllowOrigins") or ()) and cors.get("AllowCredentials"):
        raise ValidationFailed("allow-credentials is not supported for origin *")
    return members


def _quick(house: House, api: HttpApi, p: Parameters) -> HttpApi:
    """With a route to the target and a stage that deploys by itself."""
    if api.is_websocket:
        raise ValidationFailed("Quick create is only supported for HTTP protocol APIs")
    function = ":lambda:" in p["Target"]
    integration: dict[str, Any] = {
        "IntegrationId": new_part_id(),
        "IntegrationType": "AWS_PROXY" if function else "HTTP_PROXY",
        "IntegrationUri": p["Target"],
        "IntegrationMethod": "POST" if function else "ANY",
        "PayloadFormatVersion": "2.0" if function else "1.0",
        "ApiGatewayManaged": True,
    }
    identity = integration["IntegrationId"]
    api = api.with_part(Part.INTEGRATION, identity, INTEGRATIONS.checked(api, identity, integration))
    key = p.get("RouteKey") or DEFAULT
    route: dict[str, Any] = {
        "RouteId": new_part_id(),
        "RouteKey": key,
        "Target": f"integrations/{identity}",
        "ApiGatewayManaged": True,
    }
    api = api.with_part(Part.ROUTE, route["RouteId"], ROUTES.checked(api, route["RouteId"], route))
    stage = stages.new(
        {"StageName": DEFAULT, "AutoDeploy": True, "ApiGatewayManaged": True}, house.clock.now()
    )
    return api.with_part(Part.STAGE, DEFAULT, stage)


APIS: dict[str, Handler] = {
    "CreateApi": create_api,
    "DeleteApi": delete_api,
    "DeleteCorsConfiguration": delete_cors_configuration,
    "GetApi": get_api,
    "GetApis": get_apis,
    "UpdateApi": update_api,
}
