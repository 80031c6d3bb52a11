"""Reserved and provisioned concurrency as a cell says them: the function's, and its alias's.

Neither has a label, so tags of the function tell which are the cell's, whose next run may take them away.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html and
https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

from __future__ import annotations

from collections.abc import Iterator

from lablambda.model.release import Release, Released
from lablambda.rules.step import CELL, Step, Target

RESERVED_TAG, PROVISIONED_TAG = f"{CELL}:reserved", f"{CELL}:provisioned"


def fewer_steps(released: Released, wanted: Release, target: Target) -> Iterator[Step]:
    """The steps that take provisioned concurrency away: they come first, as a reservation may shrink with it."""
    before = released.tags.get(PROVISIONED_TAG)
    if before in released.provisioned and (wanted.provisioned is None or wanted.alias != before):
        parameters = {"FunctionName": target.name, "Qualifier": before}
        text = f"no longer keep environments of {target.name}:{before} ready"
        yield Step(text, "lambda", "DeleteProvisionedConcurrencyConfig", parameters)
    elif wanted.provisioned is not None and wanted.provisioned < released.provisioned.get(
        str(wanted.alias), 0
    ):
        yield _provision(wanted, target)


def reserved_steps(released: Released, wanted: Release, target: Target) -> Iterator[Step]:
    """The step by which the function has the reservation that the cell says, or none if it no longer says any."""
    name = {"FunctionName": target.name}
    if wanted.reserved is not None and wanted.reserved != released.reserved:
        text = f"reserve {wanted.reserved} concurrent executions for {target.name}"
        parameters = {**name, "ReservedConcurrentExecutions": wanted.reserved}
        yield Step(text, "lambda", "PutFunctionConcurrency", parameters, _RESERVED_ADVICE)
    elif wanted.reserved is None and released.reserved is not None and RESERVED_TAG in released.tags:
        yield Step(f"reserve nothing for {target.name}", "lambda", "DeleteFunctionConcurrency", name)


def more_steps(released: Released, wanted: Release, target: Target) -> Iterator[Step]:
    """The step that has more environments kept ready, when there is an alias and room for them."""
    if wanted.provisioned is not None and wanted.provisioned > released.provisioned.get(str(wanted.alias), 0):
        yield _provision(wanted, target)


def _provision(wanted: Release, target: Target) -> Step:
    return Step(
        f"keep {wanted.provisioned} environments of {target.name}:{wanted.alias} ready",
        "lambda",
        "PutProvisionedConcurrencyConfig",
        {
            "FunctionName": target.name,
            "Qualifier": wanted.alias,
            "ProvisionedConcurrentExecutions": wanted.provisioned,
        },
        _PROVISIONED_ADVICE,
    )


_ROOM = "The account's concurrency is what lablambda up --concurrency says, 1000 by default"
_RESERVED_ADVICE = f"{_ROOM}, and 100 of it stay unreserved."
_PROVISIONED_ADVICE = f"It is taken from --reserved, or without that from the account's. {_ROOM}."
