"""Tags of APIs, stages, API keys and usage plans."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from lablambda.api.apigateway.parts import Handler, Result, part_of
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.errors import ValidationFailed
from lablambda.model.rest_api import ApiKey, RestApi, RestPart, UsagePlan

_ARN = re.compile(
    r"arn:aws[a-z-]*:apigateway:[a-z0-9-]+::/(?P<kind>restapis|apikeys|usageplans)/(?P<id>[a-z0-9]+)"
    r"(/stages/(?P<stage>[^/]+))?"
)


async def tag_resource(house: House, p: Parameters) -> Result:
    await _keep(house, p, {**_tags(house, p), **p["tags"]})
    return {}


async def untag_resource(house: House, p: Parameters) -> Result:
    await _keep(
        house, p, {name: value for name, value in _tags(house, p).items() if name not in p["tagKeys"]}
    )
    return {}


async def get_tags(house: House, p: Parameters) -> Result:
    return {"tags": _tags(house, p)}


def _meant(p: Parameters) -> re.Match[str]:
    found = _ARN.fullmatch(p["resourceArn"])
    if found is None:
        raise ValidationFailed(f"Invalid ARN specified in the request: {p['resourceArn']}")
    return found


def _tags(house: House, p: Parameters) -> Mapping[str, str]:
    meant, apis = _meant(p), house.rest_apis
    members: Mapping[str, Any]
    if meant["stage"]:
        members = part_of(apis.api(meant["id"]), RestPart.STAGE, meant["stage"])
    else:
        find: dict[str, Callable[[str], RestApi | ApiKey | UsagePlan]] = {
            "restapis": apis.api,
            "apikeys": apis.key,
            "usageplans": apis.plan,
        }
        members = find[meant["kind"]](meant["id"]).members
    return dict(members.get("tags") or {})


async def _keep(house: House, p: Parameters, tags: Mapping[str, str]) -> None:
    meant, apis = _meant(p), house.rest_apis
    if meant["kind"] == "apikeys":
        key = apis.key(meant["id"])
        await apis.save_key(replace(key, members={**key.members, "tags": tags}))
    elif meant["kind"] == "usageplans":
        plan = apis.plan(meant["id"])
        await apis.save_plan(replace(plan, members={**plan.members, "tags": tags}))
    else:
        api = apis.api(meant["id"])
        if name := meant["stage"]:
            stage = {**part_of(api, RestPart.STAGE, name), "tags": tags}
            await apis.save(api.with_part(RestPart.STAGE, name, stage))
        else:
            await apis.save(replace(api, members={**api.members, "tags": tags}))


TAGS: dict[str, Handler] = {"GetTags": get_tags, "TagResource": tag_resource, "UntagResource": untag_resource}
