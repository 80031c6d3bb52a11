"""What a function gave, as an answer to a client that wants to connect or has sent a message.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-integrations.html
"""

from __future__ import annotations

import json

from lablambda.model.http import HttpResponse
from lablambda.rules.http_result import Malformed, response_1_0

SUBPROTOCOL = "sec-websocket-protocol"


def reply_of(payload: bytes) -> HttpResponse:
    """The result, which needs a `statusCode`. Raises Malformed."""
    response = response_1_0(payload)
    if "statusCode" not in json.loads(payload):
        raise Malformed("the result has no statusCode")
    return response


def frame_of(body: bytes) -> str | bytes:
    """A body as a message: text if it is that, so that a page needn't ask which it got."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def error_frame(text: str, connection: str, request: str) -> str:
    """What a client is told of a message that went wrong, by the ids of its connection and request."""
    return json.dumps({"message": text, "connectionId": connection, "requestId": request})
