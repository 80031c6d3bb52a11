"""A cell's version and alias: what $LATEST is becomes a version, and the alias leads to it.

Versions stay whatever the cell says later: they are its history. The alias goes when the cell no longer names it; a tag
of the function tells which it made. Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lablambda.model.release import Release, Released
from lablambda.rules.step import CELL, AnswerOf, Step, Target

ALIAS_TAG = f"{CELL}:alias"
# What differs between $LATEST and a version although they are the same.
_OF_ITS_OWN = {"Version", "FunctionArn", "RevisionId", "LastModified", "Description", "SnapStart"}


def version_steps(wanted: Release, target: Target, *, changes: bool) -> Iterator[Step]:
    """The step by which there is a version that is as $LATEST will be; `changes` tells that none is as yet."""
    if wanted.publishes and changes:
        parameters = {"FunctionName": target.name}
        yield Step(
            f"publish a version of {target.name}", "lambda", "PublishVersion", parameters, _VERSION_ADVICE
        )


def alias_steps(released: Released, wanted: Release, target: Target, *, changes: bool) -> Iterator[Step]:
    """The steps by which the cell's alias leads to that version, and the one it named before is gone."""
    if wanted.alias is not None:
        version = None if changes else newest_version(released)
        yield from _lead(released.aliases.get(wanted.alias), wanted.alias, version, target)
    before = released.tags.get(ALIAS_TAG)
    if before in released.aliases and before != wanted.alias:
        parameters = {"FunctionName": target.name, "Name": before}
        yield Step(f"delete the alias {before} of {target.name}", "lambda", "DeleteAlias", parameters)


def newest_version(released: Released) -> str | None:
    """The number of the last version, if that is as $LATEST is."""
    if len(released.versions) < 2:
        return None
    latest, newest = released.versions[0], released.versions[-1]
    return str(newest["Version"]) if _substance(latest) == _substance(newest) else None


def _lead(alias: Mapping[str, Any] | None, name: str, version: str | None, target: Target) -> Iterator[Step]:
    to = "that version" if version is None else f"version {version}"
    number = version or AnswerOf("PublishVersion", "Version")
    parameters: dict[str, Any] = {"FunctionName": target.name, "Name": name, "FunctionVersion": number}
    if alias is None:
        yield Step(f"have a new alias {name} lead to {to}", "lambda", "CreateAlias", parameters)
    elif alias["FunctionVersion"] != version or alias.get("RoutingConfig"):
        parameters |= {"RoutingConfig": {"AdditionalVersionWeights": {}}}
        yield Step(f"have alias {name} lead to {to}", "lambda", "UpdateAlias", parameters)


def split_step(
    released: Released, name: str, version: str, weights: Mapping[str, float], target: Target
) -> Step:
    """The step by which an alias, new or not, leads to a version, and shares of its traffic (0 to 1) to others."""
    shares = ", ".join(f"{share:.0%} to version {number}" for number, share in weights.items())
    text = f"have alias {name} lead to version {version}" + (f", {shares}" if shares else "")
    parameters = {
        "FunctionName": target.name,
        "Name": name,
        "FunctionVersion": version,
        "RoutingConfig": {"AdditionalVersionWeights": dict(weights)},
    }
    operation = "UpdateAlias" if name in released.aliases else "CreateAlias"
    return Step(
        text, "lambda", operation, parameters, f"%lambda versions {target.name} shows which there are."
    )


def _substance(configuration: Mapping[str, Any]) -> dict[str, Any]:
    substance = {name: value for name, value in configuration.items() if name not in _OF_ITS_OWN}
    return {**substance, "SnapStart": configuration.get("SnapStart", {}).get("ApplyOn", "None")}


_VERSION_ADVICE = "Does its init work? %lambda invoke shows what it says."
