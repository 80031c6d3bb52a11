from __future__ import annotations

import json

import pytest

from lablambda.model.invocation import Outcome, Report
from lablambda.rules.tumbling_window import Window, after, event_members, start_of

REPORT = Report("r", 1.0, 1, 128, 30)


def test_windows_follow_each_other_without_a_gap() -> None:
    assert [start_of(moment, 30) for moment in (0.0, 29.999, 30.0, 61.5)] == [0, 0, 30, 60]


def test_what_an_event_says_of_its_window() -> None:
    assert event_members(Window(60.0, {"n": 1}), 30, final=False) == {
        "window": {"start": "1970-01-01T00:01:00Z", "end": "1970-01-01T00:01:30Z"},
        "state": {"n": 1},
        "isFinalInvokeForWindow": False,
        "isWindowTerminatedEarly": False,
    }


def test_the_state_is_what_the_function_returned() -> None:
    window = after(Window(60.0, {"n": 1}), Outcome(b'{"state": {"n": 2}}', REPORT, "$LATEST"))
    assert window == Window(60.0, {"n": 2})


@pytest.mark.parametrize("answer", [b"null", b"{}", b'"state"', b"[]", b"\xff", b"[" * 100_000])
def test_an_answer_without_a_state_is_a_failure(answer: bytes) -> None:
    assert after(Window(0.0), Outcome(answer, REPORT, "$LATEST")) is None


def test_an_error_is_a_failure() -> None:
    assert after(Window(0.0), Outcome(b'{"state": {}}', REPORT, "$LATEST", "Unhandled")) is None


def test_a_state_that_grows_too_large_ends_its_window() -> None:
    answer = json.dumps({"state": {"text": "x" * 1024 * 1024}}).encode()
    window = after(Window(0.0), Outcome(answer, REPORT, "$LATEST"))
    assert window is not None
    assert window.ends_early
    assert event_members(window, 30, final=True)["isWindowTerminatedEarly"]
