"""Looking at processes' memory."""

from __future__ import annotations

import os
import subprocess
import sys

from lablambda.execution.memory import peak_mb, proportional, resident

HOLDS = "import sys; held = bytearray({mb} << 20); print(flush=True); sys.stdin.read()"


def holder(mb: int) -> subprocess.Popen[bytes]:
    """A process that holds so much and waits."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS.format(mb=mb)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def test_the_figures_of_a_process() -> None:
    process = holder(50)
    assert 50 < resident(process.pid) >> 20 < 100
    assert 50 < peak_mb(process.pid) < 100
    assert 50 < proportional(process.pid) >> 20 < 100
    end(process)


def test_children_count() -> None:
    process = holder(50)
    assert resident(os.getpid()) >= resident(process.pid) + (1 << 20)
    end(process)


def test_a_process_that_is_gone() -> None:
    process = holder(1)
    end(process)
    assert (resident(process.pid), peak_mb(process.pid), proportional(process.pid)) == (0, 0, 0)
