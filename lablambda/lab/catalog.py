"""The functions and layers of a lab: in memory for reading, on disk before a change is answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from lablambda.model.errors import ResourceNotFound
from lablambda.model.function import LATEST, Function, Layer, Package, Version
from lablambda.rules.names import FunctionReference, function_arn
from lablambda.storage.journal import Journal

SCHEMA = "CREATE TABLE IF NOT EXISTS document (kind TEXT, name TEXT, body TEXT, PRIMARY KEY (kind, name));"
_PUT = "INSERT OR REPLACE INTO document (kind, name, body) VALUES (?, ?, ?)"
_DELETE = "DELETE FROM document WHERE kind = ? AND name = ?"


class Catalog:
    """What exists. Changes are visible at once and durable when the call returns."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._functions: dict[str, Function] = {}
        self._layers: dict[str, list[Layer]] = {}
        for kind, name, body in journal.read_now("SELECT kind, name, body FROM document"):
            if kind == "function":
                self._functions[name] = _function(json.loads(body))
            else:
                self._layers[name] = [_layer(item) for item in json.loads(body)]

    # --------------------------------------------------------------------------------------- functions

    def functions(self) -> list[Function]:
        """All functions by name."""
        return [self._functions[name] for name in sorted(self._functions)]

    def find(self, name: str) -> Function | None:
        return self._functions.get(name)

    def function(self, reference: FunctionReference) -> Function:
        """The function meant; ResourceNotFound if there is none, or no such version of it."""
        function = self._functions.get(reference.name)
        if function is None or reference.qualifier not in (None, LATEST):
            raise ResourceNotFound(f"Function not found: {reference.arn}")
        return function

    def version(self, reference: FunctionReference) -> Version:
        """The version that an invocation of `reference` runs."""
        function = self._functions.get(reference.name)
        if function is None or reference.qualifier not in (None, LATEST):
            raise ResourceNotFound(
                f"Function not found: {function_arn(reference.name, reference.qualifier or LATEST)}"
            )
        return function.latest

    async def save(self, function: Function) -> None:
        self._functions[function.name] = function
        await self._journal.write(_PUT, [("function", function.name, json.dumps(asdict(function)))])

    async def remove(self, function: Function) -> None:
        del self._functions[function.name]
        await self._journal.write(_DELETE, [("function", function.name)])

    # ------------------------------------------------------------------------------------------ layers

    def layer_names(self) -> list[str]:
        return sorted(self._layers)

    def layer_versions(self, name: str) -> list[Layer]:
        """Newest first; empty if there is no such layer."""
        return list(reversed(self._layers.get(name, [])))

    def layer(self, arn: str) -> Layer:
        """The layer version of that ARN; ResourceNotFound if there is none."""
        for layer in self._layers.get(arn.rpartition(":")[0].rpartition(":")[2], []):
            if layer.arn == arn:
                return layer
        raise ResourceNotFound("The resource you requested does not exist.")

    async def save_layer(self, layer: Layer) -> None:
        versions = self._layers.setdefault(layer.name, [])
        versions.append(layer)
        await self._journal.write(_PUT, [("layer", layer.name, json.dumps([asdict(v) for v in versions]))])

    def packages(self) -> Iterator[Package]:
        """Every package that something refers to."""
        for function in self._functions.values():
            yield function.latest.package
            yield from (layer.package for layer in function.latest.layers)
        for versions in self._layers.values():
            yield from (layer.package for layer in versions)


def _function(body: dict[str, Any]) -> Function:
    latest = body.pop("latest")
    return Function(latest=_version(latest), **body)


def _version(body: dict[str, Any]) -> Version:
    package, layers = body.pop("package"), body.pop("layers")
    return Version(package=Package(**package), layers=tuple(_layer(item) for item in layers), **body)


def _layer(body: dict[str, Any]) -> Layer:
    package, runtimes = body.pop("package"), body.pop("runtimes")
    return Layer(package=Package(**package), runtimes=tuple(runtimes), **body)
