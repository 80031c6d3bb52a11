from __future__ import annotations

import itertools

import pytest

from lablambda.rules import lifecycle
from lablambda.rules.lifecycle import MOVES, IllegalMove, Move, State, after


@pytest.mark.parametrize(("state", "move"), list(itertools.product(State, Move)))
def test_every_row(state: State, move: Move) -> None:
    if (state, move) in MOVES:
        assert after(state, move) is MOVES[state, move]
    else:
        with pytest.raises(IllegalMove, match=f"{move.value} in state {state.value}"):
            after(state, move)


def test_every_state_can_be_stopped_and_stays_stopped() -> None:
    assert all(after(state, Move.STOP) is State.STOPPED for state in State)
    assert [move for state, move in MOVES if state is State.STOPPED] == [Move.STOP]


def test_only_an_idle_environment_takes_an_event() -> None:
    assert [state for state, move in MOVES if move is Move.INVOKE] == [State.IDLE]


@pytest.mark.parametrize(
    ("initialization", "timeout_s", "limit_s"),
    [(lifecycle.ON_DEMAND, 900, 10), (lifecycle.PROVISIONED, 3, 130), (lifecycle.PROVISIONED, 900, 900)],
)
def test_how_long_init_may_take(initialization: str, timeout_s: int, limit_s: float) -> None:
    assert lifecycle.init_limit_s(initialization, timeout_s) == limit_s
