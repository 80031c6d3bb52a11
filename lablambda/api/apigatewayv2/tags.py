"""Tags of APIs and their stages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from lablambda.api.apigatewayv2.parts import Handler, Result, part_of
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.errors import ValidationFailed
from lablambda.model.http_api import HttpApi, Part

_ARN = re.compile(
    r"arn:aws[a-z-]*:apigateway:[a-z0-9-]+::/apis/(?P<api>[a-z0-9]+)(/stages/(?P<stage>[^/]+))?"
)


async def tag_resource(house: House, p: Parameters) -> Result:
    api, stage = _meant(house, p)
    await house.http_apis.save(_tagged(api, stage, {**_tags(api, stage), **p.get("Tags", {})}))
    return {}


async def untag_resource(house: House, p: Parameters) -> Result:
    api, stage = _meant(house, p)
    kept = {name: value for name, value in _tags(api, stage).items() if name not in p["TagKeys"]}
    await house.http_apis.save(_tagged(api, stage, kept))
    return {}


async def get_tags(house: House, p: Parameters) -> Result:
    return {"Tags": _tags(*_meant(house, p))}


def _meant(house: House, p: Parameters) -> tuple[HttpApi, str | None]:
    found = _ARN.fullmatch(p["ResourceArn"])
    if found is None:
        raise ValidationFailed(f"Invalid ARN specified in the request: {p['ResourceArn']}")
    return house.http_apis.api(found["api"]), found["stage"]


def _tags(api: HttpApi, stage: str | None) -> Mapping[str, str]:
    return dict((api.members if stage is None else part_of(api, Part.STAGE, stage)).get("Tags") or {})


def _tagged(api: HttpApi, stage: str | None, tags: Mapping[str, str]) -> HttpApi:
    if stage is None:
        return replace(api, members={**api.members, "Tags": tags})
    return api.with_part(Part.STAGE, stage, {**part_of(api, Part.STAGE, stage), "Tags": tags})


TAGS: dict[str, Handler] = {"GetTags": get_tags, "TagResource": tag_resource, "UntagResource": untag_resource}
