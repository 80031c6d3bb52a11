"""REST APIs from OpenAPI and Swagger documents: each part is checked as if it were made by its own operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lablambda.api.apigateway.apis import checked, described, new_api
from lablambda.api.apigateway.authorizers import checked_authorizer
from lablambda.api.apigateway.gateway_responses import checked_gateway_response
from lablambda.api.apigateway.integrations import checked_integration
from lablambda.api.apigateway.integrations import checked_response as checked_integration_response
from lablambda.api.apigateway.methods import checked_method, checked_response
from lablambda.api.apigateway.models import checked_model, checked_validator
from lablambda.api.apigateway.parts import Handler, Result
from lablambda.api.apigateway.patches import SERVICE
from lablambda.api.apigateway.resources import placed
from lablambda.api.identities import new_part_id
from lablambda.api.nouns import of_shape
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.api import Parts
from lablambda.model.errors import ValidationFailed
from lablambda.model.rest_api import RestApi, RestPart
from lablambda.rules.openapi import InvalidDocument, read_document
from lablambda.rules.openapi_rest import Method, Wanted, wanted

_BASE_PATHS = ("ignore", "prepend", "split")


async def import_rest_api(house: House, p: Parameters) -> Result:
    api = new_api({}, house.clock.now())
    api = _with(api, _read(p, api.identity))
    await house.rest_apis.save(api)
    await house.serve_https()
    return described(api)


async def put_rest_api(house: House, p: Parameters) -> Result:
    """`overwrite` has the API be what the document says, its stages and deployments kept; `merge` adds to it."""
    api = house.rest_apis.api(p["restApiId"])
    said = _read(p, api.identity)
    if p.get("mode") == "overwrite":
        empty = new_api({}, house.clock.now())
        kept: Parts = {part: api.all(part) for part in (RestPart.STAGE, RestPart.DEPLOYMENT)}
        members = {**empty.members, **{n: api.members[n] for n in _KEPT if n in api.members}}
        root = {"id": api.root, "path": "/", "resourceMethods": {}}
        parts: Parts = {**empty.parts, **kept, RestPart.RESOURCE: {api.root: root}}
        api = replace(api, members=members, parts=parts)
    api = _with(api, said)
    await house.rest_apis.save(api)
    return described(api)


_KEPT = ("name", "createdDate", "tags", "endpointConfiguration", "disableExecuteApiEndpoint")


def _read(p: Parameters, api_id: str) -> Wanted:
    """What the document among the parameters says."""
    given = p.get("parameters") or {}
    mode = given.get("basepath", "ignore").lower()
    if mode not in _BASE_PATHS:
        raise ValidationFailed(f"Invalid basepath specified. Valid options are {', '.join(_BASE_PATHS)}")
    try:
        document = read_document(p["body"])
        said = wanted(document, api_id, document.base_path(mode))
    except InvalidDocument as error:
        raise ValidationFailed(str(error)) from None
    if kind := given.get("endpointConfigurationTypes"):
        said.members["endpointConfiguration"] = {"types": kind.split(","), "ipAddressType": "ipv4"}
    return said


def _of(noun: str, told: Mapping[str, Any]) -> dict[str, Any]:
    return of_shape(SERVICE, noun, told)


def _with(api: RestApi, said: Wanted) -> RestApi:
    """The API with all that is said. Raises what the operations would that make one of its parts."""
    members = _of("RestApi", {**api.members, **said.members})
    if not members.get("name"):
        raise ValidationFailed("Unable to create the API: the document has no title")
    api = replace(api, members=checked(members))
    api = _with_models(api, said)
    for one in said.validators:
        api = _with_named(
            api, RestPart.REQUEST_VALIDATOR, checked_validator(api, "", _of("RequestValidator", one))
        )
    for one in said.authorizers:
        former = _named(api, RestPart.AUTHORIZER, one["name"]) or ""
        made = checked_authorizer(api, former, _of("Authorizer", one))
        api = _with_named(api, RestPart.AUTHORIZER, made)
    for one in said.gateway_responses:
        response = checked_gateway_response(_of("GatewayResponse", one))
        api = api.with_part(RestPart.GATEWAY_RESPONSE, response["responseType"], response)
    for method in said.methods:
        api = _with_method(api, method)
    return api


def _with_models(api: RestApi, said: Wanted) -> RestApi:
    """They may refer to each other, so all are there before any is checked."""
    models = [{"id": new_part_id(), **_of("Model", one)} for one in said.models]
    for one in models:
        api = api.with_part(RestPart.MODEL, one["name"], one)
    for one in models:
        checked_model(api.with_part(RestPart.MODEL, one["name"], None), one["name"], one)
    return api


def _with_named(api: RestApi, part: RestPart, members: Mapping[str, Any]) -> RestApi:
    """The API with a part that takes the place of the one of its name."""
    identity = _named(api, part, members["name"]) or new_part_id()
    return api.with_part(part, identity, {**members, "id": identity})


def _named(api: RestApi, part: RestPart, name: str) -> str | None:
    return next((identity for identity, one in api.all(part).items() if one.get("name") == name), None)


def _with_method(api: RestApi, method: Method) -> RestApi:
    api, resource = _with_resource(api, method.path)
    members = {
        **method.members,
        "authorizerId": _named(api, RestPart.AUTHORIZER, method.authorizer or ""),
        "requestValidatorId": _named(api, RestPart.REQUEST_VALIDATOR, method.validator or ""),
    }
    if method.validator and members["requestValidatorId"] is None:
        raise ValidationFailed(f"Invalid request validator specified: {method.validator}")
    made = checked_method(api, {"methodResponses": {}, **_of("Method", members)})
    made["methodResponses"] = {
        one["statusCode"]: checked_response(api, _of("MethodResponse", one)) for one in method.responses
    }
    if method.integration is not None:
        made["methodIntegration"] = _integration(resource, made, method)
    return api.with_method(resource, made["httpMethod"], made)


def _integration(resource: str, made: dict[str, Any], method: Method) -> dict[str, Any]:
    given = {"cacheNamespace": resource, "cacheKeyParameters": [], **(method.integration or {})}
    integration = checked_integration({**_of("Integration", given), "integrationResponses": {}})
    responses = [_of("IntegrationResponse", one) for one in method.integration_responses]
    integration["integrationResponses"] = {
        one["statusCode"]: checked_integration_response(made, one) for one in responses
    }
    return integration


def _with_resource(api: RestApi, path: str) -> tuple[RestApi, str]:
    """The API with the resources that lead to the path, and the id of the last."""
    identity, place = api.root, ""
    for part in filter(None, path.split("/")):
        place = f"{place}/{part}"
        known = next((n for n, one in api.all(RestPart.RESOURCE).items() if one["path"] == place), None)
        if known is None:
            known = new_part_id()
            made = {"id": known, "parentId": identity, "pathPart": part, "resourceMethods": {}}
            api = placed(api, {**api.all(RestPart.RESOURCE), known: made})
        identity = known
    return api, identity


IMPORTS: dict[str, Handler] = {"ImportRestApi": import_rest_api, "PutRestApi": put_rest_api}
