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


@given(st.text())
def test_any_text_is_harmless(text: str) -> None:
    assert passes(passed(text, "a"), "a") >= 1
