from __future__ import annotations

import pytest

from lablambda.model.invocation import Outcome, Report
from lablambda.rules.batch_response import failed_items

ALL = frozenset({"a", "b"})


def outcome(payload: bytes, error: str | None = None) -> Outcome:
    return Outcome(payload, Report("r", 1.0, 1, 128, 64), "$LATEST", error)


@pytest.mark.parametrize(
    ("payload", "failed"),
    [
        (b'{"batchItemFailures": []}', frozenset()),
        (b'{"batchItemFailures": null}', frozenset()),
        (b"{}", frozenset()),
        (b"null", frozenset()),
        (b'{"batchItemFailures": [{"itemIdentifier": "a"}]}', frozenset({"a"})),
        (b'{"batchItemFailures": [{"itemIdentifier": ""}]}', ALL),
        (b'{"batchItemFailures": [{"itemIdentifier": null}]}', ALL),
        (b'{"batchItemFailures": [{"wrong": "a"}]}', ALL),
        (b'{"batchItemFailures": [{"itemIdentifier": "c"}]}', ALL),
        (b'{"batchItemFailures": [[]]}', ALL),
        (b'{"batchItemFailures": [{"itemIdentifier": ["a"]}]}', ALL),
        (b'{"batchItemFailures": 3}', ALL),
        (b"not json", ALL),
    ],
)
def test_what_an_answer_says(payload: bytes, failed: frozenset[str]) -> None:
    assert failed_items(outcome(payload), ALL, reports=True) == failed


def test_without_reports_an_answer_says_nothing() -> None:
    assert failed_items(outcome(b'{"batchItemFailures": 3}'), ALL, reports=False) == frozenset()
    assert failed_items(outcome(b"{}", "Unhandled"), ALL, reports=False) == ALL
