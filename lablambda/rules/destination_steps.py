"""Retries and destinations as a cell says them: the function's event invoke config, and the same for streams.

That config has no label, so a tag of the function tells that it is the cell's, whose next run may take it away.
Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lablambda.model.destination import Destination, Ends
from lablambda.model.source import QueueSource, S3Source, Source, TopicSource
from lablambda.rules.retry import MAXIMUM_RETRY_ATTEMPTS
from lablambda.rules.step import CELL, Current, Step, Target

ENDS_TAG = f"{CELL}:ends"
STREAM_TERMS = ("MaximumRetryAttempts", "DestinationConfig")  # members of a mapping
_UNTIL_IT_WORKS = -1  # how often a stream's batch is tried again if nobody says
_RETRIES = ("retry never", "retry once", "retry twice")
_TOLD_OF_BATCHES = ("sqs", "sns", "s3")


def destination_steps(current: Current, wanted: Ends, target: Target) -> Iterator[Step]:
    """The steps by which events end as the cell says, or as Lambda does by itself if it says nothing any more."""
    if wanted.said:
        for destination in dict.fromkeys(filter(None, (wanted.on_success, wanted.on_failure))):
            yield from _creation(current, destination)
        yield from _configuration(current, wanted, target)
    elif current.ends_are_cells:
        name = {"FunctionName": target.name}
        text = f"have {target.name} retry and tell nobody, as Lambda does by itself"
        yield Step(text, "lambda", "DeleteFunctionEventInvokeConfig", name)
        untag = {"Resource": target.arn, "TagKeys": [ENDS_TAG]}
        yield Step(f"take the tag {ENDS_TAG} off {target.name}", "lambda", "UntagResource", untag)


def destination_sources(ends: Ends) -> list[Source]:
    """Those destinations that are created if absent, by the names that sources have."""
    makers: Mapping[str, type[QueueSource | TopicSource | S3Source]] = {
        "sqs": QueueSource,
        "sns": TopicSource,
        "s3": S3Source,
    }
    found = filter(None, (ends.on_success, ends.on_failure))
    return [makers[one.kind](one.name) for one in found if one.kind in makers]


def stream_terms(current: Current, wanted: Ends, target: Target) -> Mapping[str, Any] | None:
    """What mappings of streams are to have; None leaves them as they are."""
    if not wanted.said and not current.ends_are_cells:
        return None
    told = wanted.on_failure if wanted.on_failure and wanted.on_failure.kind in _TOLD_OF_BATCHES else None
    return {
        "MaximumRetryAttempts": _UNTIL_IT_WORKS if wanted.retries is None else wanted.retries,
        "DestinationConfig": {"OnFailure": _as_aws(told, target)},
    }


def _configuration(current: Current, wanted: Ends, target: Target) -> Iterator[Step]:
    members = {
        "MaximumRetryAttempts": MAXIMUM_RETRY_ATTEMPTS if wanted.retries is None else wanted.retries,
        "DestinationConfig": {
            "OnSuccess": _as_aws(wanted.on_success, target),
            "OnFailure": _as_aws(wanted.on_failure, target),
        },
    }
    known = current.event_invoke or {}
    if any(known.get(name) != value for name, value in members.items()):
        text = f"have {target.name} {_in_words(wanted)}"
        parameters = {"FunctionName": target.name, **members}
        yield Step(text, "lambda", "PutFunctionEventInvokeConfig", parameters, _advice(wanted))
    if not current.ends_are_cells:
        tag = {"Resource": target.arn, "Tags": {ENDS_TAG: "cell"}}
        yield Step(
            f"tag {target.name}: its retries and destinations are its cell's", "lambda", "TagResource", tag
        )


def _advice(ends: Ends) -> str:
    others = [str(one) for one in (ends.on_success, ends.on_failure) if one and one.kind == "lambda"]
    return f"Is there such a function? Deploy it first: {', '.join(others)}" if others else ""


def _in_words(ends: Ends) -> str:
    words = [] if ends.retries is None else [_RETRIES[ends.retries]]
    words += [f"tell {ends.on_success} of successes"] if ends.on_success else []
    words += [f"tell {ends.on_failure} of failures"] if ends.on_failure else []
    return ", ".join(words)


def _creation(current: Current, destination: Destination) -> Iterator[Step]:
    name = destination.name
    match destination.kind:
        case "sqs" if QueueSource(name) not in current.existing:
            yield Step(f"create queue {name}", "sqs", "CreateQueue", {"QueueName": name})
        case "sns" if TopicSource(name) not in current.existing:
            yield Step(f"create topic {name}", "sns", "CreateTopic", {"Name": name})
        case "s3" if current.buckets.get(name) is None:
            yield Step(f"create bucket {name}", "s3", "CreateBucket", {"Bucket": name})


def _as_aws(destination: Destination | None, target: Target) -> dict[str, str]:
    if destination is None:
        return {}
    match destination.kind:
        case "s3":
            arn = f"arn:aws:s3:::{destination.name}"
        case "lambda":
            arn = target.arn_of("lambda", f"function:{destination.name}")
        case "events":
            arn = target.arn_of("events", f"event-bus/{destination.name}")
        case service:
            arn = target.arn_of(service, destination.name)
    return {"Destination": arn}
