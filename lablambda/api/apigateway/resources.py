"""Resources: the tree of paths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lablambda.api.apigateway.parts import Handler, Result, paged, part_of
from lablambda.api.apigateway.patches import patched
from lablambda.api.identities import new_part_id
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.api import Members
from lablambda.model.errors import ResourceConflict, ValidationFailed
from lablambda.model.rest_api import RestApi, RestPart
from lablambda.rules.rest_resources import InvalidResource, with_paths

_EMBEDDED = "methods"


async def create_resource(house: House, p: Parameters) -> Result:
    api, parent = house.rest_apis.api(p["restApiId"]), p["parentId"]
    part_of(api, RestPart.RESOURCE, parent)
    if any(
        (one.get("parentId"), one.get("pathPart")) == (parent, p["pathPart"])
        for one in api.all(RestPart.RESOURCE).values()
    ):
        raise ResourceConflict(
            f"Another resource with the same parent already has this name: {p['pathPart']}"
        )
    identity = new_part_id()
    made = {"id": identity, "parentId": parent, "pathPart": p["pathPart"], "resourceMethods": {}}
    api = placed(api, {**api.all(RestPart.RESOURCE), identity: made})
    await house.rest_apis.save(api)
    return _shown(api.all(RestPart.RESOURCE)[identity], p)


async def get_resource(house: House, p: Parameters) -> Result:
    return _shown(part_of(house.rest_apis.api(p["restApiId"]), RestPart.RESOURCE, p["resourceId"]), p)


async def get_resources(house: House, p: Parameters) -> Result:
    resources = house.rest_apis.api(p["restApiId"]).all(RestPart.RESOURCE).values()
    return paged([_shown(one, p) for one in sorted(resources, key=lambda one: str(one["path"]))], p)


async def update_resource(house: House, p: Parameters) -> Result:
    api, identity = house.rest_apis.api(p["restApiId"]), p["resourceId"]
    former = part_of(api, RestPart.RESOURCE, identity)
    if identity == api.root:
        raise ValidationFailed("Cannot update the root resource")
    members = patched("Resource", former, p)
    part_of(api, RestPart.RESOURCE, members["parentId"])
    api = placed(api, {**api.all(RestPart.RESOURCE), identity: members})
    await house.rest_apis.save(api)
    return _shown(api.all(RestPart.RESOURCE)[identity], p)


async def delete_resource(house: House, p: Parameters) -> Result:
    """With all that is below it."""
    api, identity = house.rest_apis.api(p["restApiId"]), p["resourceId"]
    path = part_of(api, RestPart.RESOURCE, identity)["path"]
    if identity == api.root:
        raise ValidationFailed("Cannot delete the root resource")
    kept = {
        name: one
        for name, one in api.all(RestPart.RESOURCE).items()
        if name != identity and not one["path"].startswith(f"{path}/")
    }
    await house.rest_apis.save(replace(api, parts={**api.parts, RestPart.RESOURCE: kept}))
    return {}


def placed(api: RestApi, resources: Mapping[str, Members]) -> RestApi:
    """The API with these resources, each at its place. Raises ValidationFailed."""
    try:
        return replace(api, parts={**api.parts, RestPart.RESOURCE: with_paths(resources)})
    except InvalidResource as error:
        raise ValidationFailed(str(error)) from None


def _shown(resource: Members, p: Parameters) -> dict[str, Any]:
    """Its methods by name alone, unless they are asked for."""
    methods = resource["resourceMethods"]
    if _EMBEDDED not in p.get("embed", ()):
        methods = {name: {} for name in methods}
    return {**resource, "resourceMethods": methods or None}


RESOURCES: dict[str, Handler] = {
    "CreateResource": create_resource,
    "DeleteResource": delete_resource,
    "GetResource": get_resource,
    "GetResources": get_resources,
    "UpdateResource": update_resource,
}
