"""Reserved and provisioned concurrency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lablambda.api.lambda_api.references import existing, reference, unqualified, whole
from lablambda.api.pages import page
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.errors import (
    InvalidParameterValue,
    ProvisionedConcurrencyConfigNotFound,
    ResourceNotFound,
)
from lablambda.model.function import LATEST, Function, Setting
from lablambda.rules import concurrency, provisioning
from lablambda.rules.names import FunctionReference, function_arn

Result = Mapping[str, Any]


# ------------------------------------------------------------------------------------------- reserved


async def put_function_concurrency(house: House, p: Parameters) -> Result:
    function = _whole_function(house, p)
    wanted = p["ReservedConcurrentExecutions"]
    concurrency.check_reservation(
        wanted,
        limit=house.invoker.limit,
        reserved_by_others=house.catalog.set_aside - provisioning.set_aside(function),
        provisioned=provisioning.total(function),
    )
    await house.catalog.save(replace(function, reserved=wanted))
    return {"ReservedConcurrentExecutions": wanted}


def _whole_function(house: House, p: Parameters) -> Function:
    named = whole(p)
    function = house.catalog.find(named.name)
    if function is None:
        raise ResourceNotFound(f"Function not found: {function_arn(named.name, LATEST)}")
    return function


async def get_function_concurrency(house: House, p: Parameters) -> Result:
    return {"ReservedConcurrentExecutions": house.catalog.function(unqualified(p)).reserved}


async def delete_function_concurrency(house: House, p: Parameters) -> Result:
    await house.catalog.save(replace(_whole_function(house, p), reserved=None))
    return {"_status": 204}


# ---------------------------------------------------------------------------------------- provisioned


async def put_provisioned_concurrency_config(house: House, p: Parameters) -> Result:
    named, function = _target(house, p, provisioning.UNPUBLISHED)
    qualifier = str(named.qualifier)
    changed = await house.provisioner.put(function.name, qualifier, p["ProvisionedConcurrentExecutions"])
    return _described(house, changed, qualifier)


async def get_provisioned_concurrency_config(house: House, p: Parameters) -> Result:
    named, function = _target(house, p)
    if function.setting(Setting.PROVISIONED, str(named.qualifier)) is None:
        raise ProvisionedConcurrencyConfigNotFound(
            "No Provisioned Concurrency Config found for this function"
        )
    return _described(house, function, str(named.qualifier))


async def delete_provisioned_concurrency_config(house: House, p: Parameters) -> Result:
    named, function = _target(house, p)
    changed = function.with_setting(Setting.PROVISIONED, str(named.qualifier), None)
    await house.catalog.save(changed)
    house.provisioner.adjust(changed)
    return {"_status": 204}


async def list_provisioned_concurrency_configs(house: House, p: Parameters) -> Result:
    function = house.catalog.function(unqualified(p))
    qualifiers = sorted(function.settings.get(Setting.PROVISIONED, {}))
    chosen, marker = page(qualifiers, p, str)
    configs = [
        {"FunctionArn": function_arn(function.name, q)} | _described(house, function, q) for q in chosen
    ]
    return {"ProvisionedConcurrencyConfigs": configs, "NextMarker": marker}


def _target(
    house: House,
    p: Parameters,
    unpublished: str = "The function resource provided must be an alias or a published version.",
) -> tuple[FunctionReference, Function]:
    """The version or alias that a request is about, and its function."""
    named = reference(p)
    if named.qualifier == LATEST:
        raise InvalidParameterValue(unpublished)
    return named, existing(house, named)


def _described(house: House, function: Function, qualifier: str) -> dict[str, Any]:
    members = function.setting(Setting.PROVISIONED, qualifier) or {}
    progress = house.provisioner.progress(function, qualifier)
    return {
        **members,
        "AllocatedProvisionedConcurrentExecutions": progress.allocated,
        "AvailableProvisionedConcurrentExecutions": progress.available,
        "Status": progress.status,
        "StatusReason": progress.reason or None,
    }
