"""Creating, changing and removing functions and layers: code into the store, facts into the catalog."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from lablambda.execution.variables import RESERVED
from lablambda.hosts.local import LocalHost
from lablambda.lab.catalog import Catalog
from lablambda.model.errors import (
    InvalidParameterValue,
    NotImplementedHere,
    PreconditionFailed,
    RequestTooLarge,
    ResourceConflict,
)
from lablambda.model.function import LATEST, Function, Layer, Package, Version
from lablambda.packaging.store import PackageStore
from lablambda.rules.limits import ENVIRONMENT_BYTES, LAYERS, UNZIPPED_BYTES, ZIP_BYTES
from lablambda.rules.names import FunctionReference, function_arn, layer_arn

STALE_REVISION = (
    "The Revision Id provided does not match the latest Revision Id. "
    "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
)


class Deployer:
    """Carries out the control plane's changes, one at a time for each function."""

    def __init__(self, catalog: Catalog, store: PackageStore, host: LocalHost) -> None:
        self._catalog = catalog
        self._store = store
        self._host = host

    # --------------------------------------------------------------------------------------- functions

    async def create(
        self,
        name: str,
        configuration: Mapping[str, Any],
        *,
        code: bytes,
        layers: list[str],
        tags: dict[str, str],
    ) -> Version:
        """A new function. Raises ResourceConflict if there is one of that name."""
        self._check_absent(name)
        version = Version(
            name=name,
            arn=function_arn(name),
            number=LATEST,
            configuration=_with_defaults(name, configuration),
            package=await self.keep(code),
            revision=str(uuid.uuid4()),
            last_modified=_timestamp(),
            layers=self._find_layers(layers),
        )
        self._check(version)
        await self._prepare(version)
        self._check_absent(name)  # again: another request may have been faster
        await self._catalog.save(Function(version, tags=tags))
        return version

    async def change_code(self, reference: FunctionReference, code: bytes, revision: str | None) -> Version:
        """New code for $LATEST."""
        function = self._current(reference, revision)
        package = await self.keep(code)
        return await self._replace(reference, revision, replace(function.latest, package=package))

    async def change_configuration(
        self,
        reference: FunctionReference,
        changes: Mapping[str, Any],
        *,
        layers: list[str] | None,
        revision: str | None,
    ) -> Version:
        """New settings for $LATEST; what `changes` doesn't name stays."""
        latest = self._current(reference, revision).latest
        changed = replace(
            latest,
            configuration={**latest.configuration, **changes},
            layers=latest.layers if layers is None else self._find_layers(layers),
        )
        return await self._replace(reference, revision, changed)

    async def delete(self, reference: FunctionReference) -> None:
        """Remove a function; its environments end as they fall idle, its logs stay."""
        function = self._catalog.function(reference)
        await self._catalog.remove(function)
        self._host.retire(function.latest)

    async def keep(self, code: bytes) -> Package:
        """Put a zip into the store. Raises RequestTooLarge, or InvalidParameterValue for a bad zip."""
        if len(code) > ZIP_BYTES:
            raise RequestTooLarge(f"Zipped size must be smaller than {ZIP_BYTES} bytes")
        return await asyncio.to_thread(self._store.add, code)

    async def _replace(self, reference: FunctionReference, revision: str | None, changed: Version) -> Version:
        version = replace(changed, revision=str(uuid.uuid4()), last_modified=_timestamp())
        self._check(version)
        await self._prepare(version)
        function = self._current(reference, revision)
        await self._catalog.save(replace(function, latest=version))
        self._host.retire(function.latest)
        return version

    def _current(self, reference: FunctionReference, revision: str | None) -> Function:
        function = self._catalog.function(reference)
        if revision is not None and revision != function.latest.revision:
            raise PreconditionFailed(STALE_REVISION)
        return function

    def _check_absent(self, name: str) -> None:
        if self._catalog.find(name) is not None:
            raise ResourceConflict(f"Function already exist: {name}")

    async def _prepare(self, version: Version) -> None:
        """All that would slow the first invocation down."""
        await asyncio.to_thread(self._store.merge, version.layers)
        await self._host.warm(version)

    # ------------------------------------------------------------------------------------------ layers

    async def publish_layer(self, name: str, *, code: bytes, description: str, runtimes: list[str]) -> Layer:
        """The layer's next version."""
        package = await self.keep(code)
        versions = self._catalog.layer_versions(name)
        number = versions[0].version + 1 if versions else 1
        layer = Layer(
            name=name,
            arn=layer_arn(name, number),
            version=number,
            package=package,
            description=description,
            created=_timestamp(),
            runtimes=tuple(runtimes),
        )
        await self._catalog.save_layer(layer)
        return layer

    def _find_layers(self, arns: list[str]) -> tuple[Layer, ...]:
        if len(arns) > LAYERS:
            raise InvalidParameterValue(f"Cannot reference more than {LAYERS} layers.")
        return tuple(self._catalog.layer(arn) for arn in arns)

    # ------------------------------------------------------------------------------------------ checks

    def _check(self, version: Version) -> None:
        if version.configuration["PackageType"] != "Zip":
            raise NotImplementedHere("Functions from container images are not implemented here; use a zip.")
        _check_variables(version.variables)
        unzipped = version.package.unzipped + sum(layer.package.unzipped for layer in version.layers)
        if unzipped > UNZIPPED_BYTES:
            raise InvalidParameterValue(
                f"Function code combined with layers exceeds the maximum allowed size of {UNZIPPED_BYTES} bytes. "
                f"The actual size is {unzipped} bytes."
            )


def _check_variables(variables: Mapping[str, str]) -> None:
    taken = sorted(RESERVED.intersection(variables))
    if taken:
        raise InvalidParameterValue(
            "Lambda was unable to configure your environment variables because the environment variables you "
            f"have provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(taken)}"
        )
    measured = json.dumps(dict(variables), separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > ENVIRONMENT_BYTES:
        raise InvalidParameterValue(
            "Lambda was unable to configure your environment variables because the environment variables you "
            f"have provided exceeded the 4KB limit. String measured: {measured}"
        )


def _with_defaults(name: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
    """AWS's defaults for what CreateFunction leaves out."""
    logging = {
        "LogFormat": "Text",
        "LogGroup": f"/aws/lambda/{name}",
        **configuration.get("LoggingConfig", {}),
    }
    return {
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "TracingConfig": {"Mode": "PassThrough"},
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        **configuration,
        "LoggingConfig": logging,
    }


def _timestamp() -> str:
    """Now, in the form of LastModified."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
