"""How long a call is seen through."""

from __future__ import annotations

from lablambda.rules.delivery import TOO_OFTEN, TOO_OLD, RetryTerms, exhausted, pause_s, terms_of


def test_pauses_grow_and_fill_a_day() -> None:
    assert [pause_s(n) for n in range(8)] == [1, 3, 9, 27, 81, 243, 480, 480]
    assert 0.99 * 86_400 < sum(map(pause_s, range(185))) < 86_400


def test_the_terms_of_a_target() -> None:
    assert terms_of({}) == RetryTerms(185, 86_400, missing=False)
    policy = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    assert terms_of({"RetryPolicy": policy}) == RetryTerms(0, 60, missing=False)


def test_when_it_is_given_up() -> None:
    terms = RetryTerms(3, 60)
    assert exhausted(terms, retries=2, since=0, now=0) == ""
    assert exhausted(terms, retries=3, since=0, now=0) == TOO_OFTEN
    assert exhausted(terms, retries=2, since=0, now=51) == ""
    assert exhausted(terms, retries=2, since=0, now=52) == TOO_OLD
