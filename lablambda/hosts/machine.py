"""How much memory this machine has for the lab: what the kernel says, and what the lab's cgroups allow."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Memory(NamedTuple):
    """In MB: all that there is, and what can be had of it without swapping."""

    total_mb: int
    available_mb: int


def memory(root: Path = Path("/")) -> Memory:
    """The memory of the machine, or of the narrowest cgroup that the lab is in. `root` is where proc and sys are."""
    told = _figures(root / "proc/meminfo")
    found = [Memory(told["MemTotal:"] // 1024, told["MemAvailable:"] // 1024)]
    for folder, limit, usage, cache in _cgroups(root):
        with contextlib.suppress(OSError, ValueError, KeyError):  # "max": no limit; or no such controller
            most = int((folder / limit).read_text())
            used = int((folder / usage).read_text()) - _figures(folder / "memory.stat")[cache]
            found.append(Memory(most >> 20, max(0, most - used) >> 20))
    return Memory(min(each.total_mb for each in found), min(each.available_mb for each in found))


def _cgroups(root: Path) -> Iterator[tuple[Path, str, str, str]]:
    """The lab's cgroups for memory, of either version of the interface and with all above: folder, and what
    limit, usage and the part of it that the kernel can give up are called."""
    with contextlib.suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                base, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
            elif controllers == "memory":
                base = root / "sys/fs/cgroup/memory"
                names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            else:
                continue
            own = base / path.lstrip("/")
            for folder in (own, *own.parents):
                if folder.is_relative_to(base):
                    yield folder, *names


def _figures(file: Path) -> dict[str, int]:
    return {words[0]: int(words[1]) for words in map(str.split, file.read_text().splitlines())}
