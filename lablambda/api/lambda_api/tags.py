"""Tags of functions and event source mappings."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.errors import InvalidParameterValue, NotImplementedHere, ResourceNotFound
from lablambda.rules.limits import TAGS
from lablambda.rules.names import parse_reference

Result = Mapping[str, Any]
Tags = Mapping[str, str]
Save = Callable[[Tags], Awaitable[None]]


async def tag_resource(house: House, p: Parameters) -> Result:
    tags, save = await _tagged(house, p)
    if not p["Tags"]:
        raise InvalidParameterValue("An error occurred and the request cannot be processed.")
    changed = {**tags, **p["Tags"]}
    if len(changed) > TAGS:
        raise InvalidParameterValue("Number of tags exceeds resource tag limit.")
    await save(changed)
    return {"_status": 204}


async def untag_resource(house: House, p: Parameters) -> Result:
    tags, save = await _tagged(house, p)
    await save({key: value for key, value in tags.items() if key not in p["TagKeys"]})
    return {"_status": 204}


async def list_tags(house: House, p: Parameters) -> Result:
    tags, _ = await _tagged(house, p)
    return {"Tags": dict(tags)}


async def _tagged(house: House, p: Parameters) -> tuple[Tags, Save]:
    """The tags of the resource of that ARN, and how to save others."""
    arn: str = p["Resource"]
    kind = arn.split(":")[5] if arn.count(":") >= 6 else ""
    if kind == "function":
        return _of_function(house, arn)
    if kind == "event-source-mapping":
        return _of_mapping(house, arn)
    raise NotImplementedHere(f"Tags of {arn} are not implemented here; functions and mappings have them.")


def _of_function(house: House, arn: str) -> tuple[Tags, Save]:
    named = parse_reference(arn)
    if named.qualifier is not None:
        raise InvalidParameterValue(
            "Tags on function aliases and versions are not supported. Please specify a function ARN."
        )
    function = house.catalog.function(named)

    async def save(tags: Tags) -> None:
        latest = replace(function.latest, revision=str(uuid.uuid4()))
        await house.catalog.save(replace(function, latest=latest, tags=tags))

    return function.tags, save


def _of_mapping(house: House, arn: str) -> tuple[Tags, Save]:
    try:
        mapping = house.catalog.mapping(arn.rpartition(":")[2])
    except ResourceNotFound:
        raise ResourceNotFound(f"Event source mapping not found: {arn}") from None

    async def save(tags: Tags) -> None:
        await house.catalog.save_mapping(replace(mapping, tags=tags))

    return mapping.tags, save
