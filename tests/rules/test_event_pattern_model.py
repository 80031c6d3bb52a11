"""The pattern language by property: against a model that is as plain as can be, on events that patterns call for."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lablambda.rules.event_pattern import InvalidPattern, compile_pattern

# ------------------------------------------------------------------------------------------------ the model


def model(pattern: dict[str, Any], event: Any) -> bool:
    """Whether some way to choose one element of each array makes an event that fits field by field."""
    return any(fits_fields(pattern, chosen) for chosen in choices(event))


def choices(value: Any) -> Iterator[Any]:
    """The value without arrays: one element of each is chosen, in every way. An empty one is no field at all."""
    if isinstance(value, list):
        if not value:
            yield ABSENT
        for element in value:
            yield from choices(element)
    elif isinstance(value, dict):
        for values in itertools.product(*(choices(inner) for inner in value.values())):
            yield {name: one for name, one in zip(value, values, strict=True) if one is not ABSENT}
    else:
        yield value


ABSENT = object()


def fits_fields(pattern: dict[str, Any], event: Any) -> bool:
    for name, wanted in pattern.items():
        inner = event.get(name, ABSENT) if isinstance(event, dict) else ABSENT
        if name == "$or":
            fits = any(fits_fields(way, event) for way in wanted)
        elif isinstance(wanted, dict):
            fits = fits_fields(wanted, inner)
        else:
            leaf = ABSENT if isinstance(inner, dict) else inner
            fits = any(fits_entry(entry, leaf) for entry in wanted)
        if not fits:
            return False
    return True


def fits_entry(entry: Any, value: Any) -> bool:
    if isinstance(entry, dict) and "exists" in entry:
        return bool(entry["exists"]) == (value is not ABSENT)
    if value is ABSENT:
        return False
    if not isinstance(entry, dict):
        return type(entry) is type(value) and bool(entry == value)
    ((word, wanted),) = entry.items()
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if word == "numeric":
        pairs = list(zip(wanted[::2], wanted[1::2], strict=True))
        return number and all(compare(value, sign, limit) for sign, limit in pairs)
    if word == "anything-but" and not isinstance(wanted, dict):
        listed = wanted if isinstance(wanted, list) else [wanted]
        return not any(fits_entry(one, value) for one in listed)
    if not isinstance(value, str):
        return False
    if word == "anything-but":
        ((inner, parts),) = wanted.items()
        listed = parts if isinstance(parts, list) else [parts]
        return not any(fits_entry({inner: part}, value) for part in listed)
    return fits_text(word, wanted, value)


def compare(value: float, sign: str, limit: float) -> bool:
    orders: dict[str, bool] = {
        "=": value == limit,
        "<": value < limit,
        "<=": value <= limit,
        ">": value > limit,
        ">=": value >= limit,
    }
    return orders[sign]


def fits_text(word: str, wanted: Any, value: str) -> bool:
    if isinstance(wanted, dict):
        return fits_text(word, wanted["equals-ignore-case"].lower(), value.lower())
    match word:
        case "prefix":
            return bool(value[: len(wanted)] == wanted)
        case "suffix":
            return bool(wanted == "" or value[-len(wanted) :] == wanted)
        case "equals-ignore-case":
            return bool(value.lower() == wanted.lower())
        case "wildcard":
            return fits_wildcard(wanted, value)
        case "cidr":
            try:
                return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
            except ValueError:
                return False
    raise AssertionError(word)


def fits_wildcard(wanted: str, value: str) -> bool:
    if not wanted:
        return not value
    if wanted[0] == "*":
        return any(fits_wildcard(wanted[1:], value[cut:]) for cut in range(len(value) + 1))
    if wanted[0] == "\\":
        wanted = wanted[1:]
    return value[:1] == wanted[0] and fits_wildcard(wanted[1:], value[1:])


# ------------------------------------------------------------------------------------- patterns and events

LETTERS = st.text(st.sampled_from("aAbB*\\.é"), max_size=4)
NUMBERS = st.integers(-3, 3) | st.sampled_from([0.5, 1.0, -2.5])
LITERALS = LETTERS | NUMBERS | st.booleans() | st.none()
ADDRESSES = st.sampled_from(["10.0.0.1", "10.0.1.1", "10.9.0.1", "::1", "10.0.0"])
WILDCARDS = st.lists(st.sampled_from(["a", "A", "b", r"\*", r"\\", "."]), max_size=3).flatmap(
    lambda pieces: st.sampled_from(
        ["*".join(pieces), "".join(pieces), "".join(pieces) + "*", "*" + "".join(pieces)]
    )
)
RANGES = st.tuples(st.sampled_from([">", ">="]), NUMBERS, st.sampled_from(["<", "<="]), NUMBERS).map(list)
LIMITS = st.tuples(st.sampled_from(["=", "<", "<=", ">", ">="]), NUMBERS).map(list)
PARTS = LETTERS | LETTERS.map(lambda text: {"equals-ignore-case": text})
SOME = st.lists(LETTERS, min_size=1, max_size=2)


def one(word: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return values.map(lambda value: {word: value})


ENTRIES = st.one_of(
    LITERALS,
    one("exists", st.booleans()),
    one("prefix", PARTS),
    one("suffix", PARTS),
    one("equals-ignore-case", LETTERS),
    one("wildcard", WILDCARDS),
    one("cidr", st.sampled_from(["10.0.0.0/24", "10.0.0.0/16", "::/64", "10.0.0.1/32"])),
    one("numeric", LIMITS | RANGES),
    one("anything-but", LETTERS | NUMBERS | SOME | st.lists(NUMBERS, min_size=1, max_size=2)),
    one("anything-but", one("prefix", LETTERS | SOME) | one("suffix", LETTERS | SOME)),
    one("anything-but", one("equals-ignore-case", LETTERS | SOME) | one("wildcard", WILDCARDS)),
)
FIELDS = st.lists(ENTRIES, min_size=1, max_size=3)


def objects(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    inner = FIELDS if depth == 0 else FIELDS | objects(depth - 1)
    plain = st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=2)
    # The alternatives have fields of their own: what those of an array's elements mean beside others isn't documented.
    ways = st.lists(
        st.dictionaries(st.sampled_from("xyz"), FIELDS, min_size=1, max_size=2), min_size=2, max_size=3
    )
    return plain | st.tuples(plain, ways).map(lambda both: {**both[0], "$or": both[1]})


PATTERNS = objects(2)
LEAVES = LITERALS | ADDRESSES
EVENTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abcxyz"), inner, max_size=4),
    max_leaves=8,
)

OBJECTS = st.dictionaries(st.sampled_from("abcxyz"), EVENTS, max_size=4)  # as every event is one


def called_for(pattern: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Events with the pattern's own fields, and values near those that it wants, so that matches aren't rare."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for name, wanted in pattern.items():
        if name == "$or":
            for way in wanted:
                fields |= {field: near(entries) for field, entries in way.items()}
        else:
            fields[name] = called_for(wanted) if isinstance(wanted, dict) else near(wanted)
    whole = {name: value | value.map(lambda one: [one]) for name, value in fields.items()}
    several = {name: value | st.lists(value, max_size=2) for name, value in fields.items()}
    return st.fixed_dictionaries(whole) | st.fixed_dictionaries({}, optional=several)


def near(entries: list[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(*map(near_entry, entries))


def near_entry(entry: Any) -> st.SearchStrategy[Any]:
    if not isinstance(entry, dict):
        return st.just(entry)
    ((word, wanted),) = entry.items()
    if isinstance(wanted, str) and word != "cidr":
        return (
            LETTERS.map(lambda more: wanted + more)
            | LETTERS.map(lambda more: more + wanted)
            | st.just(wanted.swapcase())
        )
    if word == "numeric":
        return st.just(wanted[1]) | NUMBERS
    return ADDRESSES if word == "cidr" else LEAVES


@settings(max_examples=600)
@given(st.data())
def test_a_pattern_says_what_the_model_says(data: st.DataObject) -> None:
    pattern = data.draw(PATTERNS)
    event = data.draw(called_for(pattern) | OBJECTS)
    assert compile_pattern(pattern, of_rule=True)(event) is model(pattern, event)


def test_matches_arent_rare() -> None:
    """Else the property would say little."""
    matched = [0, 0]

    @settings(max_examples=300, database=None, derandomize=True)
    @given(st.data())
    def count(data: st.DataObject) -> None:
        pattern = data.draw(PATTERNS)
        matched[compile_pattern(pattern, of_rule=True)(data.draw(called_for(pattern)))] += 1

    count()
    assert min(matched) > 30


JSON = st.recursive(
    LITERALS | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "a",
                    "$or",
                    "prefix",
                    "suffix",
                    "exists",
                    "numeric",
                    "cidr",
                    "wildcard",
                    "anything-but",
                    "equals-ignore-case",
                ]
            ),
            inner,
            max_size=3,
        )
    ),
)


@settings(max_examples=600)
@given(JSON, EVENTS)
def test_anything_else_is_refused_in_its_own_words(pattern: Any, event: Any) -> None:
    try:
        test = compile_pattern(pattern, of_rule=True)
    except InvalidPattern:
        return
    assert test(event) in (True, False)


@given(WILDCARDS, LETTERS)
def test_wildcards(wanted: str, value: str) -> None:
    try:
        test = compile_pattern({"a": [{"wildcard": wanted}]}, of_rule=True)
    except InvalidPattern:
        return
    assert test({"a": value}) is fits_wildcard(wanted, value)


@pytest.mark.timeout(20)
def test_no_text_takes_a_wildcard_long() -> None:
    test = compile_pattern({"a": [{"wildcard": "*a" * 40 + "*b"}]}, of_rule=True)
    assert not test({"a": "a" * 200_000})
