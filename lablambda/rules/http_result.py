"""What a function gave, as an answer to a request.

Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-response-payload, and answers recorded
from AWS where it says otherwise.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

from lablambda.model.http import Headers, HttpResponse

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# The connection is the server's affair, and so is how long the body is.
SERVERS_OWN = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_JSON = ("content-type", "application/json")
_OF_REST = frozenset({"body", "headers", "isBase64Encoded", "multiValueHeaders", "statusCode"})
_MOST_HEADER_BYTES = 64 * 1024  # as in requests; clients take no more, and servers refuse to send much more


class Malformed(Exception):
    """The function's result isn't one that AWS takes."""


def response_2_0(payload: bytes) -> HttpResponse:
    """Payload format 2.0: with a `statusCode` what the members say, else the result itself as the body."""
    result = _loaded(payload)
    if not isinstance(result, dict) or "statusCode" not in result:
        body = result if isinstance(result, str) else _compact(result)
        return HttpResponse(200, body.encode("utf-8", "replace"), [_JSON])
    headers = [*_headers(result.get("headers")), *_cookies(result.get("cookies"))]
    return _response(result, headers, _body(result.get("body"), compact=True))


def response_1_0(payload: bytes) -> HttpResponse:
    """Payload format 1.0, which has no short form."""
    return _from_object(_object(payload))


def response_rest(payload: bytes, *, binary: bool) -> HttpResponse:
    """As REST APIs take it: no member is needed, none beside those of a response allowed, and base64 is decoded for
    who wants bytes alone."""
    result = _object(payload)
    if unknown := result.keys() - _OF_REST:
        raise Malformed(f"the result has members that a response hasn't: {', '.join(sorted(unknown))}")
    return _from_object(result if binary else {**result, "isBase64Encoded": False})


def _object(payload: bytes) -> dict[str, Any]:
    result = _loaded(payload)
    if not isinstance(result, dict):
        raise Malformed("the result isn't an object")
    return result


def _from_object(result: Mapping[str, Any]) -> HttpResponse:
    several = _several(result.get("multiValueHeaders"))
    named = {name for name, _ in several}
    headers = [pair for pair in _headers(result.get("headers")) if pair[0] not in named] + several
    return _response({"statusCode": 200, **result}, headers, _body(result.get("body"), compact=False))


def prelude(data: bytes) -> tuple[int, Headers]:
    """Status and headers from the beginning of a streamed answer. Raises Malformed."""
    result = _object(data)
    headers = _headers(result.get("headers")) + _several(result.get("multiValueHeaders"))
    headers += _cookies(result.get("cookies"))
    return _status(result.get("statusCode", 200)), _bounded(headers)


def _response(result: Mapping[str, Any], headers: Headers, body: str) -> HttpResponse:
    if not any(name == "content-type" for name, _ in headers):
        headers.append(_JSON)
    status = _status(result["statusCode"])
    _bounded(headers)
    if result.get("isBase64Encoded") is not True:
        return HttpResponse(status, body.encode("utf-8", "replace"), headers)
    try:
        return HttpResponse(status, base64.b64decode("".join(body.split()), validate=True), headers)
    except (binascii.Error, ValueError):
        raise Malformed("body isn't base64") from None


def _loaded(payload: bytes) -> Any:
    try:
        return json.loads(payload or b"null")
    except (ValueError, RecursionError):
        raise Malformed("the result isn't JSON") from None


def _status(value: Any) -> int:
    """AWS takes a number in a string, too."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"[2-5][0-9]{2}", text):
        raise Malformed(f"{value!r} is no status code")
    return int(text)


def _headers(given: Any) -> Headers:
    if given is None:
        return []
    if not isinstance(given, Mapping):
        raise Malformed("headers isn't an object")
    return _kept([_checked(name, value) for name, value in given.items() if value is not None])


def _several(given: Any) -> Headers:
    if given is None:
        return []
    if not isinstance(given, Mapping) or not all(isinstance(values, list) for values in given.values()):
        raise Malformed("multiValueHeaders isn't an object of lists")
    return _kept([_checked(name, value) for name, values in given.items() for value in values])


def _cookies(given: Any) -> Headers:
    if given is None:
        return []
    if not isinstance(given, list):
        raise Malformed("cookies isn't a list")
    return [_checked("set-cookie", cookie) for cookie in given]


def _bounded(headers: Headers) -> Headers:
    if sum(len(name) + len(value) + len(": \r\n") for name, value in headers) > _MOST_HEADER_BYTES:
        raise Malformed(f"the headers have more than {_MOST_HEADER_BYTES} bytes")
    return headers


def sendable(headers: Headers) -> Headers:
    """The headers as they may be sent. Raises Malformed."""
    return _bounded(_kept([_checked(name, value) for name, value in headers]))


def _kept(headers: Headers) -> Headers:
    return [pair for pair in headers if pair[0] not in SERVERS_OWN]


def _checked(name: str, value: Any) -> tuple[str, str]:
    """A header as it may be sent: nothing in it can begin another one."""
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, int | float | str):
        text = str(value)
    else:
        raise Malformed(f"the header {name} isn't text")
    if not _NAME.fullmatch(name) or _FORBIDDEN.search(text):
        raise Malformed(f"the header {name!r} can't be sent")
    return name.lower(), text.strip(" \t")


def _body(body: Any, *, compact: bool) -> str:
    if body is None:
        return ""
    if isinstance(body, str):
        return body
    if not compact:
        raise Malformed("body isn't text")
    return _compact(body)


_compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
