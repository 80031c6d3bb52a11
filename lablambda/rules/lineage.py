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


def passes(trace: str, function: str) -> int:
    """How often the chain has been through the function."""
    return _counts(trace).get(_digest(function), 0)


def passed(trace: str, function: str) -> str:
    """The trace header when it has been through once more."""
    counts = _counts(trace)
    name = _digest(function)
    counts[name] = counts.get(name, 0) + 1
    lineage = "|".join(f"{name}:{count}" for name, count in counts.items())
    return f"{_LINEAGE.sub('', trace)};Lineage={lineage}"


def _counts(trace: str) -> dict[str, int]:
    """Whoever forges the header deceives nobody but themselves: what makes no sense counts nothing."""
    match = _LINEAGE.search(trace) if "Lineage=" in trace else None
    if match is None:
        return {}
    parts = (part.rpartition(":") for part in match[1].split("|"))
    return {name: int(count) for name, _, count in parts if count.isascii() and count.isdecimal()}


@lru_cache(maxsize=1024)
def _digest(function: str) -> str:
    return f"{zlib.crc32(function.encode()):08x}"
