"""serverless-offline, the fastest of those who run Node.js functions without Docker, as a control."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lablambda.config import cache_dir

PACKAGES = ("osls@3", "serverless-offline@14")
SOURCE = "exports.handler = async (event) => ({ ok: true, n: event.n });\n"
_WITHIN_S = 90


@contextmanager
def serverless_offline(functions: int) -> Iterator[tuple[int, list[str]]]:
    """Serve so many functions of the same source; gives the port and the paths to invoke them at."""
    modules = _installed()
    port = _free_port()
    names = [f"f{number}" for number in range(functions)]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "node_modules").symlink_to(modules)
        (Path(folder) / "index.js").write_text(SOURCE)
        (Path(folder) / "package.json").write_text("{}")
        (Path(folder) / "serverless.yml").write_text(json.dumps(_service(names)))
        command = [
            "node", str(modules / "osls" / "bin" / "serverless.js"), "offline", "start", "--host", "127.0.0.1",
            "--httpPort", str(_free_port()), "--lambdaPort", str(port),
        ]  # fmt: skip
        environment = os.environ | {
            "SLS_TELEMETRY_DISABLED": "1",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
        }
        nothing = subprocess.DEVNULL
        with subprocess.Popen(
            command, cwd=folder, env=environment, stdout=nothing, stderr=nothing
        ) as process:
            try:
                _wait_for(port, process)
                yield port, [f"/2015-03-31/functions/bench-dev-{name}/invocations" for name in names]
            finally:
                process.kill()


def is_possible() -> bool:
    return shutil.which("npm") is not None


def _installed() -> Path:
    folder = cache_dir() / "bench"
    if not (folder / "node_modules" / "osls").exists():
        command = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run([*command, *PACKAGES], check=True)
    return folder / "node_modules"


def _service(names: list[str]) -> dict[str, object]:
    return {
        "service": "bench",
        "frameworkVersion": "*",
        "plugins": ["serverless-offline"],
        "provider": {"name": "aws", "runtime": "nodejs20.x", "stage": "dev"},
        "functions": {name: {"handler": "index.handler", "timeout": 30} for name in names},
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("serverless-offline didn't start")
