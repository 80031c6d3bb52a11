"""EventBridge: buses, and the rules that send what comes on them to targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT_BUS = "default"


@dataclass(frozen=True, slots=True)
class EventBus:
    """`created` is seconds since 1970."""

    name: str
    created: float
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventRule:
    """`members` are those of AWS's PutRule, `targets` those of its Target by Id, spelt as botocore's model spells
    them; `since` is when the rule got its schedule, in seconds since 1970 of lab time."""

    bus: str
    name: str
    members: Mapping[str, Any]
    since: float
    targets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def enabled(self) -> bool:
        return bool(self.members.get("State", "ENABLED") != "DISABLED")


@dataclass(frozen=True, slots=True)
class ScheduleGroup:
    """A group of EventBridge Scheduler's schedules; `created` is seconds since 1970."""

    name: str
    created: float
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TimedCall:
    """A schedule of EventBridge Scheduler. `members` are those of AWS's CreateSchedule; times are seconds since
    1970, `since` of lab time. `done` is whether it has run for the last time."""

    group: str
    name: str
    members: Mapping[str, Any]
    since: float
    created: float
    changed: float
    done: bool = False
