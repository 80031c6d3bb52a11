"""What an HTTP API is to have, by an OpenAPI 3 document with API Gateway's extensions.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-open-api.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lablambda.rules.http_routes import DEFAULT
from lablambda.rules.openapi import Document, InvalidDocument, Operation

_SOURCE = "$request.header.Authorization"
# What the extensions call integrations' members, and what they are called.
_INTEGRATION = {
    "type": "integrationType",
    "httpMethod": "integrationMethod",
    "uri": "integrationUri",
    "credentials": "credentialsArn",
}


@dataclass(frozen=True, slots=True)
class Route:
    """`members` are those of AWS's Route but for the ids of the integration and the authorizer."""

    members: dict[str, Any]
    integration: dict[str, Any] | None
    authorizer: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Members of all that the document says, by their names on the wire; authorizers by the name of their scheme."""

    members: dict[str, Any]
    authorizers: dict[str, dict[str, Any]]
    routes: list[Route]


def wanted(document: Document, base_path: str) -> Wanted:
    """Raises InvalidDocument."""
    if document.is_swagger:
        raise InvalidDocument(
            "Unable to read the document: HTTP APIs are imported from OpenAPI 3, not from Swagger 2"
        )
    authorizers = dict(_authorizers(document))
    routes = [_route(document, authorizers, one, base_path) for one in document.operations(base_path)]
    return Wanted(_members(document), authorizers, routes)


def _members(document: Document) -> dict[str, Any]:
    return {
        "name": document.title,
        "description": document.info.get("description"),
        "version": document.info.get("version"),
        "corsConfiguration": document.extension("cors"),
        "protocolType": "HTTP",
        "routeSelectionExpression": "$request.method $request.path",
    }


def _route(document: Document, authorizers: Mapping[str, Any], operation: Operation, base_path: str) -> Route:
    at_default = operation.path == f"{base_path}/{DEFAULT}"
    members: dict[str, Any] = {
        "routeKey": DEFAULT if at_default else f"{operation.method} {operation.path}",
        "operationName": operation.members.get("operationId"),
    }
    authorizer = None
    for name, scopes in document.security(operation):
        if name in authorizers:
            authorizer, jwt = name, authorizers[name]["authorizerType"] == "JWT"
            members["authorizationType"] = "JWT" if jwt else "CUSTOM"
            members["authorizationScopes"] = scopes if jwt and scopes else None
    auth = operation.members.get("x-amazon-apigateway-auth")
    if isinstance(auth, Mapping) and str(auth.get("type")).upper() == "AWS_IAM":
        members["authorizationType"], authorizer = "AWS_IAM", None
    found = document.integration(operation)
    return Route(members, None if found is None else _integration(found), authorizer)


def _integration(members: Mapping[str, Any]) -> dict[str, Any]:
    told = {_INTEGRATION.get(name, name): value for name, value in members.items()}
    told["integrationType"] = str(told.get("integrationType", "")).upper()
    if "connectionType" in told:
        told["connectionType"] = str(told["connectionType"]).upper()
    if "payloadFormatVersion" in told:  # which YAML takes for a number
        told["payloadFormatVersion"] = str(told["payloadFormatVersion"])
    return told


def _authorizers(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, scheme in document.security_schemes.items():
        given = scheme.get("x-amazon-apigateway-authorizer")
        if not isinstance(given, Mapping):
            continue
        kind = str(given.get("type", "")).upper()
        source = given.get("identitySource", _SOURCE if kind == "JWT" else "")
        told = {
            **given,
            "name": name,
            "authorizerType": kind,
            "authorizerCredentialsArn": given.get("authorizerCredentials"),
            "identitySource": [one.strip() for one in str(source).split(",") if one.strip()],
        }
        if "authorizerPayloadFormatVersion" in told:
            told["authorizerPayloadFormatVersion"] = str(told["authorizerPayloadFormatVersion"])
        yield name, told
