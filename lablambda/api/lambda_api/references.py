"""Which function, version or alias a request means."""

from __future__ import annotations

from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.errors import InvalidParameterValue, ResourceNotFound
from lablambda.model.function import LATEST, Function
from lablambda.rules.names import FunctionReference, parse_reference


def reference(p: Parameters) -> FunctionReference:
    """What FunctionName and Qualifier name. Raises as `rules.names.parse_reference` does."""
    return parse_reference(p["FunctionName"], p.get("Qualifier"))


def unqualified(p: Parameters) -> FunctionReference:
    """The function itself, whatever version FunctionName's ARN names."""
    return FunctionReference(parse_reference(p["FunctionName"]).name)


def whole(p: Parameters, *, latest: bool = False) -> FunctionReference:
    """The function itself. Raises InvalidParameterValue if a version or alias is named; `latest` lets $LATEST pass."""
    named = reference(p)
    if named.qualifier is not None and not (latest and named.qualifier == LATEST):
        raise InvalidParameterValue(
            "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
            "Please specify either a function name or an unqualified function ARN."
        )
    return named


def existing(house: House, named: FunctionReference) -> Function:
    """The function; ResourceNotFound, in the words AWS has for an alias or a version, if there is none such."""
    function = house.catalog.find(named.name)
    qualifier = named.qualifier
    if function is not None and function.has(qualifier):
        return function
    if qualifier is None or qualifier == LATEST or qualifier.isdigit() or "$" in qualifier:
        raise ResourceNotFound(f"Function not found: {named.arn}")
    raise ResourceNotFound(f"Cannot find alias arn: {named.arn}")
