"""Versions, aliases and concurrency of a function: what its cell says of them, and what there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Release:
    """What a cell says. `publish` is that $LATEST becomes a version, `alias` that this name leads to it;
    `provisioned` environments are the alias's; None is: nothing said of it."""

    publish: bool = False
    alias: str | None = None
    reserved: int | None = None
    provisioned: int | None = None

    @property
    def publishes(self) -> bool:
        """An alias leads to a version, so naming one publishes too."""
        return self.publish or self.alias is not None

    @property
    def said(self) -> bool:
        """Whether it says anything."""
        return self != Release()


@dataclass(frozen=True, slots=True)
class Released:
    """What there is. `versions` are AWS's FunctionConfigurations, $LATEST first, then from the oldest; `aliases`
    AWS's AliasConfigurations by name; `provisioned` by version or alias; `tags` the function's."""

    versions: Sequence[Mapping[str, Any]] = ()
    aliases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reserved: int | None = None
    provisioned: Mapping[str, int] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
