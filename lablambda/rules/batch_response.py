"""What a function says of the batch it got: which items it couldn't deal with.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html and
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""

from __future__ import annotations

import json
from collections.abc import Collection

from lablambda.model.invocation import Outcome


def failed_items(outcome: Outcome, identifiers: Collection[str], *, reports: bool) -> frozenset[str]:
    """The identifiers of items that failed. `reports` is whether the mapping has ReportBatchItemFailures;
    an answer that can't be understood fails them all, as a function's error does."""
    everything = frozenset(identifiers)
    if outcome.function_error is not None:
        return everything
    if not reports:
        return frozenset()
    try:
        answer = json.loads(outcome.payload or b"null")
    except (ValueError, RecursionError):
        return everything
    if not answer:
        return frozenset()
    failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    if failures is None:
        return frozenset()
    if not isinstance(failures, list):
        return everything
    named = [item.get("itemIdentifier") if isinstance(item, dict) else None for item in failures]
    if not all(isinstance(name, str) and name in everything for name in named):
        return everything
    return frozenset(str(name) for name in named)
