"""How names of headers are written in events that keep their case.

How a client wrote them isn't told by the server, which has them in lower case.
"""

from __future__ import annotations

# The names that functions look for; others stay in lower case.
_SPELT = {
    name.lower(): name
    for name in (
        "Accept",
        "Accept-Encoding",
        "Accept-Language",
        "Authorization",
        "Cache-Control",
        "Connection",
        "Content-Encoding",
        "Content-Type",
        "Cookie",
        "Host",
        "Origin",
        "Pragma",
        "Range",
        "Referer",
        "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Version",
        "Upgrade",
        "User-Agent",
        "X-Amzn-Trace-Id",
        "X-Forwarded-For",
        "X-Forwarded-Port",
        "X-Forwarded-Proto",
    )
}


def spelt(name: str) -> str:
    """The name, in lower case, as functions look for it."""
    return _SPELT.get(name, name)
