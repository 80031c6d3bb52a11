"""Java libraries from Maven Central, with all that they need: fetched once, then taken from the user's cache.

jgo resolves and downloads; it takes 0.4 s to import, so what it found is noted and it isn't asked again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from lablambda.config import cache_dir
from lablambda.packaging.failure import RequirementsError

# What AWS's Java runtime is made of, and the types of its events: https://github.com/aws/aws-lambda-java-libs
RUNTIME = ("com.amazonaws:aws-lambda-java-runtime-interface-client:2.9.0",)
CORE = "com.amazonaws:aws-lambda-java-core:1.4.0"
EVENTS = "com.amazonaws:aws-lambda-java-events:3.16.1"
# Compiles where there is a Java but no compiler.
ECLIPSE_COMPILER = ("org.eclipse.jdt:ecj:3.46.100",)
_MOST_WORDS = 600


def jars(coordinates: Sequence[str]) -> tuple[Path, ...]:
    """The jars of `group:artifact[:version]` coordinates and of what they depend on at run time; without a
    version, the newest release. Raises RequirementsError with the resolver's own words."""
    folder = cache_dir() / "maven"
    wanted = "\n".join(sorted(coordinates))
    note = folder / f"{hashlib.sha256(wanted.encode()).hexdigest()[:16]}.jars"
    found = _noted(note, folder)
    if found is None:
        with _alone(folder):
            found = _noted(note, folder) or _resolve(coordinates, folder)
            draft = note.with_suffix(f".{os.getpid()}")
            draft.write_text("\n".join(str(jar.relative_to(folder)) for jar in found))
            draft.replace(note)
    return found


def install(requirements: Sequence[str], target: Path) -> None:
    """Put the jars where Lambda's Java looks for those of a layer. Raises RequirementsError."""
    lib = target / "java" / "lib"
    lib.mkdir(parents=True)
    for jar in jars(requirements):
        shutil.copy(jar, lib)


def _noted(note: Path, folder: Path) -> tuple[Path, ...] | None:
    try:
        found = tuple(folder / line for line in note.read_text().splitlines())
    except OSError:
        return None
    return found if all(jar.exists() for jar in found) else None


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One at a time fetches: jgo writes files in place, and another would read them half written."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "fetching", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _resolve(coordinates: Sequence[str], folder: Path) -> tuple[Path, ...]:
    from jgo.maven import MavenContext

    logging.getLogger("jgo").setLevel(logging.ERROR)  # it tells of every download
    context = MavenContext(repo_cache=folder)
    try:
        wanted = [context.create_dependency(_whole(coordinate)) for coordinate in coordinates]
        inputs, others = context.resolver.resolve(wanted)
        resolved = [dependency.artifact.resolve() for dependency in [*inputs, *others]]
    except Exception as error:  # jgo raises whatever its parts do, from OSError to ValueError
        raise RequirementsError(
            f"Maven Central couldn't give {' '.join(coordinates)}: {_told(error)}"
        ) from None
    return tuple(dict.fromkeys(path for path in resolved if path.suffix == ".jar"))


def _whole(coordinate: str) -> str:
    parts = coordinate.split(":")
    if len(parts) not in (2, 3) or not all(parts):
        raise ValueError(f"{coordinate!r} isn't of the form group:artifact:version")
    return coordinate if len(parts) == 3 else f"{coordinate}:RELEASE"


def _told(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text if len(text) <= _MOST_WORDS else f"{text[:_MOST_WORDS]} ..."
