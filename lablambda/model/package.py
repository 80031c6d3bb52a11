"""Code as the store keeps it, and the layers made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Package:
    """Code unpacked once in the store and shared, read-only, by all who run it.

    `digest` is the hex SHA-256 of the zip's bytes and names the folder, `sha256` the same as AWS writes
    it (base64); `size` is the zip's, `unzipped` its content's, in bytes.
    """

    digest: str
    sha256: str
    size: int
    unzipped: int


@dataclass(frozen=True, slots=True)
class Policy:
    """A resource policy: its statements in IAM's JSON form, by statement id, and its own revision."""

    statements: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Layer:
    """One version of a layer: a package whose content appears under /opt."""

    name: str
    arn: str
    version: int
    package: Package
    description: str
    created: str
    runtimes: tuple[str, ...] | None = None
    architectures: tuple[str, ...] | None = None
    license: str | None = None


@dataclass(frozen=True, slots=True)
class LayerSeries:
    """All of a layer's versions, oldest first; `last` is the last number given, which is never given again."""

    name: str
    last: int = 0
    versions: tuple[Layer, ...] = ()
    policies: Mapping[str, Policy] = field(default_factory=dict)

    def version(self, number: int) -> Layer | None:
        """That version, if it is still there."""
        return next((layer for layer in self.versions if layer.version == number), None)
