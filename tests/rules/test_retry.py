from __future__ import annotations

import pytest

from lablambda.rules.retry import Attempt, RetryPolicy, Verdict, judge

DEFAULT = RetryPolicy()


def test_success_ends_it() -> None:
    assert judge(Attempt.SUCCEEDED, DEFAULT, failures=0, refusals=0, enqueued=0, now=5) == Verdict()


@pytest.mark.parametrize(("failures", "wait"), [(1, 60), (2, 120)])
def test_a_failing_function_is_tried_again_after_one_and_two_minutes(failures: int, wait: int) -> None:
    verdict = judge(Attempt.FUNCTION_FAILED, DEFAULT, failures=failures, refusals=0, enqueued=0, now=10)
    assert verdict.due == 10 + wait


def test_a_third_failure_is_the_last() -> None:
    verdict = judge(Attempt.FUNCTION_FAILED, DEFAULT, failures=3, refusals=0, enqueued=0, now=10)
    assert verdict == Verdict(condition="RetriesExhausted")


@pytest.mark.parametrize(("refusals", "wait"), [(1, 1), (2, 2), (5, 16), (30, 300)])
def test_throttles_back_off_and_cost_no_retry(refusals: int, wait: int) -> None:
    verdict = judge(Attempt.NOT_STARTED, DEFAULT, failures=0, refusals=refusals, enqueued=0, now=100)
    assert verdict.due == 100 + wait


def test_an_event_that_would_be_too_old_is_given_up() -> None:
    verdict = judge(Attempt.NOT_STARTED, DEFAULT, failures=0, refusals=9, enqueued=0, now=21_500)
    assert verdict == Verdict(condition="EventAgeExceeded")


def test_a_function_may_want_fewer_retries_and_younger_events() -> None:
    impatient = RetryPolicy(retries=0, age_s=60)
    failed = judge(Attempt.FUNCTION_FAILED, impatient, failures=1, refusals=0, enqueued=0, now=1)
    throttled = judge(Attempt.NOT_STARTED, impatient, failures=0, refusals=6, enqueued=0, now=55)
    assert (failed.condition, throttled.condition) == ("RetriesExhausted", "EventAgeExceeded")
