"""EventBridge Scheduler's operations: schedules and their groups.

Source: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lablambda.api.pages import numbered_page
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.lab.schedules import DEFAULT_GROUP
from lablambda.model.errors import ResourceConflict, ResourceNotFound, ValidationFailed
from lablambda.model.event_rule import ScheduleGroup, TimedCall
from lablambda.rules.names import ACCOUNT, REGION
from lablambda.rules.schedule import InvalidSchedule, parse_schedule
from lablambda.rules.target_call import kind_of_target

Result = Mapping[str, Any]
_MEMBERS = (
    "ActionAfterCompletion",
    "Description",
    "EndDate",
    "FlexibleTimeWindow",
    "KmsKeyArn",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "State",
    "Target",
)
_DEFAULTS = {"ActionAfterCompletion": "NONE", "ScheduleExpressionTimezone": "UTC", "State": "ENABLED"}
_DATES = ("StartDate", "EndDate")
_PAGE = 100


def _arn(call: TimedCall) -> str:
    return f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/{call.group}/{call.name}"


def _group_arn(name: str) -> str:
    return f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/{name}"


async def create_schedule(house: House, p: Parameters) -> Result:
    group = p.get("GroupName", DEFAULT_GROUP)
    _check_group(house, group)
    if house.schedules.find(group, p["Name"]):
        raise ResourceConflict(f"Schedule {p['Name']} already exists.")
    now = house.clock.now()
    call = TimedCall(group, p["Name"], _members(p, now), since=now, created=now, changed=now)
    await house.schedules.save(call)
    return {"ScheduleArn": _arn(call)}


async def update_schedule(house: House, p: Parameters) -> Result:
    former = house.schedules.call(p.get("GroupName", DEFAULT_GROUP), p["Name"])
    now = house.clock.now()
    call = replace(former, members=_members(p, now), since=now, changed=now, done=False)
    await house.schedules.save(call)
    return {"ScheduleArn": _arn(call)}


async def get_schedule(house: House, p: Parameters) -> Result:
    call = house.schedules.call(p.get("GroupName", DEFAULT_GROUP), p["Name"])
    return {**_described(call), **call.members}


async def delete_schedule(house: House, p: Parameters) -> Result:
    await house.schedules.remove(house.schedules.call(p.get("GroupName", DEFAULT_GROUP), p["Name"]))
    return {}


async def list_schedules(house: House, p: Parameters) -> Result:
    found = [
        call
        for call in house.schedules.calls()
        if p.get("GroupName", call.group) == call.group
        and call.name.startswith(p.get("NamePrefix", ""))
        and p.get("State", call.members["State"]) == call.members["State"]
    ]
    page, token = numbered_page(found, p.get("NextToken"), p.get("MaxResults", _PAGE))
    schedules = [
        {
            **_described(call),
            "State": call.members["State"],
            "Target": {"Arn": call.members["Target"]["Arn"]},
        }
        for call in page
    ]
    return {"Schedules": schedules, "NextToken": token}


def _described(call: TimedCall) -> dict[str, Any]:
    return {
        "Arn": _arn(call),
        "Name": call.name,
        "GroupName": call.group,
        "CreationDate": call.created,
        "LastModificationDate": call.changed,
    }


def _members(p: Parameters, now: float) -> dict[str, Any]:
    """A schedule's members, checked. Raises ValidationFailed, and NotImplementedHere for its target."""
    members = {**_DEFAULTS, **{name: value for name, value in p.items() if name in _MEMBERS}}
    members |= {name: float(members[name]) for name in _DATES if name in members}
    expression = members["ScheduleExpression"]
    try:
        zone = ZoneInfo(members["ScheduleExpressionTimezone"])
    except (ZoneInfoNotFoundError, ValueError):
        raise ValidationFailed(
            f"Invalid Schedule Expression Timezone {members['ScheduleExpressionTimezone']}."
        ) from None
    try:
        parse_schedule(expression, since=now, zone=zone, once=True)
    except InvalidSchedule:
        raise ValidationFailed(f"Invalid Schedule Expression {expression}.") from None
    window = members["FlexibleTimeWindow"]
    if (window["Mode"] == "FLEXIBLE") != ("MaximumWindowInMinutes" in window):
        raise ValidationFailed("MaximumWindowInMinutes goes with FlexibleTimeWindow's mode FLEXIBLE.")
    kind = kind_of_target(members["Target"]["Arn"])
    if kind == "events" and "EventBridgeParameters" not in members["Target"]:
        raise ValidationFailed("EventBridgeParameters must be specified for an event bus.")
    return members


