"""API Gateway's REST APIs, and what belongs to an account's REST APIs together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lablambda.model.api import Api, Members, Parts


class RestPart(StrEnum):
    """What a REST API consists of. Methods and integrations are in their resource's members, as AWS shows them."""

    AUTHORIZER = "Authorizer"
    DEPLOYMENT = "Deployment"
    GATEWAY_RESPONSE = "GatewayResponse"
    MODEL = "Model"
    REQUEST_VALIDATOR = "RequestValidator"
    RESOURCE = "Resource"
    STAGE = "Stage"
    API = "RestApi"  # in snapshots alone: the API's own members


# What a deployment is a snapshot of, beside the API's own members.
DEPLOYED = (
    RestPart.AUTHORIZER,
    RestPart.GATEWAY_RESPONSE,
    RestPart.MODEL,
    RestPart.REQUEST_VALIDATOR,
    RestPart.RESOURCE,
)
ANY = "ANY"


@dataclass(frozen=True, slots=True)
class RestApi(Api):
    """`members` are those of AWS's RestApi, without the id."""

    def deployed(self, stage: str) -> Parts | None:
        """What the stage serves; None if there is no such stage."""
        members = self.all(RestPart.STAGE).get(stage)
        return None if members is None else self.snapshots.get(members["deploymentId"])

    @property
    def root(self) -> str:
        """The id of the resource `/`."""
        return next(name for name, one in self.all(RestPart.RESOURCE).items() if one["path"] == "/")

    def method(self, resource: str, name: str) -> Members | None:
        found = self.all(RestPart.RESOURCE).get(resource, {})
        method: Members | None = found.get("resourceMethods", {}).get(name)
        return method

    def with_method(self, resource: str, name: str, members: Members | None) -> RestApi:
        """The API with that method of a resource that it has, or without it if `members` is None."""
        former = self.all(RestPart.RESOURCE)[resource]
        methods: dict[str, Members | None] = {**former["resourceMethods"], name: members}
        kept = {key: value for key, value in methods.items() if value is not None}
        return self.with_part(RestPart.RESOURCE, resource, {**former, "resourceMethods": kept})


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`members` are those of AWS's ApiKey."""

    identity: str
    members: Members

    @property
    def value(self) -> str:
        return str(self.members["value"])


@dataclass(frozen=True, slots=True)
class UsagePlan:
    """`members` are those of AWS's UsagePlan, `keys` the ids of the API keys that use it."""

    identity: str
    members: Members
    keys: tuple[str, ...] = ()

    def stage(self, api_id: str, stage: str) -> Members | None:
        """What the plan says of a stage; None if it isn't for it."""
        found: list[Members] = [
            one for one in self.members["apiStages"] if (one["apiId"], one["stage"]) == (api_id, stage)
        ]
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Usage:
    """Of a plan by a key. `days` are requests by date; `granted` are requests that somebody gave besides, or took, by
    the day on which their quota's period begins."""

    days: Mapping[str, int]
    granted: Mapping[str, int]
