"""API Gateway's APIs as they are, asked of AWS's API: where each is, and what its routes lead to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from lablambda.asking import Client
from lablambda.model.api_routes import ApiRoute, ApiRoutes
from lablambda.model.source import SHARED_API
from lablambda.rules.addresses import API
from lablambda.rules.lambda_uri import InvalidUri, function_of


def read_apis(
    client: Client, wanted: Collection[str] | None = None, *, shared: bool = False
) -> list[ApiRoutes]:
    """The HTTP and WebSocket APIs, oldest first; if ids are `wanted` only those, and the shared one if asked for."""
    gateway = client("apigatewayv2")
    found = gateway.get_paginator("get_apis").paginate().build_full_result()["Items"]
    chosen = [
        api
        for api in sorted(found, key=lambda api: api["CreatedDate"])
        if wanted is None or api["ApiId"] in wanted or (shared and _is_shared(api))
    ]
    return [_read(gateway, api) for api in chosen]


def shared_api(apis: Iterable[ApiRoutes]) -> ApiRoutes | None:
    """The one among them in which the notebook's routes are."""
    return next((api for api in apis if api.name == SHARED_API and not api.is_websocket), None)


def read_rest_apis(client: Client, https_endpoint: str) -> list[ApiRoutes]:
    """The REST APIs. AWS's API doesn't tell where they are: it is below the lab's HTTPS port."""
    gateway = client("apigateway")
    found = gateway.get_paginator("get_rest_apis").paginate().build_full_result()["items"]
    return [_read_rest(gateway, api, f"{https_endpoint}/{API}/{api['id']}") for api in found]


def _is_shared(api: Mapping[str, Any]) -> bool:
    return bool(api["Name"] == SHARED_API and api["ProtocolType"] == "HTTP")


def _read(gateway: Any, api: Mapping[str, Any]) -> ApiRoutes:
    def items(operation: str) -> list[dict[str, Any]]:
        pages = gateway.get_paginator(operation).paginate(ApiId=api["ApiId"])
        found: list[dict[str, Any]] = pages.build_full_result()["Items"]
        return found

    leads = {
        one["IntegrationId"]: _leads_to(one.get("IntegrationUri", "")) for one in items("get_integrations")
    }
    routes = {
        route["RouteKey"]: ApiRoute(
            route["RouteId"],
            leads.get(route.get("Target", "").removeprefix("integrations/"), ""),
            route.get("AuthorizationType", "NONE"),
        )
        for route in items("get_routes")
    }
    return ApiRoutes(
        api["ApiId"],
        api["Name"],
        api["ApiEndpoint"],
        [stage["StageName"] for stage in items("get_stages")],
        routes,
        {uri: identity for identity, uri in leads.items()},
    )


def _read_rest(gateway: Any, api: Mapping[str, Any], address: str) -> ApiRoutes:
    identity = api["id"]
    pages = gateway.get_paginator("get_resources").paginate(restApiId=identity, embed=["methods"])
    routes = {key: route for page in pages for resource in page["items"] for key, route in _methods(resource)}
    stages = [stage["stageName"] for stage in gateway.get_stages(restApiId=identity)["item"]]
    return ApiRoutes(identity, api["name"], address, stages, routes, {})


def _methods(resource: Mapping[str, Any]) -> Iterator[tuple[str, ApiRoute]]:
    for name, method in resource.get("resourceMethods", {}).items():
        auth = method.get("authorizationType", "NONE")
        if auth == "NONE" and method.get("apiKeyRequired"):
            auth = "API_KEY"
        uri = method.get("methodIntegration", {}).get("uri", "")
        yield f"{name} {resource['path']}", ApiRoute(resource["id"], _leads_to(uri), auth)


def _leads_to(uri: str) -> str:
    """A function's ARN, however it is written; anything else as it is."""
    try:
        return function_of(uri, {})
    except InvalidUri:
        return uri
