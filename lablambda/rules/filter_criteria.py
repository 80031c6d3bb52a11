"""Which of a source's records a mapping's function wants to see.

Source: Control which events Lambda sends to your function,
https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from lablambda.model.errors import InvalidParameterValue
from lablambda.rules.event_pattern import InvalidPattern, compile_pattern

Record = Mapping[str, Any]
_MOST_FILTERS, _LONGEST_PATTERN = 10, 4096
# Where each source's records hold what their sender wrote.
DATA_KEYS = {"sqs": "body", "kinesis": "data", "dynamodb": "dynamodb"}


def compile_criteria(kind: str, filters: list[Mapping[str, str]]) -> Callable[[Record], bool]:
    """A test of records of source `kind`, with their data decoded to text under the data key; without
    filters it takes all. Raises InvalidParameterValue."""
    if not filters:
        return lambda _: True
    if len(filters) > _MOST_FILTERS:
        raise InvalidParameterValue(f"A mapping has at most {_MOST_FILTERS} filters.")
    tests = [_compile(kind, one.get("Pattern", "{}")) for one in filters]
    return lambda record: any(test(record) for test in tests)


def _compile(kind: str, text: str) -> Callable[[Record], bool]:
    try:
        if len(text) > _LONGEST_PATTERN:
            raise InvalidPattern("too long")
        pattern = json.loads(text)
        if pattern == {}:
            return lambda _: True
        fits = compile_pattern(pattern, of_rule=False)
        if kind == "dynamodb" and '"numeric"' in text:  # its numbers are strings
            raise InvalidPattern("numeric")
    except (ValueError, RecursionError):
        raise InvalidParameterValue("Invalid filter pattern definition.") from None
    key = DATA_KEYS[kind]
    return lambda record: fits(_readable(record, key, pattern.get(key)))


def _readable(record: Record, key: str, wanted: Any) -> Record:
    """The record as a pattern sees it: data that isn't of the form that the pattern has fits nothing."""
    data = record.get(key)
    if wanted is None or not isinstance(data, str):
        return dict(record)
    try:
        read = json.loads(data)
    except (ValueError, RecursionError):
        read = None
    is_json = isinstance(read, dict | list)
    if isinstance(wanted, dict) == is_json:
        return {**record, key: read if is_json else data}
    return {name: value for name, value in record.items() if name != key}
