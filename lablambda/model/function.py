"""A function as the catalog knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LATEST = "$LATEST"


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
class Layer:
    """One version of a layer: a package whose content appears under /opt."""

    name: str
    arn: str
    version: int
    package: Package
    description: str
    created: str
    runtimes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Version:
    """A function's code and configuration at one moment: what an environment is made from.

    `configuration` holds the members of AWS's FunctionConfiguration that a caller sets (Runtime,
    Handler, Timeout, Environment, ...), spelt as botocore's model spells them, so that what the lab
    only stores is echoed without being listed anywhere.
    """

    name: str
    arn: str
    number: str
    configuration: Mapping[str, Any]
    package: Package
    revision: str
    last_modified: str
    layers: tuple[Layer, ...] = ()

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
    def timeout_s(self) -> int:
        return int(self.configuration["Timeout"])

    @property
    def variables(self) -> Mapping[str, str]:
        environment: Mapping[str, Mapping[str, str]] = self.configuration.get("Environment", {})
        return environment.get("Variables", {})

    @property
    def log_group(self) -> str:
        return str(self.configuration["LoggingConfig"]["LogGroup"])


@dataclass(frozen=True, slots=True)
class Function:
    """A function: its current version ($LATEST), tags, and who else may invoke it.

    `statements` are the resource policy's statements in IAM's JSON form, by statement id.
    """

    latest: Version
    tags: Mapping[str, str] = field(default_factory=dict)
    statements: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    policy_revision: str = ""

    @property
    def name(self) -> str:
        return self.latest.name
