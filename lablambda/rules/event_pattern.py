"""Event patterns, as EventBridge's rules and Lambda's filters write them: a pattern becomes a test of events.

A pattern is a JSON object shaped like the event: inner objects lead to fields, lists hold what a field may be.
All fields must fit; of a list, one entry must. Values in an event's arrays are looked at one by one.
Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
"""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

Event = Any
Predicate = Callable[[Event], bool]
# A test of all values that a field has in an event: none if it is absent, several if it is an array.
_Test = Callable[[Sequence[Any]], bool]
_OneTest = Callable[[Any], bool]

_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MOST_NESTED = 100


class InvalidPattern(ValueError):
    """The pattern isn't one; the message says where."""


def compile_pattern(pattern: Any, *, of_rule: bool) -> Predicate:
    """A test that says whether an event matches. `of_rule` is for EventBridge's rules, which have more words
    than Lambda's filters: wildcard, cidr, and anything-but of parts of strings. Raises InvalidPattern."""
    return _object(pattern, of_rule, 0)


def _object(pattern: Any, of_rule: bool, depth: int) -> Predicate:
    if not isinstance(pattern, dict) or not pattern:
        raise InvalidPattern("Event pattern is not valid: expected an object with at least one field")
    if depth > _MOST_NESTED:
        raise InvalidPattern("Event pattern is not valid: it is nested too deep")
    tests = [_field(name, wanted, of_rule, depth) for name, wanted in pattern.items()]
    return lambda event: all(test(event) for test in tests)


def _field(name: str, wanted: Any, of_rule: bool, depth: int) -> Predicate:
    if name == "$or" and isinstance(wanted, list) and wanted and all(isinstance(one, dict) for one in wanted):
        if len(wanted) < 2:
            raise InvalidPattern("Event pattern is not valid: $or needs two alternatives or more")
        ways = [_object(one, of_rule, depth + 1) for one in wanted]
        return lambda event: any(way(event) for way in ways)
    if isinstance(wanted, dict):
        inner = _object(wanted, of_rule, depth + 1)
        return lambda event: any(inner(value) for value in _objects(event, name))
    if not isinstance(wanted, list) or not wanted:
        raise InvalidPattern(f'Event pattern is not valid: "{name}" must be an object or an array')
    entries = [_entry(name, entry, of_rule) for entry in wanted]

    def fits(event: Event) -> bool:
        values = _leaves(event, name)
        return any(entry(values) for entry in entries)

    return fits


def _objects(event: Event, name: str) -> list[Any]:
    """What an inner pattern is held against; nothing at all, which only `exists: false` fits, if that is absent."""
    value = event.get(name) if isinstance(event, dict) else None
    found = [one for one in value if isinstance(one, dict)] if isinstance(value, list) else [value]
    return found or [None]


def _leaves(event: Event, name: str) -> list[Any]:
    if not isinstance(event, dict) or name not in event:
        return []
    return _flat(event[name])


