"""Stages, and the deployments that they serve."""

from __future__ import annotations

import re
from typing import Any

from lablambda.api.apigatewayv2.parts import Handler, Result, paged, part_of, save
from lablambda.api.identities import new_part_id
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.api import Members
from lablambda.model.errors import ResourceConflict, ResourceNotFound, ValidationFailed
from lablambda.model.http_api import HttpApi, Part
from lablambda.rules.deployments import deploy, undeployed
from lablambda.rules.http_routes import DEFAULT
from lablambda.rules.moments import iso

_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")


async def create_stage(house: House, p: Parameters) -> Result:
    api, name = house.http_apis.api(p["ApiId"]), p["StageName"]
    if name != DEFAULT and not _NAME.fullmatch(name):
        raise ValidationFailed("Stage name only allows a-zA-Z0-9_- and at most 128 of them, or $default")
    if name in api.all(Part.STAGE):
        raise ResourceConflict("Stage already exists")
    stage = new(_given(p), house.clock.now())
    return await _saved(house, api, stage)


async def get_stage(house: House, p: Parameters) -> Result:
    return part_of(house.http_apis.api(p["ApiId"]), Part.STAGE, p["StageName"])


async def get_stages(house: House, p: Parameters) -> Result:
    return paged(list(house.http_apis.api(p["ApiId"]).all(Part.STAGE).values()), p)


async def update_stage(house: House, p: Parameters) -> Result:
    api = house.http_apis.api(p["ApiId"])
    former = part_of(api, Part.STAGE, p["StageName"])
    settings = {**former["RouteSettings"], **p.get("RouteSettings", {})}
    now = iso(house.clock.now())
    return await _saved(
        house, api, {**former, **_given(p), "RouteSettings": settings, "LastUpdatedDate": now}
    )


async def delete_stage(house: House, p: Parameters) -> Result:
    api = house.http_apis.api(p["ApiId"])
    part_of(api, Part.STAGE, p["StageName"])
    await save(house, api.with_part(Part.STAGE, p["StageName"], None))
    return {}


async def delete_route_settings(house: House, p: Parameters) -> Result:
    api = house.http_apis.api(p["ApiId"])
    stage = part_of(api, Part.STAGE, p["StageName"])
    kept = {key: value for key, value in stage["RouteSettings"].items() if key != p["RouteKey"]}
    await _saved(house, api, {**stage, "RouteSettings": kept})
    return {}


async def delete_access_log_settings(house: House, p: Parameters) -> Result:
    api = house.http_apis.api(p["ApiId"])
    stage = part_of(api, Part.STAGE, p["StageName"])
    await _saved(house, api, {**stage, "AccessLogSettings": None})
    return {}


def new(members: Members, now: float) -> dict[str, Any]:
    """A stage with these members."""
    defaults = {
        "DefaultRouteSettings": {"DetailedMetricsEnabled": False},
        "RouteSettings": {},
        "StageVariables": {},
    }
    dates = {"CreatedDate": iso(now), "LastUpdatedDate": iso(now)}
    return {**defaults, "Tags": {}, **members, **dates}


async def _saved(house: House, api: HttpApi, stage: Members) -> Members:
    if stage.get("DeploymentId") and stage["DeploymentId"] not in api.all(Part.DEPLOYMENT):
        raise ResourceNotFound(
            f"Unable to find Deployment by id {stage['DeploymentId']} within the provided Api"
        )
    name = stage["StageName"]
    saved = await save(house, api.with_part(Part.STAGE, name, stage))
    return saved.all(Part.STAGE)[name]


def _given(p: Parameters) -> dict[str, Any]:
    return {name: value for name, value in p.items() if name != "ApiId" and not name.startswith("_")}


# ----------------------------------------------------------------------------------------- deployments


async def create_deployment(house: House, p: Parameters) -> Result:
    api = house.http_apis.api(p["ApiId"])
    if not api.all(Part.ROUTE):
        raise ValidationFailed("At least one route is required before deploying the Api.")
    identity, now = new_part_id(), house.clock.now()
    changed = deploy(api, identity, now, description=p.get("Description"))
    if name := p.get("StageName"):
        stage = {**part_of(api, Part.STAGE, name), "DeploymentId": identity, "LastUpdatedDate": iso(now)}
        if stage.get("AutoDeploy"):
            raise ValidationFailed("Deployments to stages with AutoDeploy enabled are made by themselves")
        changed = changed.with_part(Part.STAGE, name, stage)
    await save(house, changed)
    return changed.all(Part.DEPLOYMENT)[identity]


async def get_deployment(house: House, p: Parameters) -> Result:
    return part_of(house.http_apis.api(p["ApiId"]), Part.DEPLOYMENT, p["DeploymentId"])


async def get_deployments(house: House, p: Parameters) -> Result:
    return paged(list(house.http_apis.api(p["ApiId"]).all(Part.DEPLOYMENT).values()), p)


async def update_deployment(house: House, p: Parameters) -> Result:
    api = house.http_apis.api(p["ApiId"])
    changed = {**part_of(api, Part.DEPLOYMENT, p["DeploymentId"]), "Description": p.get("Description")}
    await save(house, api.with_part(Part.DEPLOYMENT, p["DeploymentId"], changed))
    return changed


async def delete_deployment(house: House, p: Parameters) -> Result:
    api, identity = house.http_apis.api(p["ApiId"]), p["DeploymentId"]
    part_of(api, Part.DEPLOYMENT, identity)
    if any(stage.get("DeploymentId") == identity for stage in api.all(Part.STAGE).values()):
        raise ValidationFailed("Active stages pointing to this deployment must be moved or deleted")
    await save(house, undeployed(api, identity))
    return {}


STAGES: dict[str, Handler] = {
    "CreateDeployment": create_deployment,
    "CreateStage": create_stage,
    "DeleteAccessLogSettings": delete_access_log_settings,
    "DeleteDeployment": delete_deployment,
    "DeleteRouteSettings": delete_route_settings,
    "DeleteStage": delete_stage,
    "GetDeployment": get_deployment,
    "GetDeployments": get_deployments,
    "GetStage": get_stage,
    "GetStages": get_stages,
    "UpdateDeployment": update_deployment,
    "UpdateStage": update_stage,
}
