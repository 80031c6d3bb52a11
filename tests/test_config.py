"""Where labs are noted, and which of the notes hold."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lablambda.config import Descriptor, NoLab, read_descriptor, write_descriptor


def note(folder: Path, pid: int) -> str:
    path = folder / "lab.json"
    write_descriptor(path, Descriptor("t", pid, "http://127.0.0.1:1", "key", "secret", str(folder)))
    return str(path)


def test_a_lab_that_runs(tmp_path: Path) -> None:
    assert read_descriptor(note(tmp_path, os.getpid())).name == "t"


@pytest.mark.parametrize("waited_for", [False, True])
def test_a_lab_that_has_ended(tmp_path: Path, waited_for: bool) -> None:
    """Also one whose parent never asks how it ended, as the first process of a container may not."""
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read()
    process.stdout.close()
    if waited_for:
        process.wait()
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            read_descriptor(note(tmp_path, process.pid))
        except NoLab:
            break
        time.sleep(0.01)
    else:
        pytest.fail("a lab that has ended passes for one that runs")
    process.wait()
