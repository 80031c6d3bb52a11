"""A watcher's tape keeps the last of everything and counts the rest."""

from __future__ import annotations

from lablambda.model.events import (
    InvocationFinished,
    InvocationThrottled,
    LogLine,
    QueuedEventMoved,
    QueueMove,
)
from lablambda.model.invocation import Report
from lablambda.model.live import Counts
from lablambda.telemetry.tape import Tape, finished, line


def over(error: bytes | None = None, name: str = "f") -> InvocationFinished:
    report = Report("r", 1.5, 2, 128, 40, status="error" if error else "success")
    return InvocationFinished(name, "$LATEST", None, "api", 10.0, "stream", report, error, 1, 1)


def test_news_are_told_of_once_something_is_on_it() -> None:
    told: list[int] = []
    tape = Tape(lambda: told.append(1))
    tape.hear(QueuedEventMoved("f", None, QueueMove.STARTED, 1.0))
    assert not told
    assert not tape.take()
    tape.hear(LogLine("g", "s", 1, "x"))
    assert told
    assert tape.take()
    assert not tape.take()


def test_a_busy_function_does_not_push_out_the_others() -> None:
    tape = Tape(lambda: None)
    tape.hear(LogLine("quiet", "s", 1, "here"))
    for number in range(1_000):
        tape.hear(LogLine("busy", "s", number, str(number)))
    reel = tape.take()
    assert [each.message for each in reel.lines["quiet"]] == ["here"]
    assert [each.message for each in reel.lines["busy"]][-1] == "999"
    assert len(reel.lines["busy"]) + reel.left_out == 1_000


def test_counts_are_of_all() -> None:
    tape = Tape(lambda: None)
    for number in range(300):
        tape.hear(over(b"{}" if number % 3 == 0 else None))
    tape.hear(InvocationThrottled("f", None, 1.0, "why"))
    reel = tape.take()
    assert reel.counts == {"f": Counts(300, 100, 1)}
    assert len(reel.finished["f"]) + reel.left_out == 300


def test_an_error_is_told_by_its_message() -> None:
    def message(error: bytes) -> str:
        return finished(over(error), 11.0).error

    assert message(b'{"errorMessage": "no", "errorType": "X"}') == "no"
    assert message(b"not JSON \xff") == "not JSON \ufffd"
    assert message(b"[]") == "[]"
    assert finished(over(), 11.0).error == ""


def test_a_long_line_is_cut() -> None:
    assert len(line(LogLine("g", "s", 1, "x" * 50_000)).message) == 10_000
