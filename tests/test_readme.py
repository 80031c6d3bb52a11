"""The README tells the truth about commands, options, operations and rooms."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import lablambda
from lablambda.api.autoscaling_api import AUTOSCALING
from lablambda.api.events_api import EVENTS
from lablambda.api.lambda_api.table import LAMBDA, Level
from lablambda.api.logs_api import LOGS
from lablambda.api.metrics_api import METRICS
from lablambda.api.scheduler_api import SCHEDULER
from lablambda.jupyter.options import COMMANDS, cell_parser

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_every_option_of_a_cell_is_told() -> None:
    options = {option for action in cell_parser()._actions for option in action.option_strings}
    assert {option for option in options if f"`{option}" not in README} <= {"-h", "--help"}


def test_every_subcommand_is_told() -> None:
    table = README.partition("| `%lambda` |")[2].partition("\n\n")[0]
    assert [command for command in COMMANDS if not re.search(rf"`{command}\b", table)] == []


def operations_table() -> str:
    """Lambda's operations as the README is to tell them, grouped by what the lab makes of them."""
    groups: dict[tuple[Level, str], list[str]] = {}
    for name, entry in LAMBDA.items():
        groups.setdefault((entry.level, entry.note), []).append(f"`{name}`")
    ranks = list(Level)
    rows = sorted(groups.items(), key=lambda group: (ranks.index(group[0][0]), group[0][1]))
    return "\n".join(
        f"| {level.value}{': ' if note else ''}{note} | {' '.join(names)} |" for (level, note), names in rows
    )


def test_every_operation_of_lambda_is_told() -> None:
    assert operations_table() in README


def test_every_operation_of_the_logs_and_metrics_is_told() -> None:
    assert [name for name in (*LOGS, *METRICS, *EVENTS, *SCHEDULER, *AUTOSCALING) if name not in README] == []


def test_every_room_is_on_the_map() -> None:
    package = Path(lablambda.__file__).parent
    rooms = [path.name for path in package.iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert [room for room in rooms if f"      {room}/ " not in README and f" {room}/ " not in README] == []


def test_ci_runs_the_readmes_own_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    extraction = next(line for line in script.splitlines() if line.startswith("test_command="))
    found = subprocess.run(
        ["bash", "-c", f'{extraction}; echo "$test_command"'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert found.strip().endswith("-m pytest -n 2 --dist loadfile")
    assert "\n" not in found.strip()


def test_the_picture_is_there() -> None:
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file()
