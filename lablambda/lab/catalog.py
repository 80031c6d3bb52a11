"""The functions, layers and mappings of a lab: in memory for reading, on disk before a change is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from lablambda.config import ConfigError
from lablambda.model.errors import ResourceNotFound
from lablambda.model.function import LATEST, Function, Version
from lablambda.model.mapping import EventSourceMapping
from lablambda.model.package import Layer, LayerSeries, Package
from lablambda.rules import provisioning
from lablambda.rules.names import FunctionReference, function_arn
from lablambda.storage.journal import Journal

SCHEMA = "CREATE TABLE IF NOT EXISTS document (kind TEXT, name TEXT, body TEXT, PRIMARY KEY (kind, name));"
_PUT = "INSERT OR REPLACE INTO document (kind, name, body) VALUES (?, ?, ?)"
_DELETE = "DELETE FROM document WHERE kind = ? AND name = ?"
_KINDS = {"function": Function, "version": Version, "layer": LayerSeries, "mapping": EventSourceMapping}


class Catalog:
    """What exists. Changes are visible at once and durable when the call returns.

    A caller that reads, changes and saves without awaiting in between can't lose another's change.
    Raises ConfigError if what is on disk can't be read.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        documents = _read(journal)
        self._functions: dict[str, Function] = documents["function"]
        self._layers: dict[str, LayerSeries] = documents["layer"]
        self._mappings: dict[str, EventSourceMapping] = documents["mapping"]
        for version in sorted(documents["version"].values(), key=lambda version: int(version.number)):
            function = self._functions[version.name]
            versions = {**function.versions, version.number: version}
            self._functions[function.name] = replace(function, versions=versions)
        self.set_aside = 0
        self._count()
        self._listeners: list[Callable[[str], None]] = []

    def listen(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Have it hear the name of each function that changes, comes or goes, or whose mappings do; gives what ends
        that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self, function: str) -> None:
        for listener in self._listeners:
            listener(function)

    # --------------------------------------------------------------------------------------- functions

    def functions(self) -> list[Function]:
        """All functions by name."""
        return [self._functions[name] for name in sorted(self._functions)]

    def find(self, name: str) -> Function | None:
        return self._functions.get(name)

    def function(self, reference: FunctionReference) -> Function:
        """The function meant; ResourceNotFound if there is none, or no such version or alias of it."""
        function = self._functions.get(reference.name)
        if function is None or not function.has(reference.qualifier):
            raise ResourceNotFound(f"Function not found: {reference.arn}")
        return function

    def version(self, reference: FunctionReference) -> Version:
        """The version meant, by number or through an alias; ResourceNotFound if there is none."""
        function = self._functions.get(reference.name)
        qualifier = reference.qualifier or LATEST
        if function is not None:
            alias = function.aliases.get(qualifier)
            version = function.version(qualifier if alias is None else alias.version)
            if version is not None:
                return version
        raise ResourceNotFound(f"Function not found: {function_arn(reference.name, qualifier)}")

    async def save(self, function: Function) -> None:
        """Make `function` the function of its name; versions that it doesn't have any more are gone."""
        before = self._functions.get(function.name)
        self._functions[function.name] = function
        self._count()
        self._tell(function.name)
        published = before.versions if before else {}
        changed = [v for n, v in function.versions.items() if published.get(n) is not v]
        # A version's document is its own, so that a change of the function doesn't write them all again.
        rows = [("function", function.name, _encode(replace(function, versions={})))]
        rows += [("version", f"{v.name}:{v.number}", _encode(v)) for v in changed]
        gone = [("version", f"{function.name}:{n}") for n in published if n not in function.versions]
        if not gone:
            await self._journal.write(_PUT, rows)
            return
        # In this order: a crash between the two leaves a version too many, not a function that misses one.
        self._journal.write_soon(_PUT, rows)
        await self._journal.write(_DELETE, gone)

    async def remove(self, function: Function) -> None:
        del self._functions[function.name]
        self._count()
        self._tell(function.name)
        versions = [("version", f"{function.name}:{number}") for number in function.versions]
        await self._journal.write(_DELETE, [("function", function.name), *versions])

    def _count(self) -> None:
        """Note the concurrency that is taken out of the account's pool: every invocation asks for it."""
        self.set_aside = sum(provisioning.set_aside(function) for function in self._functions.values())

    # ------------------------------------------------------------------------------------------ layers

    def all_layers(self) -> list[LayerSeries]:
        """Every layer by name, also those whose versions are all deleted."""
        return [self._layers[name] for name in sorted(self._layers)]

    def series(self, name: str) -> LayerSeries:
        """The layer's versions; an empty series if there never was such a layer."""
        return self._layers.get(name) or LayerSeries(name)

    def layer(self, arn: str) -> Layer | None:
        """The layer version of that ARN, if there is one."""
        versions = self.series(arn.rpartition(":")[0].rpartition(":")[2]).versions
        return next((layer for layer in versions if layer.arn == arn), None)

    async def save_layers(self, series: LayerSeries) -> None:
        self._layers[series.name] = series
        await self._journal.write(_PUT, [("layer", series.name, _encode(series))])

    # ---------------------------------------------------------------------------------------- mappings

    def mappings(self) -> list[EventSourceMapping]:
        """All event source mappings by UUID."""
        return [self._mappings[uuid] for uuid in sorted(self._mappings)]

    def mapping(self, uuid: str) -> EventSourceMapping:
        """The mapping of that UUID; ResourceNotFound if there is none."""
        if uuid not in self._mappings:
            raise ResourceNotFound("The resource you requested does not exist.")
        return self._mappings[uuid]

    async def save_mapping(self, mapping: EventSourceMapping) -> None:
        self._mappings[mapping.uuid] = mapping
        self._tell(mapping.function)
        await self._journal.write(_PUT, [("mapping", mapping.uuid, _encode(mapping))])

    async def remove_mapping(self, mapping: EventSourceMapping) -> None:
        del self._mappings[mapping.uuid]
        self._tell(mapping.function)
        await self._journal.write(_DELETE, [("mapping", mapping.uuid)])

    # ---------------------------------------------------------------------------------------- packages

    def packages(self) -> Iterator[Package]:
        """Every package that something refers to."""
        for version in self._every_version():
            yield version.package
            yield from (layer.package for layer in version.layers)
        for series in self._layers.values():
            yield from (layer.package for layer in series.versions)

    def code_size(self) -> int:
        """Bytes of code as AWS counts them: every version of a function or layer anew."""
        layers = (layer for series in self._layers.values() for layer in series.versions)
        of_layers = sum(layer.package.size for layer in layers)
        return of_layers + sum(version.package.size for version in self._every_version())

    def layer_sets(self) -> Iterator[Iterable[Layer]]:
        """The layers of every version that has any."""
        return (version.layers for version in self._every_version() if version.layers)

    def _every_version(self) -> Iterator[Version]:
        for function in self._functions.values():
            yield from function.every_version()


def _encode(noun: object) -> str:
    return msgspec.json.encode(noun).decode()


def _read(journal: Journal) -> Mapping[str, dict[str, Any]]:
    """Every document, by kind and name."""
    found: dict[str, dict[str, Any]] = {kind: {} for kind in _KINDS}
    for kind, name, body in journal.read_now("SELECT kind, name, body FROM document"):
        try:
            found[kind][name] = msgspec.json.decode(body, type=_KINDS[kind])
        except (KeyError, msgspec.ValidationError) as error:
            raise ConfigError(
                f"The data folder holds a {kind} that this version of lablambda can't read ({error}). Give the lab "
                "a new one with --data DIR, or delete the old one."
            ) from None
    return found
