"""Authorizers: functions that say whether a request may pass."""

from __future__ import annotations

import re

from lablambda.api.apigateway.parts import Handler, PartRules, Result, operations, part_of
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.api import Members
from lablambda.model.errors import NotImplementedHere, ResourceConflict, ValidationFailed
from lablambda.model.rest_api import RestApi, RestPart
from lablambda.rules.lambda_uri import InvalidUri, function_of
from lablambda.rules.patterns import InvalidPattern, check_pattern

_TTL_S, _MOST_TTL_S = 300, 3600
_TOKEN = re.compile(r"method\.request\.header\.[^\s,]+")
_SOURCE = re.compile(r"(method\.request\.(header|querystring)|context|stageVariables)\.[^\s,]+")


def checked_authorizer(api: RestApi, identity: str, members: Members) -> Members:
    """With what is taken for granted. Raises what is wrong with it."""
    if members["type"] in ("COGNITO_USER_POOLS", "JWT"):
        raise NotImplementedHere(
            f"{members['type']} authorizers of REST APIs are not implemented in this version of lablambda: use TOKEN "
            "or REQUEST, or an HTTP API with a JWT authorizer."
        )
    for name, other in api.all(RestPart.AUTHORIZER).items():
        if name != identity and other["name"] == members["name"]:
            raise ResourceConflict("Authorizer name must be unique. Authorizer with this name already exists")
    members = {"authType": "custom", "authorizerResultTtlInSeconds": _TTL_S, **members}
    if not 0 <= members["authorizerResultTtlInSeconds"] <= _MOST_TTL_S:
        raise ValidationFailed("Invalid value for authorizerResultTtlInSeconds: 0 to 3600 seconds are")
    _check_sources(members)
    try:
        check_pattern(members.get("identityValidationExpression") or "")
        function_of(members.get("authorizerUri") or "", {})
    except (InvalidPattern, InvalidUri) as error:
        raise ValidationFailed(str(error)) from None
    return members


def _check_sources(members: Members) -> None:
    """One header with a token, or any values; REQUEST without caching needs none."""
    source = members.get("identitySource") or ""
    if members["type"] == "TOKEN":
        if not _TOKEN.fullmatch(source):
            raise ValidationFailed(
                "Invalid identity source: a TOKEN authorizer takes one method.request.header.NAME"
            )
        return
    if not source and members["authorizerResultTtlInSeconds"]:
        raise ValidationFailed("Identity source is required for REQUEST authorizers whose answers are cached")
    for one in filter(None, source.split(",")):
        if not _SOURCE.fullmatch(one.strip()):
            raise ValidationFailed(f"Invalid identity source: {one.strip()}")


def _check_unused(api: RestApi, identity: str) -> None:
    for resource in api.all(RestPart.RESOURCE).values():
        for name, method in resource["resourceMethods"].items():
            if method.get("authorizerId") == identity:
                raise ResourceConflict(
                    f"Cannot delete authorizer '{identity}', is referenced in method: {name} {resource['path']}"
                )


async def flush_stage_authorizers_cache(house: House, p: Parameters) -> Result:
    api = house.rest_apis.api(p["restApiId"])
    part_of(api, RestPart.STAGE, p["stageName"])
    house.rest_apis.flush(api.identity, p["stageName"])
    return {}


AUTHORIZERS: dict[str, Handler] = {
    **operations(PartRules(RestPart.AUTHORIZER, checked_authorizer, _check_unused)),
    "FlushStageAuthorizersCache": flush_stage_authorizers_cache,
}
