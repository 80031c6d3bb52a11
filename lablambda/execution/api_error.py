"""Errors of the Runtime API and the Extensions API, as AWS words them."""

from __future__ import annotations

import json

from lablambda.httpserver import Response

JSON = ("content-type", "application/json")


class ApiFault(Exception):
    """A call that can't be carried out."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


def render(fault: ApiFault) -> Response:
    body = {"errorMessage": str(fault), "errorType": fault.kind}
    return Response(fault.status, json.dumps(body).encode(), [JSON])


def accepted() -> Response:
    """What AWS answers to everything that is reported."""
    return Response(202, b'{"status":"OK"}\n', [JSON])
