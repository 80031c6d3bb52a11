"""What a stage of a WebSocket API serves, and how events on its connections get their answers."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from lablambda.gateway.access_logs import write_route_access
from lablambda.gateway.lambda_calls import LambdaCalls
from lablambda.gateway.throttles import Throttles, route_limits
from lablambda.gateway.websocket_integrations import Integrations, NoAnswer
from lablambda.lab.house import House
from lablambda.model.api import Members, Parts
from lablambda.model.http import HttpResponse
from lablambda.model.http_api import HttpApi, Part
from lablambda.model.websocket import Connection
from lablambda.rules.access_log import flat
from lablambda.rules.websocket_routes import DEFAULT

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Served:
    """`parts` are those of the API as the stage has them deployed."""

    api: HttpApi
    stage: Members
    parts: Parts

    @property
    def routes(self) -> Collection[Members]:
        return self.parts[Part.ROUTE].values()

    def authorizer(self, route: Members) -> Members | None:
        return self.parts[Part.AUTHORIZER].get(route.get("AuthorizerId", ""))

    def integration(self, route: Members) -> Members | None:
        identity = str(route.get("Target", "")).removeprefix("integrations/")
        return self.parts[Part.INTEGRATION].get(identity)

    def replies(self, route: Members) -> bool:
        """Whether the client gets what a message's route gives."""
        return any(
            response["RouteId"] == route["RouteId"] and response["RouteResponseKey"] == DEFAULT
            for response in self.parts[Part.ROUTE_RESPONSE].values()
        )

    def whole(self, event: Event) -> Event:
        """The event with the stage's variables."""
        variables = self.stage.get("StageVariables")
        return {**event, "stageVariables": variables} if variables else event


class Stages:
    """The stages of a house's WebSocket APIs."""

    def __init__(self, house: House, calls: LambdaCalls) -> None:
        self._house = house
        self._integrations = Integrations(calls)
        self._throttles = Throttles(house.clock.now)

    def find(self, api_id: str, stage: str) -> Served | None:
        """None if there is no such stage, or nothing is deployed to it."""
        api = self._house.http_apis.find(api_id)
        if api is None or not api.is_websocket or api.members.get("DisableExecuteApiEndpoint"):
            return None
        parts = api.deployed(stage)
        return None if parts is None else Served(api, api.all(Part.STAGE)[stage], parts)

    def throttle(self, served: Served, connection: Connection, route: Members) -> None:
        """Raises NoAnswer if too many take the route."""
        place = (connection.api_id, connection.stage, route["RouteKey"])
        if not self._throttles.admit(place, route_limits(served.stage, route["RouteKey"])):
            raise NoAnswer("Too Many Requests", 429, "Too Many Requests")

    async def answer(
        self, served: Served, connection: Connection, event: Event, route: Members
    ) -> HttpResponse:
        """What the route's integration makes of the event. Raises NoAnswer."""
        return await self._integrations.ask(connection, event, route, served.integration(route))

    def log(self, served: Served, event: Event, started: float, status: int, error: str = "") -> None:
        """A line in the access log. `started` is of the monotonic clock."""

        def values() -> Mapping[str, object]:
            return {
                **flat(event["requestContext"]),
                "status": status,
                "responseLatency": int((time.monotonic() - started) * 1000),
                "integrationErrorMessage": error,
            }

        write_route_access(self._house, served.stage, values)

    async def close(self) -> None:
        await self._integrations.close()
