"""What a cell (or a notebook, or a test) wants deployed, before anyone knows what is there already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lablambda.model.destination import Ends
from lablambda.model.release import Release
from lablambda.model.source import Source


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
    ends: Ends = Ends()  # noqa: RUF009 - frozen
    release: Release = Release()  # noqa: RUF009 - frozen
    snap_start: bool = False
