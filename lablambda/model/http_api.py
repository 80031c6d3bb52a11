"""API Gateway's HTTP and WebSocket APIs, with all that they consist of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

Members = Mapping[str, Any]


class Part(StrEnum):
    """What an API consists of."""

    AUTHORIZER = "Authorizer"
    DEPLOYMENT = "Deployment"
    INTEGRATION = "Integration"
    INTEGRATION_RESPONSE = "IntegrationResponse"
    MODEL = "Model"
    ROUTE = "Route"
    ROUTE_RESPONSE = "RouteResponse"
    STAGE = "Stage"


# What a deployment is a snapshot of.
DEPLOYED = (Part.AUTHORIZER, Part.INTEGRATION, Part.INTEGRATION_RESPONSE, Part.ROUTE, Part.ROUTE_RESPONSE)
Parts = Mapping[str, Mapping[str, Members]]


@dataclass(frozen=True, slots=True)
class HttpApi:
    """`members` are those of AWS's Api, `parts` those of its parts, by kind and id (a stage's is its name), all spelt
    as botocore's model spells them. `snapshots` are the parts as each deployment found them."""

    identity: str
    members: Members
    parts: Parts = field(default_factory=dict)
    snapshots: Mapping[str, Parts] = field(default_factory=dict)

    @property
    def is_websocket(self) -> bool:
        return bool(self.members["ProtocolType"] == "WEBSOCKET")

    def all(self, part: Part) -> Mapping[str, Members]:
        return self.parts.get(part, {})

    def with_part(self, part: Part, identity: str, members: Members | None) -> HttpApi:
        """The API with that part, or without it if `members` is None."""
        kept = {name: value for name, value in self.all(part).items() if name != identity}
        if members is not None:
            kept[identity] = members
        return replace(self, parts={**self.parts, part: kept})

    def deployed(self, stage: str) -> Parts | None:
        """What the stage serves; None if there is no such stage, or nothing is deployed to it."""
        members = self.all(Part.STAGE).get(stage)
        return None if members is None else self.snapshots.get(members.get("DeploymentId", ""))
