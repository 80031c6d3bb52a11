"""How large messages may be, and how long connections last."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lablambda.rules.websocket_limits import IDLE_S, LIFE_S, MESSAGE_BYTES, ends_at, is_too_big

MOMENTS = st.floats(0, 2e9)


@given(connected=MOMENTS, idle=st.floats(0, LIFE_S), later=st.floats(0, LIFE_S))
def test_what_comes_prolongs_a_connection_but_not_its_life(
    connected: float, idle: float, later: float
) -> None:
    before, after = ends_at(connected, connected + idle), ends_at(connected, connected + idle + later)
    assert before <= after <= connected + LIFE_S
    assert before in (connected + LIFE_S, connected + idle + IDLE_S)


@given(size=st.integers(MESSAGE_BYTES - 3, MESSAGE_BYTES + 3))
def test_bytes_count_whatever_the_letters(size: int) -> None:
    text = "ü" * (size // 2) + "x" * (size % 2)
    for message in (text, text.encode(), "x" * size):
        assert is_too_big(message) == (size > MESSAGE_BYTES)


def test_half_a_character_counts_too() -> None:
    assert not is_too_big("\ud800")
