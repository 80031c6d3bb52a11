"""Usage plans, the keys that use them, and how much they have been used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from lablambda.api.apigateway.parts import Handler, Result, given, paged, part_of
from lablambda.api.apigateway.patches import SERVICE, patched, tokens_of
from lablambda.api.identities import new_part_id
from lablambda.api.nouns import of_shape
from lablambda.api.pages import numbered_page
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.api import Members
from lablambda.model.errors import ResourceConflict, ResourceNotFound, ValidationFailed
from lablambda.model.rest_api import ApiKey, RestPart, UsagePlan
from lablambda.rules.usage_plans import OFFSETS, day_of, granted, remaining

_LIMITS = {"rateLimit": float, "burstLimit": int}
_MOST_DAYS = 90


async def create_usage_plan(house: House, p: Parameters) -> Result:
    members = {"id": new_part_id(), "apiStages": [], "tags": {}, **given(p)}
    for one in members["apiStages"]:
        _check_stage(house, one.get("apiId", ""), one.get("stage", ""))
    await house.rest_apis.save_plan(UsagePlan(members["id"], _checked(members)))
    return members


async def get_usage_plan(house: House, p: Parameters) -> Result:
    return house.rest_apis.plan(p["usagePlanId"]).members


async def get_usage_plans(house: House, p: Parameters) -> Result:
    plans = house.rest_apis.plans()
    return paged([plan.members for plan in plans if p.get("keyId") in (None, *plan.keys)], p)


async def update_usage_plan(house: House, p: Parameters) -> Result:
    plan = house.rest_apis.plan(p["usagePlanId"])
    members: Members = plan.members
    for operation in p.get("patchOperations", ()):
        tokens = tokens_of(operation.get("path", ""))
        if tokens[0] == "apiStages":
            if operation.get("op") == "add" and len(tokens) == 1:
                api, _, stage = (operation.get("value") or "").partition(":")
                _check_stage(house, api, stage)
            members = {**members, "apiStages": _changed_stages(members["apiStages"], tokens[1:], operation)}
        else:
            members = patched("UsagePlan", members, {"patchOperations": [operation]})
    plan = replace(plan, members=_checked(members))
    await house.rest_apis.save_plan(plan)
    return plan.members


async def delete_usage_plan(house: House, p: Parameters) -> Result:
    plan = house.rest_apis.plan(p["usagePlanId"])
    if plan.members["apiStages"]:
        raise ValidationFailed(
            f"Cannot delete Usage Plan {plan.identity} because API stages are associated with it: remove them first"
        )
    await house.rest_apis.remove_plan(plan)
    return {}


def _checked(members: Members) -> Members:
    of_shape(SERVICE, "UsagePlan", members)
    throttles = [members.get("throttle") or {}]
    throttles += [limits for one in members["apiStages"] for limits in (one.get("throttle") or {}).values()]
    if any(value < 0 for limits in throttles for value in limits.values()):
        raise ValidationFailed("Usage Plan throttle limits can't be below zero")
    quota = members.get("quota")
    if quota:
        if quota.get("period") not in OFFSETS or quota.get("limit", -1) < 0:
            raise ValidationFailed("Usage Plan quota needs a limit from 0 and a period: DAY, WEEK or MONTH")
        if (quota.get("offset") or 0) not in OFFSETS[quota["period"]]:
            most = OFFSETS[quota["period"]][-1]
            raise ValidationFailed(
                f"Usage Plan quota offset must be between 0 and {most} in the {quota['period']} period"
            )
    return members


def _check_stage(house: House, api: str, stage: str) -> None:
    """Raises ResourceNotFound. A stage that is deleted later stays in the plan."""
    part_of(house.rest_apis.api(api), RestPart.STAGE, stage)


def _changed_stages(
    stages: list[dict[str, Any]], tokens: list[str], operation: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """A plan's stages, with the operation done: on them (`api:stage` is the value), or on the limits of a method of
    one (`api:stage`, `throttle`, the method's path and name, perhaps the limit)."""
    op, value = operation.get("op"), operation.get("value") or ""
    name = tokens[0] if tokens else value
    api, _, stage = name.partition(":")
    others = [one for one in stages if (one["apiId"], one["stage"]) != (api, stage)]
    known = next((one for one in stages if one not in others), None)
    if len(tokens) <= 1 and op in ("add", "remove"):
        if op == "add" and known is not None:
            raise ResourceConflict(f"API Stage {name} is in the Usage Plan already")
        if op == "remove" and known is None:
            raise ResourceNotFound(f"API Stage {name} is not in the Usage Plan")
        return [*others, {"apiId": api, "stage": stage}] if op == "add" else others
    if known is None or tokens[1:2] != ["throttle"]:
        raise ValidationFailed(f"Invalid patch path '{operation.get('path')}' specified for op '{op}'")
    limits = _changed_limits(known.get("throttle") or {}, tokens[2:], operation)
    return [*others, {**known, "throttle": limits}]


def _changed_limits(
    limits: Mapping[str, Mapping[str, Any]], tokens: list[str], operation: Mapping[str, Any]
) -> dict[str, Mapping[str, Any]]:
    limit = _LIMITS.get(tokens[-1]) if tokens else None
    if operation.get("op") == "remove":
        return {name: one for name, one in limits.items() if tokens and name != "/".join(tokens)}
    if limit is None:
        raise ValidationFailed(
            f"Invalid patch path '{operation.get('path')}': it ends in a method's rateLimit or burstLimit"
        )
    method = "/".join(tokens[:-1])
    try:
        changed = {**limits.get(method, {}), tokens[-1]: limit(operation.get("value") or "")}
    except ValueError:
        raise ValidationFailed(f"Invalid value '{operation.get('value')}': a number is expected") from None
    return {**limits, method: changed}


# ------------------------------------------------------------------------------------------ a plan's keys


async def create_usage_plan_key(house: House, p: Parameters) -> Result:
    plan, key = house.rest_apis.plan(p["usagePlanId"]), house.rest_apis.key(p["keyId"])
    if p["keyType"] != "API_KEY":
        raise ValidationFailed("Invalid key type: API_KEY is expected")
    if key.identity in plan.keys:
        raise ResourceConflict("Usage Plan Key already exists")
    await house.rest_apis.save_plan(replace(plan, keys=(*plan.keys, key.identity)))
    return _shown(key)


async def get_usage_plan_key(house: House, p: Parameters) -> Result:
    return _shown(_key_of(house, p)[1])


async def get_usage_plan_keys(house: House, p: Parameters) -> Result:
    keys = [house.rest_apis.key(identity) for identity in house.rest_apis.plan(p["usagePlanId"]).keys]
    named = [key for key in keys if str(key.members.get("name", "")).startswith(p.get("nameQuery", ""))]
    return paged([_shown(key) for key in named], p)


async def delete_usage_plan_key(house: House, p: Parameters) -> Result:
    plan, key = _key_of(house, p)
    kept = tuple(identity for identity in plan.keys if identity != key.identity)
    await house.rest_apis.save_plan(replace(plan, keys=kept))
    return {}


def _key_of(house: House, p: Parameters) -> tuple[UsagePlan, ApiKey]:
    plan = house.rest_apis.plan(p["usagePlanId"])
    if p["keyId"] not in plan.keys:
        raise ResourceNotFound("Invalid Usage Plan Key identifier specified")
    return plan, house.rest_apis.key(p["keyId"])


def _shown(key: ApiKey) -> dict[str, Any]:
    return {"id": key.identity, "type": "API_KEY", "value": key.value, "name": key.members.get("name")}


# ------------------------------------------------------------------------------------------------ usage


async def get_usage(house: House, p: Parameters) -> Result:
    plan = house.rest_apis.plan(p["usagePlanId"])
    first, last = _day(p["startDate"]), _day(p["endDate"])
    if not 0 <= (last - first).days < _MOST_DAYS:
        raise ValidationFailed(
            f"Invalid dates: the end is after the start, and at most {_MOST_DAYS} days are asked for"
        )
    keys = [key for key in plan.keys if p.get("keyId") in (None, key)]
    page, position = numbered_page(keys, p.get("position"), p.get("limit", len(keys) or 1))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    items = {key: [_on(house, plan, key, day) for day in days] for key in page}
    return {
        "usagePlanId": plan.identity,
        "startDate": p["startDate"],
        "endDate": p["endDate"],
        "items": items,
        "position": position,
    }


async def update_usage(house: House, p: Parameters) -> Result:
    """Give a key more requests, or fewer, for the rest of the period."""
    plan, key = _key_of(house, p)
    quota = plan.members.get("quota")
    today = day_of(house.clock.now())
    for operation in p.get("patchOperations", ()):
        value = operation.get("value") or ""
        if (operation.get("op"), operation.get("path")) != ("replace", "/remaining") or not value.isdecimal():
            raise ValidationFailed("Invalid patch operation: /remaining can be replaced by a number")
        if not quota:
            raise ValidationFailed("The Usage Plan has no quota")
        usage = house.rest_apis.usage(plan.identity, key.identity)
        house.rest_apis.note_usage(plan.identity, key.identity, granted(quota, usage, today, int(value)))
    day = today.isoformat()
    items = {key.identity: [_on(house, plan, key.identity, today)]}
    return {"usagePlanId": plan.identity, "startDate": day, "endDate": day, "items": items}


def _on(house: House, plan: UsagePlan, key: str, day: date) -> list[int]:
    """What was used on a day, and what was left."""
    usage, quota = house.rest_apis.usage(plan.identity, key), plan.members.get("quota")
    return [usage.days.get(day.isoformat(), 0), remaining(quota, usage, day) if quota else 0]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValidationFailed(f"Invalid date {text!r}: YYYY-MM-DD is expected") from None


PLANS: dict[str, Handler] = {
    "CreateUsagePlan": create_usage_plan,
    "CreateUsagePlanKey": create_usage_plan_key,
    "DeleteUsagePlan": delete_usage_plan,
    "DeleteUsagePlanKey": delete_usage_plan_key,
    "GetUsage": get_usage,
    "GetUsagePlan": get_usage_plan,
    "GetUsagePlanKey": get_usage_plan_key,
    "GetUsagePlanKeys": get_usage_plan_keys,
    "GetUsagePlans": get_usage_plans,
    "UpdateUsage": update_usage,
    "UpdateUsagePlan": update_usage_plan,
}
