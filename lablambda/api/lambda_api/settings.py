"""Settings that a function has one of, and that are put and read as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lablambda.api.lambda_api.references import reference, unqualified
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.errors import InvalidParameterValue
from lablambda.model.function import LATEST, Setting
from lablambda.rules.names import function_arn

Result = Mapping[str, Any]


# ------------------------------------------------------------------------------------------ recursion


async def put_function_recursion_config(house: House, p: Parameters) -> Result:
    function = house.catalog.function(unqualified(p))
    members = {"RecursiveLoop": p["RecursiveLoop"]}
    await house.catalog.save(function.with_setting(Setting.RECURSION, "", members))
    return members


async def get_function_recursion_config(house: House, p: Parameters) -> Result:
    function = house.catalog.function(unqualified(p))
    return function.setting(Setting.RECURSION) or {"RecursiveLoop": "Terminate"}


# --------------------------------------------------------------------------------- runtime management


async def put_runtime_management_config(house: House, p: Parameters) -> Result:
    named = reference(p)
    function = house.catalog.function(named)
    arn = p.get("RuntimeVersionArn")
    if (p["UpdateRuntimeOn"] == "Manual") != (arn is not None):
        raise InvalidParameterValue(
            "RuntimeVersionArn must be given with the Manual runtime update mode, and only with it."
        )
    members = {"UpdateRuntimeOn": p["UpdateRuntimeOn"], "RuntimeVersionArn": arn}
    qualifier = named.qualifier or LATEST
    await house.catalog.save(function.with_setting(Setting.RUNTIME_MANAGEMENT, qualifier, members))
    return {"FunctionArn": function_arn(function.name, qualifier)} | members


async def get_runtime_management_config(house: House, p: Parameters) -> Result:
    named = reference(p)
    function = house.catalog.function(named)
    qualifier = named.qualifier or LATEST
    members = function.setting(Setting.RUNTIME_MANAGEMENT, qualifier) or {"UpdateRuntimeOn": "Auto"}
    return {"FunctionArn": function_arn(function.name, qualifier), **members}


# -------------------------------------------------------------------------------------------- scaling


async def put_function_scaling_config(house: House, p: Parameters) -> Result:
    named = reference(p)
    function = house.catalog.function(named)
    members = p.get("FunctionScalingConfig")
    await house.catalog.save(function.with_setting(Setting.SCALING, str(named.qualifier), members))
    return {"FunctionState": "Active"}


async def get_function_scaling_config(house: House, p: Parameters) -> Result:
    named = reference(p)
    function = house.catalog.function(named)
    return {
        "FunctionArn": function_arn(function.name, named.qualifier),
        "RequestedFunctionScalingConfig": function.setting(Setting.SCALING, str(named.qualifier)) or {},
    }
