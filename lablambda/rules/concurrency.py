"""Whether one more invocation may run.

Source: Understanding Lambda function scaling, https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
"""

from __future__ import annotations

from typing import NamedTuple

from lablambda.model.errors import UntypedInvalidParameterValue

ACCOUNT_REASON = "ConcurrentInvocationLimitExceeded"
RESERVED_REASON = "ReservedFunctionConcurrentInvocationLimitExceeded"
# This much of the account's concurrency always stays unreserved.
LEAST_UNRESERVED = 100


class Demand(NamedTuple):  # made for every invocation, at a third of a frozen dataclass's cost
    """What runs, and what may, at the moment that an invocation asks to run.

    `reserved` is the function's reserved concurrency (None: it shares the account's), `running` its
    invocations that run on demand, `provisioned` the sum of its provisioned concurrency.
    `pool` is the account's unreserved concurrency, `pool_running` what runs on demand in it.
    `ready` is the provisioned concurrency of the very version asked for, `ready_running` what runs in it.
    """

    reserved: int | None
    running: int
    pool: int
    pool_running: int
    provisioned: int = 0
    ready: int = 0
    ready_running: int = 0


def refusal(demand: Demand) -> str | None:
    """AWS's ThrottleReason if there is no concurrency left, else None."""
    if demand.ready_running < demand.ready or on_demand_limit(demand) > _running_on_demand(demand):
        return None
    return ACCOUNT_REASON if demand.reserved is None else RESERVED_REASON


def on_demand_limit(demand: Demand) -> int:
    """How many may run on demand at once: of the function if it has its own concurrency, else in the pool."""
    # What is provisioned is kept for the version it was provisioned for.
    return demand.pool if demand.reserved is None else demand.reserved - demand.provisioned


def _running_on_demand(demand: Demand) -> int:
    return demand.pool_running if demand.reserved is None else demand.running


def check_reservation(wanted: int, *, limit: int, reserved_by_others: int, provisioned: int) -> None:
    """Refuse reserved concurrency that leaves others too little, or is under what is provisioned."""
    if limit - reserved_by_others - wanted < min(LEAST_UNRESERVED, limit):
        raise UntypedInvalidParameterValue(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            f"below its minimum value of [{LEAST_UNRESERVED}]."
        )
    if wanted < provisioned:
        raise UntypedInvalidParameterValue(
            f" ReservedConcurrentExecutions  {wanted} should not be lower than function's total provisioned "
            f"concurrency [{provisioned}]."
        )
