"""Which version an invocation through an alias runs.

Source: Lambda function aliases, https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
"""

from __future__ import annotations

from lablambda.model.errors import InvalidParameterValue, UntypedInvalidParameterValue
from lablambda.model.function import LATEST, Alias

_MOST_WEIGHTS = 1


def route(alias: Alias, roll: float) -> str:
    """The number of the version to run; `roll` is a random number from 0 up to 1."""
    for number, weight in alias.weights.items():
        if roll < weight:
            return number
        roll -= weight
    return alias.version


def check(alias: Alias) -> None:
    """Refuse an alias whose routing AWS wouldn't take. Raises InvalidParameterValue."""
    if len(alias.weights) > _MOST_WEIGHTS:
        raise InvalidParameterValue("Number of items in AdditionalVersionWeights cannot be greater than 1")
    for number in alias.weights:
        if LATEST in (alias.version, number):
            raise UntypedInvalidParameterValue(
                f"{LATEST} is not supported for an alias pointing to more than 1 version"
            )
        if number == alias.version:
            raise InvalidParameterValue(
                f"Invalid function version {number}. Function version {number} is already included in routing "
                "configuration."
            )
