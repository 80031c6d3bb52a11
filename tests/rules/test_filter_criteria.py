"""Which records a mapping's filters let through: AWS's documented examples, and its documented mistakes.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from lablambda.model.errors import InvalidParameterValue
from lablambda.rules.filter_criteria import compile_criteria


def takes(kind: str, pattern: Any, record: Any) -> bool:
    return compile_criteria(kind, [{"Pattern": json.dumps(pattern)}])(record)


TIRES = {"tire_pressure": [{"numeric": ["<", 32]}]}
PRESSURES = {"temperature": 87, "tire_pressure": 31, "status": "ok"}


@pytest.mark.parametrize(
    ("key", "kind"),
    [("body", "sqs"), ("data", "kinesis")],
)
def test_what_the_sender_wrote_is_read_as_json(kind: str, key: str) -> None:
    assert takes(kind, {key: TIRES}, {key: json.dumps(PRESSURES)})
    assert not takes(kind, {key: TIRES}, {key: json.dumps(PRESSURES | {"tire_pressure": 32})})


@pytest.mark.parametrize(
    ("pattern", "body", "fits"),
    [
        # incoming form x form of the pattern, as the page's table has it
        (["Ada"], "Ada", True),
        (["Ada"], "Bob", False),
        (["Ada"], '{"name": "Ada"}', False),
        ({"name": ["Ada"]}, "Ada", False),
        ({"name": ["Ada"]}, '{"name": "Ada"}', True),
        ({"name": ["Ada"]}, '{"name": "Bob"}', False),
        # one row for each comparison of the page
        ({"user": [None]}, '{"user": null}', True),
        ({"user": [None]}, "{}", False),
        ({"user": [""]}, '{"user": ""}', True),
        ({"user": [""]}, '{"user": null}', False),
        ({"user": [{"equals-ignore-case": "ada"}]}, '{"user": "ADA"}', True),
        ({"city": ["Paris"], "day": ["Monday"]}, '{"city": "Paris", "day": "Monday"}', True),
        ({"city": ["Paris"], "day": ["Monday"]}, '{"city": "Paris", "day": "Friday"}', False),
        ({"payment": ["Card", "Cash"]}, '{"payment": "Cash"}', True),
        ({"$or": [{"city": ["Paris"]}, {"day": ["Monday"]}]}, '{"city": "Rome", "day": "Monday"}', True),
        ({"$or": [{"city": ["Paris"]}, {"day": ["Monday"]}]}, '{"city": "Rome", "day": "Friday"}', False),
        ({"weather": [{"anything-but": ["Rain"]}]}, '{"weather": "Sun"}', True),
        ({"weather": [{"anything-but": ["Rain"]}]}, '{"weather": "Rain"}', False),
        ({"weather": [{"anything-but": ["Rain"]}]}, "{}", False),
        ({"price": [{"numeric": ["=", 100]}]}, '{"price": 100.0}', True),
        ({"price": [{"numeric": [">", 10, "<=", 20]}]}, '{"price": 20}', True),
        ({"price": [{"numeric": [">", 10, "<=", 20]}]}, '{"price": 10}', False),
        ({"price": [300]}, '{"price": 300}', True),
        ({"price": [300]}, '{"price": 300.0}', False),
        ({"name": [{"exists": True}]}, '{"name": null}', True),
        ({"name": [{"exists": True}]}, '{"name": {"first": "Ada"}}', False),
        ({"name": [{"exists": False}]}, "{}", True),
        ({"region": [{"prefix": "us-"}]}, '{"region": "us-east-1"}', True),
        ({"file": [{"suffix": ".png"}]}, '{"file": "a.png"}', True),
        ({"tags": ["red"]}, '{"tags": ["blue", "red"]}', True),
        ({"tags": ["red"]}, '{"tags": ["blue"]}', False),
        ({"name": ["Ada"]}, '{"name": ', False),
        ({"name": ["Ada"]}, "", False),
    ],
)  # fmt: skip
def test_the_pages_examples(pattern: Any, body: str, fits: bool) -> None:
    assert takes("sqs", {"body": pattern}, {"body": body}) is fits


def test_a_pattern_without_the_data_key_looks_only_at_the_rest() -> None:
    record = {"body": "anything, JSON or not", "attributes": {"SenderId": "AIDA"}}
    assert takes("sqs", {"attributes": {"SenderId": [{"prefix": "AID"}]}}, record)
    assert not takes("sqs", {"name": ["Ada"]}, {"body": '{"name": "Ada"}'})


def test_items_of_a_table_are_filtered_by_their_typed_values() -> None:
    pattern = {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"NewImage": {"Region": {"S": ["AK"]}}}}
    record = {"eventName": "INSERT", "dynamodb": {"NewImage": {"Region": {"S": "AK"}}}}
    assert takes("dynamodb", pattern, record)
    assert not takes("dynamodb", pattern, record | {"eventName": "REMOVE"})
    present = {"dynamodb": {"NewImage": {"N": {"N": [{"exists": True}]}}}}
    assert takes("dynamodb", present, {"dynamodb": {"NewImage": {"N": {"N": "2"}}}})


def test_one_of_several_filters_is_enough_and_none_is_no_filter() -> None:
    filters: list[Mapping[str, str]] = [
        {"Pattern": '{"body": {"a": [1]}}'},
        {"Pattern": '{"body": {"b": [1]}}'},
    ]
    test = compile_criteria("sqs", filters)
    assert [test({"body": body}) for body in ('{"a": 1}', '{"b": 1}', '{"c": 1}')] == [True, True, False]
    assert compile_criteria("sqs", [])({"body": "x"})
    assert compile_criteria("sqs", [{"Pattern": "{}"}])({"body": "x"})


@pytest.mark.parametrize(
    ("kind", "patterns", "told"),
    [
        ("dynamodb", ['{"dynamodb": {"NewImage": {"n": {"N": [{"numeric": ["=", 1]}]}}}}'], "Invalid filter pattern"),
        ("sqs", ['{"body": "text"}'], "Invalid filter pattern definition."),
        ("sqs", [json.dumps({"body": ["x" * 4096]})], "Invalid filter pattern definition."),
        ("sqs", ["[" * 100_000], "Invalid filter pattern definition."),
        ("sqs", ["{}"] * 11, "at most 10 filters"),
    ],
)  # fmt: skip
def test_filters_that_cannot_be(kind: str, patterns: list[str], told: str) -> None:
    with pytest.raises(InvalidParameterValue, match=told):
        compile_criteria(kind, [{"Pattern": pattern} for pattern in patterns])
