"""What `--services` takes."""

from __future__ import annotations

import re

import pytest

from lablambda.services.choice import Choice, choice

LOCAL = "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("moto", Choice("moto", {})),
        ("none", Choice("none", {})),
        (LOCAL, Choice(LOCAL, {})),
        (f"{LOCAL}/", Choice(LOCAL, {})),
        (f"moto,dynamodb={LOCAL}", Choice("moto", {"dynamodb": LOCAL})),
        (
            f"dynamodb={LOCAL}, s3=http://[::1]:9000",
            Choice("moto", {"dynamodb": LOCAL, "s3": "http://[::1]:9000"}),
        ),
        ("https://sqs.eu-west-1.amazonaws.com", Choice("https://sqs.eu-west-1.amazonaws.com", {})),
    ],
)
def test_a_choice(text: str, chosen: Choice) -> None:
    assert choice(text) == chosen


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mto", "'mto' is neither moto nor none nor the URL of a backend"),
        ("127.0.0.1:8000", "'127.0.0.1:8000' is neither"),
        ("http://", "'http://' is neither"),
        ("ftp://127.0.0.1", "is neither"),
        ("http://127.0.0.1:eighty", "is neither"),
        (f"{LOCAL}/path", "is neither"),
        ("http://me:secret@127.0.0.1", "is neither"),
        ("dynamodb=moto", "'moto' is neither"),
        (f"moto,{LOCAL}", f"moto and {LOCAL} can't both answer for everything"),
    ],
)
def test_no_choice(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        choice(text)
