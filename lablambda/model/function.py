"""A function as the catalog knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from lablambda.model.package import Layer, Package, Policy

LATEST = "$LATEST"


def version_order(number: str) -> int:
    """By which versions are sorted: $LATEST, then by number. Raises ValueError for what is neither."""
    return 0 if number == LATEST else int(number)


class Phase(StrEnum):
    """Where a version is in its life; AWS's State and LastUpdateStatus follow from it."""

    CREATING = "creating"
    UPDATING = "updating"
    ACTIVE = "active"
    FAILED = "failed"  # it couldn't be made ready; an update can heal it
    UPDATE_FAILED = "update failed"

    @property
    def changing(self) -> bool:
        return self in (Phase.CREATING, Phase.UPDATING)


@dataclass(frozen=True, slots=True)
class Version:
    """A function's code and configuration at one moment: what an environment is made from.

    `configuration` holds the members of AWS's FunctionConfiguration that a caller sets (Runtime,
    Handler, Timeout, Environment, ...), spelt as botocore's model spells them, so that what the lab
    only stores is echoed without being listed anywhere. `build` names this code with this
    configuration: it stays the same when a version is published from it, and when `revision`,
    AWS's RevisionId, changes because a change is complete.
    """

    name: str
    arn: str
    number: str
    configuration: Mapping[str, Any]
    package: Package
    revision: str
    build: str
    last_modified: str
    layers: tuple[Layer, ...] = ()
    phase: Phase = Phase.ACTIVE
    reason: str = ""

    @property
    def runtime(self) -> str:
        return str(self.configuration["Runtime"])

    @property
    def handler(self) -> str:
        return str(self.configuration["Handler"])

    @property
    def role(self) -> str:
        return str(self.configuration["Role"])

    @property
    def memory_mb(self) -> int:
        return int(self.configuration["MemorySize"])

    @property
    def architecture(self) -> str:
        return str(self.configuration["Architectures"][0])

    @property
    def storage_mb(self) -> int:
        """The size of /tmp."""
        return int(self.configuration["EphemeralStorage"]["Size"])

    @property
    def timeout_s(self) -> int:
        return int(self.configuration["Timeout"])

    @property
    def variables(self) -> Mapping[str, str]:
        environment: Mapping[str, Mapping[str, str]] = self.configuration.get("Environment", {})
        return environment.get("Variables", {})

    @property
    def logging(self) -> Mapping[str, str]:
        """LoggingConfig: LogFormat, LogGroup and, for JSON, the two levels."""
        logging: Mapping[str, str] = self.configuration["LoggingConfig"]
        return logging

    @property
    def log_group(self) -> str:
        return self.logging["LogGroup"]


@dataclass(frozen=True, slots=True)
class Alias:
    """A name for a version. `weights` are the shares (0 to 1) of traffic that other versions get."""

    name: str
    version: str
    description: str
    revision: str
    weights: Mapping[str, float] = field(default_factory=dict)


class Setting(StrEnum):
    """What can be attached to a function or to one of its versions or aliases."""

    EVENT_INVOKE = "event invoke config"
    FUNCTION_URL = "function URL"
    PROVISIONED = "provisioned concurrency"
    RECURSION = "recursion config"
    RUNTIME_MANAGEMENT = "runtime management config"
    SCALING = "scaling config"


Members = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Function:
    """A function: $LATEST, its published versions and aliases, and all that is attached to it.

    `last` is the last version number given, which is never given again. `policies` and the inner
    mappings of `settings` go by qualifier, with "" for the function itself; a setting's members are
    spelt as botocore's model spells them. `reserved` is its reserved concurrency, None if unset.
    """

    latest: Version
    versions: Mapping[str, Version] = field(default_factory=dict)
    last: int = 0
    aliases: Mapping[str, Alias] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    reserved: int | None = None
    settings: Mapping[str, Mapping[str, Members]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.latest.name

    def version(self, number: str) -> Version | None:
        """$LATEST or a published version; None if there is none of that number."""
        return self.latest if number == LATEST else self.versions.get(number)

    def has(self, qualifier: str | None) -> bool:
        """Whether there is such a version or alias; None stands for the function itself."""
        return qualifier in (None, LATEST) or qualifier in self.versions or qualifier in self.aliases

    def every_version(self) -> tuple[Version, ...]:
        """$LATEST first, then the published ones, oldest first."""
        return (self.latest, *self.versions.values())

    def without(self, qualifier: str) -> Function:
        """The function without that version or alias, and without all that was attached to it."""

        def others(of: Mapping[str, Any]) -> dict[str, Any]:
            return {name: value for name, value in of.items() if name != qualifier}

        return replace(
            self,
            versions=others(self.versions),
            aliases=others(self.aliases),
            policies=others(self.policies),
            settings={kind: others(attached) for kind, attached in self.settings.items()},
        )

    def setting(self, kind: Setting, qualifier: str = "") -> Members | None:
        return self.settings.get(kind, {}).get(qualifier)

    def with_setting(self, kind: Setting, qualifier: str, members: Members | None) -> Function:
        """The function with that setting, or without it if `members` is None."""
        kept = {q: m for q, m in self.settings.get(kind, {}).items() if q != qualifier}
        if members is not None:
            kept[qualifier] = members
        return replace(self, settings={**self.settings, kind: kept})
