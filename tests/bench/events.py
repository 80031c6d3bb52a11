"""How soon events reach functions, how fast many of them do, and what waiting for them costs."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import uvloop

from lablambda.client import Lab
from lablambda.clock import Clock
from lablambda.deployment import deploy
from lablambda.lab import queue
from lablambda.lab.queue import AsyncQueue
from lablambda.model.deployment import Deployment
from lablambda.model.invocation import Invocation
from lablambda.model.source import QueueSource, S3Source, Source, StreamSource, TableSource
from lablambda.rules.retry import RetryPolicy
from lablambda.storage.journal import Journal
from tests.bench.client import RUNTIME, Row

STAMP = "import time\ndef handler(event, context):\n    print('BEGAN', time.time())\n"
NOTHING = "def handler(event, context):\n    pass\n"
SQS = "arn:aws:sqs:us-east-1:000000000000:"


def events(lab: Lab, rounds: int, backlog: int) -> list[Row]:
    return [*_latencies(lab, rounds), _drained(lab, backlog), _enqueued(200), _waiting()]


def _function(lab: Lab, name: str, source: str, *sources: Source) -> None:
    files = {"f.py": source.encode()}
    deploy(Deployment(name, RUNTIME, "f.handler", files, timeout_s=5, sources=sources), lab)


def _latencies(lab: Lab, rounds: int) -> list[Row]:
    """From the call that makes an event to the handler's first line; the control is the call itself."""
    sqs, s3, dynamodb, kinesis = (lab.client(name) for name in ("sqs", "s3", "dynamodb", "kinesis"))
    url = sqs.create_queue(QueueName="soon")["QueueUrl"]
    kinds: list[tuple[str, tuple[Source, ...], Callable[[str], Any], str]] = [
        ("async invoke", (), lambda _: lab.function("soon-async").send({}), "at most 3 ms more"),
        (
            "SQS send",
            (QueueSource("soon"),),
            lambda text: sqs.send_message(QueueUrl=url, MessageBody=text),
            "at most 10 ms",
        ),
        (
            "S3 put",
            (S3Source("soon"),),
            lambda text: s3.put_object(Bucket="soon", Key=text, Body=b"x"),
            "at most 10 ms more",
        ),
        (
            "DynamoDB put",
            (TableSource("soon"),),
            lambda text: dynamodb.put_item(TableName="soon", Item={"id": {"S": text}}),
            "at most 10 ms more",
        ),
        (
            "Kinesis put",
            (StreamSource("soon"),),
            lambda text: kinesis.put_record(StreamName="soon", Data=text, PartitionKey=text),
            "at most 10 ms more",
        ),
    ]
    rows = []
    for what, sources, cause, bound in kinds:
        name = f"soon-{what.split()[0].lower()}"
        _function(lab, name, STAMP, *sources)
        begun, taken = [], []
        for number in range(rounds):
            begun.append(time.time())
            cause(str(number))
            taken.append(time.time() - begun[-1])
            lab.settle()
        lines = [line.message for line in lab.function(name).logs(limit=10 * rounds)]
        stamps = [float(line.split()[1]) for line in lines if line.startswith("BEGAN")]
        delays = [stamp - moment for stamp, moment in zip(stamps, begun, strict=True)][1:]
        middle, control = statistics.median(delays) * 1000, statistics.median(taken[1:]) * 1000
        rows.append(Row(f"{what} to handler start p50", middle, "ms", control, bound))
    return rows


def _drained(lab: Lab, count: int) -> Row:
    """A queue's backlog, by a function; the control receives and deletes as many by itself."""
    sqs = lab.client("sqs")
    urls = [
        sqs.create_queue(QueueName=f"backlog-{n}", Attributes={"VisibilityTimeout": "900"})["QueueUrl"]
        for n in (0, 1)
    ]
    for url in urls:
        for start in range(0, count, 10):
            entries = [{"Id": str(n), "MessageBody": str(n)} for n in range(start, start + 10)]
            sqs.send_message_batch(QueueUrl=url, Entries=entries)
    began = time.perf_counter()
    while messages := sqs.receive_message(QueueUrl=urls[1], MaxNumberOfMessages=10).get("Messages"):
        entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
        sqs.delete_message_batch(QueueUrl=urls[1], Entries=entries)
    control = count / (time.perf_counter() - began)
    _function(lab, "drain", NOTHING)
    began = time.perf_counter()
    lab.client("lambda").create_event_source_mapping(FunctionName="drain", EventSourceArn=f"{SQS}backlog-0")
    lab.settle(600)
    return Row(f"SQS backlog of {count}, batches of 10", count / (time.perf_counter() - began), "/s", control)


def _enqueued(each: int) -> Row:
    """Durable acceptance by 64 callers at once; the control is one caller."""

    async def rate(callers: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            journal = Journal(Path(folder) / "journal.db", queue.SCHEMA, durable=True)
            waiting = AsyncQueue(
                journal,
                _never,
                clock=Clock(),
                policy=lambda _: RetryPolicy(),
                publish=lambda _: None,
                settle=_never,
            )

            async def call() -> None:
                for _ in range(each):
                    await waiting.put(Invocation("f", None, b'{"n": 1}', "arn"))

            began = time.perf_counter()
            await asyncio.gather(*(call() for _ in range(callers)))
            taken = time.perf_counter() - began
            await journal.close()
            return callers * each / taken

    rows = [uvloop.run(rate(callers)) for callers in (64, 1)]
    return Row("durable enqueue, 64 callers", rows[0], "/s", rows[1], "at least 10,000 /s")


async def _never(*_: Any) -> Any:
    raise NotImplementedError


def _waiting() -> Row:
    """What 50 mappings with nothing to do take of a core, in a lab of their own."""
    with Lab.private() as lab:
        return _idle(lab)


def _idle(lab: Lab) -> Row:
    _function(lab, "waiting", NOTHING)
    for number in range(50):
        lab.client("sqs").create_queue(QueueName=f"still-{number}")
        lab.client("lambda").create_event_source_mapping(
            FunctionName="waiting", EventSourceArn=f"{SQS}still-{number}"
        )
    lab.settle()
    family = [
        psutil.Process(lab.descriptor.pid),
        *psutil.Process(lab.descriptor.pid).children(recursive=True),
    ]

    def spent() -> float:
        return sum(sum(process.cpu_times()[:2]) for process in family if process.is_running())

    before, began = spent(), time.perf_counter()
    time.sleep(10)
    share = (spent() - before) / (time.perf_counter() - began)
    return Row("50 mappings with nothing to do", 100 * share, "% of a core", None, "at most 1 %")
