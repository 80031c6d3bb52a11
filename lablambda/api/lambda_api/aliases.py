"""Aliases: names that point to a version, or share traffic between two."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lablambda.api.lambda_api.references import unqualified
from lablambda.api.pages import page
from lablambda.api.shapes import Parameters
from lablambda.lab.deploy import STALE_REVISION
from lablambda.lab.house import House
from lablambda.model.errors import PreconditionFailed, ResourceConflict, ResourceNotFound
from lablambda.model.function import Alias, Function
from lablambda.rules import routing
from lablambda.rules.names import function_arn

Result = Mapping[str, Any]


async def create_alias(house: House, p: Parameters) -> Result:
    named = unqualified(p)
    function = house.catalog.find(named.name)
    if function is None:
        raise ResourceNotFound(f"Function not found: {function_arn(named.name, p['FunctionVersion'])}")
    name = p["Name"]
    if name in function.aliases:
        raise ResourceConflict(f"Alias already exists: {function_arn(function.name, name)}")
    alias = Alias(
        name=name,
        version=p["FunctionVersion"],
        description=p.get("Description", ""),
        revision=str(uuid.uuid4()),
        weights=_weights(p) or {},
    )
    return await _save(house, function, alias)


async def update_alias(house: House, p: Parameters) -> Result:
    function = house.catalog.function(unqualified(p))
    alias = _alias(function, p["Name"])
    if p.get("RevisionId") not in (None, alias.revision):
        raise PreconditionFailed(STALE_REVISION)
    weights = _weights(p)
    changed = replace(
        alias,
        version=p.get("FunctionVersion", alias.version),
        description=p.get("Description", alias.description),
        weights=alias.weights if weights is None else weights,
        revision=str(uuid.uuid4()),
    )
    return await _save(house, function, changed)


async def get_alias(house: House, p: Parameters) -> Result:
    function = house.catalog.function(unqualified(p))
    return _described(function, _alias(function, p["Name"]))


async def list_aliases(house: House, p: Parameters) -> Result:
    function = house.catalog.function(unqualified(p))
    aliases = [function.aliases[name] for name in sorted(function.aliases)]
    if "FunctionVersion" in p:
        aliases = [alias for alias in aliases if p["FunctionVersion"] in (alias.version, *alias.weights)]
    chosen, marker = page(aliases, p, lambda alias: alias.name)
    return {"Aliases": [_described(function, alias) for alias in chosen], "NextMarker": marker}


async def delete_alias(house: House, p: Parameters) -> Result:
    """Deleting an alias that isn't there is no error, as on AWS; what was attached to it goes with it."""
    function = house.catalog.find(unqualified(p).name)
    if function is not None and p["Name"] in function.aliases:
        left = function.without(p["Name"])
        await house.catalog.save(left)
        house.provisioner.adjust(left)
    return {"_status": 204}


async def _save(house: House, function: Function, alias: Alias) -> Result:
    routing.check(alias)
    for number in (alias.version, *alias.weights):
        if function.version(number) is None:
            raise ResourceNotFound(f"Function not found: {function_arn(function.name, number)}")
    saved = replace(function, aliases={**function.aliases, alias.name: alias})
    await house.catalog.save(saved)
    house.provisioner.adjust(saved)
    return _described(saved, alias)


def _alias(function: Function, name: str) -> Alias:
    if name not in function.aliases:
        raise ResourceNotFound(f"Cannot find alias arn: {function_arn(function.name, name)}")
    return function.aliases[name]


def _weights(p: Parameters) -> dict[str, float] | None:
    """The weights that a request gives; None if it says nothing about routing."""
    routing_config = p.get("RoutingConfig")
    if routing_config is None:
        return None
    weights: dict[str, float] = routing_config.get("AdditionalVersionWeights", {})
    return weights


def _described(function: Function, alias: Alias) -> dict[str, Any]:
    return {
        "AliasArn": function_arn(function.name, alias.name),
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision,
        "RoutingConfig": {"AdditionalVersionWeights": alias.weights} if alias.weights else None,
    }
