"""Carrying a deployment out: look, plan, do. Everything goes through AWS's API.

Each step can be repeated: a deployment that was cut off is finished by deploying again.
"""

from __future__ import annotations

import base64
import hashlib
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from lablambda import display
from lablambda.asking import Client, or_none
from lablambda.attachments import observe
from lablambda.client import Lab
from lablambda.endpoints import Endpoint
from lablambda.model.deployment import Deployment
from lablambda.model.source import EndpointSource, Source
from lablambda.packaging.failure import RequirementsError
from lablambda.packaging.requirements import layer_name, layer_zip
from lablambda.packaging.zips import zip_files
from lablambda.rules.names import ACCOUNT, function_arn
from lablambda.rules.plan import Code, plan, source_steps
from lablambda.rules.runtimes import nearest, substitution
from lablambda.rules.step import CELL, LINE, AnswerOf, Current, LayerOf, Step, StreamOf, Target

# A lab takes any role as given; it stands for what the function may do.
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lablambda"
# Operations that go on behind their answer: the waiter that knows their end, and what it is asked about.
_CHANGES = {
    "CreateFunction": ("function_active_v2", "FunctionName"),
    "UpdateFunctionCode": ("function_updated_v2", "FunctionName"),
    "UpdateFunctionConfiguration": ("function_updated_v2", "FunctionName"),
    "CreateTable": ("table_exists", "TableName"),
    "UpdateTable": ("table_exists", "TableName"),
    "CreateStream": ("stream_exists", "StreamName"),
}
_POLL_S, _SETTLED_WITHIN_S = 0.005, 120.0


class DeploymentError(Exception):
    """A deployment stopped at a step; the message names it, the reason and what to do."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a deployment did. `verdict` is created, updated, unchanged or planned; `code_size` bytes; `note` is
    what there is to say of the runtime; `endpoints` are those that the cell names."""

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
        current = observe(lab.client, target, wanted.sources, wanted.ends)
        names = [*code.layers, *(name for name in wanted.layers if not name.startswith("arn:"))]
        functions = lab.client("lambda")
        layers = {name: arn for name in names if (arn := _newest_layer(functions, name))}
        current = replace(current, layers=layers)
    except RequirementsError as error:
        raise DeploymentError(
            f"--requires {' '.join(wanted.requires)}: {error}\nCheck the names and versions, and the network."
        ) from None
    except (ClientError, BotoCoreError) as error:
        raise DeploymentError(f"The lab couldn't be asked what is there: {_words(error)}") from None
    for name in wanted.layers:
        if not name.startswith("arn:") and name not in current.layers:
            raise DeploymentError(
                f"The lab has no layer named {name!r}. Publish it first, or give an ARN: --layer arn:..."
            )
    steps = plan(current, wanted, code, role=ROLE, arn=target.arn)
    if not dry_run:
        _apply(steps, dict(current.layers), lab.client)
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
        note=substitution(wanted.runtime, runs),
        endpoints=endpoints,
    )


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
    _apply(steps, {}, lab.client)
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
        _apply(steps, {}, lab.client)
        done += steps
    return done


def _looked_at(name: str, sources: Collection[Source], lab: Lab) -> tuple[Target, Current]:
    """A function that is there, and its sources."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        current = observe(lab.client, Target(name, function_arn(name), 0), sources)
    except (ClientError, BotoCoreError) as error:
        raise DeploymentError(f"The lab couldn't be asked what is there: {_words(error)}") from None
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


# ------------------------------------------------------------------------------------------------ do


def _apply(steps: list[Step], layers: dict[str, str], client: Client) -> None:
    from botocore import xform_name
    from botocore.exceptions import BotoCoreError, ClientError

    answers: dict[str, Any] = {}
    for step in steps:
        call = getattr(client(step.service), xform_name(step.operation))
        try:
            answer = call(**_filled(step.parameters, layers, answers, client))
        except (ClientError, BotoCoreError) as error:
            advice = f"\n{step.advice}" if step.advice else ""
            raise DeploymentError(f"Couldn't {step.text}: {_words(error)}{advice}") from None
        answers[step.operation] = answer
        if step.operation == "PublishLayerVersion":
            layers[step.parameters["LayerName"]] = answer["LayerVersionArn"]
        elif step.operation in _CHANGES:
            _wait_until_settled(client(step.service), step)


def _wait_until_settled(service: Any, step: Step) -> None:
    """AWS carries such a change out behind its answer, and refuses the next one until it is done."""
    from botocore.exceptions import WaiterError

    name, subject = _CHANGES[step.operation]
    patience = {"Delay": _POLL_S, "MaxAttempts": int(_SETTLED_WITHIN_S / _POLL_S)}
    try:
        service.get_waiter(name).wait(**{subject: step.parameters[subject]}, WaiterConfig=patience)
    except WaiterError as error:
        raise DeploymentError(f"Couldn't {step.text}: {_why(error)}") from None


def _why(error: Any) -> str:
    """The state that the function came to, in its own words."""
    found = error.last_response.get("Configuration", error.last_response)
    reasons = (found.get(name) for name in ("StateReason", "LastUpdateStatusReason"))
    return next((str(reason) for reason in reasons if reason), str(error))


def _filled(
    parameters: Any, layers: dict[str, str], answers: dict[str, Any], client: Client
) -> dict[str, Any]:
    """The parameters, with what earlier steps have made put where it is stood for."""
    filled = {
        name: f"{item.before}{answers[item.operation][item.member]}{item.after}"
        if isinstance(item, AnswerOf)
        else item
        for name, item in parameters.items()
    }
    if "Layers" in filled:
        filled["Layers"] = [
            layers[item.name] if isinstance(item, LayerOf) else item for item in filled["Layers"]
        ]
    if isinstance(source := filled.get("EventSourceArn"), StreamOf):
        table = client("dynamodb").describe_table(TableName=source.table)["Table"]
        filled["EventSourceArn"] = table["LatestStreamArn"]
    return filled


def _words(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is None:
        return str(error)
    return f"{response['Error']['Code']}: {response['Error']['Message']}"
