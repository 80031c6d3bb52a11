"""Reading `--on SOURCE`."""

from __future__ import annotations

import re

from lablambda.model.deployment import S3Source, Source
from lablambda.model.errors import InvalidParameterValue, NotImplementedHere

_BUCKET = re.compile(r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
_LATER = ("sqs", "dynamodb", "kinesis", "sns", "schedule", "events")


def parse_source(text: str) -> Source:
    """Read one source: `s3:BUCKET[/PREFIX*SUFFIX]`.

    Raises InvalidParameterValue for text that names no source, NotImplementedHere for a kind that
    AWS has and this lab can't deliver yet.
    """
    kind, colon, rest = text.partition(":")
    if kind in _LATER and colon:
        raise NotImplementedHere(f"--on {kind}:... isn't built yet; s3:BUCKET[/PREFIX*SUFFIX] is.")
    if kind != "s3" or not rest:
        raise InvalidParameterValue(
            f"{text!r} names no event source. Write s3:BUCKET or s3:BUCKET/PREFIX*SUFFIX, e.g. s3:photos/*.jpg"
        )
    bucket, _, pattern = rest.partition("/")
    if not _BUCKET.match(bucket):
        raise InvalidParameterValue(
            f"{bucket!r} can't name a bucket: use 3 to 63 lower-case letters, digits, '.' and '-'."
        )
    prefix, _, suffix = pattern.partition("*")
    if "*" in suffix:
        raise InvalidParameterValue(f"{text!r} has two '*': a source has one prefix and one suffix.")
    return S3Source(bucket, prefix, suffix)
