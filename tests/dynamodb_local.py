"""AWS's own DynamoDB for one machine, with streams, from Maven Central."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator

import pytest

from lablambda.packaging import maven
from lablambda.runtimes.java import jdks

_JARS = ("software.amazon.dynamodb:DynamoDBLocal:3.1.0",)
_MAIN = "software.amazon.dynamodb.services.local.main.ServerRunner"
_OLDEST_JAVA = 17
_STARTS_WITHIN_S = 60.0


@contextlib.contextmanager
def dynamodb_local() -> Iterator[str]:
    """Its address, while it runs."""
    java = next((jdk.java for jdk in jdks.find() if jdk.major >= _OLDEST_JAVA), None)
    if java is None:
        told = f"DynamoDB Local needs Java {_OLDEST_JAVA}, which this machine hasn't"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(told)
    port = _free_port()
    jars = os.pathsep.join(map(str, maven.jars(_JARS)))
    command = [java, "-Xmx256m", "-cp", jars, _MAIN, "-disableTelemetry", "-inMemory", "-port", str(port)]
    nothing = subprocess.DEVNULL
    with (
        tempfile.TemporaryDirectory() as folder,  # it leaves a file where it is started
        subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing, cwd=folder) as process,
    ):
        try:
            _wait_for(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """It says nothing when it is ready."""
    until = time.monotonic() + _STARTS_WITHIN_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            assert process.poll() is None, "DynamoDB Local ended"
            assert time.monotonic() < until, "DynamoDB Local doesn't start"
            time.sleep(0.05)
