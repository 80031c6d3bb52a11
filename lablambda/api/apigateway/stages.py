"""Deployments, and the stages that serve them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lablambda.api.apigateway.parts import Handler, Result, given, paged, part_of
from lablambda.api.apigateway.patches import patched, tokens_of
from lablambda.api.identities import new_part_id
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.api import Members
from lablambda.model.errors import NotImplementedHere, ResourceConflict, ValidationFailed
from lablambda.model.rest_api import RestApi, RestPart
from lablambda.rules.rest_deployments import NotDeployable, deploy, undeployed
from lablambda.rules.rest_resources import METHODS

_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_HERE = "not implemented in this version of lablambda"
# What a patch's path calls a method's settings, and what they are called.
_SETTINGS = {
    "throttling/burstLimit": "throttlingBurstLimit",
    "throttling/rateLimit": "throttlingRateLimit",
    "logging/dataTrace": "dataTraceEnabled",
    "logging/loglevel": "loggingLevel",
    "metrics/enabled": "metricsEnabled",
    "caching/dataEncrypted": "cacheDataEncrypted",
    "caching/enabled": "cachingEnabled",
    "caching/requireAuthorizationForCacheControl": "requireAuthorizationForCacheControl",
    "caching/ttlInSeconds": "cacheTtlInSeconds",
    "caching/unauthorizedCacheControlHeaderStrategy": "unauthorizedCacheControlHeaderStrategy",
}


async def create_stage(house: House, p: Parameters) -> Result:
    api = house.rest_apis.api(p["restApiId"])
    if p["stageName"] in api.all(RestPart.STAGE):
        raise ResourceConflict("Stage already exists")
    part_of(api, RestPart.DEPLOYMENT, p["deploymentId"])
    stage = _new(given(p), house.clock.now())
    await house.rest_apis.save(api.with_part(RestPart.STAGE, stage["stageName"], stage))
    return stage


async def get_stage(house: House, p: Parameters) -> Result:
    return part_of(house.rest_apis.api(p["restApiId"]), RestPart.STAGE, p["stageName"])


async def get_stages(house: House, p: Parameters) -> Result:
    stages = house.rest_apis.api(p["restApiId"]).all(RestPart.STAGE).values()
    return {"item": [one for one in stages if p.get("deploymentId") in (None, one["deploymentId"])]}


async def update_stage(house: House, p: Parameters) -> Result:
    api, name = house.rest_apis.api(p["restApiId"]), p["stageName"]
    operations = [_of_settings(one) for one in p.get("patchOperations", ())]
    stage = patched("Stage", part_of(api, RestPart.STAGE, name), {"patchOperations": operations})
    part_of(api, RestPart.DEPLOYMENT, stage["deploymentId"])
    stage["lastUpdatedDate"] = int(house.clock.now())
    await house.rest_apis.save(api.with_part(RestPart.STAGE, name, _checked(stage)))
    return stage


async def delete_stage(house: House, p: Parameters) -> Result:
    api = house.rest_apis.api(p["restApiId"])
    part_of(api, RestPart.STAGE, p["stageName"])
    await house.rest_apis.save(api.with_part(RestPart.STAGE, p["stageName"], None))
    return {}


def _new(members: Members, now: float) -> dict[str, Any]:
    if not _NAME.fullmatch(members["stageName"]):
        raise ValidationFailed("Stage name only allows a-zA-Z0-9_- and at most 128 of them")
    defaults = {
        "cacheClusterEnabled": False,
        "cacheClusterStatus": "NOT_AVAILABLE",
        "methodSettings": {},
        "tracingEnabled": False,
        "tags": {},
        "createdDate": int(now),
        "lastUpdatedDate": int(now),
    }
    return _checked({**defaults, **members})


def _checked(stage: dict[str, Any]) -> dict[str, Any]:
    """Raises what the lab can't do for a stage."""
    asked = {
        "Caches": stage.get("cacheClusterEnabled"),
        "Canaries": stage.get("canarySettings"),
        "Client certificates": stage.get("clientCertificateId"),
        "Caches of methods": any(one.get("cachingEnabled") for one in stage["methodSettings"].values()),
    }
    for what, wanted in asked.items():
        if wanted:
            raise NotImplementedHere(f"{what} of stages are {_HERE}.")
    destination = (stage.get("accessLogSettings") or {}).get("destinationArn")
    if destination and ":log-group:" not in destination:
        raise ValidationFailed("Invalid ARN specified in the request. ARNs must be of log groups in a lab")
    return stage


