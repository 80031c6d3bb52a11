"""The guest's side of Java: its classes, compiled once from the sources beside this file, and how they are run.

They are made for the oldest Java here, so that all can run them, and kept in the user's cache by a digest of
what they are made of.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lablambda.config import cache_dir
from lablambda.model.errors import ServiceFault
from lablambda.packaging import maven
from lablambda.packaging.failure import RequirementsError
from lablambda.packaging.zips import zip_folder
from lablambda.runtimes.java.jdks import OLDEST, Jdk

_BOOTSTRAP = ("Bootstrap.java", "Environment.java", "Lab.java", "Log.java")
_COMPILER = ("Compiler.java",)
_OPENED = ("java.io", "java.lang", "java.util", "jdk.internal.loader", "jdk.internal.misc")
_WITHIN_S = 120
BOOTSTRAP = "lablambda.runtime.Bootstrap"


def bootstrap_command(jdk: Jdk, jdks: Sequence[Jdk]) -> list[str]:
    """What starts a JVM that can become any function's environment; its heap is still to be said. The first
    time, this fetches AWS's libraries and compiles. Raises ServiceFault."""
    jars = _jars(maven.RUNTIME)
    classes = _classes(_BOOTSTRAP, jars, jdks)
    path = os.pathsep.join(map(str, [classes, *jars]))
    command = [
        jdk.java,
        # A small collector and the quick compiler alone, as AWS has it: without either, 3 MiB more in an idle
        # process. The stack stays Java's own, which code may count on; -Xms8m would save 5 MiB and cost 7 ms
        # of collecting at the start.
        "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
        "-Dfile.encoding=UTF-8", "-Dsun.jnu.encoding=UTF-8",
        # The environment and a descriptor can only be had by force.
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
        "-cp", path,
    ]  # fmt: skip
    archive = _archive(command, jdk)
    sharing = (
        []
        if archive is None
        else [f"-XX:SharedArchiveFile={archive}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
    )
    return [command[0], *sharing, *command[1:]]


def folders() -> tuple[Path, ...]:
    """Where the classes of the runtime are, its own and the libraries."""
    return cache_dir() / "java", cache_dir() / "maven"


def compiler_command(jdks: Sequence[Jdk]) -> list[str]:
    """What starts the process that compiles cells, on the newest Java that has a compiler, or else with the
    Eclipse compiler on the newest. Raises ServiceFault."""
    jdk, jars = _who_compiles(jdks)
    jars = (*_jars(maven.RUNTIME), *jars)
    path = os.pathsep.join(map(str, [_classes(_COMPILER, jars, jdks), *jars]))
    flags = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m", "-Dfile.encoding=UTF-8"]
    return [jdk.java, *flags, "-cp", path, "lablambda.runtime.Compiler"]


def _who_compiles(jdks: Sequence[Jdk]) -> tuple[Jdk, tuple[Path, ...]]:
    able = [jdk for jdk in jdks if jdk.compiles]
    return (able[-1], ()) if able else (jdks[-1], _jars(maven.ECLIPSE_COMPILER))


def _jars(coordinates: Sequence[str]) -> tuple[Path, ...]:
    try:
        return maven.jars(coordinates)
    except RequirementsError as error:
        raise ServiceFault(
            f"{error}\nJava functions need AWS's Java libraries, which are fetched once: check the network and "
            "deploy again."
        ) from None


def _classes(sources: Sequence[str], jars: Sequence[Path], jdks: Sequence[Jdk]) -> Path:
    """A jar of the compiled `sources`: class data can't be archived from a folder."""
    files = [Path(__file__).with_name(name) for name in sources]
    made_of = b"".join([*(file.read_bytes() for file in files), *(str(jar).encode() for jar in jars)])
    made = cache_dir() / "java" / f"{hashlib.sha256(made_of).hexdigest()[:16]}.jar"
    if not made.exists():
        jdk, compiler = _who_compiles(jdks)
        with _aside(made) as draft:
            _compile(files, [*jars, *compiler], jdk, Path(draft) / "classes")
            jar = Path(draft) / made.name
            jar.write_bytes(zip_folder(Path(draft) / "classes"))
            jar.replace(made)
    return made


def _compile(files: Sequence[Path], jars: Sequence[Path], jdk: Jdk, target: Path) -> None:
    words = ["-proc:none", "-d", str(target), "-cp", os.pathsep.join(map(str, jars)), *map(str, files)]
    if jdk.compiles:
        command = [jdk.java, "-m", "jdk.compiler/com.sun.tools.javac.Main", "--release", str(OLDEST), *words]
    else:
        main = ["-cp", str(jars[-1]), "org.eclipse.jdt.internal.compiler.batch.Main"]
        command = [jdk.java, *main, f"-{OLDEST}", "-nowarn", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_WITHIN_S)
    if done.returncode != 0:
        raise ServiceFault(f"The Java runtime couldn't be compiled by {jdk.home}: {done.stdout}{done.stderr}")


def _archive(command: Sequence[str], jdk: Jdk) -> Path | None:
    """Class data ready to be mapped, made by a rehearsal; None if this Java can't make one. A JVM is ready with
    it for 0.2 s of processor time instead of 0.4 s, in 38 MiB instead of 58, and gives its first answer in
    12 ms instead of 22."""
    name = hashlib.sha256("\n".join([*command, jdk.version]).encode()).hexdigest()[:16]
    archive = cache_dir() / "java" / f"{name}.jsa"
    if archive.exists():
        return archive
    with _aside(archive) as draft:
        made = Path(draft) / archive.name
        rehearsal = [f"-XX:ArchiveClassesAtExit={made}", *command[1:], BOOTSTRAP, "rehearse"]
        subprocess.run([command[0], *rehearsal], capture_output=True, check=False, timeout=_WITHIN_S)
        if not made.exists():
            return None
        made.replace(archive)
    return archive


def _aside(target: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder to make something in that is then moved to `target`, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix="draft-", dir=target.parent)
