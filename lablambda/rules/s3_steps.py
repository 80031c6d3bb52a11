"""S3 buckets as sources: they know the function and call it, if its policy lets them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from lablambda.model.deployment import Deployment, S3Source
from lablambda.rules.policy import INVOKE
from lablambda.rules.step import OURS, Current, Step

_S3 = "s3.amazonaws.com"
_CREATED = "s3:ObjectCreated:*"


def statement_id(source: S3Source) -> str:
    """The statement that lets a bucket's events in; by it the next plan knows what this one attached."""
    return f"{OURS}-s3-{source.bucket.replace('.', '_')}"


def attached_buckets(sources: Mapping[str, str]) -> list[str]:
    """The buckets that earlier plans attached, from the policy's sources."""
    return [arn.rpartition(":")[2] for sid, arn in sources.items() if sid.startswith(f"{OURS}-s3-")]


def s3_steps(current: Current, wanted: Deployment, arn: str) -> Iterator[Step]:
    """The steps by which the wanted buckets, and no others, tell the function of new objects."""
    wished = _of_s3(wanted)
    for bucket in dict.fromkeys(source.bucket for source in wished):
        if current.buckets.get(bucket) is None:
            yield Step(f"create bucket {bucket}", "s3", "CreateBucket", {"Bucket": bucket})
    for source in {statement_id(source): source for source in wished}.values():
        if statement_id(source) not in current.sources:
            yield _permission_step(wanted.name, source, arn)
    buckets = [*attached_buckets(current.sources), *(source.bucket for source in wished)]
    for bucket in dict.fromkeys(buckets):
        yield from _notification_steps(current, wanted, bucket, arn)
    kept = {statement_id(source) for source in wished}
    for sid in current.sources:
        if sid.startswith(f"{OURS}-s3-") and sid not in kept:
            yield Step(
                f"no longer let {current.sources[sid].rpartition(':')[2]} invoke {wanted.name}",
                "lambda",
                "RemovePermission",
                {"FunctionName": wanted.name, "StatementId": sid},
            )


def _of_s3(wanted: Deployment) -> list[S3Source]:
    return [source for source in wanted.sources if isinstance(source, S3Source)]


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
    mine = [s for s in _of_s3(wanted) if s.bucket == bucket]
    before = existing.get("LambdaFunctionConfigurations", [])
    prefix = f"{OURS}-{wanted.name}-"
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
