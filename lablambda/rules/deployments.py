"""Deployments of an API: snapshots that stages serve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lablambda.model.api import Parts
from lablambda.model.http_api import DEPLOYED, HttpApi, Part
from lablambda.rules.moments import iso

_MOST_AUTOMATIC = 10  # that are kept, of those that no stage serves


def deploy(
    api: HttpApi, identity: str, now: float, *, description: str | None = None, automatic: bool = False
) -> HttpApi:
    """The API with a new deployment of what it is now."""
    members = {
        "DeploymentId": identity,
        "CreatedDate": iso(now),
        "DeploymentStatus": "DEPLOYED",
        "AutoDeployed": automatic,
        "Description": description,
    }
    snapshot: Parts = {part: api.all(part) for part in DEPLOYED}
    deployed = replace(api, snapshots={**api.snapshots, identity: snapshot})
    return deployed.with_part(Part.DEPLOYMENT, identity, members)


def auto_deployed(api: HttpApi, new_id: Callable[[], str], now: float) -> HttpApi:
    """The API with its stages that deploy by themselves brought up to date."""
    behind = [
        name
        for name, stage in api.all(Part.STAGE).items()
        if stage.get("AutoDeploy") and api.deployed(name) != {part: api.all(part) for part in DEPLOYED}
    ]
    if not behind:
        return api
    identity = new_id()
    api = deploy(
        api,
        identity,
        now,
        description="Automatic deployment triggered by changes to the Api configuration",
        automatic=True,
    )
    for name in behind:
        stage = {
            **api.all(Part.STAGE)[name],
            "DeploymentId": identity,
            "LastUpdatedDate": iso(now),
            "LastDeploymentStatusMessage": f"Successfully deployed stage with deployment ID '{identity}'",
        }
        api = api.with_part(Part.STAGE, name, stage)
    return _tidied(api)


def _tidied(api: HttpApi) -> HttpApi:
    """Without the oldest of the automatic deployments that nobody serves."""
    served = {stage.get("DeploymentId") for stage in api.all(Part.STAGE).values()}
    idle = [
        identity
        for identity, members in api.all(Part.DEPLOYMENT).items()
        if members["AutoDeployed"] and identity not in served
    ]
    for identity in idle[: -_MOST_AUTOMATIC or None]:
        api = undeployed(api, identity)
    return api


def undeployed(api: HttpApi, identity: str) -> HttpApi:
    """The API without that deployment."""
    kept = {name: snapshot for name, snapshot in api.snapshots.items() if name != identity}
    return replace(api, snapshots=kept).with_part(Part.DEPLOYMENT, identity, None)
