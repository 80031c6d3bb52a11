"""What Application Auto Scaling keeps: a scalable target, and what is to scale it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Members = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ScalingPolicy:
    """A target tracking policy. `members` are those of TargetTrackingScalingPolicyConfiguration; `created` is seconds
    since 1970 of lab time, as all moments here."""

    name: str
    identity: str
    members: Members
    created: float


@dataclass(frozen=True, slots=True)
class ScheduledAction:
    """Bounds that are to hold from a time on. `members` are Schedule, Timezone, StartTime, EndTime and
    ScalableTargetAction."""

    name: str
    identity: str
    members: Members
    created: float


@dataclass(frozen=True, slots=True)
class ScalingActivity:
    """One change of capacity, or why there was none."""

    identity: str
    at: float
    description: str
    cause: str
    failure: str = ""


@dataclass(frozen=True, slots=True)
class ScalableTarget:
    """The provisioned concurrency of a version or alias, and the bounds within which it is scaled.

    `suspended` has the members of SuspendedState; `scaled_out` and `scaled_in` are when that was last done, and
    `before_out` what the capacity was before; `activities` are the last ones, newest first.
    """

    function: str
    qualifier: str
    identity: str
    minimum: int
    maximum: int
    role: str
    created: float
    suspended: Mapping[str, bool] = field(default_factory=dict)
    policies: Mapping[str, ScalingPolicy] = field(default_factory=dict)
    actions: Mapping[str, ScheduledAction] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    scaled_out: float = 0.0
    scaled_in: float = 0.0
    before_out: int = 0
    activities: tuple[ScalingActivity, ...] = ()

    @property
    def resource(self) -> str:
        """ResourceId as AWS writes it."""
        return f"function:{self.function}:{self.qualifier}"
