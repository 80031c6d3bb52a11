"""Taking over the services process of a lab that was killed, with all that is in it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
from pathlib import Path
from typing import NamedTuple

from lablambda.services.link import Message, frame

SOCKET = "adopt"  # in the services' folder
_ANSWER_WITHIN_S = 5.0


class Found(NamedTuple):
    """A services process that waits for a lab: the link to it, and what it says of itself."""

    process: AdoptedProcess
    link: socket.socket
    hello: Message


class AdoptedProcess:
    """A process that isn't our child, with what is needed of `asyncio.subprocess.Process`. Its exit status is
    known to nobody: it counts as 0."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._descriptor = os.pidfd_open(pid)
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._descriptor, self._note_end)

    @property
    def returncode(self) -> int | None:
        return 0 if self._ended.is_set() else None

    async def wait(self) -> int:
        await self._ended.wait()
        return 0

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if not self._ended.is_set():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, number)

    def _note_end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)
        self._ended.set()


async def find(folder: Path) -> Found | None:
    """The services process that waits in the folder, if there is one and it answers; one that doesn't is killed."""
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(_ANSWER_WITHIN_S)
    try:
        descriptor = os.open(folder, os.O_PATH)
        try:  # by a path that is short enough for a socket
            link.connect(f"/proc/self/fd/{descriptor}/{SOCKET}")
        finally:
            os.close(descriptor)
        process = AdoptedProcess(peer(link)[0])
    except OSError:
        link.close()
        return None
    try:
        return Found(process, link, await asyncio.to_thread(_read_hello, link))
    except (OSError, ValueError):
        link.close()
        process.kill()
        await process.wait()
        return None


def _read_hello(link: socket.socket) -> Message:
    size = link.recv(4, socket.MSG_WAITALL)
    if len(size) < 4:
        raise OSError("nobody there")
    hello: Message = json.loads(link.recv(struct.unpack("!I", size)[0], socket.MSG_WAITALL))
    link.settimeout(None)
    return hello


def peer(link: socket.socket) -> tuple[int, int]:
    """The process id and the user id of who is at the other end."""
    pid, uid, _ = struct.unpack(
        "3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    )
    return pid, uid


class Waiting:
    """The services' side: a socket in the current folder on which the next lab may come."""

    def __init__(self, linger_s: float) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        former = os.umask(0o177)
        try:
            self._listener.bind(SOCKET)
        finally:
            os.umask(former)
        self._listener.listen(1)
        self._listener.settimeout(linger_s)

    def next_lab(self, hello: Message) -> socket.socket | None:
        """Wait for one of the same user; None if none came in time."""
        while True:
            try:
                link, _ = self._listener.accept()
            except TimeoutError:
                return None
            if peer(link)[1] == os.getuid():
                link.sendall(frame(hello))
                return link
            link.close()
