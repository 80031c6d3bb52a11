"""A request as a function's event, in both of AWS's payload formats.

Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html,
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec.structs import replace

from lablambda.model.http import HttpRequest
from lablambda.rules.http_body import body_members
from lablambda.rules.names import ACCOUNT

TRACE = "x-amzn-trace-id"


class Match(msgspec.Struct, frozen=True):
    """What an endpoint made of a request: its own identity, and the route that the request takes.

    `path` is the request's path, decoded; `raw_path` is what events call so, which HTTP APIs have decoded, too.
    `variables` are those of the path and the stage. `keeps_cookies` is whether the event has cookies among its headers
    as well, as those of function URLs have (recorded from AWS, 2026-07).
    """

    api_id: str
    domain: str
    stage: str
    route_key: str
    path: str
    raw_path: str
    request_id: str
    path_variables: Mapping[str, str] | None = None
    stage_variables: Mapping[str, str] | None = None
    authorizer: Mapping[str, Any] | None = None
    keeps_cookies: bool = False


def new_request_id() -> str:
    """An id of the form that API Gateway gives: eleven bytes in base64, the last of its 16 characters `=`."""
    return base64.urlsafe_b64encode(os.urandom(11)).decode()


def event_2_0(request: HttpRequest, match: Match) -> dict[str, Any]:
    """Payload format 2.0; what is absent is left out."""
    headers = joined(request)
    if not match.keeps_cookies:
        headers.pop("cookie", None)
    context: dict[str, Any] = {
        "accountId": ACCOUNT,
        "apiId": match.api_id,
        "domainName": match.domain,
        "domainPrefix": match.api_id,
        "http": {
            "method": request.method,
            "path": match.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": match.request_id,
        "routeKey": match.route_key,
        "stage": match.stage,
        "time": clf_time(request.received),
        "timeEpoch": int(request.received * 1000),
    }
    if match.authorizer is not None:
        context["authorizer"] = match.authorizer
    cookies = [
        cookie.strip()
        for name, value in request.headers
        if name == "cookie"
        for cookie in value.split(";")
        if cookie.strip()
    ]
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": match.route_key,
        "rawPath": match.raw_path,
        "rawQueryString": request.query,
        "cookies": cookies,
        "headers": headers,
        "queryStringParameters": {name: ",".join(values) for name, values in parameters(request).items()},
        "requestContext": context,
        "pathParameters": match.path_variables,
        "stageVariables": match.stage_variables,
        **body_members(request.body, headers.get("content-type", "")),
    }
    return {name: value for name, value in event.items() if value or name not in _MAY_BE_ABSENT}


_MAY_BE_ABSENT = ("cookies", "queryStringParameters", "pathParameters", "stageVariables")


def event_1_0(request: HttpRequest, match: Match) -> dict[str, Any]:
    """Payload format 1.0; what is absent is null."""
    several = _several(request)
    queried = parameters(request)
    _, _, resource = match.route_key.rpartition(" ")
    context = {
        "accountId": ACCOUNT,
        "apiId": match.api_id,
        "authorizer": match.authorizer,
        "domainName": match.domain,
        "domainPrefix": match.api_id,
        "extendedRequestId": match.request_id,
        "httpMethod": request.method,
        "identity": {**NOBODY, "sourceIp": request.source_ip, "userAgent": request.header("user-agent")},
        "path": match.path,
        "protocol": request.protocol,
        "requestId": match.request_id,
        "requestTime": clf_time(request.received),
        "requestTimeEpoch": int(request.received * 1000),
        "resourceId": match.route_key,
        "resourcePath": resource,
        "stage": match.stage,
    }
    body = body_members(request.body, request.header("content-type"))
    return {
        "version": "1.0",
        "resource": resource,
        "path": match.path,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in several.items()},
        "multiValueHeaders": several,
        "queryStringParameters": {name: values[-1] for name, values in queried.items()} or None,
        "multiValueQueryStringParameters": queried or None,
        "requestContext": context,
        "pathParameters": match.path_variables or None,
        "stageVariables": match.stage_variables or None,
        "body": None,
        **body,
    }


NOBODY = dict.fromkeys(
    (
        "accessKey",
        "accountId",
        "caller",
        "cognitoAmr",
        "cognitoAuthenticationProvider",
        "cognitoAuthenticationType",
        "cognitoIdentityId",
        "cognitoIdentityPoolId",
        "principalOrgId",
        "user",
        "userArn",
    )
)


def forwarded(request: HttpRequest, trace_id: str) -> HttpRequest:
    """The request with the headers that AWS's front adds."""
    added = {
        "x-forwarded-for": request.source_ip,
        "x-forwarded-port": str(request.port),
        "x-forwarded-proto": "https",
        TRACE: trace_id,
    }
    kept = [pair for pair in request.headers if pair[0] not in added]
    return replace(request, headers=[*kept, *added.items()])


def joined(request: HttpRequest) -> dict[str, str]:
    """Headers by name, repeated ones joined with commas."""
    found: dict[str, str] = {}
    for name, value in request.headers:
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def parameters(request: HttpRequest) -> dict[str, list[str]]:
    """The query's parameters, decoded, in their order."""
    found: dict[str, list[str]] = {}
    if not request.query:
        return found
    for name, value in parse_qsl(request.query, keep_blank_values=True, errors="replace"):
        found.setdefault(name, []).append(value)
    return found


def clf_time(moment: float) -> str:
    """As access logs write it: `01/Nov/2026:10:00:00 +0000`."""
    return _clf_second(int(moment))


@lru_cache(maxsize=64)  # requests of one second have it in common
def _clf_second(second: int) -> str:
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(second))


def _several(request: HttpRequest) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in request.headers:
        found.setdefault(name, []).append(value)
    return found
