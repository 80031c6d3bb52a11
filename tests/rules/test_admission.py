"""In which order the limits of concurrency and of pace are asked."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from lablambda.rules.admission import admit, grow
from lablambda.rules.concurrency import ACCOUNT_REASON, RESERVED_REASON, Demand
from lablambda.rules.scaling import ACCOUNT_RATE_REASON, RESERVED_RATE_REASON


@dataclass
class Pace:
    """Lets through what it is told to, and notes who asked."""

    lets: bool = True
    refuses: str | None = None
    asked: list[tuple[str, int]] = field(default_factory=list)

    def request(self, owner: str, concurrency: int) -> bool:
        self.asked.append((owner, concurrency))
        return self.lets and owner != self.refuses

    def start(self, function: str) -> bool:
        self.asked.append((function, 1))
        return self.lets


SHARED = Demand(None, 0, pool=10, pool_running=9)
OWN = Demand(5, 2, pool=10, pool_running=0, provisioned=3, ready=3, ready_running=3)


@pytest.mark.parametrize(
    ("demand", "expected", "asked"),
    [
        (SHARED, (None, False), [("", 10)]),
        (SHARED._replace(pool_running=10), (ACCOUNT_REASON, False), []),
        (OWN._replace(running=1), (None, False), [("f", 2)]),
        (OWN, (RESERVED_REASON, False), []),
        (OWN._replace(ready_running=2), (None, True), [("arn", 3)]),
    ],
)
def test_who_is_asked(
    demand: Demand, expected: tuple[str | None, bool], asked: list[tuple[str, int]]
) -> None:
    pace = Pace()
    assert admit(demand, "f", "arn", pace, synchronous=True) == expected
    assert pace.asked == asked
    pace = Pace()
    assert admit(demand, "f", "arn", pace, synchronous=False) == expected
    assert pace.asked == []


@pytest.mark.parametrize(
    ("demand", "reason"), [(SHARED, ACCOUNT_RATE_REASON), (OWN._replace(running=1), RESERVED_RATE_REASON)]
)
def test_too_many_a_second(demand: Demand, reason: str) -> None:
    assert admit(demand, "f", "arn", Pace(lets=False), synchronous=True) == (reason, False)


def test_what_is_provisioned_spills_over_when_it_is_asked_too_often() -> None:
    pace = Pace(refuses="arn")
    assert admit(OWN._replace(ready_running=0, running=1), "f", "arn", pace, synchronous=True) == (
        None,
        False,
    )
    assert pace.asked == [("arn", 3), ("f", 2)]


def test_growing() -> None:
    assert grow("f", Pace(), reserved=False) is None
    assert grow("f", Pace(lets=False), reserved=False) == ACCOUNT_REASON
    assert grow("f", Pace(lets=False), reserved=True) == RESERVED_REASON
