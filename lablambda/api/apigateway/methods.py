"""Methods: who may take them, what they need, and which answers they have."""

from __future__ import annotations

import re
from typing import Any

from lablambda.api.apigateway.parts import Handler, Result, given, part_of
from lablambda.api.apigateway.patches import patched
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.api import Members
from lablambda.model.errors import NotImplementedHere, ResourceConflict, ResourceNotFound, ValidationFailed
from lablambda.model.rest_api import RestApi, RestPart
from lablambda.rules.rest_resources import METHODS

_TYPES = ("NONE", "AWS_IAM", "CUSTOM", "COGNITO_USER_POOLS", "JWT")
_PARAMETER = re.compile(
    r"method\.request\.(path|querystring|header|multivaluequerystring|multivalueheader)\.[^\s]+"
)
_RESPONSE_PARAMETER = re.compile(r"method\.response\.(header|multivalueheader)\.[^\s]+")
_STATUS = re.compile(r"[2-5]\d\d")
_PLACE = ("resourceId", "httpMethod")


def method_of(api: RestApi, p: Parameters) -> Members:
    """The method that the parameters name. Raises ResourceNotFound."""
    part_of(api, RestPart.RESOURCE, p["resourceId"])
    found = api.method(p["resourceId"], p["httpMethod"])
    if found is None:
        raise ResourceNotFound("Invalid Method identifier specified")
    return found


async def put_method(house: House, p: Parameters) -> Result:
    api = house.rest_apis.api(p["restApiId"])
    part_of(api, RestPart.RESOURCE, p["resourceId"])
    if api.method(p["resourceId"], p["httpMethod"]) is not None:
        raise ResourceConflict("Method already exists for this resource")
    members = checked_method(api, {"apiKeyRequired": False, "methodResponses": {}, **given(p, "resourceId")})
    await house.rest_apis.save(api.with_method(p["resourceId"], p["httpMethod"], members))
    return members


async def get_method(house: House, p: Parameters) -> Result:
    return method_of(house.rest_apis.api(p["restApiId"]), p)


async def update_method(house: House, p: Parameters) -> Result:
    api = house.rest_apis.api(p["restApiId"])
    members = checked_method(api, patched("Method", method_of(api, p), p))
    await house.rest_apis.save(api.with_method(p["resourceId"], p["httpMethod"], members))
    return members


async def delete_method(house: House, p: Parameters) -> Result:
    api = house.rest_apis.api(p["restApiId"])
    method_of(api, p)
    await house.rest_apis.save(api.with_method(p["resourceId"], p["httpMethod"], None))
    return {}


def checked_method(api: RestApi, members: Members) -> dict[str, Any]:
    """Raises what is wrong with a method of that API."""
    kind = members["authorizationType"]
    if members["httpMethod"] not in METHODS:
        raise ValidationFailed(f"Invalid HttpMethod specified. Valid options are {', '.join(METHODS)}")
    if kind not in _TYPES:
        raise ValidationFailed(
            "Invalid authorization type specified. Valid options are NONE, AWS_IAM, CUSTOM"
        )
    if kind in ("COGNITO_USER_POOLS", "JWT"):
        raise NotImplementedHere(
            f"{kind} authorization of REST APIs is not implemented in this version of lablambda: use an HTTP API with "
            "JWT authorization, or an authorizer that is a function."
        )
    if kind == "CUSTOM" and members.get("authorizerId") not in api.all(RestPart.AUTHORIZER):
        raise ValidationFailed(
            "Invalid authorizer ID specified. Setting the authorization type to CUSTOM requires it."
        )
    for name in members.get("requestParameters") or ():
        if not _PARAMETER.fullmatch(name):
            raise ValidationFailed(f"Invalid mapping expression specified: {name}")
    validator = members.get("requestValidatorId")
    if validator and validator not in api.all(RestPart.REQUEST_VALIDATOR):
        raise ValidationFailed("Invalid Request Validator identifier specified")
    _check_models(api, members.get("requestModels"))
    return dict(members)


def _check_models(api: RestApi, models: Members | None) -> None:
    for name in (models or {}).values():
        if name not in api.all(RestPart.MODEL):
            raise ValidationFailed(f"Invalid model identifier specified: {name}")


# ------------------------------------------------------------------------------------- method responses


async def put_method_response(house: House, p: Parameters) -> Result:
    api = house.rest_apis.api(p["restApiId"])
    method = method_of(api, p)
    if p["statusCode"] in method["methodResponses"]:
        raise ResourceConflict("Response already exists for this resource")
    return await _saved(house, api, p, checked_response(api, given(p, *_PLACE)))


async def get_method_response(house: House, p: Parameters) -> Result:
    return _response_of(house.rest_apis.api(p["restApiId"]), p)


async def update_method_response(house: House, p: Parameters) -> Result:
    api = house.rest_apis.api(p["restApiId"])
    members = checked_response(api, patched("MethodResponse", _response_of(api, p), p))
    return await _saved(house, api, p, members)


async def delete_method_response(house: House, p: Parameters) -> Result:
    api = house.rest_apis.api(p["restApiId"])
    _response_of(api, p)
    method = method_of(api, p)
    kept = {status: one for status, one in method["methodResponses"].items() if status != p["statusCode"]}
    changed = {**method, "methodResponses": kept}
    await house.rest_apis.save(api.with_method(p["resourceId"], p["httpMethod"], changed))
    return {}


def checked_response(api: RestApi, members: Members) -> dict[str, Any]:
    """Raises what is wrong with a method's response."""
    if not _STATUS.fullmatch(members["statusCode"]):
        raise ValidationFailed(f"Invalid status code: {members['statusCode']}")
    for name in members.get("responseParameters") or ():
        if not _RESPONSE_PARAMETER.fullmatch(name):
            raise ValidationFailed(f"Invalid mapping expression specified: {name}")
    _check_models(api, members.get("responseModels"))
    return dict(members)


def _response_of(api: RestApi, p: Parameters) -> Members:
    found: Members | None = method_of(api, p)["methodResponses"].get(p["statusCode"])
    if found is None:
        raise ResourceNotFound("Invalid Response status code specified")
    return found


async def _saved(house: House, api: RestApi, p: Parameters, members: Members) -> Members:
    method = method_of(api, p)
    changed = {**method, "methodResponses": {**method["methodResponses"], p["statusCode"]: members}}
    await house.rest_apis.save(api.with_method(p["resourceId"], p["httpMethod"], changed))
    return members


METHOD_OPERATIONS: dict[str, Handler] = {
    "DeleteMethod": delete_method,
    "DeleteMethodResponse": delete_method_response,
    "GetMethod": get_method,
    "GetMethodResponse": get_method_response,
    "PutMethod": put_method,
    "PutMethodResponse": put_method_response,
    "UpdateMethod": update_method,
    "UpdateMethodResponse": update_method_response,
}
