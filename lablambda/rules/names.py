"""The names by which a function can be called: short name, partial ARN, ARN, each with a qualifier."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from lablambda.model.errors import AccessDenied, InvalidParameterValue, ResourceNotFound

ACCOUNT = "000000000000"
REGION = "us-east-1"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"

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


@lru_cache(maxsize=1024)  # the same few functions are named again and again
def parse_reference(text: str, qualifier: str | None = None) -> FunctionReference:
    """Read a FunctionName parameter and an optional Qualifier parameter.

    Raises ResourceNotFound for another region, AccessDenied for another account and
    InvalidParameterValue for two qualifiers that differ (all as recorded from AWS), or for text that
    names no function.
    """
    match = _REFERENCE.match(text)
    if match is None:
        raise InvalidParameterValue(f"Invalid function name or ARN: {text}")
    region = match["region"]
    if region and region != REGION:
        raise ResourceNotFound(f"Functions from '{region}' are not reachable in this region ('{REGION}')")
    if match["account"] not in (None, ACCOUNT):
        raise AccessDenied(f"This lab is account {ACCOUNT}: functions of {match['account']} aren't here.")
    inside = match["qualifier"]
    if inside and qualifier and inside != qualifier:
        raise InvalidParameterValue(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return FunctionReference(match["name"], inside or qualifier)
