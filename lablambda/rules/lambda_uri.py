"""Which function an integration's or an authorizer's URI means."""

from __future__ import annotations

import re
from collections.abc import Mapping

_LONG = re.compile(
    r"^arn:aws[a-z-]*:apigateway:[a-z0-9-]+:lambda:path/[\d-]+/functions/(?P<arn>.+)/[a-z-]*invocations?$"
)
_ARN = re.compile(r"^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_.${}:-]+$")
_VARIABLE = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_-]+)\}")


class InvalidUri(Exception):
    """The URI names no function."""


def function_of(uri: str, stage_variables: Mapping[str, str]) -> str:
    """The ARN of the function; `${stageVariables.NAME}` in it is replaced, as far as there are such variables.
    Raises InvalidUri."""
    found = _LONG.match(uri)
    arn = filled(found["arn"] if found else uri, stage_variables)
    if not _ARN.match(arn):
        raise InvalidUri(f"Invalid function ARN or invalid uri: {uri}")
    return arn


def filled(uri: str, stage_variables: Mapping[str, str]) -> str:
    """The URI with `${stageVariables.NAME}` in it replaced, as far as there are such variables."""
    return _VARIABLE.sub(lambda name: stage_variables.get(name[1], name[0]), uri)
