"""Lambda's layer operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.errors import InvalidParameterValue
from lablambda.model.function import Layer
from lablambda.rules.names import layer_arn


def _name(text: str) -> str:
    """A LayerName parameter may be the layer's ARN."""
    return text.rpartition(":")[2]


def _summary(layer: Layer) -> dict[str, Any]:
    return {
        "LayerVersionArn": layer.arn,
        "Version": layer.version,
        "Description": layer.description,
        "CreatedDate": layer.created,
        "CompatibleRuntimes": list(layer.runtimes) or None,
    }


def _described(layer: Layer, house: House) -> dict[str, Any]:
    return _summary(layer) | {
        "LayerArn": layer_arn(layer.name),
        "Content": {
            "Location": house.store.zip_path(layer.package).as_uri(),
            "CodeSha256": layer.package.sha256,
            "CodeSize": layer.package.size,
        },
    }


async def publish_layer_version(house: House, p: Parameters) -> Mapping[str, Any]:
    data = p["Content"].get("ZipFile")
    if not isinstance(data, bytes):
        raise InvalidParameterValue("Content must hold ZipFile; S3Bucket/S3Key is not implemented here yet.")
    layer = await house.deployer.publish_layer(
        _name(p["LayerName"]),
        code=data,
        description=p.get("Description", ""),
        runtimes=p.get("CompatibleRuntimes", []),
    )
    return _described(layer, house)


async def get_layer_version(house: House, p: Parameters) -> Mapping[str, Any]:
    arn = layer_arn(_name(p["LayerName"]), p["VersionNumber"])
    return _described(house.catalog.layer(arn), house)


async def list_layer_versions(house: House, p: Parameters) -> Mapping[str, Any]:
    return {
        "LayerVersions": [_summary(layer) for layer in house.catalog.layer_versions(_name(p["LayerName"]))]
    }


async def list_layers(house: House, p: Parameters) -> Mapping[str, Any]:  # noqa: ARG001 - filters come with the rest of the layer API
    newest = [house.catalog.layer_versions(name)[0] for name in house.catalog.layer_names()]
    return {
        "Layers": [
            {
                "LayerName": layer.name,
                "LayerArn": layer_arn(layer.name),
                "LatestMatchingVersion": _summary(layer),
            }
            for layer in newest
        ]
    }
