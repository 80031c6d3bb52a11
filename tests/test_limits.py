"""Functions that take all they can get: each ends as a failed invocation, while another function goes on."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from lablambda.client import Lab
from lablambda.packaging.zips import zip_files
from tests.processes import Home, family

RUNTIME = f"python3.{sys.version_info.minor}"

LOOP = "def handler(e, c):\n    while True: pass"
HOG = """
def handler(e, c):
    held = []
    while True: held.append(bytearray(1 << 20))
"""
FLOOD = """
def handler(e, c):
    while True: print("x" * 1000)
"""
UNSEEN_FLOOD = """
import threading
def flood():
    while True: print("x" * 1000)
def handler(e, c):
    threading.Thread(target=flood, daemon=True).start()
    raise RuntimeError("but it goes on")
"""
FILLER = """
import os
def handler(e, c):
    os.makedirs("/tmp/a/b")
    for n in range(10_000):
        with open(f"/tmp/a/b/{n}", "w") as file: os.posix_fallocate(file.fileno(), 0, 8 << 20)
        if n > 80: __import__("time").sleep(0.01)
"""
FORKS = """
import os, time
def handler(e, c):
    while True: os.fork()
"""
# Each in a session of its own, and an orphan at once.
HIDDEN_FORKS = """
import os, time
def handler(e, c):
    while True:
        if os.fork() == 0:
            os.setsid()
            if os.fork(): os._exit(0)
"""
MANY_FORKS = f"{HIDDEN_FORKS}\n"  # with room for all of them
THREADS = """
import threading, time
def handler(e, c):
    while True: threading.Thread(target=time.sleep, args=[60], daemon=True).start()
"""
DESCRIPTORS = """
import os
def handler(e, c):
    while True: os.dup(0)
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = Home(tmp_path_factory.mktemp("home"))
    lab = home.up()
    deploy(lab, "good", "def handler(e, c): return e")
    lab.function("good").invoke(0)
    lab.status()  # when it has found its runtimes, which it asks by processes that soon end
    yield lab
    home.end()


def deploy(lab: Lab, name: str, source: str, **more: Any) -> None:
    aws = lab.client("lambda")
    aws.create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Role="arn:aws:iam::000000000000:role/r",
        Handler="f.handler",
        Code={"ZipFile": zip_files({"f.py": source.encode()})},
        **more,
    )
    aws.get_waiter("function_active_v2").wait(FunctionName=name)


class Neighbour(threading.Thread):
    """Invokes the good function all the time."""

    def __init__(self, lab: Lab) -> None:
        super().__init__()
        self.answers: list[Any] = []
        self._lab = lab
        self._over = threading.Event()

    def run(self) -> None:
        function = self._lab.function("good")
        while not self._over.wait(0.02) or len(self.answers) < 3:
            outcome = function.invoke(len(self.answers))
            self.answers.append(outcome.error or outcome.payload)

    def __enter__(self) -> Neighbour:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


@pytest.mark.parametrize(
    ("name", "source", "told"),
    [
        ("loop", LOOP, "Sandbox.Timedout"),
        ("hog", HOG, "Runtime.OutOfMemory"),
        ("flood", FLOOD, "Sandbox.Timedout"),
        ("unseen-flood", UNSEEN_FLOOD, "RuntimeError"),
        ("filler", FILLER, "Runtime.ExitError"),
        ("forks", FORKS, "Runtime.OutOfMemory"),  # which all of them have together
        ("hidden-forks", HIDDEN_FORKS, "Runtime.OutOfMemory"),
        ("many-forks", MANY_FORKS, "Runtime.ExitError or Runtime.OutOfMemory"),
        ("threads", THREADS, "Runtime.ExitError"),
        ("descriptors", DESCRIPTORS, "OSError"),
    ],
    ids=lambda value: value if value.replace("-", "").isalpha() else "",
)
def test_one_that_takes_all_it_can_get(lab: Lab, name: str, source: str, told: str) -> None:
    memory = 10_240 if source is MANY_FORKS else 128
    deploy(lab, name, source, Timeout=2 if told == "Sandbox.Timedout" else 30, MemorySize=memory)
    with Neighbour(lab) as neighbour:
        outcome = lab.function(name).invoke()
    assert outcome.error is not None
    assert outcome.error["errorType"] in told.split(" or ")
    assert neighbour.answers == list(range(len(neighbour.answers)))
    # It is gone, with all that it started, soon if not at once.
    until = time.monotonic() + 10
    while len(family(lab.descriptor.pid)) > 30 and time.monotonic() < until:
        time.sleep(0.05)
    assert len(family(lab.descriptor.pid)) <= 30


def test_a_full_tmp_is_empty_for_the_next(lab: Lab) -> None:
    deploy(
        lab,
        "refiller",
        FILLER.replace("def handler(e, c):", "def handler(e, c):\n    if e: return os.listdir('/tmp')"),
        Timeout=30,
    )
    assert lab.function("refiller").invoke().error is not None
    assert "more in /tmp than the function's EphemeralStorage" in str(lab.function("refiller").logs())
    assert lab.function("refiller").invoke(1).payload == []
