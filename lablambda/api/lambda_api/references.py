"""Which function, version or alias a request means."""

from __future__ import annotations

from lablambda.api.shapes import Parameters
from lablambda.rules.names import FunctionReference, parse_reference


def reference(p: Parameters) -> FunctionReference:
    """What FunctionName and Qualifier name. Raises as `rules.names.parse_reference` does."""
    return parse_reference(p["FunctionName"], p.get("Qualifier"))


def unqualified(p: Parameters) -> FunctionReference:
    """The function itself, whatever version FunctionName's ARN names."""
    return FunctionReference(parse_reference(p["FunctionName"]).name)
