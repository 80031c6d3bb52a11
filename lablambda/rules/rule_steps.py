"""Schedules and event patterns as sources: EventBridge rules whose target is the function."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator

from lablambda.model.source import PatternSource, RuleSource, ScheduleSource, Source
from lablambda.rules.step import Current, Step, Target, no_permission_step, permission_step

_EVENTS = "events.amazonaws.com"
_LONGEST_NAME = 64


def rule_steps(current: Current, wanted: Collection[Source], target: Target) -> Iterator[Step]:
    """The steps by which the wanted rules invoke the function, and none that were under its label."""
    for source in wanted:
        if isinstance(source, RuleSource) and source not in current.attached:
            yield from _attach(current, source, target)
    for source, attached in current.attached.items():
        unwanted = attached.label == target.label and source not in wanted
        if unwanted and isinstance(source, RuleSource):
            yield from _detach(source, attached.handle, target)


def _attach(current: Current, source: RuleSource, target: Target) -> Iterator[Step]:
    rule = _rule(source, target)
    match source:
        case ScheduleSource(expression):
            yield Step(
                f"make rule {rule}", "events", "PutRule", {"Name": rule, "ScheduleExpression": expression}
            )
        case PatternSource(pattern):
            yield Step(f"make rule {rule}", "events", "PutRule", {"Name": rule, "EventPattern": pattern})
    if rule not in current.statements:
        yield permission_step(target, rule, _EVENTS, target.arn_of("events", f"rule/{rule}"), f"rule {rule}")
    targets = [{"Id": target.name, "Arn": target.arn}]
    parameters = {"Rule": rule, "Targets": targets}
    yield Step(f"run {target.name} on {source}", "events", "PutTargets", parameters)


def _detach(source: RuleSource, rule: str, target: Target) -> Iterator[Step]:
    parameters = {"Rule": rule, "Ids": [target.name]}
    yield Step(f"no longer run {target.name} on {source}", "events", "RemoveTargets", parameters)
    yield Step(f"delete rule {rule}", "events", "DeleteRule", {"Name": rule})
    yield no_permission_step(target, rule, f"rule {rule}")


def _rule(source: RuleSource, target: Target) -> str:
    """The rule's name, and that of the statement that lets it in."""
    digest = hashlib.sha256(str(source).encode()).hexdigest()[:8]
    room = _LONGEST_NAME - len(f"{target.label}--{digest}")
    return f"{target.label}-{target.name[:room]}-{digest}"
