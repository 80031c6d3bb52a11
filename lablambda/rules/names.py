"""The names by which a function can be called: short name, partial ARN, ARN, each with a qualifier.

A lab has one account, and whatever account number a caller writes means it: code and templates that name
the account they are deployed to work here unchanged. What the lab answers has its own number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from lablambda.model.errors import InvalidParameterValue, ResourceNotFound

ACCOUNT = "000000000000"
REGION = "us-east-1"

_REFERENCE = re.compile(
    r"^(?:arn:aws[a-z-]*:lambda:)?(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-[a-z]+)+-\d):)?(?:(?P<account>\d{12}):)?"
    r"(?:function:)?(?P<name>[a-zA-Z0-9_.-]+)(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_-]+))?$"
)


@dataclass(frozen=True, slots=True)
class FunctionReference:
    """Which function, and which version or alias of it, a caller means."""

    name: str
    qualifier: str | None = None

    @property
    def arn(self) -> str:
        """The ARN as invoked: qualified only if the caller qualified it."""
        return function_arn(self.name, self.qualifier)


def function_arn(name: str, qualifier: str | None = None) -> str:
    """The function's ARN in this lab."""
    suffix = f":{qualifier}" if qualifier else ""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}{suffix}"


def layer_arn(name: str, version: int | None = None) -> str:
    """The layer's ARN in this lab, or one version's."""
    suffix = f":{version}" if version else ""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:{name}{suffix}"


def local_arn(arn: str) -> str:
    """The ARN with the lab's account in place of the caller's."""
    parts = arn.split(":", 5)
    return ":".join([*parts[:4], ACCOUNT, *parts[5:]]) if len(parts) == 6 and parts[4] else arn


@lru_cache(maxsize=1024)  # the same few functions are named again and again
def parse_reference(text: str, qualifier: str | None = None) -> FunctionReference:
    """Read a FunctionName parameter and an optional Qualifier parameter; any account is the lab's.

    Raises ResourceNotFound for another region and InvalidParameterValue for two qualifiers that
    differ (both as recorded from AWS) or for text that names no function.
    """
    match = _REFERENCE.match(text)
    if match is None:
        raise InvalidParameterValue(f"Invalid function name or ARN: {text}")
    region = match["region"]
    if region and region != REGION:
        raise ResourceNotFound(f"Functions from '{region}' are not reachable in this region ('{REGION}')")
    inside = match["qualifier"]
    if inside and qualifier and inside != qualifier:
        raise InvalidParameterValue(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return FunctionReference(match["name"], inside or qualifier)
