"""S3 buckets as sources: they know the function and call it, if its policy lets them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from lablambda.model.source import S3Source, Source
from lablambda.rules.s3_notifications import Notice, filter_values, overlapping
from lablambda.rules.step import LINE, Current, Step, Target, no_permission_step, permission_step

_S3 = "s3.amazonaws.com"
_CREATED = "s3:ObjectCreated:*"


def s3_steps(current: Current, wanted: Collection[Source], target: Target) -> Iterator[Step]:
    """The steps by which the wanted buckets tell the function of new objects, and none that were under its label."""
    wished = [source for source in wanted if isinstance(source, S3Source)]
    former = [source for source in current.labelled(target.label) if isinstance(source, S3Source)]
    buckets = list(dict.fromkeys(source.bucket for source in wished))
    left = [b for b in dict.fromkeys(source.bucket for source in former) if b not in buckets]
    for bucket in buckets:
        if current.buckets.get(bucket) is None:
            yield Step(f"create bucket {bucket}", "s3", "CreateBucket", {"Bucket": bucket})
    for bucket in buckets:
        statement = _statement(bucket, target)
        if statement not in current.statements:
            account = target.arn.split(":")[4]
            arn, who = f"arn:aws:s3:::{bucket}", f"bucket {bucket}"
            yield permission_step(target, statement, _S3, arn, who, SourceAccount=account)
    for bucket in [*left, *buckets]:
        mine = [source for source in wished if source.bucket == bucket]
        yield from _notification_steps(current.buckets.get(bucket), mine, bucket, target)
    for bucket in left:
        yield no_permission_step(target, _statement(bucket, target), bucket)


def notification_prefix(label: str, function: str) -> str:
    """How the ids of the notifications begin that were made for a function under that label."""
    return f"{label}-{function}-"


def _statement(bucket: str, target: Target) -> str:
    """The statement that lets a bucket's events in."""
    return f"{target.label}-s3-{bucket.replace('.', '_')}"


def _notification_steps(
    known: Mapping[str, Any] | None, mine: Collection[S3Source], bucket: str, target: Target
) -> Iterator[Step]:
    """One call sets a bucket's whole configuration: keep what others put there, but for a `%lambda on` that the cell
    now says itself."""
    existing = {name: value for name, value in (known or {}).items() if name != "ResponseMetadata"}
    before = existing.get("LambdaFunctionConfigurations", [])
    prefix = notification_prefix(target.label, target.name)
    twins = {_notification_id(source, notification_prefix(LINE, target.name)) for source in mine}
    kept = [c for c in before if not c["Id"].startswith(prefix) and c["Id"] not in twins]
    after = kept + [_notification(source, prefix, target.arn) for source in mine]
    if after == before or (known is None and not mine):
        return
    text = (
        f"notify {target.name} of {', '.join(map(str, mine))}"
        if mine
        else f"no longer notify {target.name} of {bucket}"
    )
    configuration = {**existing, "LambdaFunctionConfigurations": after}
    yield Step(
        text,
        "s3",
        "PutBucketNotificationConfiguration",
        {"Bucket": bucket, "NotificationConfiguration": {k: v for k, v in configuration.items() if v != []}},
        advice=_advice(bucket, after),
    )


def _advice(bucket: str, notifications: Sequence[Mapping[str, Any]]) -> str:
    """S3 tells one target of an object."""
    rivals = overlapping([_notice(notification) for notification in notifications])
    if rivals is None:
        return ""
    names = " and ".join(dict.fromkeys(rival.target.rpartition(":")[2] for rival in rivals))
    return (
        f"Of one object, S3 tells one function: {names} would both be told of some objects of {bucket}. Give each its "
        f"own prefix or suffix (--on s3:{bucket}/PREFIX*SUFFIX), take one away (%lambda off NAME), or have the "
        "bucket tell an SNS topic."
    )


def _notice(notification: Mapping[str, Any]) -> Notice:
    rules = notification.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    values = filter_values((rule["Name"], rule["Value"]) for rule in rules)
    return Notice(notification["LambdaFunctionArn"], tuple(notification["Events"]), *values)


def _notification_id(source: S3Source, prefix: str) -> str:
    return f"{prefix}{hashlib.sha256(str(source).encode()).hexdigest()[:8]}"


def _notification(source: S3Source, prefix: str, arn: str) -> dict[str, Any]:
    rules = [
        {"Name": name, "Value": value}
        for name, value in (("prefix", source.prefix), ("suffix", source.suffix))
        if value
    ]
    notification: dict[str, Any] = {
        "Id": _notification_id(source, prefix),
        "LambdaFunctionArn": arn,
        "Events": [_CREATED],
    }
    return notification | ({"Filter": {"Key": {"FilterRules": rules}}} if rules else {})
