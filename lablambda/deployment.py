"""Carrying a deployment out: look, plan, do. Everything goes through AWS's API.

Each step can be repeated: a deployment that was cut off is finished by deploying again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lablambda import display
from lablambda.client import Lab
from lablambda.model.deployment import Deployment, QueueSource, S3Source
from lablambda.packaging.failure import RequirementsError
from lablambda.packaging.requirements import layer_name, layer_zip
from lablambda.packaging.zips import zip_files
from lablambda.rules.names import ACCOUNT, function_arn
from lablambda.rules.plan import Code, plan
from lablambda.rules.runtimes import nearest, substitution
from lablambda.rules.s3_steps import attached_buckets
from lablambda.rules.step import OURS, Current, CurrentMapping, LayerOf, Step

# A lab takes any role as given; it stands for what the function may do.
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lablambda"
Client = Callable[[str], Any]
# Operations that go on behind their answer, and the waiter that knows their end.
_CHANGES = {
    "CreateFunction": "function_active_v2",
    "UpdateFunctionCode": "function_updated_v2",
    "UpdateFunctionConfiguration": "function_updated_v2",
}
_NOT_THERE = (
    "ResourceNotFoundException",
    "NoSuchBucket",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
    "404",
)
_POLL_S, _SETTLED_WITHIN_S = 0.005, 120.0


class DeploymentError(Exception):
    """A deployment stopped at a step; the message names it, the reason and what to do."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a deployment did. `verdict` is created, updated, unchanged or planned; `code_size` bytes; `note` is
    what there is to say of the runtime."""

    name: str
    verdict: str
    steps: tuple[Step, ...]
    seconds: float
    handler: str
    runtime: str
    code_size: int
    sources: tuple[str, ...]
    note: str = ""

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
        current = _observe(wanted, code, lab.client)
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
    steps = plan(current, wanted, code, role=ROLE, arn=function_arn(wanted.name))
    if not dry_run:
        _apply(steps, dict(current.layers), lab.client)
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
    )


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


# ---------------------------------------------------------------------------------------------- look


def _observe(wanted: Deployment, code: Code, client: Client) -> Current:
    functions = client("lambda")
    function = _or_none(lambda: functions.get_function_configuration(FunctionName=wanted.name))
    sources = _policy_sources(functions, wanted.name) if function is not None else {}
    wished = [source.bucket for source in wanted.sources if isinstance(source, S3Source)]
    buckets = dict.fromkeys([*attached_buckets(sources), *wished])
    queues = [source.queue for source in wanted.sources if isinstance(source, QueueSource)]
    layers = [*code.layers, *(name for name in wanted.layers if not name.startswith("arn:"))]
    return Current(
        function=function,
        sources=sources,
        buckets={name: _notifications(client("s3"), name) for name in buckets},
        queues=[name for name in queues if _or_none(lambda: client("sqs").get_queue_url(QueueName=name))],  # noqa: B023 - called at once
        mappings=_mappings(functions, wanted.name),
        layers={name: arn for name in layers if (arn := _newest_layer(functions, name))},
    )


def _policy_sources(functions: Any, name: str) -> dict[str, str]:
    answer = _or_none(lambda: functions.get_policy(FunctionName=name))
    if answer is None:
        return {}
    statements = json.loads(answer["Policy"])["Statement"]
    return {s["Sid"]: s.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn", "") for s in statements}


def _notifications(s3: Any, bucket: str) -> dict[str, Any] | None:
    answer: dict[str, Any] | None = _or_none(lambda: s3.get_bucket_notification_configuration(Bucket=bucket))
    return answer


def _mappings(functions: Any, name: str) -> dict[str, CurrentMapping]:
    """Also those of a function that was deleted, which stay, and work for the next of that name."""
    pages = functions.get_paginator("list_event_source_mappings").paginate(FunctionName=name)
    found = _or_none(pages.build_full_result) or {}
    return {
        mapping["EventSourceArn"]: CurrentMapping(
            mapping["UUID"], OURS in functions.list_tags(Resource=mapping["EventSourceMappingArn"])["Tags"]
        )
        for mapping in found.get("EventSourceMappings", [])
    }


def _newest_layer(functions: Any, name: str) -> str | None:
    answer = _or_none(lambda: functions.list_layer_versions(LayerName=name, MaxItems=1))
    versions = answer["LayerVersions"] if answer else []
    return str(versions[0]["LayerVersionArn"]) if versions else None


def _or_none(ask: Callable[[], Any]) -> Any:
    """What AWS answers, or None if it says there is no such thing."""
    from botocore.exceptions import ClientError

    try:
        return ask()
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_THERE:
            return None
        raise


# ------------------------------------------------------------------------------------------------ do


def _apply(steps: list[Step], layers: dict[str, str], client: Client) -> None:
    from botocore import xform_name
    from botocore.exceptions import BotoCoreError, ClientError

    for step in steps:
        call = getattr(client(step.service), xform_name(step.operation))
        try:
            answer = call(**_with_layers(step.parameters, layers))
        except (ClientError, BotoCoreError) as error:
            raise DeploymentError(f"Couldn't {step.text}: {_words(error)}") from None
        if step.operation == "PublishLayerVersion":
            layers[step.parameters["LayerName"]] = answer["LayerVersionArn"]
        elif step.operation in _CHANGES:
            _wait_until_settled(client(step.service), step)


def _wait_until_settled(functions: Any, step: Step) -> None:
    """AWS carries such a change out behind its answer, and refuses the next one until it is done."""
    from botocore.exceptions import WaiterError

    waiter = functions.get_waiter(_CHANGES[step.operation])
    try:
        waiter.wait(
            FunctionName=step.parameters["FunctionName"],
            WaiterConfig={"Delay": _POLL_S, "MaxAttempts": int(_SETTLED_WITHIN_S / _POLL_S)},
        )
    except WaiterError as error:
        raise DeploymentError(f"Couldn't {step.text}: {_why(error)}") from None


def _why(error: Any) -> str:
    """The state that the function came to, in its own words."""
    found = error.last_response.get("Configuration", error.last_response)
    reasons = (found.get(name) for name in ("StateReason", "LastUpdateStatusReason"))
    return next((str(reason) for reason in reasons if reason), str(error))


def _with_layers(parameters: Any, layers: dict[str, str]) -> dict[str, Any]:
    filled = dict(parameters)
    if "Layers" in filled:
        filled["Layers"] = [
            layers[item.name] if isinstance(item, LayerOf) else item for item in filled["Layers"]
        ]
    return filled


def _words(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is None:
        return str(error)
    return f"{response['Error']['Code']}: {response['Error']['Message']}"
