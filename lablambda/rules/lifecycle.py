"""The life of an execution environment, as a table.

STARTING covers the init phase; an IDLE environment is frozen between invocations; after a timeout or
crash it is RESET: its process is gone, its /tmp and log stream stay, and the next invocation begins
with a suppressed init. Source: Understanding the Lambda execution environment lifecycle,
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

from enum import Enum

# Why an environment is started, as AWS_LAMBDA_INITIALIZATION_TYPE says it.
ON_DEMAND, PROVISIONED, SNAP_START = "on-demand", "provisioned-concurrency", "snap-start"
RESTORE_S = 10.0
_INIT_S, _LONG_INIT_S = 10.0, 130.0
# Environments are replaced "every few hours", however busy they are; AWS doesn't say after how many.
LONGEST_LIFE_S = 4 * 3600.0
# How long an environment is kept for the next event; AWS doesn't say that either.
IDLE_S = 300.0


def init_limit_s(initialization: str, timeout_s: int) -> float:
    """How long init may take; nobody waits for a provisioned one, or for a snapshot's, so it may take long."""
    return _INIT_S if initialization == ON_DEMAND else max(_LONG_INIT_S, timeout_s)


def too_old(born: float, now: float) -> bool:
    """Whether an environment that was started at the moment `born` (in seconds, as `now`) is to be replaced."""
    return now - born >= LONGEST_LIFE_S


class State(Enum):
    NEW = "new"
    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    RESET = "reset"
    STOPPED = "stopped"


class Move(Enum):
    START = "start"
    READY = "ready"
    INVOKE = "invoke"
    DONE = "done"
    FAIL = "fail"
    STOP = "stop"


MOVES: dict[tuple[State, Move], State] = {
    (State.NEW, Move.START): State.STARTING,
    (State.STARTING, Move.READY): State.IDLE,
    (State.STARTING, Move.FAIL): State.RESET,
    (State.IDLE, Move.INVOKE): State.BUSY,
    (State.IDLE, Move.FAIL): State.RESET,
    (State.BUSY, Move.DONE): State.IDLE,
    (State.BUSY, Move.FAIL): State.RESET,
    (State.RESET, Move.START): State.STARTING,
    (State.NEW, Move.STOP): State.STOPPED,
    (State.STARTING, Move.STOP): State.STOPPED,
    (State.IDLE, Move.STOP): State.STOPPED,
    (State.BUSY, Move.STOP): State.STOPPED,
    (State.RESET, Move.STOP): State.STOPPED,
    (State.STOPPED, Move.STOP): State.STOPPED,
}


class IllegalMove(RuntimeError):
    """The code asked an environment for something that its state doesn't allow: a bug, not an input."""


def after(state: State, move: Move) -> State:
    """The state that `move` leads to; IllegalMove if `state` doesn't have it."""
    try:
        return MOVES[state, move]
    except KeyError:
        raise IllegalMove(f"{move.value} in state {state.value}") from None
