"""Routes as sources: one HTTP API leads requests to the functions, and the policy of each lets it.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator

from lablambda.model.api_routes import ApiRoutes
from lablambda.model.source import SHARED_API, RouteSource, Source
from lablambda.rules.http_routes import DEFAULT
from lablambda.rules.step import AnswerOf, Current, Step, Target, no_permission_step, permission_step

_GATEWAY = "apigateway.amazonaws.com"
_SERVICE = "apigatewayv2"


def route_steps(current: Current, wanted: Collection[Source], target: Target) -> Iterator[Step]:
    """The steps by which the wanted routes lead to the function, and none that did under its label."""
    wished = [s for s in wanted if isinstance(s, RouteSource) and s not in current.attached]
    left = [s for s in current.labelled(target.label) if isinstance(s, RouteSource) and s not in wanted]
    if wished:
        yield from _api_steps(current.api, target)
    for source in wished:
        yield from _attach(current, source, target)
    for source in left:
        yield from _detach(current, source, target)
    if left and not wished and current.api is not None:
        yield from _integration_steps(current.api, left, target)


def route_statement(label: str, route: str) -> str:
    """The id of the statement that lets requests by that route in."""
    return f"{label}-route-{hashlib.sha256(route.encode()).hexdigest()[:8]}"


def _api_steps(api: ApiRoutes | None, target: Target) -> Iterator[Step]:
    """An API that serves what is in it at once, and knows the function."""
    if api is None:
        shape = {"Name": SHARED_API, "ProtocolType": "HTTP"}
        yield Step(f"create HTTP API {SHARED_API}", _SERVICE, "CreateApi", shape)
    if api is None or DEFAULT not in api.stages:
        stage = {"ApiId": _api(api), "StageName": DEFAULT, "AutoDeploy": True}
        yield Step(f"have API {SHARED_API} serve its routes at once", _SERVICE, "CreateStage", stage)
    if api is None or target.arn not in api.integrations:
        integration = {
            "ApiId": _api(api),
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": target.arn,
            "PayloadFormatVersion": "2.0",
        }
        yield Step(
            f"make {target.name} known to API {SHARED_API}", _SERVICE, "CreateIntegration", integration
        )


def _attach(current: Current, source: RouteSource, target: Target) -> Iterator[Step]:
    """The permission first: it tells whose the route is, should the rest fail."""
    api, statement = current.api, route_statement(target.label, source.route)
    arn = _source_arn(api, source.route, target)
    if statement in current.statements and current.statements[statement] != arn:  # of an API that is no more
        yield no_permission_step(target, statement, str(source))
    if current.statements.get(statement) != arn:
        yield permission_step(target, statement, _GATEWAY, arn, str(source))
    known = api.routes.get(source.route) if api is not None else None
    if known is not None and known.leads_to == target.arn:
        return
    text = f"lead {source} to {target.name}"
    leads = {"ApiId": _api(api), "Target": _integration(api, target)}
    if known is not None and source not in current.taken:  # it led to a function that is no more
        yield Step(text, _SERVICE, "UpdateRoute", {**leads, "RouteId": known.identity})
        return
    yield Step(text, _SERVICE, "CreateRoute", {**leads, "RouteKey": source.route}, _advice(current, source))


def _advice(current: Current, source: RouteSource) -> str:
    holder = current.taken.get(source)
    if holder is None:
        return ""
    return (
        f"{source} leads to {holder}. Take it away there first, in its cell or by "
        f"%lambda off {holder} --route '{source.route}', or choose another route."
    )


def _detach(current: Current, source: RouteSource, target: Target) -> Iterator[Step]:
    route = {"ApiId": _api(current.api), "RouteId": current.attached[source].handle}
    yield Step(f"no longer lead {source} to {target.name}", _SERVICE, "DeleteRoute", route)
    yield no_permission_step(target, route_statement(target.label, source.route), str(source))


def _integration_steps(api: ApiRoutes, left: Collection[RouteSource], target: Target) -> Iterator[Step]:
    """The API forgets a function that none of its routes leads to."""
    if set(api.leading_to(target.arn)) <= {source.route for source in left}:
        integration = {"ApiId": api.identity, "IntegrationId": api.integrations[target.arn]}
        text = f"have API {SHARED_API} forget {target.name}"
        yield Step(text, _SERVICE, "DeleteIntegration", integration)


def _api(api: ApiRoutes | None, before: str = "", after: str = "") -> str | AnswerOf:
    """The API's id, with something around it."""
    if api is None:
        return AnswerOf("CreateApi", "ApiId", before, after)
    return f"{before}{api.identity}{after}"


def _integration(api: ApiRoutes | None, target: Target) -> str | AnswerOf:
    if api is None or target.arn not in api.integrations:
        return AnswerOf("CreateIntegration", "IntegrationId", "integrations/")
    return f"integrations/{api.integrations[target.arn]}"


def _source_arn(api: ApiRoutes | None, route: str, target: Target) -> str | AnswerOf:
    """What requests by that route are called in policies, on any stage."""
    method, _, path = route.partition(" ")
    place = f"/*/{DEFAULT}" if route == DEFAULT else f"/*/{'*' if method == 'ANY' else method}{path}"
    return _api(api, target.arn_of("execute-api", ""), place)
