"""Deployments of a REST API: snapshots that stages serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lablambda.model.api import Parts
from lablambda.model.rest_api import DEPLOYED, RestApi, RestPart


class NotDeployable(Exception):
    """The API isn't ready; the message says why."""


def deploy(api: RestApi, identity: str, now: float, description: str | None) -> RestApi:
    """The API with a new deployment of what it is now. Raises NotDeployable."""
    summary = _summary(api)
    if not summary:
        raise NotDeployable("The REST API doesn't contain any methods")
    members = {"id": identity, "description": description, "createdDate": int(now), "apiSummary": summary}
    snapshot: Parts = {
        **{part: api.all(part) for part in DEPLOYED},
        RestPart.API: {api.identity: api.members},
    }
    deployed = replace(api, snapshots={**api.snapshots, identity: snapshot})
    return deployed.with_part(RestPart.DEPLOYMENT, identity, members)


def undeployed(api: RestApi, identity: str) -> RestApi:
    """The API without that deployment."""
    kept = {name: snapshot for name, snapshot in api.snapshots.items() if name != identity}
    return replace(api, snapshots=kept).with_part(RestPart.DEPLOYMENT, identity, None)


def _summary(api: RestApi) -> Mapping[str, Any]:
    """The methods by path and name, in AWS's words. Raises NotDeployable."""
    found: dict[str, dict[str, Any]] = {}
    for resource in api.all(RestPart.RESOURCE).values():
        for name, method in resource["resourceMethods"].items():
            if not method.get("methodIntegration"):
                raise NotDeployable(f"No integration defined for method: {name} {resource['path']}")
            shown = {
                "authorizationType": method["authorizationType"],
                "apiKeyRequired": bool(method.get("apiKeyRequired")),
            }
            found.setdefault(resource["path"], {})[name] = shown
    return found
