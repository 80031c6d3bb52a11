"""REST APIs as a whole, and the account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lablambda.api.apigateway.models import EMPTY, ERROR
from lablambda.api.apigateway.parts import Handler, Result, given, paged
from lablambda.api.apigateway.patches import patched
from lablambda.api.identities import new_id, new_part_id
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.api import Members, Parts
from lablambda.model.errors import NotImplementedHere
from lablambda.model.rest_api import RestApi, RestPart
from lablambda.rules.throttle import ACCOUNT_BURST, ACCOUNT_RATE

_HERE = "is not implemented in this version of lablambda"


async def create_rest_api(house: House, p: Parameters) -> Result:
    if p.get("cloneFrom"):
        raise NotImplementedHere(f"Cloning REST APIs {_HERE}: make both of one document (ImportRestApi).")
    api = new_api(given(p), house.clock.now())
    await house.rest_apis.save(api)
    await house.serve_https()
    return described(api)


async def get_rest_api(house: House, p: Parameters) -> Result:
    return described(house.rest_apis.api(p["restApiId"]))


async def get_rest_apis(house: House, p: Parameters) -> Result:
    return paged([described(api) for api in house.rest_apis.apis()], p)


async def update_rest_api(house: House, p: Parameters) -> Result:
    api = house.rest_apis.api(p["restApiId"])
    api = replace(api, members=checked(patched("RestApi", api.members, p)))
    await house.rest_apis.save(api)
    return described(api)


async def delete_rest_api(house: House, p: Parameters) -> Result:
    await house.rest_apis.remove(house.rest_apis.api(p["restApiId"]))
    return {}


async def get_account(house: House, _: Parameters) -> Result:
    limits = {"burstLimit": ACCOUNT_BURST, "rateLimit": ACCOUNT_RATE}
    return {
        "throttleSettings": limits,
        "features": ["UsagePlans"],
        "apiKeyVersion": "4",
        **house.rest_apis.account,
    }


async def update_account(house: House, p: Parameters) -> Result:
    await house.rest_apis.save_account(patched("Account", house.rest_apis.account, p))
    return await get_account(house, p)


def new_api(members: Members, now: float) -> RestApi:
    """An API with its root resource, and the models that each has from the beginning."""
    root: Members = {"id": new_part_id(), "path": "/", "resourceMethods": {}}
    models: dict[str, Members] = {model["name"]: {"id": new_part_id(), **model} for model in (EMPTY, ERROR)}
    defaults = {
        "createdDate": int(now),
        "apiKeySource": "HEADER",
        "endpointConfiguration": {"types": ["EDGE"], "ipAddressType": "ipv4"},
        "disableExecuteApiEndpoint": False,
        "tags": {},
    }
    parts: Parts = {RestPart.RESOURCE: {root["id"]: root}, RestPart.MODEL: models}
    return RestApi(new_id(), checked({**defaults, **members}), parts)


def described(api: RestApi) -> dict[str, Any]:
    """The API's members as AWS tells them."""
    return {**api.members, "id": api.identity, "rootResourceId": api.root}


def checked(members: Mapping[str, Any]) -> Mapping[str, Any]:
    """The members, if the lab can do what they ask for."""
    endpoint = members.get("endpointConfiguration") or {}
    if members.get("policy"):
        raise NotImplementedHere(f"The resource policy of a REST API {_HERE}: use AWS_IAM or an authorizer.")
    if "PRIVATE" in endpoint.get("types", ()) or endpoint.get("vpcEndpointIds"):
        raise NotImplementedHere(
            f"A private endpoint {_HERE}: use REGIONAL. A lab is on loopback only, anyway."
        )
    if members.get("minimumCompressionSize") is not None:
        raise NotImplementedHere(f"Compression (minimumCompressionSize) {_HERE}.")
    return members


APIS: dict[str, Handler] = {
    "CreateRestApi": create_rest_api,
    "DeleteRestApi": delete_rest_api,
    "GetAccount": get_account,
    "GetRestApi": get_rest_api,
    "GetRestApis": get_rest_apis,
    "UpdateAccount": update_account,
    "UpdateRestApi": update_rest_api,
}
