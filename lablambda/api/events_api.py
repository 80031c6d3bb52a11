"""EventBridge's operations: buses, rules, their targets, and events put on buses.

Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from lablambda.api.pages import numbered_page
from lablambda.api.shapes import Parameters
from lablambda.lab.event_bus import bus_arn, bus_name, rule_arn, with_targets
from lablambda.lab.house import House
from lablambda.model.errors import (
    InvalidParameterValue,
    ResourceConflict,
    ResourceNotFound,
    ValidationFailed,
)
from lablambda.model.event_rule import DEFAULT_BUS, EventBus, EventRule
from lablambda.rules.event_pattern import InvalidPattern, compile_pattern
from lablambda.rules.schedule import InvalidSchedule, parse_schedule
from lablambda.rules.target_call import kind_of_target
from lablambda.rules.target_input import InvalidInput, check_target

Result = Mapping[str, Any]
_MOST_ENTRIES, _MOST_BYTES, _MOST_TARGETS, _PAGE = 10, 1024 * 1024, 5, 100
_REQUIRED = ("Source", "DetailType", "Detail")


# ----------------------------------------------------------------------------------------------- buses


async def create_event_bus(house: House, p: Parameters) -> Result:
    if p["Name"] in {bus.name for bus in house.buses.buses()}:
        raise ResourceConflict(f"Event bus {p['Name']} already exists.")
    bus = EventBus(p["Name"], house.clock.now(), p.get("Description", ""), _tags(p))
    await house.buses.save_bus(bus)
    return {"EventBusArn": bus_arn(bus.name), "Description": bus.description or None}


async def delete_event_bus(house: House, p: Parameters) -> Result:
    name = bus_name(p["Name"])
    if name == DEFAULT_BUS:
        raise ValidationFailed("Cannot delete event bus default.")
    if house.buses.rules(name):
        raise ValidationFailed("Cannot delete event bus while it has rules.")
    await house.buses.remove_bus(name)
    return {}


async def describe_event_bus(house: House, p: Parameters) -> Result:
    return _described_bus(house.buses.bus(bus_name(p.get("Name"))))


async def list_event_buses(house: House, p: Parameters) -> Result:
    found = [bus for bus in house.buses.buses() if bus.name.startswith(p.get("NamePrefix", ""))]
    page, token = numbered_page(found, p.get("NextToken"), p.get("Limit", _PAGE))
    return {"EventBuses": [_described_bus(bus) for bus in page], "NextToken": token}


def _described_bus(bus: EventBus) -> dict[str, Any]:
    return {
        "Name": bus.name,
        "Arn": bus_arn(bus.name),
        "Description": bus.description or None,
        "CreationTime": bus.created,
        "LastModifiedTime": bus.created,
    }


# ----------------------------------------------------------------------------------------------- rules


async def put_rule(house: House, p: Parameters) -> Result:
    bus = house.buses.bus(bus_name(p.get("EventBusName"))).name
    members = {name: value for name, value in p.items() if name in _RULE_MEMBERS and value != ""}
    _check_rule(members, bus, house.clock.now())
    former = house.buses.find(bus, p["Name"])
    same = former and former.members.get("ScheduleExpression") == members.get("ScheduleExpression")
    rule = EventRule(
        bus=bus,
        name=p["Name"],
        members=members,
        since=former.since if former and same else house.clock.now(),
        targets=former.targets if former else {},
        tags=former.tags if former else _tags(p),
    )
    await house.buses.save_rule(rule)
    return {"RuleArn": rule_arn(rule)}


_RULE_MEMBERS = ("ScheduleExpression", "EventPattern", "State", "Description", "RoleArn")


def _check_rule(members: Mapping[str, Any], bus: str, now: float) -> None:
    pattern, expression = members.get("EventPattern"), members.get("ScheduleExpression")
    if not pattern and not expression:
        raise ValidationFailed("Parameter(s) EventPattern or ScheduleExpression must be specified.")
    if pattern:
        _pattern(pattern)
    if expression:
        if bus != DEFAULT_BUS:
            raise ValidationFailed("ScheduleExpression is supported only on the default event bus.")
        try:
            parse_schedule(expression, since=now)
        except InvalidSchedule:
            raise ValidationFailed("Parameter ScheduleExpression is not valid.") from None


def _pattern(text: str) -> Callable[[Any], bool]:
    try:
        return compile_pattern(json.loads(text), of_rule=True)
    except InvalidPattern as error:
        raise InvalidParameterValue(str(error)) from None
    except (ValueError, RecursionError):
        raise InvalidParameterValue("Event pattern is not valid. Reason: it isn't JSON") from None


def _rule(house: House, p: Parameters, name: str = "Name") -> EventRule:
    return house.buses.rule(bus_name(p.get("EventBusName")), p[name])


async def describe_rule(house: House, p: Parameters) -> Result:
    return _described_rule(_rule(house, p))


async def list_rules(house: House, p: Parameters) -> Result:
    bus = house.buses.bus(bus_name(p.get("EventBusName"))).name
    found = [rule for rule in house.buses.rules(bus) if rule.name.startswith(p.get("NamePrefix", ""))]
    page, token = numbered_page(found, p.get("NextToken"), p.get("Limit", _PAGE))
    return {"Rules": [_described_rule(rule) for rule in page], "NextToken": token}


async def list_rule_names_by_target(house: House, p: Parameters) -> Result:
    bus = house.buses.bus(bus_name(p.get("EventBusName"))).name
    found = [
        rule.name
        for rule in house.buses.rules(bus)
        if any(target["Arn"] == p["TargetArn"] for target in rule.targets.values())
    ]
    page, token = numbered_page(found, p.get("NextToken"), p.get("Limit", _PAGE))
    return {"RuleNames": page, "NextToken": token}


def _described_rule(rule: EventRule) -> dict[str, Any]:
    return {
        "Name": rule.name,
        "Arn": rule_arn(rule),
        "EventBusName": rule.bus,
        **rule.members,
        "State": rule.members.get("State", "ENABLED"),
    }


async def delete_rule(house: House, p: Parameters) -> Result:
    bus = house.buses.bus(bus_name(p.get("EventBusName"))).name
    rule = house.buses.find(bus, p["Name"])
    if rule is None:
        return {}
    if rule.targets:
        raise ValidationFailed("Rule can't be deleted since it has targets.")
    await house.buses.remove_rule(rule)
    return {}


async def enable_rule(house: House, p: Parameters) -> Result:
    return await _set_state(house, p, "ENABLED")


async def disable_rule(house: House, p: Parameters) -> Result:
    return await _set_state(house, p, "DISABLED")


async def _set_state(house: House, p: Parameters, state: str) -> Result:
    rule = _rule(house, p)
    await house.buses.save_rule(replace(rule, members={**rule.members, "State": state}))
    return {}


# --------------------------------------------------------------------------------------------- targets


async def put_targets(house: House, p: Parameters) -> Result:
    rule = _rule(house, p, "Rule")
    for target in p["Targets"]:
        kind_of_target(target["Arn"])  # raises NotImplementedHere
        try:
            check_target(target)
        except InvalidInput as error:
            raise ValidationFailed(f"{error} (target {target['Id']})") from None
    changed = with_targets(rule, p["Targets"])
    if len(changed.targets) > _MOST_TARGETS:
        raise ValidationFailed(f"A rule has at most {_MOST_TARGETS} targets.")
    await house.buses.save_rule(changed)
    return {"FailedEntryCount": 0, "FailedEntries": []}


async def remove_targets(house: House, p: Parameters) -> Result:
    rule = _rule(house, p, "Rule")
    kept = {identity: target for identity, target in rule.targets.items() if identity not in p["Ids"]}
    await house.buses.save_rule(replace(rule, targets=kept))
    return {"FailedEntryCount": 0, "FailedEntries": []}


async def list_targets_by_rule(house: House, p: Parameters) -> Result:
    page, token = numbered_page(
        list(_rule(house, p, "Rule").targets.values()), p.get("NextToken"), p.get("Limit", _PAGE)
    )
    return {"Targets": page, "NextToken": token}


# ---------------------------------------------------------------------------------------------- events


async def put_events(house: House, p: Parameters) -> Result:
    entries = p["Entries"]
    if len(entries) > _MOST_ENTRIES or sum(map(_size, entries)) > _MOST_BYTES:
        raise ValidationFailed("Total size of the entries in the request is over the limit.")
    # At once, so that they share a commit.
    answers = await asyncio.gather(*(_put_event(house, entry) for entry in entries))
    return {"Entries": answers, "FailedEntryCount": sum("ErrorCode" in answer for answer in answers)}


def _size(entry: Mapping[str, Any]) -> int:
    texts = (entry.get("Source"), entry.get("DetailType"), entry.get("Detail"), *entry.get("Resources", []))
    return sum(len((text or "").encode()) for text in texts)


async def _put_event(house: House, entry: Mapping[str, Any]) -> dict[str, Any]:
    for name in _REQUIRED:
        if not entry.get(name):
            reason = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": reason}
    if entry["Source"].startswith("aws."):
        return {"ErrorCode": "NotAuthorizedForSource", "ErrorMessage": "Not authorized for the source."}
    try:
        detail = json.loads(entry["Detail"])
    except (ValueError, RecursionError):
        detail = None
    if not isinstance(detail, dict):
        return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    try:
        (identity,) = await house.buses.put(entry.get("EventBusName", ""), [entry])
    except ResourceNotFound:  # AWS takes it, and there is nobody to see it
        return {"EventId": "00000000-0000-0000-0000-000000000000"}
    return {"EventId": identity}


async def test_event_pattern(house: House, p: Parameters) -> Result:  # noqa: ARG001 - all operations take it
    fits = _pattern(p["EventPattern"])
    try:
        event = json.loads(p["Event"])
    except (ValueError, RecursionError):
        raise ValidationFailed("Parameter Event is not valid.") from None
    return {"Result": fits(event)}


# ------------------------------------------------------------------------------------------------ tags


def _tags(p: Parameters) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in p.get("Tags", [])}


async def tag_resource(house: House, p: Parameters) -> Result:
    await _retag(house, p["ResourceARN"], lambda tags: {**tags, **_tags(p)})
    return {}


async def untag_resource(house: House, p: Parameters) -> Result:
    gone = p["TagKeys"]
    await _retag(house, p["ResourceARN"], lambda tags: {k: v for k, v in tags.items() if k not in gone})
    return {}


async def list_tags_for_resource(house: House, p: Parameters) -> Result:
    tags = _tagged(house, p["ResourceARN"]).tags
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _tagged(house: House, arn: str) -> EventBus | EventRule:
    kind, _, name = arn.split(":", 5)[-1].partition("/")
    if kind == "event-bus":
        return house.buses.bus(name)
    *bus, rule = name.split("/")
    return house.buses.rule(bus[0] if bus else DEFAULT_BUS, rule)


async def _retag(house: House, arn: str, change: Callable[[Mapping[str, str]], Mapping[str, str]]) -> None:
    found = _tagged(house, arn)
    if isinstance(found, EventBus):
        await house.buses.save_bus(replace(found, tags=change(found.tags)))
    else:
        await house.buses.save_rule(replace(found, tags=change(found.tags)))


EVENTS: Mapping[str, Callable[[House, Parameters], Awaitable[Result]]] = {
    "CreateEventBus": create_event_bus,
    "DeleteEventBus": delete_event_bus,
    "DeleteRule": delete_rule,
    "DescribeEventBus": describe_event_bus,
    "DescribeRule": describe_rule,
    "DisableRule": disable_rule,
    "EnableRule": enable_rule,
    "ListEventBuses": list_event_buses,
    "ListRuleNamesByTarget": list_rule_names_by_target,
    "ListRules": list_rules,
    "ListTagsForResource": list_tags_for_resource,
    "ListTargetsByRule": list_targets_by_rule,
    "PutEvents": put_events,
    "PutRule": put_rule,
    "PutTargets": put_targets,
    "RemoveTargets": remove_targets,
    "TagResource": tag_resource,
    "TestEventPattern": test_event_pattern,
    "UntagResource": untag_resource,
}
