"""Bodies in events: text as it is, anything else in base64.

Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

import base64
import re

_TEXT = re.compile(
    r"(text/|application/(json|xml|javascript|xhtml\+xml|graphql|ld\+json|x-yaml|yaml)\b|[^;]*\+(json|xml)\b)",
    re.IGNORECASE,
)


def body_members(body: bytes, content_type: str) -> dict[str, object]:
    """`body` and `isBase64Encoded` of an event; no body, no `body`. What claims to be text and isn't UTF-8
    goes in base64, so that nothing is lost."""
    if not body:
        return {"isBase64Encoded": False}
    if not content_type or _TEXT.match(content_type.strip()):
        try:
            return {"body": body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
