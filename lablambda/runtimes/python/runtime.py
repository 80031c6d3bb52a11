"""The Python runtimes of this machine, and the zygote each forks its environments from."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from lablambda.execution.sandbox import Terms, installation
from lablambda.execution.supervisor import Spawner, Supervisor
from lablambda.execution.worker import Launch, Program, Worker, adopt
from lablambda.programs import output
from lablambda.rules.sandbox import RUNTIME, Grant
from lablambda.runtimes.kit import Kit
from lablambda.runtimes.python.zygote import DISTRIBUTIONS, RUNTIME_PACKAGES

_ZYGOTE = Path(__file__).with_name("zygote.py")
OWN = f"python3.{sys.version_info.minor}"
SUPPORTED = tuple(f"python3.{minor}" for minor in range(10, 15))


class PythonRuntime:
    """One interpreter, with the zygote that its environments are forked from."""

    def __init__(self, name: str, version: str, path: str, kit: Kit) -> None:
        self.name = name
        self.version = version
        self.path = path
        self._folder = kit.folder / "python"
        reads = [*installation(path), *(Grant(str(source)) for source in _package_sources())]
        self._terms = Terms(kit.sandbox, [*reads, Grant(str(self._folder), at=RUNTIME)])
        self._zygote = kit.add(Spawner(self._start_zygote))

    async def warm(self, program: Program | None = None) -> None:  # noqa: ARG002 - a zygote serves any
        await self._zygote.ready()

    async def start(self, launch: Launch) -> Worker:
        zygote = await self._zygote.ready()
        # So that a Python which the handler starts finds boto3 too.
        variables = {"PYTHONPATH": str(self._folder), **launch.variables}
        reach = self._terms.reach(launch.program.code, launch.scratch)
        process = await zygote.spawn(reach=reach, owner=launch.owner, packets=launch.snapshot)
        return adopt(process, replace(launch, variables=variables).seen_by(reach))

    async def _start_zygote(self) -> Supervisor:
        runtime_packages(self._folder)
        packages = self._terms.seen(self._folder)
        return await Supervisor.start(self.path, _ZYGOTE, packages, terms=self._terms.message())


def runtime_packages(folder: Path) -> Path:
    """A folder that shows a handler boto3 and what it needs, and no other package of the lab's.

    AWS's runtime has boto3 built in. All of these are pure Python at heart, so the lab's own
    installation serves interpreters of other versions too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {source.name: source for source in _package_sources()}
    for link in folder.iterdir():
        if (
            link.is_symlink() and wanted.get(link.name) != link.readlink()
        ):  # of an installation that was moved or upgraded
            link.unlink()
    for name, source in wanted.items():
        with contextlib.suppress(FileExistsError):
            (folder / name).symlink_to(source)
    return folder


def _package_sources() -> Iterator[Path]:
    """Each package with its metadata: a handler may ask for its version."""
    for name in RUNTIME_PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        source = origin.parent if spec.submodule_search_locations else origin
        yield source
        distribution = DISTRIBUTIONS.get(name, name)
        yield from source.parent.glob(f"{distribution}-*.dist-info")


def own(kit: Kit) -> PythonRuntime:
    """The interpreter that runs the lab; always there, found at once."""
    version = ".".join(map(str, sys.version_info[:3]))
    path = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    return PythonRuntime(OWN, version, path, kit)


async def find(kit: Kit) -> list[PythonRuntime]:
    """Every supported Python on this machine but the lab's own. Takes about a second."""
    found: dict[str, PythonRuntime] = {}
    for entry in await _installed_pythons():
        name = "python{major}.{minor}".format(**entry["version_parts"])
        plain = entry["implementation"] == "cpython" and entry["variant"] == "default"
        if name in SUPPORTED and plain and name not in (OWN, *found):
            found[name] = PythonRuntime(name, entry["version"], await _real_path(entry["path"]), kit)
    return sorted(found.values(), key=lambda runtime: runtime.name)


async def _installed_pythons() -> list[dict[str, Any]]:
    from uv import find_uv_bin

    words = ("python", "list", "--only-installed", "--output-format", "json", "--offline", "--no-config")
    try:
        entries: list[dict[str, Any]] = json.loads(await output(find_uv_bin(), *words))
    except ValueError:
        return []
    return entries


async def _real_path(python: str) -> str:
    """A version manager's shim leads to the interpreter by way of the user's environment; go straight there."""
    code = "import sys; print(getattr(sys, '_base_executable', sys.executable))"
    answer = await output(python, "-I", "-c", code)
    return os.path.realpath(answer.strip() or python)
