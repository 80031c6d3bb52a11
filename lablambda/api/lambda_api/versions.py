"""Versions: $LATEST as it was, under a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lablambda.api.lambda_api.described import configuration, listed_configuration
from lablambda.api.lambda_api.references import unqualified
from lablambda.api.pages import page
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.errors import NotImplementedHere
from lablambda.model.function import version_order

Result = Mapping[str, Any]


async def publish_version(house: House, p: Parameters) -> Result:
    if p.get("PublishTo"):
        raise NotImplementedHere("Capacity providers are not implemented here; leave PublishTo out.")
    version = await house.deployer.publish(
        unqualified(p),
        sha256=p.get("CodeSha256"),
        description=p.get("Description"),
        revision=p.get("RevisionId"),
    )
    return configuration(version)


async def list_versions_by_function(house: House, p: Parameters) -> Result:
    function = house.catalog.function(unqualified(p))
    chosen, marker = page(function.every_version(), p, lambda version: version.number, order=version_order)
    return {
        "Versions": [listed_configuration(version, qualified=True) for version in chosen],
        "NextMarker": marker,
    }
