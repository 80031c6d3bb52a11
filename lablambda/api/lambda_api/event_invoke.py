"""How asynchronous events of a function are retried, and where they end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from lablambda.api.lambda_api.references import reference, unqualified
from lablambda.api.pages import page
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.errors import InvalidParameterValue, ResourceNotFound
from lablambda.model.function import LATEST, Function, Setting
from lablambda.rules.names import function_arn, parse_reference

Result = Mapping[str, Any]
_TARGETS = {
    "OnSuccess": ("sqs", "sns", "lambda", "events"),
    "OnFailure": ("sqs", "sns", "lambda", "events", "s3"),
}
_MEMBERS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")


async def put_function_event_invoke_config(house: House, p: Parameters) -> Result:
    function, qualifier = _target(house, p)
    return await _save(house, function, qualifier, _given(house, p, function))


async def update_function_event_invoke_config(house: House, p: Parameters) -> Result:
    function, qualifier = _target(house, p)
    return await _save(
        house, function, qualifier, {**_current(function, qualifier), **_given(house, p, function)}
    )


async def get_function_event_invoke_config(house: House, p: Parameters) -> Result:
    return _described(*_configured(house, p))


async def delete_function_event_invoke_config(house: House, p: Parameters) -> Result:
    function, qualifier = _configured(house, p)
    await house.catalog.save(function.with_setting(Setting.EVENT_INVOKE, qualifier, None))
    return {"_status": 204}


async def list_function_event_invoke_configs(house: House, p: Parameters) -> Result:
    named = unqualified(p)
    function = house.catalog.find(named.name)
    if function is None:
        raise ResourceNotFound("The function doesn't exist.")
    chosen, marker = page(sorted(function.settings.get(Setting.EVENT_INVOKE, {})), p, str)
    return {
        "FunctionEventInvokeConfigs": [_described(function, qualifier) for qualifier in chosen],
        "NextMarker": marker,
    }


def _target(house: House, p: Parameters) -> tuple[Function, str]:
    named = reference(p)
    function = house.catalog.find(named.name)
    qualifier = named.qualifier or LATEST
    if function is None or not function.has(qualifier):
        raise ResourceNotFound("The function doesn't exist.")
    return function, qualifier


def _configured(house: House, p: Parameters) -> tuple[Function, str]:
    """A function that has a config for the qualifier."""
    named = reference(p)
    function, qualifier = house.catalog.find(named.name), named.qualifier or LATEST
    if function is None:
        raise _unconfigured(named.name, qualifier)
    _current(function, qualifier)
    return function, qualifier


def _current(function: Function, qualifier: str) -> Mapping[str, Any]:
    members = function.setting(Setting.EVENT_INVOKE, qualifier)
    if members is None:
        raise _unconfigured(function.name, qualifier)
    return members


def _unconfigured(name: str, qualifier: str) -> ResourceNotFound:
    return ResourceNotFound(f"The function {function_arn(name, qualifier)} doesn't have an EventInvokeConfig")


def _given(house: House, p: Parameters, function: Function) -> dict[str, Any]:
    given = {name: p[name] for name in _MEMBERS if p.get(name) is not None}
    if not given:
        raise InvalidParameterValue("You must specify at least one of error handling or destination setting.")
    destinations = given.get("DestinationConfig", {})
    for condition, destination in destinations.items():
        if target := destination.get("Destination"):
            if target.split(":")[2] not in _TARGETS[condition]:
                raise InvalidParameterValue(
                    f"The provided destination config {_as_java(destinations)} is invalid."
                )
            _check_target(house, target, function)
    return given


def _as_java(destinations: Mapping[str, Mapping[str, str]]) -> str:
    """A DestinationConfig as AWS prints it."""
    success, failure = (
        f"{name}(destination={destinations[name].get('Destination', 'null')})"
        if name in destinations
        else "null"
        for name in ("OnSuccess", "OnFailure")
    )
    return f"DestinationConfig(onSuccess={success}, onFailure={failure})"


def _check_target(house: House, target: str, function: Function) -> None:
    """A function that is to get the results must be there, and be another one."""
    if target.split(":")[2] != "lambda":
        return
    name = parse_reference(target).name
    if name == function.name:
        raise InvalidParameterValue("You can't specify the function as a destination for itself.")
    if house.catalog.find(name) is None:
        raise InvalidParameterValue(f"The destination ARN {target} is invalid.")


async def _save(house: House, function: Function, qualifier: str, members: Mapping[str, Any]) -> Result:
    kept = {**members, "LastModified": time.time()}
    changed = function.with_setting(Setting.EVENT_INVOKE, qualifier, kept)
    await house.catalog.save(changed)
    return _described(changed, qualifier)


def _described(function: Function, qualifier: str) -> dict[str, Any]:
    members = dict(_current(function, qualifier))
    destinations = {"OnSuccess": {}, "OnFailure": {}} | members.pop("DestinationConfig", {})
    return {
        **members,
        "DestinationConfig": destinations,
        "FunctionArn": function_arn(function.name, qualifier),
    }
