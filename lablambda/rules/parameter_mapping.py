"""Changes of requests on their way to an integration, and of its answers.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from msgspec.structs import replace

from lablambda.model.http import Headers, HttpRequest, HttpResponse
from lablambda.rules.http_event import Match, clf_time, parameters
from lablambda.rules.names import ACCOUNT

_BRACED = re.compile(r"\$\{([^}]+)\}")
_RESERVED = re.compile(
    r"access-control-.*|apigw-.*|authorization|connection|content-encoding|content-length|content-location|forwarded"
    r"|keep-alive|origin|proxy-.*|te|trailers?|transfer-encoding|upgrade|via|x-amzn?-.*|x-forwarded-.*"
)
_KEY = re.compile(r"^(append|overwrite|remove):(header|querystring)\.([^\s:]+)$")


class InvalidMapping(Exception):
    """A mapping's key isn't one; the message says why."""


def check_request_mapping(mapping: Mapping[str, str]) -> None:
    """Raises InvalidMapping."""
    for key in mapping:
        if key != "overwrite:path":
            _check(key, ("header", "querystring"))


def check_response_mapping(mapping: Mapping[str, Mapping[str, str]]) -> None:
    """Raises InvalidMapping."""
    for status, changes in mapping.items():
        if not re.fullmatch(r"[2-5]\d\d", status):
            raise InvalidMapping(f"Invalid response parameters: '{status}' is no status code from 200 to 599")
        for key in changes:
            if key != "overwrite:statuscode":
                _check(key, ("header",))


def _check(key: str, places: tuple[str, ...]) -> None:
    found = _KEY.match(key)
    if found is None or found[2] not in places:
        raise InvalidMapping(f"Invalid mapping expression specified: {key}")
    if found[2] == "header" and _RESERVED.fullmatch(found[3].lower()):
        raise InvalidMapping(f"Operations on header {found[3].lower()} are restricted")


def evaluate(expression: str, request: HttpRequest, match: Match) -> str | None:
    """The value of `$request.header.x`, `$context.requestId`, `$stageVariables.x` and so on; other text is itself, with
    `${...}` in it replaced. None if there is no such value."""
    if expression.startswith("$") and not expression.startswith("${"):
        return _value(expression[1:], request, match)
    return _BRACED.sub(lambda found: _value(found[1], request, match) or "", expression)


def mapped_request(
    mapping: Mapping[str, str], request: HttpRequest, match: Match
) -> tuple[HttpRequest, str | None]:
    """The request as changed, and the path to put in place of its own, if any."""
    if not mapping:
        return request, None
    headers, query, path = list(request.headers), parameters(request), None
    for key, expression in mapping.items():
        value = evaluate(expression, request, match)
        if key == "overwrite:path":
            path = value
            continue
        action, _, place = key.partition(":")
        kind, _, name = place.partition(".")
        if kind == "header":
            headers = _changed(headers, action, name.lower(), value)
        else:
            query = _changed_query(query, action, name, value)
    if query != parameters(request):
        request = replace(request, query=urlencode(query, doseq=True, quote_via=quote))
    return replace(request, headers=headers), path


def mapped_response(
    mapping: Mapping[str, Mapping[str, str]], response: HttpResponse, request: HttpRequest, match: Match
) -> HttpResponse:
    """The answer as changed, by what its status asks for."""
    changes = mapping.get(str(response.status))
    if not changes:
        return response
    headers, status = list(response.headers), response.status
    for key, expression in changes.items():
        value = _response_value(expression, response) or evaluate(expression, request, match)
        if key == "overwrite:statuscode":
            status = int(value) if value and re.fullmatch(r"[2-5]\d\d", value) else status
        else:
            action, _, place = key.partition(":")
            headers = _changed(headers, action, place.partition(".")[2].lower(), value)
    return replace(response, headers=headers, status=status)


def _changed(headers: Headers, action: str, name: str, value: str | None) -> Headers:
    """What has no value changes nothing, but for a removal."""
    if action != "remove" and value is None:
        return headers
    kept = headers if action == "append" else [pair for pair in headers if pair[0] != name]
    return kept if action == "remove" or value is None else [*kept, (name, value)]


def _changed_query(
    query: dict[str, list[str]], action: str, name: str, value: str | None
) -> dict[str, list[str]]:
    if action != "remove" and value is None:
        return query
    former = query.get(name, []) if action == "append" else []
    others = {key: values for key, values in query.items() if key != name}
    return others if action == "remove" or value is None else {**others, name: [*former, value]}


def _value(name: str, request: HttpRequest, match: Match) -> str | None:
    place, _, rest = name.partition(".")
    if place == "request":
        return _of_request(rest, request, match)
    if place == "stageVariables":
        return (match.stage_variables or {}).get(rest)
    if place == "context":
        found = context_values(request, match).get(rest)
        return None if found is None else str(found)
    return None


def _of_request(name: str, request: HttpRequest, match: Match) -> str | None:
    place, _, rest = name.partition(".")
    match place:
        case "header":
            return request.header(rest.lower()) or None
        case "querystring":
            values = parameters(request).get(rest)
            return None if values is None else ",".join(values)
        case "path":
            return match.path if not rest else (match.path_variables or {}).get(rest)
        case "body":
            return _of_body(rest, request.body)
    return None


def _of_body(path: str, body: bytes) -> str | None:
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    for name in filter(None, path.split(".")):
        if not isinstance(found, dict) or name not in found:
            return None
        found = found[name]
    return found if isinstance(found, str) else json.dumps(found)


def _response_value(expression: str, response: HttpResponse) -> str | None:
    if expression.startswith("$response.header."):
        wanted = expression.removeprefix("$response.header.").lower()
        return ",".join(value for name, value in response.headers if name == wanted) or None
    if expression.startswith("$response.body"):
        return _of_body(expression.removeprefix("$response.body").lstrip("."), response.body)
    return None


def context_values(request: HttpRequest, match: Match) -> dict[str, object]:
    """The `$context` variables of a request, by name."""
    values: dict[str, object] = {
        "accountId": ACCOUNT,
        "apiId": match.api_id,
        "domainName": match.domain,
        "domainPrefix": match.api_id,
        "extendedRequestId": match.request_id,
        "httpMethod": request.method,
        "identity.sourceIp": request.source_ip,
        "identity.userAgent": request.header("user-agent"),
        "path": match.path,
        "protocol": request.protocol,
        "requestId": match.request_id,
        "requestTime": clf_time(request.received),
        "requestTimeEpoch": int(request.received * 1000),
        "routeKey": match.route_key,
        "stage": match.stage,
    }
    for name, value in _authorizer_values(match.authorizer or {}).items():
        values[f"authorizer.{name}"] = value
    return values


def _authorizer_values(authorizer: Mapping[str, Any]) -> Mapping[str, object]:
    if "jwt" in authorizer:
        return {f"claims.{name}": value for name, value in authorizer["jwt"]["claims"].items()}
    found = authorizer.get("lambda") or authorizer.get("iam") or {}
    return found if isinstance(found, Mapping) else {}
