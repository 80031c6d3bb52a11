"""Resource policies of functions: who else may invoke them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lablambda.api.lambda_api import statements
from lablambda.api.lambda_api.references import existing, reference
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.errors import InvalidParameterValue, ResourceNotFound
from lablambda.model.function import LATEST, Function
from lablambda.model.package import Policy
from lablambda.rules.names import FunctionReference

Result = Mapping[str, Any]


async def add_permission(house: House, p: Parameters) -> Result:
    named = _qualified(p)
    function, policy = existing(house, named), _policy(house, named)
    added, statement = statements.add(policy, p, named.arn)
    await _save(house, function, named, added)
    return {"Statement": statements.text(statement)}


async def remove_permission(house: House, p: Parameters) -> Result:
    named = _qualified(p)
    if house.catalog.find(named.name) is None:
        raise ResourceNotFound(f"No policy found for: {named.arn}")
    function, policy = existing(house, named), _policy(house, named)
    await _save(house, function, named, statements.remove(policy, p))
    return {"_status": 204}


async def get_policy(house: House, p: Parameters) -> Result:
    named = reference(p)
    house.catalog.function(FunctionReference(named.name))
    policy = _policy(house, named)
    return {"Policy": statements.document(policy), "RevisionId": policy.revision}


# The same policy as a whole, by its resource's ARN.


async def put_resource_policy(house: House, p: Parameters) -> Result:
    named, function, policy = _of_resource(house, p)
    replaced = statements.replace(policy, p, named.arn)
    await _save(house, function, named, replaced)
    return {"Policy": statements.document(replaced), "RevisionId": replaced.revision}


async def get_resource_policy(house: House, p: Parameters) -> Result:
    _, _, policy = _of_resource(house, p)
    return {"Policy": statements.document(policy), "RevisionId": policy.revision}


async def delete_resource_policy(house: House, p: Parameters) -> Result:
    named, function, policy = _of_resource(house, p)
    statements.check_revision(policy, p)
    await _save(house, function, named, Policy())
    return {"_status": 204}


def _of_resource(house: House, p: Parameters) -> tuple[FunctionReference, Function, Policy]:
    named = _qualified({"FunctionName": p["ResourceArn"]})
    return named, existing(house, named), _policy(house, named)


def _qualified(p: Parameters) -> FunctionReference:
    named = reference(p)
    if named.qualifier == LATEST:
        raise InvalidParameterValue("We currently do not support adding policies for $LATEST.")
    return named


def _policy(house: House, named: FunctionReference) -> Policy:
    function = house.catalog.find(named.name)
    return Policy() if function is None else function.policies.get(named.qualifier or "", Policy())


async def _save(house: House, function: Function, named: FunctionReference, policy: Policy) -> None:
    kept = {**function.policies, named.qualifier or "": policy}
    await house.catalog.save(replace(function, policies=kept))
