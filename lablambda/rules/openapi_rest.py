"""What a REST API is to have, by an OpenAPI or Swagger document with API Gateway's extensions.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lablambda.rules.openapi import Document, InvalidDocument, Operation, object_of

_REFERENCE = re.compile(r"#/(?:definitions|components/schemas)/(.+)")
_IN = {"query": "querystring", "header": "header", "path": "path"}
_JSON = "application/json"
_MODEL = "https://apigateway.amazonaws.com/restapis/{}/models/{}"
_STATUS = re.compile(r"[2-5]\d\d")


@dataclass(frozen=True, slots=True)
class Method:
    """`members` are those of AWS's Method but for what is named by name here, not by id."""

    path: str
    members: dict[str, Any]
    responses: list[dict[str, Any]]
    integration: dict[str, Any] | None
    integration_responses: list[dict[str, Any]]
    authorizer: str | None
    validator: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Members of all that the document says, as botocore spells them, by name."""

    members: dict[str, Any]
    models: list[dict[str, Any]]
    validators: list[dict[str, Any]]
    authorizers: list[dict[str, Any]]
    gateway_responses: list[dict[str, Any]]
    methods: list[Method] = field(default_factory=list)


def wanted(document: Document, api_id: str, base_path: str) -> Wanted:
    """Raises InvalidDocument."""
    models = _Models(document, api_id)
    methods = [_method(document, models, one) for one in document.operations(base_path)]
    return Wanted(
        _members(document),
        models.found,
        _validators(document),
        list(_authorizers(document)),
        list(_gateway_responses(document)),
        methods,
    )


def _members(document: Document) -> dict[str, Any]:
    told = {
        "name": document.title,
        "description": document.info.get("description"),
        "version": document.info.get("version"),
        "binaryMediaTypes": document.extension("binary-media-types"),
        "apiKeySource": document.extension("api-key-source"),
        "minimumCompressionSize": document.extension("minimum-compression-size"),
        "policy": json.dumps(document.extension("policy")) if document.extension("policy") else None,
    }
    return {name: value for name, value in told.items() if value is not None}


# ------------------------------------------------------------------------------------------------ models


class _Models:
    """Those of the document, and those that are only where they are used, which get names of their own."""

    def __init__(self, document: Document, api_id: str) -> None:
        self._document = document
        self._api_id = api_id
        self.found: list[dict[str, Any]] = []
        for name, schema in document.schemas.items():
            self._add(_model_name(name), schema)

    def _add(self, name: str, schema: Any) -> None:
        text = json.dumps(self._referring(schema))
        self.found.append({"name": name, "contentType": _JSON, "schema": text})

    def _referring(self, value: Any) -> Any:
        """With references to models as models have them."""
        if isinstance(value, list):
            return [self._referring(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        reference = value.get("$ref")
        found = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
        if found is not None:
            return {"$ref": _MODEL.format(self._api_id, _model_name(found[1]))}
        return {name: self._referring(item) for name, item in value.items()}

    def name_of(self, schema: Any) -> str | None:
        """The model for a schema that is used somewhere."""
        if not isinstance(schema, Mapping):
            return None
        found = _REFERENCE.fullmatch(str(schema.get("$ref")))
        if found is not None:
            return _model_name(found[1])
        name = f"MODEL{len(self.found)}"
        self._add(name, schema)
        return name


def _model_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", name)


def _contents(document: Document, members: Mapping[str, Any], types: str) -> Iterator[tuple[str, Any]]:
    """Media types and schemas of a request body or a response; `types` names those of Swagger."""
    if document.is_swagger:
        if "schema" in members:
            named = members.get(types) or document.loaded.get(types)
            for media_type in named if isinstance(named, list) else [_JSON]:
                yield str(media_type), members["schema"]
        return
    content = members.get("content")
    for media_type, one in (content if isinstance(content, Mapping) else {}).items():
        if isinstance(one, Mapping) and "schema" in one:
            yield media_type, one["schema"]


# ----------------------------------------------------------------------------------------------- methods


def _method(document: Document, models: _Models, operation: Operation) -> Method:
    authorization, authorizer, by_key = _security(document, operation)
    members = {
        "httpMethod": operation.method,
        "operationName": operation.members.get("operationId"),
        "authorizationType": authorization,
        "apiKeyRequired": by_key,
        "requestParameters": {
            f"method.request.{_IN[one['in']]}.{one['name']}": bool(one.get("required"))
            for one in operation.parameters
            if one.get("in") in _IN and one.get("name")
        },
        "requestModels": _request_models(document, models, operation),
    }
    integration = document.integration(operation)
    validator = operation.members.get(
        "x-amazon-apigateway-request-validator", document.extension("request-validator")
    )
    return Method(
        operation.path,
        members,
        list(_responses(document, models, operation)),
        None if integration is None else _integration(integration),
        [] if integration is None else list(_integration_responses(integration)),
        authorizer,
        None if validator is None else str(validator),
    )


def _request_models(document: Document, models: _Models, operation: Operation) -> dict[str, str]:
    bodies: list[Mapping[str, Any]]
    if document.is_swagger:
        bodies = [
            {**one, "consumes": operation.members.get("consumes")}
            for one in operation.parameters
            if one.get("in") == "body"
        ]
    else:
        body = document.resolved(operation.members.get("requestBody") or {})
        bodies = [body] if isinstance(body, Mapping) else []
    found = {
        media_type: models.name_of(schema)
        for one in bodies
        for media_type, schema in _contents(document, one, "consumes")
    }
    return {media_type: name for media_type, name in found.items() if name}


def _responses(document: Document, models: _Models, operation: Operation) -> Iterator[dict[str, Any]]:
    """Those with a status of their own."""
    responses = operation.members.get("responses")
    for status, one in (responses if isinstance(responses, Mapping) else {}).items():
        response = document.resolved(one)
        if not _STATUS.fullmatch(status) or not isinstance(response, Mapping):
            continue
        produced = {**response, "produces": operation.members.get("produces")}
        named = {
            media_type: models.name_of(schema)
            for media_type, schema in _contents(document, produced, "produces")
        }
        yield {
            "statusCode": status,
            "responseParameters": {
                f"method.response.header.{name}": False
                for name in object_of(response.get("headers") or {}, "headers")
            },
            "responseModels": {media_type: name for media_type, name in named.items() if name},
        }


def _security(document: Document, operation: Operation) -> tuple[str, str | None, bool]:
    """The type of authorization, the name of the authorizer, and whether an API key is needed."""
    schemes = document.security_schemes
    kind, authorizer, by_key = "NONE", None, False
    for name, _ in document.security(operation):
        scheme = schemes.get(name)
        if scheme is None:
            raise InvalidDocument(f"Unable to read the document: there is no security scheme {name}")
        auth_type = str(scheme.get("x-amazon-apigateway-authtype") or "").lower()
        if "x-amazon-apigateway-authorizer" in scheme:
            cognito = auth_type == "cognito_user_pools"
            kind, authorizer = "COGNITO_USER_POOLS" if cognito else "CUSTOM", name
        elif auth_type == "awssigv4":
            kind = "AWS_IAM"
        elif scheme.get("type") == "apiKey" and str(scheme.get("name")).lower() == "x-api-key":
            by_key = True
    auth = operation.members.get("x-amazon-apigateway-auth")
    if isinstance(auth, Mapping) and str(auth.get("type", "")).upper() in ("NONE", "AWS_IAM"):
        kind, authorizer = str(auth["type"]).upper(), None
    return kind, authorizer, by_key


def _integration(members: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {name: value for name, value in members.items() if name != "responses"}
    told["type"] = str(members.get("type", "")).upper()
    for name in ("passthroughBehavior", "contentHandling", "connectionType", "responseTransferMode"):
        if name in told:
            told[name] = str(told[name]).upper()
    return told


def _integration_responses(members: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    responses = members.get("responses")
    for pattern, response in (responses if isinstance(responses, Mapping) else {}).items():
        if isinstance(response, Mapping):
            told = {**response, "statusCode": str(response.get("statusCode"))}
            if pattern != "default":
                told["selectionPattern"] = pattern
            if "contentHandling" in told:
                told["contentHandling"] = str(told["contentHandling"]).upper()
            yield told


# ------------------------------------------------------------------------------------------- the others


def _validators(document: Document) -> list[dict[str, Any]]:
    return [{"name": name, **members} for name, members in document.named("request-validators")]


def _authorizers(document: Document) -> Iterator[dict[str, Any]]:
    for name, scheme in document.security_schemes.items():
        members = scheme.get("x-amazon-apigateway-authorizer")
        if isinstance(members, Mapping):
            told = {
                **members,
                "name": name,
                "authType": scheme.get("x-amazon-apigateway-authtype") or "custom",
            }
            told["type"] = str(members.get("type", "")).upper()
            if told["type"] == "TOKEN":
                told.setdefault("identitySource", f"method.request.header.{scheme.get('name')}")
            yield told


def _gateway_responses(document: Document) -> Iterator[dict[str, Any]]:
    for kind, members in document.named("gateway-responses"):
        told = {**members, "responseType": kind}
        if told.get("statusCode") is not None:
            told["statusCode"] = str(told["statusCode"])
        yield told
