"""Whether a machine has the memory for one more execution environment.

An environment counts for what it takes, and while it is at work also for what it may still come to take: as
much as the most that any of its function took. MemorySize itself isn't kept free for each: most functions use
a small part of theirs, and forks of one process share the rest.
"""

from __future__ import annotations

# What an environment is expected to take before any of its function has been through an event.
_UNKNOWN_MB = 64
# This much stays free for everything else: a twentieth of the machine, and no less than so many MB.
_FREE_SHARE, _LEAST_FREE_MB = 1 / 20, 256


def expected_mb(memory_mb: int, peak_mb: int) -> int:
    """What an environment of a function is expected to take, of its MemorySize; `peak_mb` is the most that one
    took, 0 if none has run."""
    return min(memory_mb, peak_mb or _UNKNOWN_MB)


def lacking_mb(wanted_mb: int, *, available_mb: int, growth_mb: int, total_mb: int) -> int:
    """How much memory is missing for an environment that is expected to take `wanted_mb`; 0 if none is.

    `available_mb` of the machine's `total_mb` can be had without swapping, `growth_mb` is what environments
    at work may still take of it.
    """
    free_mb = max(_LEAST_FREE_MB, int(total_mb * _FREE_SHARE))
    return max(0, wanted_mb + growth_mb + free_mb - available_mb)
