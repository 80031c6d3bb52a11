from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lablambda.rules.http_path import decoded


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("/capture/plain", "/capture/plain"),
        ("/capture/space%20value", "/capture/space value"),
        ("/capture/question%3Fvalue", "/capture/question"),
        ("/capture/percent%25done", None),
        ("/capture/hash%23value", "/capture/hash#value"),
        ("/capture/slash%2Fvalue", "/capture/slash/value"),
        ("/capture/unicode-%CE%BB", "/capture/unicode-λ"),
        ("/capture/literal%252Fvalue", "/capture/literal/value"),
        ("/capture/literal%253Fvalue", "/capture/literal?value"),
        ("/capture/literal%2525value", "/capture/literal%value"),
        ("/capture/+", "/capture/+"),
        ("/capture/100%", None),
    ],
)
def test_as_aws_does(sent: str, shown: str | None) -> None:
    assert decoded(sent) == shown


@given(st.text(st.characters(exclude_characters="%?", exclude_categories=["Cs"])))
def test_what_isnt_encoded_stays(path: str) -> None:
    assert decoded(path) == path
