"""Carrying a deployment out: look, plan, do. Everything goes through AWS's API.

Each step can be repeated: a deployment that was cut off is finished by deploying again.
"""

from __future__ import annotations

import base64
import hashlib
import sys
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lablambda import display
from lablambda.applying import DeploymentError, apply, in_words
from lablambda.asking import or_none
from lablambda.attachments import observe
from lablambda.client import Lab
from lablambda.endpoints import Endpoint
from lablambda.model.deployment import Deployment
from lablambda.model.release import Release, Released
from lablambda.model.source import EndpointSource, Source
from lablambda.packaging.failure import RequirementsError
from lablambda.packaging.requirements import layer_name, layer_zip
from lablambda.packaging.zips import zip_files
from lablambda.released import observe_ends, observe_release
from lablambda.rules import snap_start
from lablambda.rules.destination_steps import destination_sources
from lablambda.rules.names import ACCOUNT, function_arn
from lablambda.rules.plan import Code, plan, source_steps
from lablambda.rules.release_steps import newest_version, split_step
from lablambda.rules.runtimes import nearest, substitution
from lablambda.rules.step import CELL, LINE, Current, Step, Target

# A lab takes any role as given; it stands for what the function may do.
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lablambda"


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a deployment did. `verdict` is created, updated, unchanged or planned; `code_size` bytes; `note` is
    what there is to say of the runtime; `endpoints` are those that the cell names; `version` and `alias` what it was
    published as; `code_sha256` is AWS's CodeSha256; `cell` the fingerprint of the cell that it was, if it was one."""

    name: str
    verdict: str
    steps: tuple[Step, ...]
    seconds: float
    handler: str
    runtime: str
    code_size: int
    sources: tuple[str, ...]
    note: str = ""
    endpoints: tuple[Endpoint, ...] = ()
    version: str = ""
    alias: str = ""
    code_sha256: str = ""
    cell: str = ""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return display.deployed(self)


def deploy(wanted: Deployment, lab: Lab, *, dry_run: bool = False) -> Deployed:
    """Make the lab have `wanted`. With `dry_run` only say what would be done.

    Raises DeploymentError; what was done before stays, and deploying again goes on from there.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    began = time.perf_counter()
    try:
        runs, interpreter = _runs(wanted.runtime, lab)
        code = _code(wanted, runs, interpreter)
        target = Target(wanted.name, function_arn(wanted.name), wanted.timeout_s)
        current = observe(lab.client, target, [*wanted.sources, *destination_sources(wanted.ends)])
        names = [*code.layers, *(name for name in wanted.layers if not name.startswith("arn:"))]
        functions = lab.client("lambda")
        layers = {name: arn for name in names if (arn := _newest_layer(functions, name))}
        if current.function is not None:
            released = observe_release(lab.client, target, wanted.release)
            ends = observe_ends(lab.client, target, wanted.ends, released.tags)
            current = replace(current, released=released, **ends)
        current = replace(current, layers=layers)
    except RequirementsError as error:
        raise DeploymentError(
            f"--requires {' '.join(wanted.requires)}: {error}\nCheck the names and versions, and the network."
        ) from None
    except (ClientError, BotoCoreError) as error:
        raise DeploymentError(f"The lab couldn't be asked what is there: {in_words(error)}") from None
    for name in wanted.layers:
        if not name.startswith("arn:") and name not in current.layers:
            raise DeploymentError(
                f"The lab has no layer named {name!r}. Publish it first, or give an ARN: --layer arn:..."
            )
    steps = plan(current, wanted, code, role=ROLE, arn=target.arn)
    answers = {} if dry_run else apply(steps, dict(current.layers), lab.client)
    endpoints = () if dry_run else _endpoints(wanted, lab)
    return Deployed(
        name=wanted.name,
        verdict=_verdict(current, steps, dry_run=dry_run),
        steps=tuple(steps),
        seconds=time.perf_counter() - began,
        handler=wanted.handler,
        runtime=wanted.runtime,
        code_size=len(code.zip),
        sources=tuple(map(str, wanted.sources)),
        note=_note(wanted, runs),
        endpoints=endpoints,
        version=_version(current, answers) if wanted.release.publishes and not dry_run else "",
        alias=wanted.release.alias or "",
        code_sha256=code.sha256,
    )


def _version(current: Current, answers: dict[str, Any]) -> str:
    """The version that the deployment published, or that was there as the cell has it."""
    published = answers.get("PublishVersion")
    return str(published["Version"]) if published else str(newest_version(current.released))


def _note(wanted: Deployment, runs: str) -> str:
    """What there is to say of the runtime, and of what it doesn't do here."""
    notes = [substitution(wanted.runtime, runs)]
    if wanted.snap_start:
        notes.append(snap_start.note(wanted.runtime))
    return " ".join(filter(None, notes))


