"""What this machine can do right now, with nothing of ours in between.

Control B: a keep-alive HTTP echo (uvloop and httptools). Control W: the HTTPS port's own server with the same
settings, answering a constant. Control F: fork a process that has boto3 loaded, exchange one message with it, and
end it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from lablambda.gateway.certificates import ServerFiles

ECHO = r"""
import asyncio, httptools, json, uvloop

class Http(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.parser, self.body = transport, httptools.HttpRequestParser(self), b""
    def data_received(self, data):
        self.parser.feed_data(data)
    def on_body(self, body):
        self.body += body
    def on_message_complete(self):
        out = json.dumps({"ok": True, "n": json.loads(self.body or b"{}").get("n")}).encode()
        self.body = b""
        self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(out), out))

async def main():
    server = await asyncio.get_running_loop().create_server(Http, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()

uvloop.run(main())
"""


CONSTANT = r"""
import asyncio, sys, uvloop
from pathlib import Path
from lablambda.gateway.certificates import ServerFiles
from lablambda.gateway.listener import Listener

BODY = b'{"ok": true, "n": null}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]

async def answer(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY, "more_body": False})

async def main():
    listener = Listener(answer, "127.0.0.1", int(sys.argv[1]))
    await listener.open(ServerFiles(Path(sys.argv[2]), Path(sys.argv[3])))
    print(sys.argv[1], flush=True)
    await asyncio.Event().wait()

uvloop.run(main())
"""


def echo_server() -> AbstractContextManager[int]:
    """Control B's server."""
    return _server(ECHO)


def constant_server(files: ServerFiles) -> AbstractContextManager[int]:
    """Control W's."""
    return _server(CONSTANT, str(free_port()), *map(str, files))


@contextmanager
def _server(source: str, *arguments: str) -> Iterator[int]:
    """A server on a CPU of its own: unpinned, its time is one of two values that differ by half, by where the
    scheduler happens to put it. Gives its port."""
    command = [sys.executable, "-c", source, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process:
        os.sched_setaffinity(process.pid, {max(range(os.cpu_count() or 1))})
        yield int(process.stdout.readline())
        process.kill()


@contextmanager
def on_one_cpu() -> Iterator[None]:
    """Keep this process, the client, on the first CPU meanwhile."""
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(everywhere)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, everywhere)


FORKER = r"""
import boto3, gc, os, socket, sys
gc.collect(); gc.freeze()
control = socket.socket(fileno=int(sys.argv[1]))
control.send(b"ready")
while control.recv(1):
    if os.fork() == 0:
        control.send(b"x")
        os._exit(0)
    os.wait()
"""


def fork_times(count: int) -> list[float]:
    """Control F: milliseconds from asking until a forked process has answered."""
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, "-c", FORKER, str(theirs.fileno())], pass_fds=[theirs.fileno()]
    )
    theirs.close()
    ours.recv(16)
    times = []
    for _ in range(count):
        began = time.perf_counter()
        ours.send(b"f")
        ours.recv(1)
        times.append((time.perf_counter() - began) * 1000)
    ours.close()
    process.wait()
    return times


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def pss_kib(pid: int) -> int:
    """A process's proportional share of memory in KiB."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def children(pid: int) -> list[int]:
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
