"""Answers that the gateway gives by itself."""

from __future__ import annotations

import json

from lablambda.model.http import Headers, HttpResponse

_JSON = ("content-type", "application/json")


class Refused(Exception):
    """The request goes no further: this is its answer."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__(response.status)
        self.response = response


def message(status: int, text: str, headers: Headers | None = None) -> HttpResponse:
    """An answer in the form of API Gateway's errors."""
    body = json.dumps({"message": text}, separators=(",", ":"))
    return HttpResponse(status, body.encode(), [_JSON, *(headers or [])])
