"""Where a process that was started ahead finds its function.

What a process may reach is said when it starts and can't be widened later, so one that is started before anyone knows
which function it will run gets a folder of its own then, and the function comes to it.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

# Laying so many files takes 3 ms; code of more gets processes that may read it where it is.
_MOST_FILES = 200


class Place:
    """One process's. `code` is for it to read, `scratch` to write; it starts in `task`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / uuid.uuid4().hex
        self.code = self.folder / "code"
        self.task, self.layers = self.code / "task", self.code / "opt"
        self.scratch = self.folder / "tmp"
        for part in (self.task, self.layers, self.scratch):
            part.mkdir(parents=True, mode=0o700)

    def take_in(self, code: Sequence[Path]) -> None:
        """Lay the function's code here: its package, and the merged layers if it has any."""
        for source, target in zip(code, (self.task, self.layers), strict=False):
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=_link)

    def take_scratch(self, scratch: Path) -> None:
        """Be where the environment has its /tmp: the folder that the process may write takes over its path and all
        that was in it."""
        noted = {
            entry.name for entry in self.scratch.iterdir()
        }  # a JVM writes of itself, in the same folder each time
        for entry in scratch.iterdir():
            if entry.name in noted:
                shutil.rmtree(entry)
            else:
                entry.rename(self.scratch / entry.name)
        self.scratch.rename(scratch)

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def can_be_laid(code: Iterable[Path]) -> bool:
    """Whether code in these folders is small enough to come to a process that is ready."""
    return sum(map(_files, code)) <= _MOST_FILES


@lru_cache(1024)
def _files(folder: Path) -> int:
    """How many files are in a folder of the package store, which never changes."""
    return sum(len(files) for _, _, files in os.walk(folder))


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # a file system that has no links, or has too many of this file
        shutil.copy2(source, target, follow_symlinks=False)
