"""Finding a running lab, or starting one: shared by name, or private to its owner."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lablambda.config import (
    DEFAULT_NAME,
    NAME_VARIABLE,
    ConfigError,
    Descriptor,
    NoLab,
    check_name,
    data_dir,
    descriptor_path,
    private_dir,
    read_descriptor,
    runtime_dir,
)

IDLE_EXIT_S = 2 * 3600.0
_COMMAND = [sys.executable, "-m", "lablambda", "up"]


class Lease:
    """The owner's hold on a private lab: a pipe that closes when the owner lets go or dies."""

    def __init__(self, process: subprocess.Popen[bytes], pipe: int, data: Path) -> None:
        self._process = process
        self._pipe = pipe
        self._data = data
        # A forked child of the owner must not keep the lab alive.
        os.register_at_fork(after_in_child=self._let_go)

    def end(self) -> None:
        """End the lab and wait until it and its files are gone."""
        self._let_go()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._data, ignore_errors=True)

    def _let_go(self) -> None:
        pipe, self._pipe = self._pipe, -1
        if pipe >= 0:
            with contextlib.suppress(OSError):
                os.close(pipe)


def find_or_start(name: str | None = None) -> Descriptor:
    """The lab of that name (else of LABLAMBDA_LAB, else "default"), started if it isn't running.

    Of many who ask at once, one starts it. Raises ConfigError if it can't be started.
    """
    name = name or os.environ.get(NAME_VARIABLE) or DEFAULT_NAME
    with contextlib.suppress(NoLab):
        return read_descriptor(name)
    if descriptor_path(name) == Path(name):
        raise NoLab(f"The private lab of {name} has ended. Leave {NAME_VARIABLE} unset to use a shared one.")
    # By way of a process that ends, so that the lab is no child of a notebook's kernel.
    command = [*_COMMAND, "--detach", "--name", name, "--idle-exit", str(IDLE_EXIT_S)]
    started = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    if started.returncode != 0:
        raise ConfigError(started.stderr.strip().removeprefix("lablambda: "))
    return read_descriptor(name)


def start_detached(name: str, options: list[str], *, data: Path | None) -> Descriptor:
    """Start a shared lab in the background with these words for `lablambda up`, unless it runs already."""
    with _starting(name):
        with contextlib.suppress(NoLab):
            return read_descriptor(name)
        _start(options, log=(data or data_dir(name)) / "lab.log")
        return read_descriptor(name)


def start_private(*, options: list[str] | None = None) -> tuple[Descriptor, Lease]:
    """A fresh lab in a temporary folder that lasts as long as the lease.

    `options` are further words for `lablambda up`. Raises ConfigError if it can't be started.
    """
    _sweep()
    data = Path(tempfile.mkdtemp(dir=private_dir()))
    note = data / "descriptor.json"
    name = f"private-{secrets.token_hex(4)}"
    reading, writing = os.pipe()
    words = [
        "--name",
        name,
        "--data",
        str(data),
        "--descriptor",
        str(note),
        "--lease",
        str(reading),
        *(options or []),
    ]
    try:
        process = _start(words, log=data / "lab.log", keep=reading)
    except BaseException:
        os.close(writing)
        shutil.rmtree(data, ignore_errors=True)
        raise
    finally:
        os.close(reading)
    return read_descriptor(str(note)), Lease(process, writing, data)


def _start(options: list[str], *, log: Path, keep: int | None = None) -> subprocess.Popen[bytes]:
    """Start `lablambda up` in a session of its own and wait until it says it is ready."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        log_file = log.open("ab")
    except OSError as error:
        raise ConfigError(
            f"The data folder {log.parent} can't be used ({error.strerror}). Name one that you may write to: "
            "lablambda up --data DIR"
        ) from None
    with log_file:
        process = subprocess.Popen(
            [*_COMMAND, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log_file,
            pass_fds=() if keep is None else (keep,),
            start_new_session=True,
            cwd="/",
        )
    assert process.stdout is not None
    with process.stdout as said:
        first = said.readline()
    if not first:
        status = process.wait()
        raise ConfigError(f"The lab didn't start (exit status {status}): {_last_line(log)} (more in {log})")
    return process


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


@contextlib.contextmanager
def _starting(name: str) -> Iterator[None]:
    """Only one at a time starts the lab of a name."""
    with open(runtime_dir() / f"{check_name(name)}.starting", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _sweep() -> None:
    """Remove what a private lab left behind that was killed together with its owner."""
    for data in private_dir().iterdir():
        with contextlib.suppress(OSError), (data / "lock").open("r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(data, ignore_errors=True)
