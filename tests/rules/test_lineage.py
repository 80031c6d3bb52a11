from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lablambda.rules.lineage import passed, passes

ROOT = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"


def test_each_function_has_its_count() -> None:
    trace = passed(passed(passed(ROOT, "a"), "b"), "a")
    assert (passes(trace, "a"), passes(trace, "b"), passes(trace, "c")) == (2, 1, 0)
    assert trace.startswith(f"{ROOT};Lineage=")
    assert trace.count("Lineage=") == 1


@pytest.mark.parametrize(
    "forged", ["", "Lineage=", "Lineage=x", "Lineage=a:b|c", f"{ROOT};Lineage=:|::-1", "Lineage=é:²"]
)
def test_what_makes_no_sense_counts_nothing(forged: str) -> None:
    assert passes(forged, "a") == 0
    assert passes(passed(forged, "a"), "a") == 1


def test_a_header_as_boto3_sends_it() -> None:
    trace = passed(passed(ROOT, "a"), "b").replace("|", "%7C")
    assert (passes(trace, "a"), passes(trace, "b")) == (1, 1)
    assert passed(trace, "b") == passed(passed(passed(ROOT, "a"), "b"), "b")


def test_a_number_that_is_none() -> None:
    trace = passed(ROOT, "a")
    assert passes(trace[:-1] + "9" * 10_000, "a") == 0


def test_a_header_does_not_grow_for_ever() -> None:
    trace = ROOT
    for number in range(1000):
        trace = passed(trace, f"f{number}")
    assert len(trace) < 600
    assert (passes(trace, "f999"), passes(trace, "f0")) == (1, 0)


def test_whom_it_came_through_last_is_forgotten_last() -> None:
    trace = passed(ROOT, "loop")
    for number in range(31):
        trace = passed(trace, f"f{number}")
    assert passes(passed(passed(trace, "loop"), "one more"), "loop") == 2


@given(st.text())
def test_any_text_is_harmless(text: str) -> None:
    assert passes(passed(text, "a"), "a") >= 1
