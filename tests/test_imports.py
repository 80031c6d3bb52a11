"""Imports point down the list of rooms, never up or in a circle."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import lablambda

PACKAGE = Path(lablambda.__file__).parent
# From the street inwards: a room may use those after it.
FLOORS = [
    ["__main__"],
    ["cli", "testing"],
    ["jupyter"],
    ["doctor", "notebooks", "deployment", "reset", "server", "trust"],
    ["gateway"],
    ["api", "client"],
    ["load"],
    ["applying", "attachments", "released", "results", "samples", "simulation", "version_table"],
    ["endpoints"],
    ["apis", "charts"],
    ["asking", "browser", "display", "launch", "connection", "settling"],
    ["lab"],
    ["hosts", "sources"],
    ["runtimes"],
    ["execution"],
    ["packaging", "services", "telemetry"],
    ["storage", "config", "httpserver", "clock", "programs"],
    ["rules"],
    ["model"],
]
# The house is assembled, and a runtime's start is described, across floors by design.
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def modules() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = path
    return found


def imports_of(path: Path) -> set[str]:
    """What a module imports at run time from this package; type-checking imports don't count."""
    tree = ast.parse(path.read_text())
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return {name for name in found if name.startswith("lablambda.")}


def room(module: str) -> str:
    return module.split(".")[1]


def edges() -> list[tuple[str, str]]:
    known = modules()
    return [
        (name, target)
        for name, path in known.items()
        for target in imports_of(path)
        if target in known and target != name and name != "lablambda"
    ]


def test_every_room_has_a_floor() -> None:
    rooms = {room(name) for name in modules() if name != "lablambda"}
    assert rooms <= set(FLOOR_OF), rooms - set(FLOOR_OF)


def test_no_import_points_up() -> None:
    up = [
        f"{name} imports {target}"
        for name, target in edges()
        if room(name) != room(target) and FLOOR_OF[room(target)] <= FLOOR_OF[room(name)]
    ]
    assert not up


def test_no_import_circle() -> None:
    graph: dict[str, set[str]] = {}
    for name, target in edges():
        graph.setdefault(name, set()).add(target)
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"modules import each other: {error.args[1]}")


@pytest.mark.parametrize("slow", ["boto3", "botocore", "IPython", "moto", "aiohttp", "papermill", "numpy"])
def test_import_lablambda_stays_light(slow: str) -> None:
    code = f"import lablambda, lablambda.client, sys; assert {slow!r} not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "path",
    [
        "execution/parent.py",
        "execution/confine.py",
        "runtimes/python/bootstrap.py",
        "runtimes/python/zygote.py",
    ],
)
def test_what_runs_beside_handlers_knows_nothing_of_lablambda(path: str) -> None:
    assert not imports_of(PACKAGE / path)
