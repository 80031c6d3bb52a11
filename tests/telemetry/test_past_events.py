from __future__ import annotations

from lablambda.model.invocation import Invocation
from lablambda.telemetry.past_events import PastEvents


def invocation(number: int, payload: bytes = b"{}", function: str = "f") -> Invocation:
    return Invocation(function, None, payload, "arn", request_id=str(number))


def test_the_last_and_those_by_request() -> None:
    past = PastEvents()
    for number in range(3):
        past.remember(invocation(number, str(number).encode()))
    assert past.find("f", None) == ("2", b"2")
    assert past.find("f", "0") == ("0", b"0")
    assert past.find("f", "9") is None
    assert past.find("g", None) is None


def test_only_so_many_are_kept() -> None:
    past = PastEvents()
    for number in range(150):
        past.remember(invocation(number))
    assert past.find("f", "49") is None
    assert past.find("f", "50") is not None


def test_only_so_much_is_kept_but_always_the_last() -> None:
    past = PastEvents()
    large = b"x" * 600_000
    for number in range(3):
        past.remember(invocation(number, large))
    assert past.find("f", "1") is None
    past.remember(invocation(9, b"x" * 6_000_000))
    found = past.find("f", None)
    assert found is not None
    assert found[0] == "9"


def test_a_function_that_is_deleted_is_forgotten() -> None:
    past = PastEvents()
    past.remember(invocation(1))
    past.forget("f")
    past.forget("nobody")
    assert past.find("f", None) is None