# ---------------------------------------------------------------------------------------------- groups


def _check_group(house: House, name: str) -> None:
    if name not in house.schedules.groups:
        raise ResourceNotFound(f"Schedule group {name} does not exist.")


async def create_schedule_group(house: House, p: Parameters) -> Result:
    if p["Name"] in house.schedules.groups:
        raise ResourceConflict(f"Schedule group {p['Name']} already exists.")
    await house.schedules.save_group(ScheduleGroup(p["Name"], house.clock.now(), _tags(p)))
    return {"ScheduleGroupArn": _group_arn(p["Name"])}


async def get_schedule_group(house: House, p: Parameters) -> Result:
    _check_group(house, p["Name"])
    return _described_group(house, p["Name"])


async def list_schedule_groups(house: House, p: Parameters) -> Result:
    names = [name for name in sorted(house.schedules.groups) if name.startswith(p.get("NamePrefix", ""))]
    page, token = numbered_page(names, p.get("NextToken"), p.get("MaxResults", _PAGE))
    return {"ScheduleGroups": [_described_group(house, name) for name in page], "NextToken": token}


async def delete_schedule_group(house: House, p: Parameters) -> Result:
    _check_group(house, p["Name"])
    if p["Name"] == DEFAULT_GROUP:
        raise ValidationFailed("The default schedule group can't be deleted.")
    await house.schedules.remove_group(p["Name"])
    return {}


def _described_group(house: House, name: str) -> dict[str, Any]:
    created = house.schedules.groups[name].created
    return {
        "Arn": _group_arn(name),
        "Name": name,
        "State": "ACTIVE",
        "CreationDate": created,
        "LastModificationDate": created,
    }


# ------------------------------------------------------------------------------------------------ tags


def _tags(p: Parameters) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in p.get("Tags", [])}


def _tagged(house: House, arn: str) -> ScheduleGroup:
    """Of what the Scheduler keeps, groups alone have tags."""
    name = arn.rpartition("/")[2]
    _check_group(house, name)
    return house.schedules.groups[name]


async def tag_resource(house: House, p: Parameters) -> Result:
    group = _tagged(house, p["ResourceArn"])
    await house.schedules.save_group(replace(group, tags={**group.tags, **_tags(p)}))
    return {}


async def untag_resource(house: House, p: Parameters) -> Result:
    group = _tagged(house, p["ResourceArn"])
    left = {key: value for key, value in group.tags.items() if key not in p["TagKeys"]}
    await house.schedules.save_group(replace(group, tags=left))
    return {}


async def list_tags_for_resource(house: House, p: Parameters) -> Result:
    tags = _tagged(house, p["ResourceArn"]).tags
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


SCHEDULER: Mapping[str, Callable[[House, Parameters], Awaitable[Result]]] = {
    "CreateSchedule": create_schedule,
    "CreateScheduleGroup": create_schedule_group,
    "DeleteSchedule": delete_schedule,
    "DeleteScheduleGroup": delete_schedule_group,
    "GetSchedule": get_schedule,
    "GetScheduleGroup": get_schedule_group,
    "ListScheduleGroups": list_schedule_groups,
    "ListSchedules": list_schedules,
    "ListTagsForResource": list_tags_for_resource,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "UpdateSchedule": update_schedule,
}
