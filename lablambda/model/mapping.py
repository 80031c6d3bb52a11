"""An event source mapping: the association by which Lambda polls a source for a function, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class EventSourceMapping:
    """`function` and `qualifier` say who gets the events. `members` are those of AWS's
    EventSourceMappingConfiguration that a caller sets, spelt as botocore's model spells them;
    `last_modified` is seconds since 1970; `state` one of AWS's (Creating, Enabled, Disabled, ...)."""

    uuid: str
    function: str
    qualifier: str | None
    members: Mapping[str, Any]
    state: str
    last_modified: float
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Position:
    """Where to go on in a shard: at its "start", at its "latest" record's end, "since" a moment (`value` is seconds
    since 1970), or "after" a record (`value` is its sequence number); "end" if the shard is done with."""

    kind: str
    value: str = ""
