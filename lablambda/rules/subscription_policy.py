"""Which of a topic's messages a subscription wants: its filter policy becomes a test of messages.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from lablambda.rules.event_pattern import compile_pattern

OF_BODY = "MessageBody"
# Attributes as a notification has them: {name: {"Type": ..., "Value": ...}}.
Attributes = Mapping[str, Mapping[str, str]]


def compile_policy(policy: Mapping[str, Any], scope: str | None) -> Callable[[Attributes, str], bool]:
    """A test of a message's attributes and its body. `scope` is MessageAttributes (or None, the default) or
    MessageBody. An empty policy takes all. Raises InvalidPattern."""
    if not policy:
        return lambda *_: True
    fits = compile_pattern(policy, of_rule=True)
    if scope == OF_BODY:
        return lambda _, body: fits(_object(body))
    return lambda attributes, _: fits(_values(attributes))


def _object(body: str) -> Any:
    """A body that isn't JSON has no fields."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _values(attributes: Attributes) -> dict[str, Any]:
    """What policies are held against: binary attributes fit none."""
    read = {name: _value(attribute) for name, attribute in attributes.items()}
    return {name: value for name, value in read.items() if value is not None}


def _value(attribute: Mapping[str, str]) -> Any:
    """A number, or the values of an array, which are written as JSON; else the text."""
    kind, text = attribute["Type"], attribute["Value"]
    if kind == "String.Array" or kind.startswith("Number"):
        return _object(text)
    return text if kind.startswith("String") else None
