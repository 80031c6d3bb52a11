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
from dataclasses import dataclass
from pathlib import Path

from lablambda.config import cache_dir
from lablambda.gateway.certificates import ServerFiles
from tests.bench.controls import free_port

PACKAGES = ("osls@3", "serverless-offline@14")
SOURCE = "exports.handler = async (event) => ({ ok: true, n: event.n });\n"
_WITHIN_S = 90


@dataclass(frozen=True)
class Peer:
    """Where it listens, and the paths at which its functions are invoked; the first of them has a route, too."""

    port: int
    paths: list[str]
    web_port: int
    route: str = "/f0"


@contextmanager
def serverless_offline(functions: int, certificate: ServerFiles | None = None) -> Iterator[Peer]:
    """Serve so many functions of the same source. The route is by HTTPS if there is a certificate."""
    modules = _installed()
    port, web_port = free_port(), free_port()
    names = [f"f{number}" for number in range(functions)]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "node_modules").symlink_to(modules)
        (Path(folder) / "index.js").write_text(SOURCE)
        (Path(folder) / "package.json").write_text("{}")
        (Path(folder) / "serverless.yml").write_text(json.dumps(_service(names)))
        command = [
            "node", str(modules / "osls" / "bin" / "serverless.js"), "offline", "start", "--host", "127.0.0.1",
            "--httpPort", str(web_port), "--lambdaPort", str(port), "--noPrependStageInUrl",
        ]  # fmt: skip
        if certificate is not None:
            command += ["--httpsProtocol", "."]
            (Path(folder) / "cert.pem").symlink_to(certificate.certificate)
            (Path(folder) / "key.pem").symlink_to(certificate.key)
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
                _wait_for(web_port, process)
                paths = [f"/2015-03-31/functions/bench-dev-{name}/invocations" for name in names]
                yield Peer(port, paths, web_port)
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
        "functions": {
            name: {
                "handler": "index.handler",
                "timeout": 30,
                "events": [{"httpApi": {"method": "*", "path": f"/{name}"}}],
            }
            for name in names
        },
    }


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
