"""Who may run, and how much may be reserved."""

from __future__ import annotations

import pytest

from lablambda.model.errors import InvalidParameterValue
from lablambda.rules.concurrency import ACCOUNT_REASON, RESERVED_REASON, Demand, check_reservation, refusal


def demand(**more: int | None) -> Demand:
    return Demand(**{"reserved": None, "running": 0, "pool": 10, "pool_running": 0, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (demand(pool_running=9), None),
        (demand(pool_running=10), ACCOUNT_REASON),
        (demand(reserved=2, running=1, pool_running=10), None),
        (demand(reserved=2, running=2), RESERVED_REASON),
        (demand(reserved=0), RESERVED_REASON),
        # what is provisioned is kept for its version, and beyond it the version runs on demand
        (demand(reserved=3, running=1, provisioned=2), RESERVED_REASON),
        (demand(reserved=3, running=1, provisioned=2, ready=2, ready_running=1), None),
        (demand(reserved=3, running=0, provisioned=2, ready=2, ready_running=2), None),
        (demand(reserved=3, running=1, provisioned=2, ready=2, ready_running=2), RESERVED_REASON),
        (demand(pool_running=10, provisioned=1, ready=1), None),
    ],
)
def test_who_is_refused(asked: Demand, expected: str | None) -> None:
    assert refusal(asked) == expected


@pytest.mark.parametrize(
    ("wanted", "others", "provisioned", "fine"),
    [(900, 0, 0, True), (901, 0, 0, False), (500, 400, 0, True), (500, 401, 0, False), (2, 0, 3, False)],
)
def test_what_may_be_reserved(wanted: int, others: int, provisioned: int, fine: bool) -> None:
    def check() -> None:
        check_reservation(wanted, limit=1000, reserved_by_others=others, provisioned=provisioned)

    if fine:
        check()
    else:
        with pytest.raises(InvalidParameterValue):
            check()


def test_a_lab_with_little_concurrency_can_reserve_none_of_it() -> None:
    check_reservation(0, limit=10, reserved_by_others=0, provisioned=0)
    with pytest.raises(InvalidParameterValue):
        check_reservation(1, limit=10, reserved_by_others=0, provisioned=0)
