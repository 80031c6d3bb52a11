"""Lines of access logs, from a format of `$context` variables.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_VARIABLE = re.compile(r"\$context\.([A-Za-z0-9_.-]*[A-Za-z0-9_])")


def access_line(form: str, values: Mapping[str, object]) -> str:
    """The format with its variables replaced; what isn't known is `-`."""

    def replaced(found: re.Match[str]) -> str:
        value = values.get(found[1])
        return "-" if value in (None, "") else str(value)

    return _VARIABLE.sub(replaced, form)


def flat(told: Mapping[str, Any], place: str = "") -> dict[str, object]:
    """The `$context` variables of a `requestContext`, by name: `identity.sourceIp`."""
    found: dict[str, object] = {}
    for name, value in told.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{place}{name}.")
        else:
            found[f"{place}{name}"] = value
    return found
