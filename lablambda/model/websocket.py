"""Connections of clients to WebSocket APIs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Connection:
    """A client that is connected to a stage. `connected` is in seconds since 1970, of lab time; `domain` is the API's
    domain name as events give it; `authorizer` is what its authorizer gave, None without one; `caller` are the members
    of an event's identity that tell of who signed."""

    identity: str
    api_id: str
    stage: str
    domain: str
    source_ip: str
    user_agent: str
    connected: float
    authorizer: Mapping[str, Any] | None = None
    caller: Mapping[str, Any] = field(default_factory=dict)
