"""Provisioned concurrency: how many environments of which version are to be kept ready.

Source: Configuring provisioned concurrency, https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

from __future__ import annotations

from lablambda.model.errors import InvalidParameterValue, ResourceConflict, UntypedInvalidParameterValue
from lablambda.model.function import LATEST, Alias, Function, Setting
from lablambda.rules.concurrency import LEAST_UNRESERVED

UNPUBLISHED = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
REQUESTED = "RequestedProvisionedConcurrentExecutions"


def total(function: Function) -> int:
    """All that is provisioned for a function's versions and aliases."""
    if Setting.PROVISIONED not in function.settings:  # nearly always, and asked for every invocation
        return 0
    return sum(int(members[REQUESTED]) for members in function.settings.get(Setting.PROVISIONED, {}).values())


def of_version(function: Function, number: str) -> int:
    """What is provisioned for a version: directly, and by aliases that point to it."""
    provisioned = function.settings.get(Setting.PROVISIONED)
    if not provisioned:
        return 0
    return sum(
        int(members[REQUESTED])
        for qualifier, members in provisioned.items()
        if version_of(function, qualifier) == number
    )


def version_of(function: Function, qualifier: str) -> str:
    """The version that a qualifier with provisioned concurrency means; it moves with its alias."""
    alias = function.aliases.get(qualifier)
    return qualifier if alias is None else alias.version


def set_aside(function: Function) -> int:
    """How much of the account's concurrency this function takes out of the unreserved pool."""
    return total(function) if function.reserved is None else function.reserved


def check(before: Function, after: Function, *, limit: int, set_aside: int) -> None:
    """Refuse provisioned concurrency that the function's reservation or the account doesn't have.

    `limit` is the account's concurrency, `set_aside` what is taken out of it by now, `before` included.
    """
    wanted = total(after)
    if after.reserved is not None:
        if wanted > after.reserved:
            raise InvalidParameterValue(
                "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for "
                "function"
            )
        return
    others = set_aside - total(before)
    if wanted > limit - others:
        raise UntypedInvalidParameterValue(
            "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency "
            f"[{limit - others}]."
        )
    if limit - others - wanted < min(LEAST_UNRESERVED, limit):
        raise UntypedInvalidParameterValue(
            "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
            f"minimum value of [{LEAST_UNRESERVED}]."
        )


def check_alias(alias: Alias) -> None:
    """Refuse provisioned concurrency of an alias that doesn't point to one published version."""
    if alias.version == LATEST:
        raise InvalidParameterValue(UNPUBLISHED)
    if alias.weights:
        raise InvalidParameterValue("Alias with weights can not be used with Provisioned Concurrency")


def check_single(function: Function, qualifier: str) -> None:
    """Refuse to provision a version twice: by itself and by an alias that points to it."""
    attached = function.settings.get(Setting.PROVISIONED, {})
    if qualifier in function.aliases:
        if function.aliases[qualifier].version in attached:
            raise ResourceConflict(
                "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
            )
    elif any(version_of(function, other) == qualifier for other in attached if other in function.aliases):
        raise ResourceConflict("Version is pointed by a Provisioned Concurrency alias")
