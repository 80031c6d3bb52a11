"""What an integration that is no proxy gets of a request, and what becomes of what it gives.

Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/integration-passthrough-behaviors.html,
api-gateway-integration-settings-integration-response.html, api-gateway-payload-encodings-workflow.html
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import NamedTuple

from lablambda.model.api import Members
from lablambda.model.http import HttpResponse
from lablambda.rules.gateway_responses import Failed, failed_inside
from lablambda.rules.http_event import parameters
from lablambda.rules.patterns import matches
from lablambda.rules.rest_event import Call, last
from lablambda.rules.rest_mapping import mapped_headers
from lablambda.rules.rest_templates import Values, rendered

_JSON = "application/json"


class Given(NamedTuple):
    """What an integration gave. `chosen_by` is its status, or the message of its error: by that integration responses
    are chosen."""

    response: HttpResponse
    chosen_by: str


def request_body(integration: Members, call: Call) -> bytes:
    """The body that the integration gets. Raises Failed, InvalidTemplate."""
    body = _converted(call.request.body, integration.get("contentHandling"), binary=call.is_binary())
    templates = integration.get("requestTemplates") or {}
    media_type = call.request.header("content-type").partition(";")[0].strip().lower() or _JSON
    template = (
        templates.get(media_type) if integration.get("contentHandling") != "CONVERT_TO_BINARY" else None
    )
    if template is not None:
        return rendered(template, _values(call, body)).encode("utf-8", "replace")
    behavior = integration["passthroughBehavior"]
    if behavior == "NEVER" or (behavior == "WHEN_NO_TEMPLATES" and templates):
        raise Failed("UNSUPPORTED_MEDIA_TYPE")
    return body


def answer(given: Given, method: Members, call: Call) -> HttpResponse:
    """The answer to the request. Raises Failed, InvalidTemplate."""
    chosen = _chosen(method["methodIntegration"]["integrationResponses"], given.chosen_by)
    if chosen is None or chosen["statusCode"] not in method["methodResponses"]:
        raise Failed(
            "API_CONFIGURATION_ERROR",
            reason=f"There is no integration response with a method response for {given.chosen_by[:100]!r}",
        )
    headers = mapped_headers(chosen.get("responseParameters") or {}, given.response, call)
    kind = dict(given.response.headers).get("content-type", _JSON)
    body = _converted(given.response.body, chosen.get("contentHandling"), binary=call.is_binary(kind))
    media_type, template = _template(chosen.get("responseTemplates") or {}, call)
    if template:
        body, kind = rendered(template, _values(call, body)).encode("utf-8", "replace"), media_type
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", kind))
    return HttpResponse(int(chosen["statusCode"]), body, headers)


def _chosen(responses: Mapping[str, Members], chosen_by: str) -> Members | None:
    """The first whose pattern fits; else the one without a pattern."""
    for response in responses.values():
        pattern = response.get("selectionPattern")
        if pattern and matches(pattern, chosen_by):
            return response
    return next((one for one in responses.values() if not one.get("selectionPattern")), None)


def _template(templates: Mapping[str, str], call: Call) -> tuple[str, str]:
    """That of the type that the client asks for; else JSON's, else the first. Empty if there is none."""
    for media_type in (call.request.header("accept").partition(",")[0].strip(), _JSON, *templates):
        if media_type in templates:
            return media_type, templates[media_type]
    return "", ""


def _values(call: Call, body: bytes) -> Values:
    return Values(
        body=body.decode("utf-8", "replace"),
        parameters={**dict(call.request.headers), **last(parameters(call.request)), **call.path_variables},
        context=call.context,
        stage_variables=call.stage_variables,
    )


def _converted(body: bytes, handling: str | None, *, binary: bool) -> bytes:
    """Bytes as base64 where text is asked for, and the other way round. Raises Failed."""
    if handling == "CONVERT_TO_TEXT":
        return base64.b64encode(body) if binary else body
    if handling != "CONVERT_TO_BINARY" or binary:
        return body
    try:
        return base64.b64decode(b"".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        raise failed_inside(500, "What is to become binary isn't base64") from None
