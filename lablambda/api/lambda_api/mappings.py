"""Event source mappings: create, read, change, delete."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lablambda.api.pages import page
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.errors import InvalidParameterValue, ResourceConflict
from lablambda.model.mapping import EventSourceMapping
from lablambda.rules import mapping as rules
from lablambda.rules.names import ACCOUNT, REGION, FunctionReference, function_arn, parse_reference

Result = Mapping[str, Any]
_NOT_MEMBERS = {"FunctionName", "Enabled", "Tags", "UUID"}
_MOST = 100


async def create_event_source_mapping(house: House, p: Parameters) -> Result:
    members = rules.created(_members(p), house.clock.now())
    named = _function(house, p["FunctionName"])
    _check_unique(house, named, members["EventSourceArn"])
    await house.mappings.check(members["EventSourceArn"], named)
    mapping = EventSourceMapping(
        uuid=str(uuid.uuid4()),
        function=named.name,
        qualifier=named.qualifier,
        members=members,
        state="Enabled" if p.get("Enabled", True) else "Disabled",
        last_modified=time.time(),
        tags=p.get("Tags", {}),
    )
    await house.catalog.save_mapping(mapping)
    house.mappings.apply(mapping)
    await house.mappings.begun(mapping.uuid)
    return _described(house, mapping, state="Creating" if mapping.state == "Enabled" else None)


async def update_event_source_mapping(house: House, p: Parameters) -> Result:
    mapping = house.catalog.mapping(p["UUID"])
    members = rules.changed(mapping.members, _members(p))
    named = _function(house, p["FunctionName"]) if "FunctionName" in p else None
    if named is not None:
        await house.mappings.check(members["EventSourceArn"], named)
    state = mapping.state if "Enabled" not in p else ("Enabled" if p["Enabled"] else "Disabled")
    changed = replace(
        mapping,
        function=named.name if named else mapping.function,
        qualifier=named.qualifier if named else mapping.qualifier,
        members=members,
        state=state,
        last_modified=time.time(),
    )
    await house.catalog.save_mapping(changed)
    house.mappings.apply(changed)
    await house.mappings.begun(changed.uuid)
    return _described(house, changed, state=_transition(mapping.state, state))


async def get_event_source_mapping(house: House, p: Parameters) -> Result:
    return _described(house, house.catalog.mapping(p["UUID"]))


async def list_event_source_mappings(house: House, p: Parameters) -> Result:
    found = house.catalog.mappings()
    if "EventSourceArn" in p:
        found = [m for m in found if m.members["EventSourceArn"] == p["EventSourceArn"]]
    if "FunctionName" in p:
        named = parse_reference(p["FunctionName"])
        found = [m for m in found if (m.function, m.qualifier) == (named.name, named.qualifier)]
    chosen, marker = page(found, p, lambda mapping: mapping.uuid, most=_MOST)
    return {"EventSourceMappings": [_described(house, mapping) for mapping in chosen], "NextMarker": marker}


async def delete_event_source_mapping(house: House, p: Parameters) -> Result:
    mapping = house.catalog.mapping(p["UUID"])
    house.mappings.stop(mapping.uuid)
    await house.catalog.remove_mapping(mapping)
    await house.mappings.forget(mapping.uuid)
    return _described(house, mapping, state="Deleting")


def _members(p: Parameters) -> dict[str, Any]:
    return {name: value for name, value in p.items() if name not in _NOT_MEMBERS}


def _function(house: House, name: str) -> FunctionReference:
    named = parse_reference(name)
    function = house.catalog.find(named.name)
    if function is None or not function.has(named.qualifier):
        raise InvalidParameterValue("Function does not exist")
    return named


def _check_unique(house: House, named: FunctionReference, source: str) -> None:
    for mapping in house.catalog.mappings():
        same = (mapping.function, mapping.qualifier) == (named.name, named.qualifier)
        if same and mapping.members["EventSourceArn"] == source:
            words = (
                f'An event source mapping with SQS arn (" {source} ") and function (" {named.name} ") already exists.'
                if rules.kind_of(source) == "sqs"
                else f'The event source arn (" {source} ") and function (" {named.name} ") provided mapping already '
                "exists."
            )
            raise ResourceConflict(
                f"{words} Please update or delete the existing mapping with UUID {mapping.uuid}"
            )


def _transition(before: str, after: str) -> str:
    """The state that the answer to an update tells of."""
    return "Updating" if before == after else {"Enabled": "Enabling", "Disabled": "Disabling"}[after]


def _described(house: House, mapping: EventSourceMapping, *, state: str | None = None) -> dict[str, Any]:
    result = house.mappings.result(mapping.uuid)
    return {
        **mapping.members,
        **({"LastProcessingResult": result} if result else {}),
        "UUID": mapping.uuid,
        "EventSourceMappingArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{mapping.uuid}",
        "FunctionArn": function_arn(mapping.function, mapping.qualifier),
        "LastModified": mapping.last_modified,
        "State": state or mapping.state,
    }
