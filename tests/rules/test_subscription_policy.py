"""Filter policies; the examples are those of AWS's guide.

https://docs.aws.amazon.com/sns/latest/dg/string-value-matching.html and its neighbours
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from lablambda.rules.event_pattern import InvalidPattern
from lablambda.rules.subscription_policy import OF_BODY, compile_policy


def text(value: str) -> dict[str, str]:
    return {"Type": "String", "Value": value}


def array(*values: Any) -> dict[str, str]:
    return {"Type": "String.Array", "Value": json.dumps(values)}


def number(value: str) -> dict[str, str]:
    return {"Type": "Number", "Value": value}


@pytest.mark.parametrize(
    ("entry", "fitting", "others"),
    [
        ("rugby", [text("rugby"), array("rugby", "tennis")], [text("Rugby"), array("golf"), number("1")]),
        (
            {"anything-but": ["rugby", "tennis"]},
            [text("golf"), array("rugby", "golf")],
            [text("rugby"), array("rugby", "tennis")],
        ),
        ({"anything-but": {"prefix": "order-"}}, [text("data-entry")], [text("order-cancelled")]),
        ({"equals-ignore-case": "tennis"}, [text("TENNIS"), text("Tennis")], [text("rugby")]),
        ({"prefix": "bas"}, [text("baseball"), array("x", "basketball")], [text("rugby"), number("5")]),
        ({"suffix": "ball"}, [text("baseball")], [text("rugby")]),
        ({"wildcard": "*ball"}, [text("baseball")], [text("rugby")]),
        ({"cidr": "10.0.0.0/24"}, [text("10.0.0.5")], [text("10.1.1.5"), text("rugby")]),
        (100, [number("100"), array(100)], [number("101"), text("100")]),
        ({"numeric": ["=", 301.5]}, [number("301.5"), number("3.015e2")], [number("301")]),
        ({"numeric": [">", 0, "<=", 150]}, [number("100"), number("150")], [number("0"), text("100")]),
        ({"exists": True}, [text("x"), number("1")], [None]),
        ({"exists": False}, [None], [text("x")]),
        (None, [array(None, "x")], [text("null")]),
        (True, [array(True)], [text("true")]),
    ],
)
def test_of_attributes(entry: Any, fitting: list[Any], others: list[Any]) -> None:
    fits = compile_policy({"k": [entry]}, None)
    assert [one for one in fitting if not fits({} if one is None else {"k": one}, "")] == []
    assert [one for one in others if fits({} if one is None else {"k": one}, "")] == []


def test_all_keys_and_any_value() -> None:
    fits = compile_policy({"store": ["s"], "event": ["placed", {"prefix": "re"}]}, "MessageAttributes")
    assert fits({"store": text("s"), "event": text("returned"), "more": text("x")}, "")
    assert not fits({"store": text("s"), "event": text("shipped")}, "")
    assert not fits({"event": text("placed")}, "")


def test_alternatives() -> None:
    fits = compile_policy({"a": ["x"], "$or": [{"b": ["y"]}, {"c": [{"numeric": [">", 1]}]}]}, None)
    assert fits({"a": text("x"), "c": number("2")}, "")
    assert not fits({"a": text("x"), "c": number("1")}, "")


@pytest.mark.parametrize("attribute", [{"Type": "Binary", "Value": "eA=="}, {"Type": "Number", "Value": "x"}])
def test_what_has_no_value_fits_nothing(attribute: dict[str, str]) -> None:
    assert not compile_policy({"k": [{"anything-but": ["a"]}]}, None)({"k": attribute}, "")


def test_of_the_body() -> None:
    fits = compile_policy({"shop": {"city": ["Kiel"]}, "items": {"n": [{"numeric": [">", 1]}]}}, OF_BODY)
    assert fits({}, json.dumps({"shop": {"city": "Kiel"}, "items": [{"n": 1}, {"n": 2}]}))
    assert not fits({}, json.dumps({"shop": {"city": "Kiel"}, "items": [{"n": 1}]}))
    assert not fits({}, json.dumps({"shop": "Kiel"}))
    for body in ("Kiel", "[1]", "null", "[" * 100_000):
        assert not fits({"shop": text("Kiel")}, body)


def test_none_takes_all() -> None:
    assert compile_policy({}, OF_BODY)({}, "not JSON")


def test_what_is_none() -> None:
    with pytest.raises(InvalidPattern):
        compile_policy({"k": [{"near": "x"}]}, None)
