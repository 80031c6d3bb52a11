"""Members of a service's nouns that come from elsewhere than a request, read and checked by botocore's model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

from lablambda.api.shapes import from_json
from lablambda.api.validation import validate


@cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def shape_of(service: str, noun: str) -> Shape:
    return _model(service).shape_for(noun)


def of_shape(service: str, noun: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """The noun's members, of those that are told by their names on the wire; what it hasn't is left out. Raises
    ValidationFailed if one isn't what it must be."""
    shape = shape_of(service, noun)
    members: dict[str, Any] = from_json(dict(told), shape)
    validate(members, shape)
    return members
