"""API Gateway's HTTP and WebSocket APIs, with all that they consist of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lablambda.model.api import Api, Parts


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


@dataclass(frozen=True, slots=True)
class HttpApi(Api):
    """`members` are those of AWS's Api."""

    @property
    def is_websocket(self) -> bool:
        return bool(self.members["ProtocolType"] == "WEBSOCKET")

    def deployed(self, stage: str) -> Parts | None:
        """What the stage serves; None if there is no such stage, or nothing is deployed to it."""
        members = self.all(Part.STAGE).get(stage)
        return None if members is None else self.snapshots.get(members.get("DeploymentId", ""))
