"""What a plan is made of: what is there, and the calls that change it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

# What marks the permissions, notifications and mappings that a plan made, and another may take away.
OURS = "lablambda"


@dataclass(frozen=True, slots=True)
class LayerOf:
    """Stands for the ARN of a layer that an earlier step publishes."""

    name: str


@dataclass(frozen=True, slots=True)
class Step:
    """One AWS call. `text` tells a person what it does; `parameters` may hold `LayerOf`."""

    text: str
    service: str
    operation: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CurrentMapping:
    """`ours` is whether an earlier plan made it, and another may delete it."""

    uuid: str
    ours: bool


@dataclass(frozen=True, slots=True)
class Current:
    """What is there. `function` is AWS's FunctionConfiguration or None; `sources` the ARNs that the
    function's policy lets in, by statement id; `buckets` the notification configuration of each
    bucket that matters (None: no such bucket); `queues` which of the queues that matter are there;
    `mappings` the event source mappings by the ARN of their source; `layers` the newest ARN by layer name."""

    function: Mapping[str, Any] | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    buckets: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    queues: Collection[str] = ()
    mappings: Mapping[str, CurrentMapping] = field(default_factory=dict)
    layers: Mapping[str, str] = field(default_factory=dict)
