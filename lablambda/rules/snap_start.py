"""SnapStart: which versions are started from a snapshot, and what can't go with it.

Here a snapshot is a process that environments are forked from, which Python's can be. A Java version may have SnapStart
as on AWS, and each of its environments runs its own init. Source:
https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
"""

from __future__ import annotations

from collections.abc import Mapping

from lablambda.model.errors import InvalidParameterValue
from lablambda.model.function import LATEST, Version
from lablambda.rules.cost import FREE_STORAGE_MB
from lablambda.rules.runtimes import family

_ON_AWS = ("java", "python", "dotnet")
_TOO_OLD = ("java8.al2", "python3.10", "python3.11")


def is_wanted(version: Version) -> bool:
    wanted: Mapping[str, str] = version.configuration.get("SnapStart", {})
    return wanted.get("ApplyOn") == "PublishedVersions"


def is_optimized(version: Version) -> bool:
    """Whether its environments are restored from a snapshot; $LATEST's never are."""
    return is_wanted(version) and version.number != LATEST and family(version.runtime) == "python"


def note(runtime: str) -> str:
    """What there is to say of SnapStart for a runtime that it does nothing for here."""
    if family(runtime) == "python":
        return ""
    return f"SnapStart of {runtime} is kept and shown; here each of its environments runs its own init."


def check(version: Version) -> None:
    """Raises InvalidParameterValue for what AWS doesn't snapshot."""
    if not is_wanted(version):
        return
    if family(version.runtime) not in _ON_AWS or version.runtime in _TOO_OLD:
        raise InvalidParameterValue(f"{version.runtime} is not supported for SnapStart enabled functions.")
    if version.storage_mb > FREE_STORAGE_MB:
        raise InvalidParameterValue(
            f"SnapStart is not supported with ephemeral storage of more than {FREE_STORAGE_MB} MB."
        )


def check_provisioned(version: Version | None) -> None:
    """Raises InvalidParameterValue for provisioned concurrency of a version with SnapStart."""
    if version is not None and is_wanted(version):
        raise InvalidParameterValue(
            "Provisioned Concurrency is not supported for functions that have SnapStart enabled."
        )
