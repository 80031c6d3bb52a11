"""What a cell (or a notebook, or a test) wants deployed, before anyone knows what is there already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class S3Source:
    """Objects created in a bucket, by prefix and suffix of their keys."""

    bucket: str
    prefix: str = ""
    suffix: str = ""

    def __str__(self) -> str:
        pattern = f"/{self.prefix}*{self.suffix}" if self.prefix or self.suffix else ""
        return f"s3:{self.bucket}{pattern}"


@dataclass(frozen=True, slots=True)
class QueueSource:
    """An SQS queue, by its name."""

    queue: str

    def __str__(self) -> str:
        return f"sqs:{self.queue}"


Source = S3Source | QueueSource


@dataclass(frozen=True, slots=True)
class Deployment:
    """One function as wanted. `files` are the package's contents by path; `memory_mb` in MB,
    `timeout_s` in seconds; `requires` are requirement strings as pip reads them."""

    name: str
    runtime: str
    handler: str
    files: Mapping[str, bytes]
    memory_mb: int = 128
    timeout_s: int = 3
    variables: Mapping[str, str] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
