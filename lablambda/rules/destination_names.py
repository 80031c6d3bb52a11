"""Reading `--on-failure TARGET` and `--on-success TARGET`."""

from __future__ import annotations

import re

from lablambda.model.destination import Destination
from lablambda.model.errors import InvalidParameterValue
from lablambda.model.source import S3Source
from lablambda.rules.sources import parse_source

# How each kind is written.
DESTINATION_FORMS = {
    "sqs": "sqs:QUEUE",
    "sns": "sns:TOPIC",
    "s3": "s3:BUCKET",
    "lambda": "lambda:FUNCTION",
    "events": "events:BUS",
}
_NAMES = {"lambda": re.compile(r"^[A-Za-z0-9_-]{1,64}$"), "events": re.compile(r"^[A-Za-z0-9_./-]{1,256}$")}
_OF_FAILURES_ONLY = "s3"


def parse_destination(text: str, *, of_success: bool) -> Destination:
    """Read who is told of successes, or of failures. Raises InvalidParameterValue for text that names nobody who can
    be."""
    kind, _, name = text.partition(":")
    forms = [
        form for known, form in DESTINATION_FORMS.items() if not (of_success and known == _OF_FAILURES_ONLY)
    ]
    if kind not in DESTINATION_FORMS or not name or (of_success and kind == _OF_FAILURES_ONLY):
        raise InvalidParameterValue(
            f"{text!r} names no destination. Write {', '.join(forms)}, e.g. sqs:dead-letters"
        )
    if kind in _NAMES:
        if not _NAMES[kind].match(name):
            raise InvalidParameterValue(f"{name!r} can't be the name in {DESTINATION_FORMS[kind]}.")
        return Destination(kind, name)
    source = parse_source(text)  # the same names, and the same words for those that can't be
    if source == S3Source(name) or kind != "s3":
        if name.endswith(".fifo"):
            raise InvalidParameterValue(f"{text}: Lambda tells no FIFO queues; name a standard one.")
        return Destination(kind, name)
    raise InvalidParameterValue(f"{text}: a destination is a whole bucket. Write s3:BUCKET")
