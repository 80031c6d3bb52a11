"""Asking AWS's API what there is, where "nothing" is an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lablambda.services.calls import NOT_THERE

Client = Callable[[str], Any]


def or_none(ask: Callable[[], Any]) -> Any:
    """What AWS answers, or None if it says there is no such thing."""
    from botocore.exceptions import ClientError

    try:
        return ask()
    except ClientError as error:
        if error.response["Error"]["Code"] in NOT_THERE:
            return None
        raise