def _flat(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [leaf for one in value for leaf in _flat(one)]
    return [] if isinstance(value, dict) else [value]


def _entry(name: str, entry: Any, of_rule: bool) -> _Test:
    if not isinstance(entry, dict):
        if isinstance(entry, list):
            raise InvalidPattern(f'Event pattern is not valid: "{name}" has an array within an array')
        return _any(lambda value: _same(value, entry))
    if len(entry) != 1:
        raise InvalidPattern(f'Event pattern is not valid: "{name}" has a condition without one single word')
    ((word, wanted),) = entry.items()
    if word == "exists":
        return _exists(wanted)
    make = _WORDS.get(word)
    if make is None or (word in _OF_RULES and not of_rule):
        raise InvalidPattern(f"Event pattern is not valid: unrecognized match type {word}")
    if word == "anything-but" and isinstance(wanted, dict) and not of_rule:
        raise InvalidPattern("Event pattern is not valid: anything-but takes values here")
    return _any(make(wanted))


def _any(test: _OneTest) -> _Test:
    return lambda values: any(map(test, values))


def _same(value: Any, wanted: Any) -> bool:
    """AWS compares numbers as they are written: 300 isn't 300.0, and true isn't 1."""
    return type(value) is type(wanted) and bool(value == wanted)


def _exists(wanted: Any) -> _Test:
    if not isinstance(wanted, bool):
        raise InvalidPattern("Event pattern is not valid: exists takes true or false")
    return lambda values: bool(values) is wanted


def _prefix(wanted: Any) -> _OneTest:
    start, fold = _part("prefix", wanted)
    return lambda value: isinstance(value, str) and fold(value).startswith(start)


def _suffix(wanted: Any) -> _OneTest:
    end, fold = _part("suffix", wanted)
    return lambda value: isinstance(value, str) and fold(value).endswith(end)


def _part(word: str, wanted: Any) -> tuple[str, Callable[[str], str]]:
    """A part of a string, and how to read a value before looking for it."""
    if isinstance(wanted, dict) and list(wanted) == ["equals-ignore-case"]:
        return _string(word, wanted["equals-ignore-case"]).lower(), str.lower
    return _string(word, wanted), str


def _ignore_case(wanted: Any) -> _OneTest:
    text = _string("equals-ignore-case", wanted).lower()
    return lambda value: isinstance(value, str) and value.lower() == text


def _string(word: str, wanted: Any) -> str:
    if not isinstance(wanted, str):
        raise InvalidPattern(f"Event pattern is not valid: {word} takes a string")
    return wanted


def _anything_but(wanted: Any) -> _OneTest:
    if isinstance(wanted, dict):
        return _not_like(wanted)
    values = wanted if isinstance(wanted, list) else [wanted]
    kinds = {
        "string" if isinstance(value, str) else "number" if _is_number(value) else "?" for value in values
    }
    if len(kinds) != 1 or "?" in kinds:
        raise InvalidPattern("Event pattern is not valid: anything-but takes strings, or numbers")
    return lambda value: not any(_same(value, unwanted) for unwanted in values)


def _not_like(wanted: dict[str, Any]) -> _OneTest:
    if len(wanted) != 1 or not set(wanted) <= {"prefix", "suffix", "equals-ignore-case", "wildcard"}:
        raise InvalidPattern("Event pattern is not valid: unsupported anything-but pattern")
    ((word, parts),) = wanted.items()
    tests = [_WORDS[word](part) for part in (parts if isinstance(parts, list) else [parts])]
    if not tests:
        raise InvalidPattern("Event pattern is not valid: anything-but needs a value")
    return lambda value: isinstance(value, str) and not any(test(value) for test in tests)


def _numeric(wanted: Any) -> _OneTest:
    if not isinstance(wanted, list) or len(wanted) not in (2, 4):
        raise InvalidPattern(
            "Event pattern is not valid: numeric takes an operator and a number, or two of each"
        )
    limits = [(wanted[i], wanted[i + 1]) for i in range(0, len(wanted), 2)]
    for sign, limit in limits:
        if not isinstance(sign, str) or sign not in _ORDERS or not _is_number(limit):
            raise InvalidPattern(
                f"Event pattern is not valid: numeric can't compare by {sign!r} with {limit!r}"
            )
    if len(limits) == 2 and not (limits[0][0][0] == ">" and limits[1][0][0] == "<"):
        raise InvalidPattern("Event pattern is not valid: a numeric range goes from > or >= to < or <=")
    return lambda value: _is_number(value) and all(_ORDERS[sign](value, limit) for sign, limit in limits)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _wildcard(wanted: Any) -> _OneTest:
    text = _string("wildcard", wanted)
    parts = re.findall(r"\\[*\\]|\*|[^*\\]+|\\", text)
    if ("*", "*") in pairwise(parts):
        raise InvalidPattern("Event pattern is not valid: consecutive wildcard characters")
    if "\\" in parts:
        raise InvalidPattern("Event pattern is not valid: invalid escape character in a wildcard")
    pieces = [""]
    for part in parts:
        if part == "*":
            pieces.append("")
        else:
            pieces[-1] += part[1:] if part[0] == "\\" else part
    return lambda value: isinstance(value, str) and _has_in_order(value, pieces)


def _has_in_order(text: str, pieces: Sequence[str]) -> bool:
    """Whether the text is the pieces with anything in between. Each is taken where it comes first, so that no text
    takes long."""
    first, *middle = pieces
    if not middle:
        return text == first
    last = middle.pop()
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in middle:
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def _cidr(wanted: Any) -> _OneTest:
    try:
        network = ipaddress.ip_network(_string("cidr", wanted), strict=False)
    except ValueError as error:
        raise InvalidPattern(f"Event pattern is not valid: {error}") from None

    def test(value: Any) -> bool:
        try:
            return isinstance(value, str) and ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return test


_WORDS: Mapping[str, Callable[[Any], _OneTest]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _ignore_case,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "wildcard": _wildcard,
    "cidr": _cidr,
}
_OF_RULES = frozenset({"wildcard", "cidr"})
