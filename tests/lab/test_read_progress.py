from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lablambda.lab.read_progress import Progress


def test_done_is_what_has_no_gap_before_it() -> None:
    progress = Progress()
    progress.read("abcd")
    reached = []
    for finished in ("bd", "a", "c"):
        progress.finish(finished)
        reached.append(progress.done)
    assert reached == [None, "b", "d"]
    assert progress.last_read == "d"
    assert progress.clear


@given(st.permutations(list(map(str, range(12)))))
def test_in_whatever_order_records_are_done_with(order: list[str]) -> None:
    progress = Progress()
    progress.read(map(str, range(12)))
    for count, sequence in enumerate(order, start=1):
        progress.finish([sequence])
        finished = set(order[:count])
        expected = next((n for n in range(12) if str(n) not in finished), 12) - 1
        assert progress.done == (str(expected) if expected >= 0 else None)
