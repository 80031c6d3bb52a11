"""REST APIs: a request finds its stage and method, is let in and checked, and goes to the method's integration.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-rest-api.html
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from uuid import uuid4

from msgspec import structs

from lablambda.gateway.access_logs import write_access
from lablambda.gateway.answers import message
from lablambda.gateway.lambda_calls import LambdaCalls
from lablambda.gateway.rest_authorizers import RestAuthorizers
from lablambda.gateway.rest_integrations import RestIntegrations
from lablambda.gateway.rest_plans import Plans
from lablambda.gateway.rest_stages import Passage, RestStages, Served
from lablambda.gateway.rest_validation import check_request
from lablambda.gateway.throttles import Throttles
from lablambda.lab.house import House
from lablambda.model.http import HttpRequest, HttpResponse
from lablambda.model.invocation import new_trace_id
from lablambda.model.rest_api import RestPart
from lablambda.rules.access_log import flat
from lablambda.rules.addresses import Address
from lablambda.rules.gateway_responses import Failed, failed_inside, response_to
from lablambda.rules.http_event import TRACE, forwarded, new_request_id
from lablambda.rules.http_result import Malformed, sendable
from lablambda.rules.rest_event import Call, context
from lablambda.rules.rest_templates import InvalidTemplate


class RestApiDoor:
    """The REST APIs of a house."""

    def __init__(self, house: House) -> None:
        self._house = house
        calls = LambdaCalls(house)
        throttles = Throttles(house.clock.now)
        self._throttles = throttles
        self._stages = RestStages(house)
        self._authorizers = RestAuthorizers(house, calls)
        self._plans = Plans(house, throttles)
        self._integrations = RestIntegrations(calls)

    async def respond(self, request: HttpRequest, address: Address) -> HttpResponse:
        """Never raises for anything that a client or a function did."""
        stage, slash, rest = address.path[1:].partition("/")
        served = self._stages.find(address.identity, stage)
        request_id, extended_id = str(uuid4()), new_request_id()
        own = [("x-amzn-requestid", request_id), ("x-amz-apigw-id", extended_id)]
        if served is None:
            return message(403, "Forbidden", [("x-amzn-errortype", "ForbiddenException"), *own])
        passage = _begun(
            served, request, address.domain, f"/{rest}" if slash else "/", request_id, extended_id
        )
        response = await self._pass(passage)
        self._log(passage, response)
        return structs.replace(response, headers=[*response.headers, *own])

    async def close(self) -> None:
        await self._integrations.close()

    async def _pass(self, passage: Passage) -> HttpResponse:
        try:
            try:
                response = await self._answer(passage)
                return structs.replace(response, headers=sendable(response.headers))
            except InvalidTemplate as error:
                raise failed_inside(500, str(error)) from None
            except Malformed as error:
                raise failed_inside(502, f"Malformed response: {error}") from None
        except Failed as failed:
            return self._said_by_itself(passage, failed)

    def _said_by_itself(self, passage: Passage, failed: Failed) -> HttpResponse:
        """The API's gateway response; one that can't be made says nothing of itself."""
        passage.notes |= {
            "error.message": failed.text,
            "error.responseType": failed.kind,
            "error.validationErrorString": failed.details,
            "integrationErrorMessage": failed.reason,
        }
        own = passage.served.deployed.parts[RestPart.GATEWAY_RESPONSE]
        try:
            response = response_to(failed, own, passage.call)
            return structs.replace(response, headers=sendable(response.headers))
        except (InvalidTemplate, Malformed):
            return message(500, "Internal server error")

    async def _answer(self, passage: Passage) -> HttpResponse:
        self._find_method(passage)
        await self._authorizers.admit(passage)
        self._plans.admit(passage)
        place = (
            passage.served.api.identity,
            passage.served.name,
            passage.call.resource,
            passage.request.method,
        )
        most = passage.served.limits(passage.call.resource, passage.method["httpMethod"])
        if not self._throttles.admit(place, most):
            raise Failed("THROTTLED")
        check_request(passage)
        return await self._integrations.ask(passage)

    def _find_method(self, passage: Passage) -> None:
        found = passage.served.deployed.tree.match(passage.request.method, passage.call.path)
        if found is None:
            raise Failed("MISSING_AUTHENTICATION_TOKEN")
        passage.method = found.method
        passage.call = replace(passage.call, resource=found.resource["path"], path_variables=found.variables)
        passage.tell(resourceId=found.resource["id"], resourcePath=found.resource["path"])

    def _log(self, passage: Passage, response: HttpResponse) -> None:
        def values() -> Mapping[str, object]:
            return {
                **flat(passage.call.context),
                **passage.notes,
                "status": response.status,
                "responseLength": len(response.body),
                "responseLatency": int((time.time() - passage.request.received) * 1000),
            }

        settings = passage.served.stage.get("accessLogSettings") or {}
        write_access(self._house, settings.get("destinationArn"), settings.get("format"), values)


def _begun(
    served: Served, request: HttpRequest, domain: str, path: str, request_id: str, extended_id: str
) -> Passage:
    """A request that has found its stage. `path` is without it."""
    request = forwarded(request, request.header(TRACE) or new_trace_id())
    told = context(
        request,
        api_id=served.api.identity,
        domain=domain,
        stage=served.name,
        path=path,
        request_id=request_id,
        extended_id=extended_id,
    )
    binary_types = served.deployed.members.get("binaryMediaTypes") or ()
    variables = served.stage.get("variables") or {}
    return Passage(served, Call(request, path, "", {}, variables, told, binary_types))
