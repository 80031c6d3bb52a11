"""API Gateway's calls on connections, at the address of their stage: the coat around `api/connections_api.py`."""

from __future__ import annotations

from lablambda.api import connections_api, errors
from lablambda.api.authentication import NotAuthenticated
from lablambda.gateway.answers import message
from lablambda.gateway.callers import iam_caller
from lablambda.httpserver import Request
from lablambda.lab.house import House
from lablambda.model.errors import LabError
from lablambda.model.http import HttpRequest, HttpResponse
from lablambda.rules.addresses import Address
from lablambda.rules.http_event import joined


async def respond_to_call(house: House, request: HttpRequest, address: Address) -> HttpResponse:
    """Answer a request to `/STAGE/@connections/ID`; to anything else, that it is forbidden."""
    stage, found, _ = address.path.removeprefix("/").partition(connections_api.PREFIX)
    if not found:
        return message(403, "Forbidden")
    asked = Request(request.method, address.path, request.query, joined(request), request.body)
    try:
        iam_caller(request, house.keys, "execute-api")
        answer = await connections_api.respond(house, asked, (address.identity, stage))
    except (LabError, NotAuthenticated) as error:
        answer = errors.render(errors.aws_error(error), "execute-api", has_target=False)
    return HttpResponse(answer.status, answer.body, answer.headers)
