"""Notifications that S3 would have side by side, and those that it wouldn't."""

from __future__ import annotations

import pytest

from lablambda.rules.s3_notifications import Notice, filter_values, overlapping

CREATED, PUT, REMOVED = "s3:ObjectCreated:*", "s3:ObjectCreated:Put", "s3:ObjectRemoved:*"


def notice(prefix: str = "", suffix: str = "", *events: str) -> Notice:
    return Notice("arn:f", events or (CREATED,), prefix, suffix)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (notice("images/"), notice("logs/")),
        (notice("images/", ".jpg"), notice("images/", ".png")),
        (notice("", ".jpg"), notice("", ".png")),
        (notice("a", "g"), notice("b", "jpg")),
        (notice("", "", CREATED), notice("", "", REMOVED)),
        (notice("", "", PUT), notice("", "", "s3:ObjectCreated:Copy")),
    ],
)
def test_these_stand_beside_each_other(one: Notice, other: Notice) -> None:
    assert not one.overlaps(other)
    assert not other.overlaps(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (notice(), notice()),
        (notice(), notice("images/", ".jpg")),
        (notice("images"), notice("images/")),
        (notice("images/", "jpg"), notice("images/2026/", ".jpg")),
        (notice("images/", ".jpg"), notice("", "")),
        (notice("images/"), notice("", ".jpg")),
        (notice("", "", PUT), notice("", "", CREATED)),
        (notice("", "", REMOVED, PUT), notice("", "", PUT)),
    ],
)
def test_these_do_not(one: Notice, other: Notice) -> None:
    assert one.overlaps(other)
    assert other.overlaps(one)


def test_the_first_two_that_overlap_are_named() -> None:
    jpg, png, whole = notice("", ".jpg"), notice("", ".png"), notice("in/")
    assert overlapping([jpg, png]) is None
    assert overlapping([jpg, png, whole]) == (jpg, whole)


def test_names_of_filter_rules_come_in_any_case() -> None:
    assert filter_values([("Prefix", "in/"), ("SUFFIX", ".jpg")]) == ("in/", ".jpg")
    assert filter_values([]) == ("", "")
