"""What a plan is made of: what is there, and the calls that change it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from lablambda.model.api_routes import ApiRoutes
from lablambda.model.release import Released
from lablambda.model.source import RouteSource, Source
from lablambda.rules.policy import INVOKE

# Who attached a source: the function's cell, whose next run may take it away, or a `%lambda on`, which that leaves.
# The label is part of the names of what was made for it, or is their tag.
CELL, LINE = "lablambda", "lablambda_on"


@dataclass(frozen=True, slots=True)
class LayerOf:
    """Stands for the ARN of a layer that an earlier step publishes."""

    name: str


@dataclass(frozen=True, slots=True)
class StreamOf:
    """Stands for the ARN of the stream of a table that an earlier step makes or changes."""

    table: str


@dataclass(frozen=True, slots=True)
class AnswerOf:
    """Stands for a member of the answer to an earlier step, with `before` and `after` around it."""

    operation: str
    member: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One AWS call. `text` tells a person what it does; `parameters` may hold `LayerOf`, `StreamOf` and `AnswerOf`;
    `advice` is what to do should AWS refuse it."""

    text: str
    service: str
    operation: str
    parameters: Mapping[str, Any]
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Attached:
    """A source that the function has. `label` is CELL or LINE, or empty if somebody else attached it; `handle` is
    what detaching it takes: a mapping's UUID, a subscription's ARN, a rule's name; `state` a mapping's; `terms` what
    a stream's mapping has of `Target.terms`."""

    label: str
    handle: str = ""
    state: str = "Enabled"
    terms: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Current:
    """What is there. `function` is AWS's FunctionConfiguration or None; `statements` the ARNs that the function's
    policy lets in, by statement id; `attached` the function's sources; `buckets` the notification configuration
    of each bucket that matters (None: no such bucket); `existing` which of the queues, streams and topics that
    matter are there; `streams` the ARN of each table's stream (empty: the table has none); `api` the API in which
    `--route` makes routes, and `taken` what its routes that matter lead to, if that is there and isn't the
    function; `event_invoke` AWS's FunctionEventInvokeConfig or None, `ends_are_cells` whether it is the cell's;
    `released` its versions, aliases and concurrency; `layers` the newest ARN by layer name."""

    function: Mapping[str, Any] | None = None
    statements: Mapping[str, str] = field(default_factory=dict)
    attached: Mapping[Source, Attached] = field(default_factory=dict)
    buckets: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    existing: Collection[Source] = ()
    streams: Mapping[str, str] = field(default_factory=dict)
    api: ApiRoutes | None = None
    taken: Mapping[RouteSource, str] = field(default_factory=dict)
    event_invoke: Mapping[str, Any] | None = None
    ends_are_cells: bool = False
    released: Released = Released()  # noqa: RUF009 - frozen
    layers: Mapping[str, str] = field(default_factory=dict)

    def labelled(self, label: str) -> list[Source]:
        """The sources that were attached under that label."""
        return [source for source, attached in self.attached.items() if attached.label == label]


@dataclass(frozen=True, slots=True)
class Target:
    """The function that events are for, and the label of what is made for it. `terms` are members that mappings of
    its streams are to have; None leaves them as they are."""

    name: str
    arn: str
    timeout_s: int
    label: str = CELL
    terms: Mapping[str, Any] | None = None

    def arn_of(self, service: str, resource: str) -> str:
        """The ARN of something in the function's region and account."""
        region, account = self.arn.split(":")[3:5]
        return f"arn:aws:{service}:{region}:{account}:{resource}"


def permission_step(
    target: Target, statement: str, principal: str, source_arn: str | AnswerOf, who: str, **more: str
) -> Step:
    """Let a source invoke the function."""
    parameters = {
        "FunctionName": target.name,
        "StatementId": statement,
        "Action": INVOKE,
        "Principal": principal,
        "SourceArn": source_arn,
        **more,
    }
    return Step(f"let {who} invoke {target.name}", "lambda", "AddPermission", parameters)


def no_permission_step(target: Target, statement: str, who: str) -> Step:
    """Take that back."""
    parameters = {"FunctionName": target.name, "StatementId": statement}
    return Step(f"no longer let {who} invoke {target.name}", "lambda", "RemovePermission", parameters)
