"""SNS topics as sources: the function is subscribed, and its policy lets the topic in."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from lablambda.model.source import Source, TopicSource
from lablambda.rules.step import Current, Step, Target, no_permission_step, permission_step

_SNS = "sns.amazonaws.com"


def topic_steps(current: Current, wanted: Collection[Source], target: Target) -> Iterator[Step]:
    """The steps by which the wanted topics notify the function, and none that were under its label."""
    for source in wanted:
        if isinstance(source, TopicSource):
            yield from _attach(current, source, target)
    for source, attached in current.attached.items():
        unwanted = attached.label == target.label and source not in wanted
        if unwanted and isinstance(source, TopicSource):
            text = f"no longer subscribe {target.name} to topic {source.topic}"
            yield Step(text, "sns", "Unsubscribe", {"SubscriptionArn": attached.handle})
            yield no_permission_step(target, _statement(source, target), f"topic {source.topic}")


def _attach(current: Current, source: TopicSource, target: Target) -> Iterator[Step]:
    topic, statement = source.topic, _statement(source, target)
    arn = target.arn_of("sns", topic)
    if source in current.attached:
        return
    if source not in current.existing:
        yield Step(f"create topic {topic}", "sns", "CreateTopic", {"Name": topic})
    if statement not in current.statements:
        yield permission_step(target, statement, _SNS, arn, f"topic {topic}")
    parameters = {"TopicArn": arn, "Protocol": "lambda", "Endpoint": target.arn}
    yield Step(f"subscribe {target.name} to topic {topic}", "sns", "Subscribe", parameters)


def _statement(source: TopicSource, target: Target) -> str:
    return f"{target.label}-sns-{source.topic}"
