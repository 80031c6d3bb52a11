"""The link between the services process and the lab, without either."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from lablambda.services.link import LinkBroken, Message, ServicesEnd, answer_all

pytestmark = pytest.mark.anyio
Answer = Callable[[Message], Awaitable[Message]]


async def linked(answer: Answer, ask: Callable[[ServicesEnd], None], within_s: float = 10) -> None:
    """Run `ask` in a thread, as the services process would, against `answer` on this loop."""
    ours, theirs = socket.socketpair()
    answering = asyncio.ensure_future(answer_all(ours, answer))
    end = ServicesEnd(theirs.detach(), answer_within_s=within_s)
    try:
        await asyncio.to_thread(ask, end)
    finally:
        end._socket.shutdown(socket.SHUT_RDWR)
        await answering
        end._socket.close()


async def test_many_threads_each_get_their_own_answer() -> None:
    together = asyncio.Event()
    arrived: list[int] = []

    async def answer(message: Message) -> Message:
        # all questions are there before the first answer, which is the last one's
        arrived.append(message["n"])
        if len(arrived) == 20:
            together.set()
        await together.wait()
        return {"n": message["n"]}

    def ask(end: ServicesEnd) -> None:
        with ThreadPoolExecutor(20) as threads:
            answers = threads.map(lambda n: end.ask({"n": n, "padding": "é" * n * 1000}), range(20))
            assert [found["n"] for found in answers] == list(range(20))

    await linked(answer, ask)


async def test_an_answer_that_comes_too_late_is_nobody_elses() -> None:
    late = asyncio.Event()

    async def answer(message: Message) -> Message:
        if message["n"] == 1:
            await late.wait()
        else:
            late.set()
            await asyncio.sleep(0)  # the late answer goes out first
        return {"n": message["n"]}

    def ask(end: ServicesEnd) -> None:
        with pytest.raises(LinkBroken, match=r"no answer within 0\.2 s"):
            end.ask({"n": 1})
        assert end.ask({"n": 2}) == {"n": 2}
        assert end.ask({"n": 3}) == {"n": 3}

    await linked(answer, ask, within_s=0.2)


def test_a_lab_that_goes_while_it_is_asked() -> None:
    ours, theirs = socket.socketpair()
    end = ServicesEnd(theirs.detach())

    def read_a_little_and_go() -> None:
        ours.recv(1)
        ours.close()

    leave = threading.Thread(target=read_a_little_and_go)
    leave.start()
    with pytest.raises(LinkBroken):
        end.ask({"n": 1})
    leave.join()
    with pytest.raises(LinkBroken):
        end.ask({"n": 2})
    end._socket.close()


def test_a_lab_that_does_not_read() -> None:
    ours, theirs = socket.socketpair()
    end = ServicesEnd(theirs.detach(), answer_within_s=0.2)
    with pytest.raises(LinkBroken):
        end.ask({"event": "x" * 10_000_000})
    ours.close()
    end._socket.close()
