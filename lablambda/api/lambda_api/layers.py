"""Layers: publish, read, delete, and who else may use them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lablambda.api.lambda_api import statements
from lablambda.api.pages import page
from lablambda.api.shapes import Parameters
from lablambda.lab import layers
from lablambda.lab.deploy import timestamp
from lablambda.lab.house import House
from lablambda.model.errors import InvalidParameterValue, ResourceNotFound
from lablambda.model.package import Layer, LayerSeries, Policy
from lablambda.rules.names import layer_arn

Result = Mapping[str, Any]


async def publish_layer_version(house: House, p: Parameters) -> Result:
    layer = await layers.publish(
        house.catalog,
        _name(p),
        await house.code.take(p["Content"]),
        description=p.get("Description", ""),
        created=timestamp(),
        runtimes=p.get("CompatibleRuntimes"),
        architectures=p.get("CompatibleArchitectures"),
        license_info=p.get("LicenseInfo"),
    )
    return _described(layer, house)


async def get_layer_version(house: House, p: Parameters) -> Result:
    return _described(_layer(house, p), house)


async def get_layer_version_by_arn(house: House, p: Parameters) -> Result:
    layer = house.catalog.layer(p["Arn"])
    if layer is None:
        raise ResourceNotFound("The resource you requested does not exist.")
    return _described(layer, house)


async def list_layer_versions(house: House, p: Parameters) -> Result:
    matching = _matching(house.catalog.series(_name(p)), p)
    chosen, marker = page(matching, p, lambda layer: str(layer.version), order=lambda number: -int(number))
    return {"LayerVersions": [_summary(layer) for layer in chosen], "NextMarker": marker}


async def list_layers(house: House, p: Parameters) -> Result:
    newest = [found[0] for series in house.catalog.all_layers() if (found := _matching(series, p))]
    chosen, marker = page(newest, p, lambda layer: layer.name)
    return {
        "Layers": [
            {
                "LayerName": layer.name,
                "LayerArn": layer_arn(layer.name),
                "LatestMatchingVersion": _summary(layer),
            }
            for layer in chosen
        ],
        "NextMarker": marker,
    }


async def delete_layer_version(house: House, p: Parameters) -> Result:
    await layers.delete(house.catalog, _name(p), _number(p))
    return {"_status": 204}


async def add_layer_version_permission(house: House, p: Parameters) -> Result:
    layer = _permitted(house, p)
    added, statement = statements.add(_policy(house, layer), p, layer.arn)
    await _save_policy(house, layer, added)
    return {"Statement": statements.text(statement), "RevisionId": added.revision}


async def get_layer_version_policy(house: House, p: Parameters) -> Result:
    policy = _policy(house, _permitted(house, p))
    absent = "No policy is associated with the given resource."
    return {"Policy": statements.document(policy, absent), "RevisionId": policy.revision}


async def remove_layer_version_permission(house: House, p: Parameters) -> Result:
    layer = _permitted(house, p)
    await _save_policy(house, layer, statements.remove(_policy(house, layer), p))
    return {"_status": 204}


def _name(p: Parameters) -> str:
    """A LayerName parameter may be the layer's ARN."""
    return str(p["LayerName"]).rpartition(":")[2]


def _number(p: Parameters) -> int:
    number = int(p["VersionNumber"])
    if number < 1:
        raise InvalidParameterValue("Layer Version Cannot be less than 1")
    return number


def _layer(house: House, p: Parameters) -> Layer:
    layer = house.catalog.series(_name(p)).version(_number(p))
    if layer is None:
        raise ResourceNotFound("The resource you requested does not exist.")
    return layer


def _permitted(house: House, p: Parameters) -> Layer:
    """The layer version that permissions are about; AWS misses it in other words there."""
    layer = house.catalog.series(_name(p)).version(_number(p))
    if layer is None:
        raise ResourceNotFound(f"Layer version {layer_arn(_name(p), _number(p))} does not exist.")
    return layer


def _policy(house: House, layer: Layer) -> Policy:
    return house.catalog.series(layer.name).policies.get(str(layer.version), Policy())


async def _save_policy(house: House, layer: Layer, policy: Policy) -> None:
    series = house.catalog.series(layer.name)
    kept = {**series.policies, str(layer.version): policy}
    await house.catalog.save_layers(replace(series, policies=kept))


def _matching(series: LayerSeries, p: Parameters) -> list[Layer]:
    """The versions that suit the runtime and architecture asked for, newest first."""
    runtime, architecture = p.get("CompatibleRuntime"), p.get("CompatibleArchitecture")
    return [
        layer
        for layer in reversed(series.versions)
        if (runtime is None or runtime in (layer.runtimes or ()))
        and (architecture is None or architecture in (layer.architectures or ()))
    ]


def _summary(layer: Layer) -> dict[str, Any]:
    return {
        "LayerVersionArn": layer.arn,
        "Version": layer.version,
        "Description": layer.description,
        "CreatedDate": layer.created,
        "CompatibleRuntimes": layer.runtimes,
        "CompatibleArchitectures": layer.architectures,
        "LicenseInfo": layer.license,
    }


def _described(layer: Layer, house: House) -> dict[str, Any]:
    return _summary(layer) | {
        "LayerArn": layer_arn(layer.name),
        "Content": {
            "Location": house.location(layer.package),
            "CodeSha256": layer.package.sha256,
            "CodeSize": layer.package.size,
        },
    }
