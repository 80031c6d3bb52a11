"""Integrations: what answers a method, and what becomes of its answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lablambda.api.apigateway.methods import method_of
from lablambda.api.apigateway.parts import Handler, Result, given
from lablambda.api.apigateway.patches import patched
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.api import Members
from lablambda.model.errors import NotImplementedHere, ResourceNotFound, ValidationFailed
from lablambda.model.rest_api import RestApi
from lablambda.rules.lambda_uri import InvalidUri, function_of
from lablambda.rules.patterns import InvalidPattern, check_pattern
from lablambda.rules.rest_mapping import InvalidMapping, check_request_mapping, check_response_mapping
from lablambda.rules.rest_templates import InvalidTemplate, check_template

_HERE = "not implemented in this version of lablambda"
_MOST_MS, _MOST_STREAMED_MS = 29_000, 900_000
_PLACE = ("resourceId", "httpMethod")
_STREAMS = "/response-streaming-invocations"


async def put_integration(house: House, p: Parameters) -> Result:
    api = house.rest_apis.api(p["restApiId"])
    method_of(api, p)
    method = p.get("integrationHttpMethod")
    members = checked_integration(
        {
            "cacheNamespace": p["resourceId"],
            "cacheKeyParameters": [],
            **given(p, *_PLACE, "integrationHttpMethod"),
            "httpMethod": method,
            "integrationResponses": {},
        }
    )
    return await _saved(house, api, p, members)


async def get_integration(house: House, p: Parameters) -> Result:
    return _integration_of(house.rest_apis.api(p["restApiId"]), p)


async def update_integration(house: House, p: Parameters) -> Result:
    api = house.rest_apis.api(p["restApiId"])
    return await _saved(
        house, api, p, checked_integration(patched("Integration", _integration_of(api, p), p))
    )


async def delete_integration(house: House, p: Parameters) -> Result:
    api = house.rest_apis.api(p["restApiId"])
    _integration_of(api, p)
    await _saved(house, api, p, None)
    return {}


def checked_integration(members: Members) -> dict[str, Any]:
    """With what is taken for granted. Raises what is wrong with it."""
    kind, streams = members["type"], members.get("responseTransferMode") == "STREAM"
    most = _MOST_STREAMED_MS if streams else _MOST_MS
    members = {"passthroughBehavior": "WHEN_NO_MATCH", "timeoutInMillis": _MOST_MS, **members}
    if members.get("connectionType") == "VPC_LINK":
        raise NotImplementedHere(f"Private integrations (VPC links) are {_HERE}.")
    if (members.get("tlsConfig") or {}).get("insecureSkipVerification"):
        raise NotImplementedHere(f"Servers whose certificates nobody verifies are {_HERE}.")
    if streams and kind != "AWS_PROXY":
        raise NotImplementedHere(f"Streaming is {_HERE} but for functions (AWS_PROXY).")
    if members["passthroughBehavior"] not in ("WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"):
        raise ValidationFailed("Invalid passthrough behavior specified")
    if not 50 <= members["timeoutInMillis"] <= most:
        raise ValidationFailed(f"Timeout should be between 50 ms and {most} ms")
    if kind != "MOCK" and not members.get("httpMethod"):
        raise ValidationFailed("Enumeration value for HttpMethod must be non-empty")
    _check_uri(kind, members.get("uri"), streams=streams)
    _check(check_request_mapping, members.get("requestParameters") or {})
    for template in (members.get("requestTemplates") or {}).values():
        _check(check_template, template)
    return dict(members)


def _check_uri(kind: str, uri: str | None, *, streams: bool) -> None:
    if kind in ("AWS", "AWS_PROXY"):
        if not uri:
            raise ValidationFailed("The uri of the function is required")
        if ":lambda:" not in uri:
            raise NotImplementedHere(
                f"AWS integrations but with functions are {_HERE}: have a function make the call."
            )
        if streams != uri.endswith(_STREAMS):
            raise ValidationFailed(f"An integration streams if its URI ends in {_STREAMS}, and with it alone")
        _check(lambda uri: function_of(uri, {}), uri)
    elif kind in ("HTTP", "HTTP_PROXY") and not (uri or "").startswith(("http://", "https://", "${")):
        raise ValidationFailed("Invalid HTTP endpoint specified for URI")


def _check(check: Callable[[Any], object], value: Any) -> None:
    try:
        check(value)
    except (InvalidMapping, InvalidPattern, InvalidUri) as error:
        raise ValidationFailed(str(error)) from None
    except InvalidTemplate as error:
        raise NotImplementedHere(str(error)) from None


def _integration_of(api: RestApi, p: Parameters) -> Members:
    found: Members | None = method_of(api, p).get("methodIntegration")
    if found is None:
        raise ResourceNotFound("Invalid Integration identifier specified")
    return found


async def _saved(house: House, api: RestApi, p: Parameters, members: Members | None) -> Result:
    changed = {**method_of(api, p), "methodIntegration": members}
    await house.rest_apis.save(api.with_method(p["resourceId"], p["httpMethod"], changed))
    return members or {}


# -------------------------------------------------------------------------------- integration responses


async def put_integration_response(house: House, p: Parameters) -> Result:
    api = house.rest_apis.api(p["restApiId"])
    _integration_of(api, p)
    members = {"responseTemplates": {}, **given(p, *_PLACE)}
    return await _saved_response(house, api, p, checked_response(method_of(api, p), members))


async def get_integration_response(house: House, p: Parameters) -> Result:
    return _response_of(house.rest_apis.api(p["restApiId"]), p)


async def update_integration_response(house: House, p: Parameters) -> Result:
    api = house.rest_apis.api(p["restApiId"])
    members = patched("IntegrationResponse", _response_of(api, p), p)
    return await _saved_response(house, api, p, checked_response(method_of(api, p), members))


async def delete_integration_response(house: House, p: Parameters) -> Result:
    api = house.rest_apis.api(p["restApiId"])
    _response_of(api, p)
    await _saved_response(house, api, p, None)
    return {}


def checked_response(method: Members, members: Members) -> dict[str, Any]:
    """Raises what is wrong with an integration's response, in that method."""
    _check(check_pattern, members.get("selectionPattern") or "")
    mapping = members.get("responseParameters") or {}
    _check(check_response_mapping, mapping)
    response = method["methodResponses"].get(members["statusCode"])
    if mapping and response is None:
        raise ValidationFailed("Invalid mapping expression specified: No method response exists for method.")
    for key in mapping:
        if key not in ((response or {}).get("responseParameters") or {}):
            raise ValidationFailed(
                f"Invalid mapping parameter specified: {key}. Name it in the method response's parameters first"
            )
    for template in (members.get("responseTemplates") or {}).values():
        _check(check_template, template or "")
    return dict(members)


def _response_of(api: RestApi, p: Parameters) -> Members:
    found: Members | None = _integration_of(api, p)["integrationResponses"].get(p["statusCode"])
    if found is None:
        raise ResourceNotFound("Invalid Response status code specified")
    return found


async def _saved_response(house: House, api: RestApi, p: Parameters, members: Members | None) -> Result:
    integration = _integration_of(api, p)
    responses = {**integration["integrationResponses"], p["statusCode"]: members}
    kept = {status: one for status, one in responses.items() if one is not None}
    await _saved(house, api, p, {**integration, "integrationResponses": kept})
    return members or {}


INTEGRATIONS: dict[str, Handler] = {
    "DeleteIntegration": delete_integration,
    "DeleteIntegrationResponse": delete_integration_response,
    "GetIntegration": get_integration,
    "GetIntegrationResponse": get_integration_response,
    "PutIntegration": put_integration,
    "PutIntegrationResponse": put_integration_response,
    "UpdateIntegration": update_integration,
    "UpdateIntegrationResponse": update_integration_response,
}
