"""What to do so that what is becomes what is wanted: a list of AWS calls, in order.

The list is data: it can be shown (`--dry-run`), carried out against a lab, or against AWS.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lablambda.model.deployment import Deployment
from lablambda.model.release import Release, Released
from lablambda.model.source import Source
from lablambda.rules.concurrency_steps import fewer_steps, more_steps, reserved_steps
from lablambda.rules.destination_steps import destination_steps, stream_terms
from lablambda.rules.mapping_steps import mapping_steps
from lablambda.rules.release_steps import alias_steps, newest_version, version_steps
from lablambda.rules.route_steps import route_steps
from lablambda.rules.rule_steps import rule_steps
from lablambda.rules.s3_steps import s3_steps
from lablambda.rules.step import Current, LayerOf, Step, Target
from lablambda.rules.tag_steps import tag_steps
from lablambda.rules.topic_steps import topic_steps
from lablambda.rules.url_steps import url_steps

_COMPARED = ("Runtime", "Handler", "MemorySize", "Timeout")


@dataclass(frozen=True, slots=True)
class Code:
    """The package's zip and its digest as AWS writes it; a layer's zip by the layer's name."""

    zip: bytes
    sha256: str
    layers: Mapping[str, bytes] = field(default_factory=dict)


def plan(current: Current, wanted: Deployment, code: Code, *, role: str, arn: str) -> list[Step]:
    """The steps from `current` to `wanted`; none if nothing differs. `arn` is the function's."""
    target = Target(wanted.name, arn, wanted.timeout_s)
    target = replace(target, terms=stream_terms(current, wanted.ends, target))
    function_steps = [*_function_steps(current, wanted, code, role)]
    return [
        *_layer_steps(current, wanted, code),
        *function_steps,
        *_release_steps(current.released, wanted.release, target, changes=bool(function_steps)),
        *destination_steps(current, wanted.ends, target),
        *source_steps(current, wanted.sources, target),
    ]


def source_steps(current: Current, wanted: Collection[Source], target: Target) -> list[Step]:
    """The steps by which `wanted` become the function's sources under the target's label; those under another
    label stay."""
    return [
        *s3_steps(current, wanted, target),
        *mapping_steps(current, wanted, target),
        *topic_steps(current, wanted, target),
        *rule_steps(current, wanted, target),
        *url_steps(current, wanted, target),
        *route_steps(current, wanted, target),
    ]


def _release_steps(released: Released, wanted: Release, target: Target, *, changes: bool) -> Iterator[Step]:
    """In an order in which at no moment more is provisioned than reserved."""
    changes = changes or newest_version(released) is None
    yield from fewer_steps(released, wanted, target)
    yield from reserved_steps(released, wanted, target)
    yield from version_steps(wanted, target, changes=changes)
    yield from alias_steps(released, wanted, target, changes=changes)
    yield from more_steps(released, wanted, target)
    yield from tag_steps(released, wanted, target)


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
        "SnapStart": {"ApplyOn": "PublishedVersions" if wanted.snap_start else "None"},
        "Layers": [*layers, *(current.layers.get(name, name) for name in wanted.layers)],
    }


def _changes(function: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    changed = [name for name in _COMPARED if function.get(name) != settings[name]]
    if function.get("Environment", {}).get("Variables", {}) != settings["Environment"]["Variables"]:
        changed.append("Environment")
    if function.get("SnapStart", {}).get("ApplyOn", "None") != settings["SnapStart"]["ApplyOn"]:
        changed.append("SnapStart")
    if [layer["Arn"] for layer in function.get("Layers", [])] != settings["Layers"]:
        changed.append("Layers")
    return changed
