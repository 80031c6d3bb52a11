"""API keys: by which a client says which usage plan it has."""

from __future__ import annotations

import secrets
import string
from dataclasses import replace
from typing import Any

from lablambda.api.apigateway.parts import Handler, Result, given, paged
from lablambda.api.apigateway.patches import patched
from lablambda.api.identities import new_id
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.errors import ResourceConflict, ValidationFailed
from lablambda.model.rest_api import ApiKey

_VALUE = range(20, 128 + 1)
_LETTERS = string.ascii_letters + string.digits


async def create_api_key(house: House, p: Parameters) -> Result:
    value = p.get("value") or "".join(secrets.choice(_LETTERS) for _ in range(40))
    if len(value) not in _VALUE:
        raise ValidationFailed(
            f"API Key value should be at least {_VALUE[0]} characters, and at most {_VALUE[-1]}"
        )
    if house.rest_apis.key_of(value) is not None:
        raise ResourceConflict("API Key already exists")
    now, identity = int(house.clock.now()), new_id()
    stages = [f"{one.get('restApiId', '')}/{one.get('stageName', '')}" for one in p.get("stageKeys", ())]
    members = {
        "enabled": False,
        "tags": {},
        **given(p, "generateDistinctId", "stageKeys"),
        "id": identity,
        "value": value,
        "createdDate": now,
        "lastUpdatedDate": now,
        "stageKeys": stages,
    }
    await house.rest_apis.save_key(ApiKey(identity, members))
    return members


async def get_api_key(house: House, p: Parameters) -> Result:
    return _shown(house.rest_apis.key(p["apiKey"]), with_value=p.get("includeValue", False))


async def get_api_keys(house: House, p: Parameters) -> Result:
    found = [
        _shown(key, with_value=p.get("includeValues", False))
        for key in house.rest_apis.all_keys()
        if str(key.members.get("name", "")).startswith(p.get("nameQuery", ""))
        and p.get("customerId") in (None, key.members.get("customerId"))
    ]
    return paged(found, p)


async def update_api_key(house: House, p: Parameters) -> Result:
    key = house.rest_apis.key(p["apiKey"])
    operations = [
        {**one, "path": "/stageKeys"} if one.get("path") == "/stages" else one
        for one in p.get("patchOperations", ())
    ]
    members = patched("ApiKey", key.members, {"patchOperations": operations})
    members["lastUpdatedDate"] = int(house.clock.now())
    key = replace(key, members=members)
    await house.rest_apis.save_key(key)
    return _shown(key, with_value=False)


async def delete_api_key(house: House, p: Parameters) -> Result:
    key = house.rest_apis.key(p["apiKey"])
    for plan in house.rest_apis.plans():
        if key.identity in plan.keys:
            kept = tuple(one for one in plan.keys if one != key.identity)
            await house.rest_apis.save_plan(replace(plan, keys=kept))
    await house.rest_apis.remove_key(key)
    return {}


def _shown(key: ApiKey, *, with_value: bool) -> dict[str, Any]:
    return {name: value for name, value in key.members.items() if with_value or name != "value"}


KEYS: dict[str, Handler] = {
    "CreateApiKey": create_api_key,
    "DeleteApiKey": delete_api_key,
    "GetApiKey": get_api_key,
    "GetApiKeys": get_api_keys,
    "UpdateApiKey": update_api_key,
}