def _of_settings(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    """The operation with a path as in `/pets/GET/throttling/rateLimit`, or `/pets/GET` to remove all, led to where the
    settings are kept."""
    tokens = tokens_of(operation.get("path", ""))
    whole = len(tokens) > 1 and tokens[0] != "variables" and tokens[-1] in (*METHODS, "*")
    if whole and operation.get("op") == "remove":
        return {**operation, "path": f"/methodSettings/{_escaped(_method_key(tokens))}"}
    setting = _SETTINGS.get("/".join(tokens[-2:]))
    if setting is None or len(tokens) < 4:
        return operation
    return {**operation, "path": f"/methodSettings/{_escaped(_method_key(tokens[:-2]))}/{setting}"}


def _method_key(tokens: list[str]) -> str:
    """`pets/{id}/GET`, or `*/*` for all methods."""
    return f"{'/'.join(tokens[:-1]).lstrip('/')}/{tokens[-1]}"


def _escaped(token: str) -> str:
    return token.replace("~", "~0").replace("/", "~1")


# ----------------------------------------------------------------------------------------- deployments


async def create_deployment(house: House, p: Parameters) -> Result:
    """And the stage that is to serve it, if it is named: made, or moved."""
    api, identity, now = house.rest_apis.api(p["restApiId"]), new_part_id(), house.clock.now()
    try:
        api = deploy(api, identity, now, p.get("description"))
    except NotDeployable as error:
        raise ValidationFailed(str(error)) from None
    if name := p.get("stageName"):
        api = api.with_part(RestPart.STAGE, name, _moved(api, name, identity, p, now))
    await house.rest_apis.save(api)
    return _shown(api.all(RestPart.DEPLOYMENT)[identity], {"embed": ["apisummary"]})


def _moved(api: RestApi, name: str, deployment: str, p: Parameters, now: float) -> dict[str, Any]:
    """The stage, serving the deployment. `p` are a deployment's parameters, among them the stage's."""
    asked = {key: p[key] for key in ("canarySettings", "cacheClusterEnabled", "tracingEnabled") if p.get(key)}
    asked |= {"deploymentId": deployment}
    if p.get("stageDescription"):
        asked["description"] = p["stageDescription"]
    former = api.all(RestPart.STAGE).get(name)
    if former is None:
        return _new({"stageName": name, "variables": p.get("variables"), **asked}, now)
    variables = {**(former.get("variables") or {}), **p.get("variables", {})}
    return _checked({**former, **asked, "variables": variables or None, "lastUpdatedDate": int(now)})


async def get_deployment(house: House, p: Parameters) -> Result:
    return _shown(part_of(house.rest_apis.api(p["restApiId"]), RestPart.DEPLOYMENT, p["deploymentId"]), p)


async def get_deployments(house: House, p: Parameters) -> Result:
    deployments = house.rest_apis.api(p["restApiId"]).all(RestPart.DEPLOYMENT).values()
    return paged([_shown(one, p) for one in deployments], p)


async def update_deployment(house: House, p: Parameters) -> Result:
    api, identity = house.rest_apis.api(p["restApiId"]), p["deploymentId"]
    members = patched("Deployment", part_of(api, RestPart.DEPLOYMENT, identity), p)
    await house.rest_apis.save(api.with_part(RestPart.DEPLOYMENT, identity, members))
    return _shown(members, p)


async def delete_deployment(house: House, p: Parameters) -> Result:
    api, identity = house.rest_apis.api(p["restApiId"]), p["deploymentId"]
    part_of(api, RestPart.DEPLOYMENT, identity)
    if any(stage["deploymentId"] == identity for stage in api.all(RestPart.STAGE).values()):
        raise ValidationFailed("Active stages pointing to this deployment must be moved or deleted")
    await house.rest_apis.save(undeployed(api, identity))
    return {}


def _shown(deployment: Members, p: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in deployment.items()
        if name != "apiSummary" or "apisummary" in p.get("embed", ())
    }


STAGES: dict[str, Handler] = {
    "CreateDeployment": create_deployment,
    "CreateStage": create_stage,
    "DeleteDeployment": delete_deployment,
    "DeleteStage": delete_stage,
    "GetDeployment": get_deployment,
    "GetDeployments": get_deployments,
    "GetStage": get_stage,
    "GetStages": get_stages,
    "UpdateDeployment": update_deployment,
    "UpdateStage": update_stage,
}
