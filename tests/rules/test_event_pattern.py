"""The pattern language, by the documented examples and by mistakes."""

from __future__ import annotations

from typing import Any

import pytest

from lablambda.rules.event_pattern import InvalidPattern, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "fits", "differs"),
    [
        ({"a": ["x", 1, True, None]}, [{"a": "x"}, {"a": 1}, {"a": True}, {"a": None}, {"a": ["z", 1]}], [{"a": "y"}, {"a": 1.0}, {"a": False}, {}]),
        ({"a": [""]}, [{"a": ""}], [{"a": None}, {"a": []}]),
        ({"a": {"b": [1]}}, [{"a": {"b": 1}}, {"a": [{"b": 2}, {"b": 1}]}], [{"a": 1}, {"b": 1}]),
        ({"a": [1], "b": [2]}, [{"a": 1, "b": 2}], [{"a": 1}, {"b": 2}]),
        ({"a": [{"prefix": "us-"}]}, [{"a": "us-east-1"}], [{"a": "eu"}, {"a": 1}]),
        ({"a": [{"suffix": {"equals-ignore-case": ".PNG"}}]}, [{"a": "x.png"}], [{"a": "x.jpg"}]),
        ({"a": [{"equals-ignore-case": "Ada"}]}, [{"a": "ADA"}], [{"a": "Bob"}]),
        ({"a": [{"anything-but": ["x", "y"]}]}, [{"a": "z"}, {"a": 1}], [{"a": "x"}, {}]),
        ({"a": [{"numeric": [">", 0, "<=", 5]}]}, [{"a": 5}, {"a": 0.5}], [{"a": 0}, {"a": "1"}, {"a": True}]),
        ({"a": [{"numeric": ["=", 3.0e2]}]}, [{"a": 300}], [{"a": 301}]),
        ({"a": [{"exists": False}]}, [{}, {"a": {"b": 1}}, {"a": []}], [{"a": None}]),
        ({"a": {"b": [{"exists": False}]}}, [{}, {"a": {"c": 1}}], [{"a": {"b": 1}}]),
        ({"$or": [{"a": [1]}, {"b": [1]}], "c": [1]}, [{"a": 1, "c": 1}, {"b": 1, "c": 1}], [{"c": 1}, {"a": 1}]),
        ({"a": [{"wildcard": "x/*/\\**.c"}]}, [{"a": "x/y/*z.c"}], [{"a": "x/y/z.c"}]),
        ({"a": [{"cidr": "10.0.0.0/24"}]}, [{"a": "10.0.0.7"}], [{"a": "10.0.1.7"}, {"a": "ten"}]),
        ({"a": [{"anything-but": {"prefix": ["x", "y"]}}]}, [{"a": "z"}], [{"a": "xa"}, {"a": 1}]),
    ],
)  # fmt: skip
def test_what_fits(pattern: Any, fits: list[Any], differs: list[Any]) -> None:
    test = compile_pattern(pattern, of_rule=True)
    assert [event for event in fits if not test(event)] == []
    assert [event for event in differs if test(event)] == []


@pytest.mark.parametrize(
    "pattern",
    [
        {}, [], "text", None, {"a": 1}, {"a": "x"}, {"a": []}, {"a": {}}, {"a": [[1]]}, {"a": [{}]},
        {"a": [{"prefix": 1}]}, {"a": [{"prefix": "a", "suffix": "b"}]}, {"a": [{"sounds-like": "b"}]},
        {"a": [{"numeric": [">"]}]}, {"a": [{"numeric": [">", "1"]}]}, {"a": [{"numeric": ["<", 1, ">", 2]}]},
        {"a": [{"exists": "yes"}]}, {"a": [{"anything-but": []}]}, {"a": [{"anything-but": ["a", 1]}]},
        {"$or": [{"a": [1]}]}, {"a": [{"wildcard": "**"}]}, {"a": [{"wildcard": "\\a"}]}, {"a": [{"cidr": "x"}]},
    ],
)  # fmt: skip
def test_patterns_that_are_none(pattern: Any) -> None:
    with pytest.raises(InvalidPattern):
        compile_pattern(pattern, of_rule=True)


@pytest.mark.parametrize(
    "condition", [{"wildcard": "*"}, {"cidr": "10.0.0.0/8"}, {"anything-but": {"prefix": "a"}}]
)
def test_words_that_filters_lack(condition: Any) -> None:
    with pytest.raises(InvalidPattern):
        compile_pattern({"a": [condition]}, of_rule=False)
