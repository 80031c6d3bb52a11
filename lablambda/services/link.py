"""How the services process asks the lab: frames of `u32 length | JSON` on an inherited socket pair,
and on a socket that the next lab opens when the first was killed.

The services side asks from many threads at once and each waits for its own answer; the lab's side
answers from its event loop, each question in a task of its own. Questions are numbered, so an answer
that comes after its asker gave up can't be taken for the answer to the next question.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from queue import Empty, SimpleQueue
from typing import Any

Message = dict[str, Any]
_ANSWER_WITHIN_S = 30.0


class LinkBroken(Exception):
    """The other side is gone or doesn't answer."""


class LabGone(LinkBroken):
    """The other side is gone."""


class ServicesEnd:
    """The services process's end. When the lab goes, `next_lab` waits for another; it gives None if none comes,
    and then `left` is called."""

    def __init__(
        self,
        descriptor: int,
        *,
        answer_within_s: float = _ANSWER_WITHIN_S,
        next_lab: Callable[[], socket.socket | None] = lambda: None,
        left: Callable[[], None] = lambda: None,
    ) -> None:
        self._answer_within_s = answer_within_s
        self._next_lab = next_lab
        self._left = left
        self._numbers = itertools.count(1)
        self._turn = threading.Lock()  # to send
        self._waiting: dict[int, SimpleQueue[Message | None]] = {}
        self._linked = threading.Event()
        self._over = False
        self._use(socket.socket(fileno=descriptor))
        threading.Thread(target=self._read_all, name="link", daemon=True).start()

    def ask(self, message: Message, *, patient: bool = False) -> Message:
        """Send, and wait for the answer; with `patient` also for the next lab, which is asked what the former one
        didn't answer. Raises LinkBroken."""
        while True:
            if patient:
                self._linked.wait()
            try:
                return self._ask_once(message)
            except LabGone:
                if not patient or self._over:
                    raise

    def _ask_once(self, message: Message) -> Message:
        number, answers = next(self._numbers), SimpleQueue[Message | None]()
        self._waiting[number] = answers
        try:
            if not self._linked.is_set() or self._over:
                raise LabGone("the lab has gone")
            self._send(frame({"id": number, **message}))
            answer = answers.get(timeout=self._answer_within_s)
        except Empty:
            raise LinkBroken(f"no answer within {self._answer_within_s:g} s") from None
        finally:
            del self._waiting[number]
        if answer is None:
            raise LabGone("the lab has gone")
        return answer

    def _use(self, link: socket.socket) -> None:
        # Bounds sending only (SO_SNDTIMEO): the thread that reads may wait for ever.
        wait = struct.pack("@ll", int(self._answer_within_s), int(self._answer_within_s % 1 * 1e6))
        link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, wait)
        self._socket = link
        self._linked.set()

    def _send(self, data: bytes) -> None:
        with self._turn:
            try:
                self._socket.sendall(data)
            except OSError as error:
                # Half a frame may be out: nothing after it would be understood.
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
                raise LabGone(str(error)) from None

    def _read_all(self) -> None:
        """From one lab after another."""
        while True:
            self._read()
            self._linked.clear()
            for asker in list(self._waiting.values()):
                asker.put(None)
            link = self._next_lab()
            if link is None:
                break
            with self._turn:
                self._socket.close()
                self._use(link)
        self._over = True
        self._linked.set()  # nobody is to wait any more
        self._left()

    def _read(self) -> None:
        with contextlib.suppress(OSError, EOFError), self._socket.makefile("rb") as stream:
            while True:
                (size,) = struct.unpack("!I", _exactly(stream, 4))
                answer: Message = json.loads(_exactly(stream, size))
                if asker := self._waiting.get(answer.pop("id")):
                    asker.put(answer)


async def answer_all(end: socket.socket, answer: Callable[[Message], Awaitable[Message]]) -> None:
    """The lab's end: answer every message until the services process is gone. `answer` must not raise."""
    reader, writer = await asyncio.open_connection(sock=end)

    async def answer_one(message: Message) -> None:
        number = message.pop("id")
        answered = frame({"id": number, **await answer(message)})
        with contextlib.suppress(ConnectionError):
            writer.write(answered)
            await writer.drain()

    try:
        async with asyncio.TaskGroup() as answering:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    (size,) = struct.unpack("!I", await reader.readexactly(4))
                    answering.create_task(answer_one(json.loads(await reader.readexactly(size))))
    finally:
        writer.close()


def _exactly(stream: Any, size: int) -> bytes:
    data: bytes = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def frame(message: Message) -> bytes:
    """A message as it goes over the link."""
    data = json.dumps(message).encode()
    return struct.pack("!I", len(data)) + data
