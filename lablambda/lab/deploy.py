"""Creating, changing, publishing and removing functions: code into the store, facts into the catalog.

A change is answered at once, in the state that AWS shows then (Pending, InProgress); what makes the
version ready goes on behind it, and its end changes the state and the RevisionId once more. Where AWS
refuses a request meanwhile, this lab lets it wait: the states last milliseconds here, so a refusal
would only ever be a race that the caller lost.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from weakref import WeakValueDictionary

from lablambda.execution.environment import InitFailed
from lablambda.hosts.local import LocalHost
from lablambda.lab.catalog import Catalog
from lablambda.model.errors import (
    InvalidParameterValue,
    LabError,
    PreconditionFailed,
    ResourceConflict,
)
from lablambda.model.function import LATEST, Function, Phase, Version
from lablambda.model.package import Layer, Package
from lablambda.packaging.store import PackageStore
from lablambda.rules import configuration, snap_start
from lablambda.rules.names import REGION, FunctionReference, function_arn

STALE_REVISION = (
    "The Revision Id provided does not match the latest Revision Id. "
    "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
)


class Deployer:
    """Carries out changes of functions' code and configuration, one at a time for each function."""

    def __init__(self, catalog: Catalog, store: PackageStore, host: LocalHost) -> None:
        self._catalog = catalog
        self._store = store
        self._host = host
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._changes: dict[str, asyncio.Task[None]] = {}

    # ------------------------------------------------------------------------------------------ changes

    async def create(
        self,
        name: str,
        members: Mapping[str, Any],
        package: Package,
        *,
        layers: Sequence[str],
        tags: Mapping[str, str],
        publish: bool,
    ) -> Version:
        """A new function. Raises ResourceConflict if there is one of that name."""
        async with self._turn(name):
            if self._catalog.find(name) is not None:
                raise ResourceConflict(f"Function already exist: {name}")
            version = Version(
                name=name,
                arn=function_arn(name),
                number=LATEST,
                configuration=configuration.changed(configuration.defaults(name), members),
                package=package,
                revision=_new(),
                build=_new(),
                last_modified=timestamp(),
                layers=self._find_layers(layers),
                phase=Phase.CREATING,
            )
            return await self._begin(Function(version, tags=tags), version, publish=publish)

    async def change(
        self,
        reference: FunctionReference,
        *,
        members: Mapping[str, Any] | None = None,
        package: Package | None = None,
        layers: Sequence[str] | None = None,
        revision: str | None = None,
        publish: bool = False,
    ) -> Version:
        """Other code or configuration for $LATEST; what isn't given stays.

        Raises ResourceNotFound, PreconditionFailed for a stale `revision`.
        """
        async with self._turn(reference.name):
            function = self._catalog.function(reference)
            latest = function.latest
            check_revision(latest, revision)
            version = replace(
                latest,
                configuration=configuration.changed(latest.configuration, members or {}),
                package=package or latest.package,
                layers=latest.layers if layers is None else self._find_layers(layers),
                revision=_new(),
                build=_new(),
                last_modified=timestamp(),
                phase=Phase.UPDATING,
                reason="",
            )
            changed = await self._begin(function, version, publish=publish)
            self._host.retire(latest)
            return changed

    async def publish(
        self,
        reference: FunctionReference,
        *,
        sha256: str | None = None,
        description: str | None = None,
        revision: str | None = None,
    ) -> Version:
        """$LATEST as it is now under the next number, or the last version if nothing changed since."""
        async with self._turn(reference.name):
            function = self._catalog.function(reference)
            latest = function.latest
            check_revision(latest, revision)
            if sha256 not in (None, latest.package.sha256):
                raise InvalidParameterValue(
                    f"CodeSHA256 ({sha256}) is different from current CodeSHA256 in $LATEST ({latest.package.sha256}). "
                    "Please try again with the CodeSHA256 in $LATEST."
                )
            phase = Phase.CREATING if snap_start.is_wanted(latest) else Phase.ACTIVE
            published, version = _publish(function, description, phase=phase)
            if published is not function:
                await self._catalog.save(published)
            if version.phase.changing:
                self._follow(function.name)
            return version

    async def delete(self, reference: FunctionReference) -> None:
        """Remove a function; its environments end as they fall idle, its logs stay."""
        async with self._turn(reference.name):
            function = self._catalog.function(reference)
            await self._catalog.remove(function)
            for version in function.every_version():
                self._host.retire(version)

    async def delete_version(self, reference: FunctionReference) -> None:
        """Remove one published version, if it is there. Raises ResourceConflict if an alias points to it."""
        async with self._turn(reference.name):
            function = self._catalog.find(reference.name)
            number = str(reference.qualifier)
            version = None if function is None else function.version(number)
            if function is None or version is None:
                return
            using = [a.name for a in function.aliases.values() if number in (a.version, *a.weights)]
            if using:
                raise ResourceConflict(
                    f"Version {number} of function {function.name} is used by aliases: {', '.join(using)}"
                )
            await self._catalog.save(function.without(number))
            self._host.retire(version)

    # ----------------------------------------------------------------------------------- their progress

    async def settled(self, name: str) -> None:
        """Wait until no change of the function is under way."""
        while (change := self._changes.get(name)) is not None:
            await asyncio.shield(change)

    def resume(self) -> None:
        """Go on with what was under way when the lab ended."""
        for function in self._catalog.functions():
            if any(version.phase.changing for version in function.every_version()):
                self._follow(function.name)

    async def close(self) -> None:
        for change in list(self._changes.values()):
            change.cancel()
        await asyncio.gather(*self._changes.values(), return_exceptions=True)

    @asynccontextmanager
    async def _turn(self, name: str) -> AsyncIterator[None]:
        # A name's lock is there as long as somebody holds it or waits for it.
        async with self._turns.setdefault(name, asyncio.Lock()):
            await self.settled(name)
            yield

    async def _begin(self, function: Function, version: Version, *, publish: bool) -> Version:
        """Save a version that isn't ready and get it ready in the background."""
        configuration.check(version)
        await self._host.require(version.runtime)
        # Again: that may have taken its time, and aliases, tags or settings may have changed meanwhile.
        function = self._catalog.find(function.name) or function
        changed = replace(function, latest=version)
        if publish:
            changed, version = _publish(changed, None, phase=Phase.CREATING)
        await self._catalog.save(changed)
        self._follow(function.name)
        return version

    def _follow(self, name: str) -> None:
        self._changes[name] = asyncio.ensure_future(self._complete(name))

    async def _complete(self, name: str) -> None:
        """Do all that would slow the first invocation down, and say how it ended. Never raises."""
        function = self._catalog.find(name)
        assert function is not None
        changing = [version for version in function.every_version() if version.phase.changing]
        try:
            await self._end(name, {version.number: await self._make_ready(version) for version in changing})
        finally:
            del self._changes[name]

    async def _make_ready(self, version: Version) -> tuple[Phase, str]:
        """The phase that follows, and why it is a bad one."""
        try:
            await asyncio.to_thread(self._store.merge, version.layers)
            await self._host.warm(version)
            await self._host.snapshot(version)
        except Exception as error:
            if not isinstance(error, LabError | InitFailed):
                traceback.print_exc(file=sys.stderr)
            creating = version.phase is Phase.CREATING
            return Phase.FAILED if creating else Phase.UPDATE_FAILED, str(error)
        return Phase.ACTIVE, ""

    async def _end(self, name: str, outcomes: Mapping[str, tuple[Phase, str]]) -> None:
        """Note what became of versions, by number."""
        function = self._catalog.find(name)  # again: tags or aliases may have changed meanwhile
        assert function is not None

        def ended(version: Version) -> Version:
            phase, reason = outcomes[version.number]
            return replace(version, phase=phase, reason=reason)

        versions = {number: ended(v) if number in outcomes else v for number, v in function.versions.items()}
        latest = function.latest
        if LATEST in outcomes:
            latest = replace(ended(latest), revision=_new())
        try:
            await self._catalog.save(replace(function, latest=latest, versions=versions))
        except LabError:  # the disk is full: the lab goes on with what it knows
            traceback.print_exc(file=sys.stderr)

    def _find_layers(self, arns: Sequence[str]) -> tuple[Layer, ...]:
        found = []
        for arn in arns:
            if arn.split(":")[3] not in ("", REGION):
                raise InvalidParameterValue(
                    "Layers are not in the same region as the function. Layers are expected to be in region "
                    f"{REGION}."
                )
            layer = self._catalog.layer(arn)
            if layer is None:
                raise InvalidParameterValue(f"Layer version {arn} does not exist.")
            found.append(layer)
        return tuple(found)


def check_revision(version: Version, revision: str | None) -> None:
    """Raise PreconditionFailed if a caller thinks of another revision than this."""
    if revision not in (None, version.revision):
        raise PreconditionFailed(STALE_REVISION)


def _publish(
    function: Function, description: str | None, *, phase: Phase = Phase.ACTIVE
) -> tuple[Function, Version]:
    """The function with its next version, and that version; both as they are if nothing changed.

    Publishing gives $LATEST a new revision too.
    """
    latest = function.latest
    last = function.versions.get(str(function.last))
    if last is not None and last.build == latest.build:
        return function, last
    number = str(function.last + 1)
    described = {} if description is None else {"Description": description}
    version = replace(
        latest,
        number=number,
        arn=function_arn(latest.name, number),
        configuration={**latest.configuration, **described},
        revision=_new(),
        phase=phase,
    )
    versions = {**function.versions, number: version}
    renewed = replace(latest, revision=_new())
    return replace(function, latest=renewed, versions=versions, last=function.last + 1), version


def _new() -> str:
    return str(uuid.uuid4())


def timestamp() -> str:
    """Now, in the form of LastModified."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
