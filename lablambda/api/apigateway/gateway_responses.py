"""Gateway responses: what an API says by itself."""

from __future__ import annotations

import re

from lablambda.api.apigateway.parts import Handler, Result, given, paged
from lablambda.api.apigateway.patches import patched
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.api import Members
from lablambda.model.errors import NotImplementedHere, ResourceNotFound, ValidationFailed
from lablambda.model.rest_api import RestApi, RestPart
from lablambda.rules.gateway_responses import KINDS, described, is_header
from lablambda.rules.rest_templates import InvalidTemplate, check_template


async def put_gateway_response(house: House, p: Parameters) -> Result:
    return await _saved(house, house.rest_apis.api(p["restApiId"]), checked_gateway_response(given(p)))


async def get_gateway_response(house: House, p: Parameters) -> Result:
    return _shown(house.rest_apis.api(p["restApiId"]), p["responseType"])


async def get_gateway_responses(house: House, p: Parameters) -> Result:
    api = house.rest_apis.api(p["restApiId"])
    return paged([_shown(api, kind) for kind in KINDS], p)


async def update_gateway_response(house: House, p: Parameters) -> Result:
    api = house.rest_apis.api(p["restApiId"])
    return await _saved(
        house, api, checked_gateway_response(patched("GatewayResponse", _shown(api, p["responseType"]), p))
    )


async def delete_gateway_response(house: House, p: Parameters) -> Result:
    api = house.rest_apis.api(p["restApiId"])
    if p["responseType"] not in api.all(RestPart.GATEWAY_RESPONSE):
        raise ResourceNotFound("Gateway response type not defined on api")
    await house.rest_apis.save(api.with_part(RestPart.GATEWAY_RESPONSE, p["responseType"], None))
    return {}


def checked_gateway_response(members: Members) -> Members:
    """Raises what is wrong with it."""
    status = members.get("statusCode")
    if status and not re.fullmatch(r"[2-5]\d\d", status):
        raise ValidationFailed(f"Invalid status code: {status}")
    for name in members.get("responseParameters") or ():
        if not is_header(name):
            raise ValidationFailed(f"Invalid mapping expression specified: {name}")
    for template in (members.get("responseTemplates") or {}).values():
        try:
            check_template(template)
        except InvalidTemplate as error:
            raise NotImplementedHere(str(error)) from None
    return members


def _shown(api: RestApi, kind: str) -> Members:
    return described(kind, api.all(RestPart.GATEWAY_RESPONSE))


async def _saved(house: House, api: RestApi, members: Members) -> Result:
    api = api.with_part(RestPart.GATEWAY_RESPONSE, members["responseType"], members)
    await house.rest_apis.save(api)
    return _shown(api, members["responseType"])


GATEWAY_RESPONSES: dict[str, Handler] = {
    "DeleteGatewayResponse": delete_gateway_response,
    "GetGatewayResponse": get_gateway_response,
    "GetGatewayResponses": get_gateway_responses,
    "PutGatewayResponse": put_gateway_response,
    "UpdateGatewayResponse": update_gateway_response,
}
