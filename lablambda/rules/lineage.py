"""How often a chain of events has been through a function, kept in the trace header that events carry along.

AWS's SDKs send the header of the invocation that they run in with every request; SQS, SNS, S3 and Lambda pass it
on. What a chain has been through stands behind Lineage=, each function by a digest with its count.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

from __future__ import annotations

import re
import zlib
from functools import lru_cache

MOST = 16  # invocations of one function in one chain
_LINEAGE = re.compile(r";?Lineage=([^;]*)")
_ENTRY = re.compile(r"([0-9a-f]{8}):([0-9]{1,9})")
_BETWEEN = re.compile(r"\||%7C")  # boto3 escapes it in the header
_MOST_FUNCTIONS = 32  # of a chain; of more, those that it came through last


def passes(trace: str, function: str) -> int:
    """How often the chain has been through the function."""
    return _counts(trace).get(_digest(function), 0)


def passed(trace: str, function: str) -> str:
    """The trace header when it has been through once more."""
    name = _digest(function)
    if "Lineage=" not in trace:  # as nearly always
        return f"{trace};Lineage={name}:1"
    counts = _counts(trace)
    counts[name] = counts.pop(name, 0) + 1
    entries = [f"{name}:{count}" for name, count in counts.items()][-_MOST_FUNCTIONS:]
    return f"{_LINEAGE.sub('', trace)};Lineage={'|'.join(entries)}"


def _counts(trace: str) -> dict[str, int]:
    """Whoever forges the header deceives nobody but themselves: what makes no sense counts nothing."""
    match = _LINEAGE.search(trace) if "Lineage=" in trace else None
    if match is None:
        return {}
    entries = map(_ENTRY.fullmatch, _BETWEEN.split(match[1]))
    return {entry[1]: int(entry[2]) for entry in entries if entry}


@lru_cache(maxsize=1024)
def _digest(function: str) -> str:
    return f"{zlib.crc32(function.encode()):08x}"
