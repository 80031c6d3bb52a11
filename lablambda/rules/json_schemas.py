"""Bodies checked against models: JSON schemas of draft 4, which may refer to other models of their API.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings-models.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import jsonschema_rs

# How one model names another, by an address that needn't be one: https://apigateway.amazonaws.com/restapis/ID/models/PET.
_MODEL = re.compile(r"https://apigateway\.[\w.-]+/restapis/[^/]+/models/([A-Za-z0-9]+)")
_PLACE = "json-schema:///models/"
_MOST_TOLD = 10


class InvalidSchema(Exception):
    """The text is no schema, or refers to one that isn't there; the message says so."""


class BodySchema:
    """That of one of the models (schemas, as text, by name). Raises InvalidSchema."""

    def __init__(self, name: str, models: Mapping[str, str]) -> None:
        loaded = {one: _loaded(text) for one, text in models.items()}
        resources = [(f"{_PLACE}{one}", schema) for one, schema in loaded.items()]
        try:
            registry = jsonschema_rs.Registry(resources, draft=jsonschema_rs.Draft4, retriever=_nothing_from)
            whole = {"$ref": f"{_PLACE}{name}"}
            self._validator = jsonschema_rs.Draft4Validator(whole, registry=registry, offline=True)
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            raise InvalidSchema(str(error).partition("\n")[0].replace(_PLACE, "model ")) from None

    def errors(self, body: bytes) -> list[str]:
        """What is wrong with a body, a line each; empty if nothing is."""
        try:
            value = json.loads(body or b"{}")
        except (ValueError, RecursionError):
            return ["the body isn't JSON"]
        found: list[str] = []
        for error in self._validator.iter_errors(value):
            place = "".join(f"/{step}" for step in error.instance_path)
            found.append(f"{place}: {error.message}" if place else error.message)
            if len(found) == _MOST_TOLD:
                break
        return found


def check_schema(name: str, models: Mapping[str, str]) -> None:
    """Raises InvalidSchema."""
    BodySchema(name, models)


def _nothing_from(address: str) -> Any:
    raise InvalidSchema(f"a model refers to {address}, and may to models of its API alone")


def _loaded(text: str) -> Any:
    try:
        schema = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidSchema("a schema is JSON") from None
    if not isinstance(schema, dict):
        raise InvalidSchema("a schema is an object")
    return _referring({key: item for key, item in schema.items() if key not in ("$schema", "id")})


def _referring(value: Any) -> Any:
    """The schema with its references to models as the registry knows them."""
    if isinstance(value, dict):
        return {
            key: _MODEL.sub(rf"{_PLACE}\1", item)
            if key == "$ref" and isinstance(item, str)
            else _referring(item)
            for key, item in value.items()
        }
    return [_referring(item) for item in value] if isinstance(value, list) else value
