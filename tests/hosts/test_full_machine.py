"""A machine whose memory is full throttles and says so: a memory cgroup is such a machine."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lablambda.connection import ApiError
from lablambda.deployment import deploy
from lablambda.model.deployment import Deployment
from lablambda.runtimes.python.runtime import OWN
from tests.processes import Home

LIMIT_MB, EACH_MB, ASKED = 900, 100, 10
HOG = f"""import time
def handler(event, context):
    taken = bytearray({EACH_MB} << 20)
    time.sleep(event)
    return len(taken)
"""
JOIN = """import os, sys
open(sys.argv[1], "w").write(str(os.getpid()))
from lablambda.cli import main
sys.exit(main(["up", "--name", "t", "--detach", "--services", "none"]))
"""


@pytest.fixture
def group() -> Iterator[Path]:
    """A memory cgroup below this process's own, with the limit."""
    made = _group_of_this_process() / f"lablambda-test-{os.getpid()}"
    try:
        made.mkdir()
        _limit(made).write_text(str(LIMIT_MB << 20))
    except OSError as error:
        pytest.skip(f"no memory cgroup can be made here: {error}")
    yield made
    with contextlib.suppress(OSError):
        made.rmdir()


def _group_of_this_process() -> Path:
    lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    for _, controllers, path in lines:
        if controllers == "memory":
            return Path("/sys/fs/cgroup/memory") / path.lstrip("/")
    return Path("/sys/fs/cgroup") / next(path for _, names, path in lines if not names).lstrip("/")


def _limit(group: Path) -> Path:
    older = group / "memory.limit_in_bytes"
    return older if older.exists() else group / "memory.max"


def test_requests_are_throttled_before_the_memory_is_gone(tmp_path: Path, group: Path) -> None:
    home = Home(tmp_path)
    try:
        with home.python(JOIN, str(group / "cgroup.procs")) as starting:
            assert starting.wait(60) == 0
        lab = home.lab("t")
        deploy(Deployment("hog", OWN, "f.handler", {"f.py": HOG.encode()}, memory_mb=256, timeout_s=30), lab)
        function = lab.function("hog")
        assert function.invoke(0).payload == EACH_MB << 20  # what one takes is known now

        def ask(_: int) -> str:
            try:
                return str(function.invoke(3).payload)
            except ApiError as error:
                return f"{error.status} {error}"

        with ThreadPoolExecutor(ASKED) as threads:
            answers = list(threads.map(ask, range(ASKED)))
        served = [answer for answer in answers if answer == str(EACH_MB << 20)]
        refused = [answer for answer in answers if answer not in served]
        assert served
        assert refused
        for answer in refused:
            assert answer.startswith("429 TooManyRequestsException")
            assert "This machine's memory is full" in answer
        # there is room again when they are done
        until = time.monotonic() + 20
        while ask(0).startswith("429"):
            assert time.monotonic() < until
        assert lab.status()["running"] == 0
    finally:
        home.end()
