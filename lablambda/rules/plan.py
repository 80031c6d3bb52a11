"""What to do so that what is becomes what is wanted: a list of AWS calls, in order.

The list is data: it can be shown (`--dry-run`), carried out against a lab, or against AWS.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lablambda.model.deployment import Deployment, S3Source
from lablambda.rules.policy import INVOKE

_OURS = "lablambda"
_S3 = "s3.amazonaws.com"
_CREATED = "s3:ObjectCreated:*"
_COMPARED = ("Runtime", "Handler", "MemorySize", "Timeout")


@dataclass(frozen=True, slots=True)
class LayerOf:
    """Stands for the ARN of a layer that an earlier step publishes."""

    name: str


@dataclass(frozen=True, slots=True)
class Step:
    """One AWS call. `text` tells a person what it does; `parameters` may hold `LayerOf`."""

    text: str
    service: str
    operation: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Current:
    """What is there. `function` is AWS's FunctionConfiguration or None; `sources` the ARNs that the
    function's policy lets in, by statement id; `buckets` the notification configuration of each
    bucket that matters (None: no such bucket); `layers` the newest ARN by layer name."""

    function: Mapping[str, Any] | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    buckets: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    layers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Code:
    """The package's zip and its digest as AWS writes it; a layer's zip by the layer's name."""

    zip: bytes
    sha256: str
    layers: Mapping[str, bytes] = field(default_factory=dict)


def plan(current: Current, wanted: Deployment, code: Code, *, role: str, arn: str) -> list[Step]:
    """The steps from `current` to `wanted`; none if nothing differs. `arn` is the function's."""
    return [
        *_layer_steps(current, wanted, code),
        *_function_steps(current, wanted, code, role),
        *_source_steps(current, wanted, arn),
    ]


# ------------------------------------------------------------------------------------------- function


def _layer_steps(current: Current, wanted: Deployment, code: Code) -> Iterator[Step]:
    for name, data in code.layers.items():
        if name not in current.layers:
            yield Step(
                f"publish a layer with {', '.join(wanted.requires)}",
                "lambda",
                "PublishLayerVersion",
                {
                    "LayerName": name,
                    "Description": " ".join(wanted.requires)[:256],
                    "Content": {"ZipFile": data},
                    "CompatibleRuntimes": [wanted.runtime],
                },
            )


def _function_steps(current: Current, wanted: Deployment, code: Code, role: str) -> Iterator[Step]:
    settings = _settings(current, wanted, code)
    if current.function is None:
        yield Step(
            f"create function {wanted.name} ({wanted.runtime}, {wanted.memory_mb} MB, {wanted.timeout_s} s)",
            "lambda",
            "CreateFunction",
            {"FunctionName": wanted.name, "Role": role, "Code": {"ZipFile": code.zip}, **settings},
        )
        return
    changes = _changes(current.function, settings)
    if changes:
        yield Step(
            f"change {', '.join(changes)} of {wanted.name}",
            "lambda",
            "UpdateFunctionConfiguration",
            {"FunctionName": wanted.name, **{name: settings[name] for name in changes}},
        )
    if current.function.get("CodeSha256") != code.sha256:
        yield Step(
            f"update the code of {wanted.name}",
            "lambda",
            "UpdateFunctionCode",
            {"FunctionName": wanted.name, "ZipFile": code.zip},
        )


def _settings(current: Current, wanted: Deployment, code: Code) -> dict[str, Any]:
    layers: list[Any] = [current.layers.get(name) or LayerOf(name) for name in code.layers]
    return {
        "Runtime": wanted.runtime,
        "Handler": wanted.handler,
        "MemorySize": wanted.memory_mb,
        "Timeout": wanted.timeout_s,
        "Environment": {"Variables": dict(wanted.variables)},
        "Layers": [*layers, *(current.layers.get(name, name) for name in wanted.layers)],
    }


