"""Real Jupyter servers, as processes of their own."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.processes import Home, family, gone


@dataclass(frozen=True)
class JupyterServer:
    """`url` is its address with the base URL."""

    url: str
    token: str
    pid: int


@contextmanager
def jupyter_server(home: Home, application: str, *words: str, **variables: str) -> Iterator[JupyterServer]:
    """`jupyter APPLICATION` with a token, on a port of its own, as that user runs it; ends with all that it started."""
    token = secrets.token_hex(8)
    log = home.folder / "jupyter.log"
    environment = home.environment | {
        "JUPYTER_CONFIG_DIR": str(home.folder / "config"),
        "JUPYTER_DATA_DIR": str(home.folder / "jupyter-data"),
        "IPYTHONDIR": str(home.folder / "ipython"),
        **variables,
    }
    given = [application, "--no-browser", "--ip=127.0.0.1", "--port=0", f"--IdentityProvider.token={token}"]
    if os.getuid() == 0:
        given.append("--allow-root")
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter", *given, *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    try:
        yield JupyterServer(_address(home, process, log), token, process.pid)
    finally:
        pids = family(process.pid)
        process.terminate()
        process.wait(30)
        assert gone(pids)


def _address(home: Home, process: subprocess.Popen[bytes], log: Path) -> str:
    """Where the server listens, from the note that it leaves when it is ready."""
    note = home.folder / "run" / f"jpserver-{process.pid}.json"
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        if note.exists() and (text := note.read_text()).strip().endswith("}"):
            return str(json.loads(text)["url"])
        time.sleep(0.05)
    raise TimeoutError(log.read_text())
