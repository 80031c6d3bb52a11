from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lablambda.rules.stream_retry import EVER, Piece, after_failure, pause_s


def test_a_batch_is_retried_whole() -> None:
    assert after_failure(Piece("abc"), 0, retries=2, bisects=False) == [Piece("abc", 1)]
    assert after_failure(Piece("abc", 1), 0, retries=2, bisects=False) == [Piece("abc", 2)]
    assert after_failure(Piece("abc", 2), 0, retries=2, bisects=False) is None
    assert after_failure(Piece("abc", 2_000), 0, retries=EVER, bisects=False) == [Piece("abc", 2_001)]


def test_only_the_rest_of_a_batch_is_retried() -> None:
    assert after_failure(Piece("abc"), 1, retries=2, bisects=False) == [Piece("bc", 1)]


def test_splitting_uses_up_no_retries() -> None:
    assert after_failure(Piece("abcde", 2), 0, retries=2, bisects=True) == [Piece("abc", 2), Piece("de", 2)]
    assert after_failure(Piece("abcde", 2), 3, retries=2, bisects=True) == [Piece("de", 2)]
    assert after_failure(Piece("a", 1), 0, retries=2, bisects=True) == [Piece("a", 2)]
    assert after_failure(Piece("a", 2), 0, retries=2, bisects=True) is None


@given(
    st.integers(1, 40),
    st.sets(st.integers(0, 39)),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
)
def test_every_record_is_done_with_once_and_in_order(
    count: int, bad: set[int], retries: int, bisects: bool, reports: bool
) -> None:
    """Whatever a function fails on; with bisection only what it fails on is given up."""
    pieces, done, given_up = [Piece(range(count))], list[int](), list[int]()
    while pieces:
        piece = pieces.pop(0)
        failing = [index for index, record in enumerate(piece.records) if record in bad]
        if not failing:
            done += piece.records
            continue
        first = failing[0] if reports else 0
        done += piece.records[:first]
        following = after_failure(piece, first, retries=retries, bisects=bisects)
        given_up += piece.records[first:] if following is None else []
        pieces[:0] = following or []
    assert sorted(done + given_up) == list(range(count))
    assert done == sorted(done)
    if bisects:
        assert given_up == sorted(number for number in bad if number < count)


def test_pauses_grow_up_to_a_minute() -> None:
    assert [pause_s(failures) for failures in (1, 2, 3, 6, 7, 1_000_000)] == [1, 2, 4, 32, 60, 60]
