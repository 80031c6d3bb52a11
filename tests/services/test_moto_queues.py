"""moto's queues as they are here: by its own API, in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from lablambda.clock import Clock
from lablambda.services.calls import AwsCalls, CallRefused
from lablambda.services.moto_backend import MotoServices

pytestmark = pytest.mark.anyio
URL = "https://sqs.us-east-1.amazonaws.com/000000000000/"


class Queues:
    """A backend with queues, by their names."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.services = MotoServices(folder, self._deliver, lambda _: None, self.clock)
        self._calls = AwsCalls(self.services.forward, "AKIA", "secret")

    async def _deliver(self, _: Any) -> str | None:
        return None

    async def make(self, name: str, **attributes: str) -> None:
        await self._calls.call("sqs", "CreateQueue", {"QueueName": name, "Attributes": attributes})

    async def call(self, name: str, operation: str, **parameters: Any) -> dict[str, Any]:
        return await self._calls.call("sqs", operation, {"QueueUrl": URL + name, **parameters})

    async def send(self, name: str, *bodies: str) -> None:
        entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)]
        assert not (await self.call(name, "SendMessageBatch", Entries=entries)).get("Failed")

    async def receive(self, name: str) -> list[dict[str, Any]]:
        answer = await self.call(name, "ReceiveMessage", MaxNumberOfMessages=10)
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    async def counts(self, name: str) -> list[int]:
        """Messages that are there to be received, under way, and delayed."""
        names = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed")]
        answer = await self.call(name, "GetQueueAttributes", AttributeNames=names)
        return [int(answer["Attributes"][name]) for name in names]


@pytest.fixture(scope="module")
async def queues(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Queues]:
    made = Queues(tmp_path_factory.mktemp("services"))
    yield made
    await made.services.close()


async def test_messages_are_counted_where_they_are(queues: Queues) -> None:
    await queues.make("counted", VisibilityTimeout="600")
    await queues.send("counted", "1", "2", "3")
    await queues.call("counted", "SendMessage", MessageBody="later", DelaySeconds=900)
    assert await queues.counts("counted") == [3, 0, 1]
    received = await queues.receive("counted")
    assert [message["Body"] for message in received] == ["1", "2", "3"]
    assert await queues.counts("counted") == [0, 3, 1]
    await queues.call("counted", "DeleteMessage", ReceiptHandle=received[1]["ReceiptHandle"])
    queues.clock.advance(1000)
    assert await queues.counts("counted") == [3, 0, 0]
    assert [message["Body"] for message in await queues.receive("counted")] == ["1", "3", "later"]


async def test_a_message_is_deleted_by_each_of_its_handles_and_once(queues: Queues) -> None:
    await queues.make("handled", VisibilityTimeout="0")
    await queues.send("handled", "1")
    handles = [(await queues.receive("handled"))[0]["ReceiptHandle"] for _ in range(2)]
    for handle in handles:
        await queues.call("handled", "DeleteMessage", ReceiptHandle=handle)
    assert await queues.counts("handled") == [0, 0, 0]
    with pytest.raises(CallRefused, match="ReceiptHandleIsInvalid"):
        await queues.call("handled", "DeleteMessage", ReceiptHandle="of nobody")


async def test_nothing_that_comes_while_others_are_deleted_is_lost(queues: Queues) -> None:
    """Sent, received and deleted from many threads at once: each message is received."""
    await queues.make("busy", VisibilityTimeout="600")
    count, got = 4_000, set[str]()
    for n in range(0, count // 2, 10):  # the longer a queue, the longer it takes to delete from it
        await queues.send("busy", *(str(n + i) for i in range(10)))

    async def drain() -> None:
        while len(got) < count:
            messages = await queues.receive("busy")
            got.update(message["Body"] for message in messages)
            entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
            if entries:
                await queues.call("busy", "DeleteMessageBatch", Entries=entries)

    async def send(start: int) -> None:
        for n in range(count // 2 + start, count, 40):
            await queues.send("busy", *(str(n + i) for i in range(10)))

    async with asyncio.timeout(60):
        await asyncio.gather(drain(), drain(), *(send(10 * n) for n in range(4)))
    assert got == {str(n) for n in range(count)}
    assert await queues.counts("busy") == [0, 0, 0]


async def test_a_message_is_kept_for_as_long_as_its_queue_says_by_the_labs_clock(queues: Queues) -> None:
    await queues.make("short", MessageRetentionPeriod="60")
    await queues.send("short", "old")
    queues.clock.advance(61)
    assert await queues.receive("short") == []
