"""HTTP APIs from OpenAPI documents: each part is checked as if it were made by its own operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lablambda.api.apigatewayv2.apis import described, new_api
from lablambda.api.apigatewayv2.authorizers import AUTHORIZERS
from lablambda.api.apigatewayv2.integrations import INTEGRATIONS
from lablambda.api.apigatewayv2.parts import Handler, Result, save
from lablambda.api.apigatewayv2.routes import ROUTES
from lablambda.api.identities import new_part_id
from lablambda.api.nouns import of_shape
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.api import Parts
from lablambda.model.errors import ValidationFailed
from lablambda.model.http_api import HttpApi, Part
from lablambda.rules.openapi import InvalidDocument, read_document
from lablambda.rules.openapi_http import Route, Wanted, wanted

_SERVICE = "apigatewayv2"
_BASE_PATHS = ("ignore", "prepend", "split")


async def import_api(house: House, p: Parameters) -> Result:
    said = _read(p)
    api = _with(new_api(of_shape(_SERVICE, "Api", said.members), house.clock.now()), said)
    await save(house, api)
    await house.serve_https()
    return described(house, api)


async def reimport_api(house: House, p: Parameters) -> Result:
    """The API is what the document says; its stages and deployments are kept."""
    api, said = house.http_apis.api(p["ApiId"]), _read(p)
    if api.is_websocket:
        raise ValidationFailed("Only HTTP protocol APIs are imported from documents")
    kept: Parts = {part: api.all(part) for part in (Part.STAGE, Part.DEPLOYMENT)}
    former = {name: value for name, value in api.members.items() if name != "CorsConfiguration"}
    members = {**former, **of_shape(_SERVICE, "Api", said.members)}
    api = _with(replace(api, members=members, parts=kept), said)
    await save(house, api)
    return described(house, api)


def _read(p: Parameters) -> Wanted:
    mode = p.get("Basepath", "ignore").lower()
    if mode not in _BASE_PATHS:
        raise ValidationFailed(f"Invalid basepath specified. Valid options are {', '.join(_BASE_PATHS)}")
    try:
        document = read_document(p["Body"].encode("utf-8", "replace"))
        said = wanted(document, document.base_path(mode))
    except InvalidDocument as error:
        raise ValidationFailed(str(error)) from None
    if not said.members["name"]:
        raise ValidationFailed("Unable to create the API: the document has no title")
    return said


def _with(api: HttpApi, said: Wanted) -> HttpApi:
    """The API with all that is said. Raises what the operations would that make one of its parts."""
    ids: dict[str, str] = {}
    for name, authorizer in said.authorizers.items():
        ids[name] = new_part_id()
        members = of_shape(_SERVICE, "Authorizer", {**authorizer, "authorizerId": ids[name]})
        api = api.with_part(Part.AUTHORIZER, ids[name], AUTHORIZERS.checked(api, ids[name], members))
    for route in said.routes:
        api = _with_route(api, route, ids)
    return api


def _with_route(api: HttpApi, route: Route, authorizers: Mapping[str, str]) -> HttpApi:
    members: dict[str, Any] = {**route.members, "routeId": new_part_id()}
    if route.authorizer is not None:
        members["authorizerId"] = authorizers[route.authorizer]
    if route.integration is not None:
        identity = new_part_id()
        integration = of_shape(_SERVICE, "Integration", {**route.integration, "integrationId": identity})
        api = api.with_part(Part.INTEGRATION, identity, INTEGRATIONS.checked(api, identity, integration))
        members["target"] = f"integrations/{identity}"
    made = of_shape(_SERVICE, "Route", members)
    return api.with_part(Part.ROUTE, made["RouteId"], ROUTES.checked(api, made["RouteId"], made))


IMPORTS: dict[str, Handler] = {"ImportApi": import_api, "ReimportApi": reimport_api}
