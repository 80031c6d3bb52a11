"""The asynchronous queue, with time turned by hand and an invoker that does as told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from lablambda.clock import Clock
from lablambda.lab.queue import SCHEMA, AsyncQueue
from lablambda.model.errors import ResourceNotFound, ServiceFault, TooManyRequests
from lablambda.model.events import QueuedEventMoved
from lablambda.model.invocation import Invocation, Outcome, Report
from lablambda.rules.retry import HALTED, RetryPolicy
from lablambda.storage.journal import Journal

pytestmark = pytest.mark.anyio
REPORT = Report("r", 1.0, 1, 128, 30)
GOOD, FAILED = Outcome(b"1", REPORT, "$LATEST"), Outcome(b"{}", REPORT, "$LATEST", "Unhandled")


class Bench:
    """A queue over one file; `answers` says what becomes of each attempt (the last one repeats)."""

    def __init__(self, path: Path, *answers: Outcome | Exception) -> None:
        self.now = 1000.0
        self.answers = list(answers)
        self.attempts: list[tuple[str, float]] = []
        self.journal = Journal(path, SCHEMA, durable=True)
        self.policy = RetryPolicy()
        self.unwell = 0  # how often noting what became of an event fails
        self.ended: list[tuple[str, str, int, Outcome | None]] = []
        self.moved: list[QueuedEventMoved] = []
        self.queue = AsyncQueue(
            self.journal,
            self.invoke,
            clock=Clock(real=lambda: self.now),
            policy=lambda _: self.policy,
            publish=self.moved.append,
            settle=self.settle,
        )
        self.running = asyncio.ensure_future(self.queue.run())

    async def invoke(self, invocation: Invocation) -> Outcome:
        self.attempts.append((invocation.request_id, self.now - 1000))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def settle(
        self, invocation: Invocation, condition: str, runs: int, outcome: Outcome | None
    ) -> None:
        if self.unwell:
            self.unwell -= 1
            raise ServiceFault("the disk is full")
        self.ended.append((invocation.request_id, condition, runs, outcome))

    async def pass_time(self, *moments: float) -> None:
        """Let due events be handled at each moment (seconds after the start)."""
        for moment in moments:
            self.now = 1000.0 + moment
            self.queue._changed.set()
            await asyncio.sleep(0)
            await self.queue.settled()

    async def close(self) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        await self.journal.close()


Make = Callable[..., Bench]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    made: list[Bench] = []

    def bench(*answers: Outcome | Exception) -> Bench:
        made.append(Bench(tmp_path / "journal.db", *answers))
        return made[-1]

    yield bench
    for one in made:
        if not one.running.done():
            await one.close()


def event(request_id: str = "r") -> Invocation:
    return Invocation("f", None, b'{"n": 1}', "arn", request_id=request_id)


async def test_a_success_is_handled_once(make: Make) -> None:
    bench = make(GOOD)
    await bench.queue.put(event())
    await bench.pass_time(0, 60, 600)
    assert bench.attempts == [("r", 0)]
    assert bench.ended == [("r", "Success", 1, GOOD)]
    assert bench.queue.counts() == {"waiting": 0, "running": 0}


async def test_a_failing_function_gets_two_more_tries(make: Make) -> None:
    bench = make(FAILED)
    await bench.queue.put(event())
    await bench.pass_time(0, 59, 60, 179, 180, 10_000)
    assert bench.attempts == [("r", 0), ("r", 60), ("r", 180)]
    assert bench.ended == [("r", "RetriesExhausted", 3, FAILED)]
    assert bench.queue.counts() == {"waiting": 0, "running": 0}


async def test_throttles_and_faults_cost_no_try(make: Make) -> None:
    bench = make(TooManyRequests("x"), ServiceFault("x"), FAILED, GOOD)
    await bench.queue.put(event())
    await bench.pass_time(0, 1, 3, 62, 63)
    assert [moment for _, moment in bench.attempts] == [0, 1, 3, 63]
    assert bench.ended == [("r", "Success", 2, GOOD)]


async def test_a_function_that_may_not_run_is_not_tried(make: Make) -> None:
    bench = make(GOOD)
    bench.policy = RetryPolicy(halted=HALTED)
    await bench.queue.put(event())
    await bench.pass_time(0)
    assert (bench.attempts, bench.ended) == ([], [("r", "ZeroReservedConcurrency", 0, None)])


async def test_an_event_that_is_too_old_is_given_up(make: Make) -> None:
    bench = make(TooManyRequests("x"))
    bench.policy = RetryPolicy(age_s=60)
    await bench.queue.put(event())
    await bench.pass_time(0, 1, 3, 7, 15, 31, 100)
    assert bench.ended == [("r", "EventAgeExceeded", 0, None)]


async def test_what_cannot_be_noted_is_not_forgotten(make: Make, capfd: pytest.CaptureFixture[str]) -> None:
    bench = make(GOOD)
    bench.unwell = 1
    await bench.queue.put(event())
    await bench.pass_time(0)
    assert "can't be struck off yet" in capfd.readouterr().err
    await bench.pass_time(10)
    assert bench.ended == [("r", "Success", 1, GOOD)]
    assert len(bench.attempts) == 2


async def test_an_event_for_nobody_is_dropped(make: Make) -> None:
    bench = make(ResourceNotFound("gone"))
    await bench.queue.put(event())
    await bench.pass_time(0, 10_000)
    assert len(bench.attempts) == 1


async def test_a_bug_is_a_fault_not_a_loss(make: Make, capfd: pytest.CaptureFixture[str]) -> None:
    bench = make(RuntimeError("a bug in the lab"), GOOD)
    await bench.queue.put(event())
    await bench.pass_time(0, 1)
    assert len(bench.attempts) == 2
    assert "a bug in the lab" in capfd.readouterr().err


async def test_what_was_not_done_is_there_after_a_crash(make: Make) -> None:
    first = make(TooManyRequests("x"))
    for number in range(20):
        await first.queue.put(event(f"r{number}"))
    await first.close()
    second = make(GOOD)
    await second.pass_time(2)
    assert sorted(request for request, _ in second.attempts) == sorted(f"r{number}" for number in range(20))
    await second.close()
    assert make(GOOD).queue.counts()["waiting"] == 0


async def test_failures_are_counted_across_a_crash(make: Make) -> None:
    first = make(FAILED)
    await first.queue.put(event())
    await first.pass_time(0, 60)
    await first.close()
    second = make(FAILED)
    await second.pass_time(180, 100_000)
    assert second.attempts == [("r", 180)]


async def test_a_flood_runs_a_bounded_number_at_once(make: Make) -> None:
    bench = make(GOOD)
    most = 0
    gate = asyncio.Event()

    async def slow(_: Invocation) -> Outcome:
        nonlocal most
        most = max(most, bench.queue.counts()["running"])
        await gate.wait()
        return GOOD

    bench.queue._invoke = slow
    await asyncio.gather(*(bench.queue.put(event(f"r{number}")) for number in range(300)))
    gate.set()
    await bench.pass_time(0)
    assert 0 < most <= 32


async def test_what_becomes_of_an_event_is_told(make: Make) -> None:
    bench = make(FAILED)
    await bench.queue.put(Invocation("f", "live", b"{}", "arn"))
    await bench.pass_time(0, 60, 180)
    assert [(moved.move.value, moved.age_s) for moved in bench.moved] == [
        ("received", 0),
        ("started", 0),
        ("started", 60),
        ("started", 180),
        ("dropped", 180),
    ]
    assert {(moved.function, moved.qualifier) for moved in bench.moved} == {("f", "live")}
