"""What a stage of a REST API serves, made ready once for each deployment; and a request on its way through."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from lablambda.gateway.throttles import Limits, limits
from lablambda.lab.house import House
from lablambda.model.api import Members, Parts
from lablambda.model.http import HttpRequest
from lablambda.model.rest_api import RestApi, RestPart
from lablambda.rules.json_schemas import BodySchema
from lablambda.rules.names import ACCOUNT, REGION
from lablambda.rules.rest_event import Call
from lablambda.rules.rest_resources import Tree


class Deployed:
    """A snapshot, ready to be asked."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.members = next(iter(parts[RestPart.API].values()))
        self.tree = Tree(parts[RestPart.RESOURCE].values())
        self._schemas: dict[str, BodySchema] = {}

    def schema(self, model: str) -> BodySchema:
        """Raises InvalidSchema."""
        if model not in self._schemas:
            models = {
                name: str(one.get("schema") or "{}") for name, one in self.parts[RestPart.MODEL].items()
            }
            self._schemas[model] = BodySchema(model, models)
        return self._schemas[model]


@dataclass(frozen=True, slots=True)
class Served:
    """`stage` are the stage's members."""

    api: RestApi
    stage: Members
    deployed: Deployed

    @property
    def name(self) -> str:
        return str(self.stage["stageName"])

    def limits(self, resource: str, method: str) -> Limits:
        """Those of a method, by the settings of the stage."""
        settings = self.stage["methodSettings"]
        own = {**settings.get("*/*", {}), **settings.get(f"{resource.lstrip('/')}/{method}", {})}
        return limits(own.get("throttlingRateLimit"), own.get("throttlingBurstLimit"))


@dataclass(slots=True)
class Passage:
    """A request on its way. `method` are the members of the method that it takes, `notes` what access logs tell
    besides `$context`; `usage_key` is an API key that its authorizer knows of."""

    served: Served
    call: Call
    method: Members = field(default_factory=dict)
    notes: dict[str, object] = field(default_factory=dict)
    usage_key: str = ""

    @property
    def request(self) -> HttpRequest:
        return self.call.request

    def tell(self, **context: Any) -> None:
        """Add to `requestContext`."""
        self.call = replace(self.call, context={**self.call.context, **context})

    def arn(self, path: str) -> str:
        """What the request is called in policies, by its own path or by its resource's."""
        place = f"{self.served.name}/{self.request.method}{path}"
        return f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{self.served.api.identity}/{place}"


class RestStages:
    """The stages of a house's REST APIs."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._ready: dict[tuple[str, str], Deployed] = {}

    def find(self, api_id: str, stage: str) -> Served | None:
        """None if there is no such stage."""
        api = self._house.rest_apis.find(api_id)
        parts = None if api is None else api.deployed(stage)
        if api is None or parts is None or api.members.get("disableExecuteApiEndpoint"):
            return None
        ready = self._ready.get((api_id, stage))
        if ready is None or ready.parts is not parts:
            ready = self._ready[api_id, stage] = Deployed(parts)
        return Served(api, api.all(RestPart.STAGE)[stage], ready)