def _changes(function: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    changed = [name for name in _COMPARED if function.get(name) != settings[name]]
    if function.get("Environment", {}).get("Variables", {}) != settings["Environment"]["Variables"]:
        changed.append("Environment")
    if [layer["Arn"] for layer in function.get("Layers", [])] != settings["Layers"]:
        changed.append("Layers")
    return changed


# -------------------------------------------------------------------------------------------- sources


def statement_id(source: S3Source) -> str:
    """The statement that lets a bucket's events in; by it the next plan knows what this one attached."""
    return f"{_OURS}-s3-{source.bucket.replace('.', '_')}"


def attached_buckets(sources: Mapping[str, str]) -> list[str]:
    """The buckets that earlier plans attached, from the policy's sources."""
    return [arn.rpartition(":")[2] for sid, arn in sources.items() if sid.startswith(f"{_OURS}-s3-")]


def _source_steps(current: Current, wanted: Deployment, arn: str) -> Iterator[Step]:
    for bucket in dict.fromkeys(source.bucket for source in wanted.sources):
        if current.buckets.get(bucket) is None:
            yield Step(f"create bucket {bucket}", "s3", "CreateBucket", {"Bucket": bucket})
    for source in {statement_id(source): source for source in wanted.sources}.values():
        if statement_id(source) not in current.sources:
            yield _permission_step(wanted.name, source, arn)
    buckets = [*attached_buckets(current.sources), *(source.bucket for source in wanted.sources)]
    for bucket in dict.fromkeys(buckets):
        yield from _notification_steps(current, wanted, bucket, arn)
    kept = {statement_id(source) for source in wanted.sources}
    for sid in current.sources:
        if sid.startswith(f"{_OURS}-s3-") and sid not in kept:
            yield Step(
                f"no longer let {current.sources[sid].rpartition(':')[2]} invoke {wanted.name}",
                "lambda",
                "RemovePermission",
                {"FunctionName": wanted.name, "StatementId": sid},
            )


def _permission_step(function: str, source: S3Source, arn: str) -> Step:
    return Step(
        f"let bucket {source.bucket} invoke {function}",
        "lambda",
        "AddPermission",
        {
            "FunctionName": function,
            "StatementId": statement_id(source),
            "Action": INVOKE,
            "Principal": _S3,
            "SourceArn": f"arn:aws:s3:::{source.bucket}",
            "SourceAccount": arn.split(":")[4],
        },
    )


def _notification_steps(current: Current, wanted: Deployment, bucket: str, arn: str) -> Iterator[Step]:
    """One call sets a bucket's whole configuration: keep what others put there."""
    known = current.buckets.get(bucket)
    existing = {name: value for name, value in (known or {}).items() if name != "ResponseMetadata"}
    mine = [s for s in wanted.sources if s.bucket == bucket]
    before = existing.get("LambdaFunctionConfigurations", [])
    prefix = f"{_OURS}-{wanted.name}-"
    after = [c for c in before if not c["Id"].startswith(prefix)]
    after += [_notification(source, prefix, arn) for source in mine]
    if after == before or (known is None and not mine):
        return
    text = (
        f"notify {wanted.name} of {', '.join(map(str, mine))}"
        if mine
        else f"no longer notify {wanted.name} of {bucket}"
    )
    configuration = {**existing, "LambdaFunctionConfigurations": after}
    yield Step(
        text,
        "s3",
        "PutBucketNotificationConfiguration",
        {"Bucket": bucket, "NotificationConfiguration": {k: v for k, v in configuration.items() if v != []}},
    )


def _notification(source: S3Source, prefix: str, arn: str) -> dict[str, Any]:
    rules = [
        {"Name": name, "Value": value}
        for name, value in (("prefix", source.prefix), ("suffix", source.suffix))
        if value
    ]
    digest = hashlib.sha256(str(source).encode()).hexdigest()[:8]
    notification: dict[str, Any] = {
        "Id": f"{prefix}{digest}",
        "LambdaFunctionArn": arn,
        "Events": [_CREATED],
    }
    return notification | ({"Filter": {"Key": {"FilterRules": rules}}} if rules else {})
