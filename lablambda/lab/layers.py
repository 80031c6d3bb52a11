"""Publishing and deleting layer versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lablambda.lab.catalog import Catalog
from lablambda.model.package import Layer, Package
from lablambda.rules.names import layer_arn


async def publish(
    catalog: Catalog,
    name: str,
    package: Package,
    *,
    description: str,
    created: str,
    runtimes: Sequence[str] | None,
    architectures: Sequence[str] | None,
    license_info: str | None,
) -> Layer:
    """The layer's next version; `created` is AWS's timestamp."""
    series = catalog.series(name)
    number = series.last + 1
    layer = Layer(
        name=name,
        arn=layer_arn(name, number),
        version=number,
        package=package,
        description=description,
        created=created,
        runtimes=None if runtimes is None else tuple(runtimes),
        architectures=None if architectures is None else tuple(architectures),
        license=license_info,
    )
    await catalog.save_layers(replace(series, last=number, versions=(*series.versions, layer)))
    return layer


async def delete(catalog: Catalog, name: str, number: int) -> None:
    """Take a version off the shelf; functions that use it keep it. Deleting what isn't there is no error."""
    series = catalog.series(name)
    left = tuple(layer for layer in series.versions if layer.version != number)
    if left != series.versions:
        policies = {version: policy for version, policy in series.policies.items() if version != str(number)}
        await catalog.save_layers(replace(series, versions=left, policies=policies))
