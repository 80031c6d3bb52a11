"""Models (the schemas of bodies) and request validators."""

from __future__ import annotations

import json
import re

from lablambda.api.apigateway.parts import PartRules
from lablambda.model.api import Members
from lablambda.model.errors import ResourceConflict, ValidationFailed
from lablambda.model.rest_api import RestApi, RestPart
from lablambda.rules.json_schemas import InvalidSchema, check_schema

_NAME = re.compile(r"[A-Za-z0-9]+")
_DRAFT = "http://json-schema.org/draft-04/schema#"
# What each API has from the beginning.
EMPTY = {
    "name": "Empty",
    "description": "This is a default empty schema model",
    "schema": json.dumps({"$schema": _DRAFT, "title": "Empty Schema", "type": "object"}),
    "contentType": "application/json",
}
ERROR = {
    "name": "Error",
    "description": "This is a default error schema model",
    "schema": json.dumps(
        {
            "$schema": _DRAFT,
            "title": "Error Schema",
            "type": "object",
            "properties": {"message": {"type": "string"}},
        }
    ),
    "contentType": "application/json",
}


def checked_model(api: RestApi, identity: str, members: Members) -> Members:
    """Raises what is wrong with it."""
    if not _NAME.fullmatch(members["name"]):
        raise ValidationFailed(
            f"Invalid model name specified: {members['name']}. Letters and digits are allowed"
        )
    if members["name"] in api.all(RestPart.MODEL):
        raise ResourceConflict("Model name already exists for this REST API")
    schemas = {name: str(model.get("schema") or "{}") for name, model in api.all(RestPart.MODEL).items()}
    try:
        check_schema(identity, {**schemas, identity: members.get("schema") or "{}"})
    except InvalidSchema as error:
        raise ValidationFailed(f"Invalid model specified: {error}") from None
    return members


def _check_unused(api: RestApi, name: str) -> None:
    for resource in api.all(RestPart.RESOURCE).values():
        for method in resource["resourceMethods"].values():
            if name in (method.get("requestModels") or {}).values():
                raise ResourceConflict(f"Cannot delete model '{name}', is referenced in method request")


def checked_validator(_: RestApi, __: str, members: Members) -> Members:
    return {"validateRequestBody": False, "validateRequestParameters": False, **members}


def _check_no_method(api: RestApi, identity: str) -> None:
    for resource in api.all(RestPart.RESOURCE).values():
        for name, method in resource["resourceMethods"].items():
            if method.get("requestValidatorId") == identity:
                raise ResourceConflict(
                    f"Cannot delete request validator '{identity}', is referenced in method: {name} {resource['path']}"
                )


MODELS = PartRules(RestPart.MODEL, checked_model, _check_unused, named=True)
VALIDATORS = PartRules(RestPart.REQUEST_VALIDATOR, checked_validator, _check_no_method)
