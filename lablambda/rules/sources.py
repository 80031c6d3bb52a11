"""Reading `--on SOURCE`."""

from __future__ import annotations

import re

from lablambda.model.deployment import QueueSource, S3Source, Source
from lablambda.model.errors import InvalidParameterValue, NotImplementedHere

_BUCKET = re.compile(r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
_QUEUE = re.compile(r"^(?=.{1,80}$)[A-Za-z0-9_-]+(\.fifo)?$")
_LATER = ("dynamodb", "kinesis", "sns", "schedule", "events")


def parse_source(text: str) -> Source:
    """Read one source: `s3:BUCKET[/PREFIX*SUFFIX]` or `sqs:QUEUE`.

    Raises InvalidParameterValue for text that names no source, NotImplementedHere for a kind that
    AWS has and this lab can't deliver yet.
    """
    kind, colon, rest = text.partition(":")
    if kind in _LATER and colon:
        raise NotImplementedHere(
            f"--on {kind}:... isn't built yet; s3:BUCKET[/PREFIX*SUFFIX] and sqs:QUEUE are."
        )
    if kind == "s3" and rest:
        return _bucket(text, rest)
    if kind == "sqs" and rest:
        return _queue(rest)
    raise InvalidParameterValue(
        f"{text!r} names no event source. Write s3:BUCKET, s3:BUCKET/PREFIX*SUFFIX or sqs:QUEUE, e.g. s3:photos/*.jpg"
    )


def _bucket(text: str, rest: str) -> S3Source:
    bucket, _, pattern = rest.partition("/")
    if not _BUCKET.match(bucket):
        raise InvalidParameterValue(
            f"{bucket!r} can't name a bucket: use 3 to 63 lower-case letters, digits, '.' and '-'."
        )
    prefix, _, suffix = pattern.partition("*")
    if "*" in suffix:
        raise InvalidParameterValue(f"{text!r} has two '*': a source has one prefix and one suffix.")
    return S3Source(bucket, prefix, suffix)


def _queue(name: str) -> QueueSource:
    if not _QUEUE.match(name):
        raise InvalidParameterValue(
            f"{name!r} can't name a queue: use up to 80 letters, digits, '-' and '_', and '.fifo' at the end of a "
            "FIFO queue's name."
        )
    return QueueSource(name)
