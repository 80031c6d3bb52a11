"""An API of API Gateway as its clients see it: where it is, and which function each route leads to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApiRoute:
    """`leads_to` is a function's ARN, the address of something else, or empty; `auth` as AWS names it: NONE, JWT,
    AWS_IAM, CUSTOM."""

    identity: str
    leads_to: str
    auth: str = "NONE"


@dataclass(frozen=True, slots=True)
class ApiRoutes:
    """`address` is the API's, without a stage; `routes` are by their keys, `integrations` the ids by what they lead
    to."""

    identity: str
    name: str
    address: str
    stages: Collection[str]
    routes: Mapping[str, ApiRoute]
    integrations: Mapping[str, str]

    @property
    def is_websocket(self) -> bool:
        return self.address.startswith("wss:")

    def leading_to(self, arn: str) -> list[str]:
        """The keys of the routes that lead there."""
        return [key for key, route in self.routes.items() if route.leads_to == arn]
