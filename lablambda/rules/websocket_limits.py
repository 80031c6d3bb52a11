"""How large messages may be, and how long connections last.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
"""

from __future__ import annotations

MESSAGE_BYTES = 128 * 1024
IDLE_S, LIFE_S = 600.0, 7200.0
# Why a connection ends, as RFC 6455 numbers it. Clients may send text alone:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-binary-media-types.html
NORMAL, GOING_AWAY, UNSUPPORTED, TOO_BIG = 1000, 1001, 1003, 1009
_REASONS = {
    NORMAL: "Connection Closed Normally",
    GOING_AWAY: "Going away",
    UNSUPPORTED: "Binary frames are not supported",
    1005: "Client-side close frame status not set",
    TOO_BIG: "Message is too long",
}


def ends_at(connected: float, last_active: float) -> float:
    """The moment at which a connection ends unless something comes or goes before; all moments in seconds."""
    return min(connected + LIFE_S, last_active + IDLE_S)


def is_too_big(message: str | bytes) -> bool:
    """Whether a message has more bytes than one may."""
    if len(message) > MESSAGE_BYTES or isinstance(message, bytes):
        return len(message) > MESSAGE_BYTES
    return len(message.encode("utf-8", "replace")) > MESSAGE_BYTES


def reason(code: int) -> str:
    """What `disconnectReason` says of a close code; empty for those of the client's own."""
    return _REASONS.get(code, "")