def _endpoints(wanted: Deployment, lab: Lab) -> tuple[Endpoint, ...]:
    """What the deployment's URL and routes have become."""
    named = {str(source) for source in wanted.sources if isinstance(source, EndpointSource)}
    return tuple(e for e in lab.routes(wanted.name) if e.route in named) if named else ()


def attach(name: str, sources: Collection[Source], lab: Lab) -> list[Step]:
    """Have a function run on these sources as well; gives what was done. What its cell says stays as it is.

    Raises DeploymentError.
    """
    target, current = _looked_at(name, sources, lab)
    more = [source for source in sources if source not in current.attached]
    steps = source_steps(current, [*current.labelled(LINE), *more], replace(target, label=LINE))
    apply(steps, {}, lab.client)
    return steps


def detach(name: str, sources: Collection[Source], lab: Lab) -> list[Step]:
    """Have a function run on these sources no more, or on none if there are none; gives what was done.

    Raises DeploymentError.
    """
    target, current = _looked_at(name, sources, lab)
    unwanted = sources or [s for s, attached in current.attached.items() if attached.label]
    for source in sources:
        if source not in current.attached:
            has = ", ".join(map(str, current.attached)) or "none"
            raise DeploymentError(f"{name} has no source {source}; it has {has}.")
        if not current.attached[source].label:
            raise DeploymentError(
                f"{source} was attached to {name} by other means than lablambda: take it away by the same."
            )
    done: list[Step] = []
    for label in (CELL, LINE):
        target, current = _looked_at(name, (), lab)  # the first pass may have changed what the second goes by
        kept = [source for source in current.labelled(label) if source not in unwanted]
        steps = source_steps(current, kept, replace(target, label=label))
        apply(steps, {}, lab.client)
        done += steps
    return done


def lead_alias(name: str, alias: str, version: str, weights: Mapping[str, float], lab: Lab) -> Step:
    """Have an alias of a function lead to a version, and shares of its traffic (0 to 1) to others; gives what was done.

    Raises DeploymentError.
    """
    target, _ = _looked_at(name, (), lab)
    step = split_step(versions(name, lab), alias, version, weights, target)
    apply([step], {}, lab.client)
    return step


def versions(name: str, lab: Lab) -> Released:
    """A function's versions and aliases. Raises DeploymentError."""
    target, _ = _looked_at(name, (), lab)
    return observe_release(lab.client, target, Release(publish=True))


def _looked_at(name: str, sources: Collection[Source], lab: Lab) -> tuple[Target, Current]:
    """A function that is there, and its sources."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        current = observe(lab.client, Target(name, function_arn(name), 0), sources)
    except (ClientError, BotoCoreError) as error:
        raise DeploymentError(f"The lab couldn't be asked what is there: {in_words(error)}") from None
    if current.function is None:
        raise DeploymentError(f"There is no function {name}. %lambda list shows those that there are.")
    return Target(name, current.function["FunctionArn"], current.function["Timeout"]), current


def _verdict(current: Current, steps: list[Step], *, dry_run: bool) -> str:
    if dry_run:
        return "planned"
    if current.function is None:
        return "created"
    return "updated" if steps else "unchanged"


def _runs(runtime: str, lab: Lab) -> tuple[str, str]:
    """Name and path of what runs `runtime` on this machine. Raises DeploymentError if nothing does."""
    if runtime == f"python3.{sys.version_info.minor}":
        return runtime, sys.executable  # no need to ask, nor to wait until the lab has found the others
    here = lab.status()["runtimes"]
    name = nearest(runtime, here)
    if name is None:
        raise DeploymentError(
            f"This machine has no {runtime} and nothing like it; it has {', '.join(here)}. Choose one of these "
            "with --runtime, or install it and restart the lab."
        )
    return name, here[name]["path"]


def _code(wanted: Deployment, runs: str, interpreter: str) -> Code:
    """Packages are built for the runtime that runs them here."""
    data = zip_files(wanted.files)
    sha256 = base64.b64encode(hashlib.sha256(data).digest()).decode()
    layers = {}
    if wanted.requires:
        layers[layer_name(wanted.requires, runs)] = layer_zip(wanted.requires, runs, interpreter)
    return Code(data, sha256, layers)


def _newest_layer(functions: Any, name: str) -> str | None:
    answer = or_none(lambda: functions.list_layer_versions(LayerName=name, MaxItems=1))
    versions = answer["LayerVersions"] if answer else []
    return str(versions[0]["LayerVersionArn"]) if versions else None
