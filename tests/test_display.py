"""What people see: text for terminals, HTML for notebooks, JSON for programs; never markup of theirs."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from lablambda import display
from lablambda.deployment import Deployed
from lablambda.doctor import Finding
from lablambda.model.invocation import Report
from lablambda.results import LogEvent, LogEvents, Record, Records, Result
from lablambda.rules.step import Step

EVIL = "<script>alert('&')</script>"
COLD = Report("1-a", 12.345, 30, 512, 51, init_ms=17.4)
WARM = Report("1-b", 2.0, 2, 512, 51, status="error", error_type="KeyError")
ERROR = {
    "errorType": "KeyError",
    "errorMessage": f"'{EVIL}'",
    "stackTrace": ['  File "/var/task/lambda_function.py", line 7, in handler\n    event["x"]\n'],
}


class Page(HTMLParser):
    """The tags and the text of a piece of HTML; fails on what is left open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data


def page(bundle: dict[str, Any]) -> Page:
    """The bundle's HTML, after what every bundle must be was checked."""
    assert set(bundle) == {"text/plain", "text/html", display.MIME}
    json.dumps(bundle)
    read = Page(bundle["text/html"])
    assert "script" not in read.tags
    return read


def record(report: Report, error: dict[str, Any] | None = None, source: str = "api") -> Record:
    return Record(1_795_451_731.9966, source, "$LATEST", "stream", report, error)


def everything() -> list[dict[str, Any]]:
    """One bundle of each kind, made of text that tries to be markup."""
    result = Result(EVIL, {"a": EVIL}, None, f"START\n{EVIL}\n", COLD, "$LATEST", "1-a")
    failure = Result("f", None, ERROR, "", WARM, "$LATEST", "1-b")
    configuration = {
        "FunctionName": EVIL,
        "Runtime": "python3.11",
        "Handler": EVIL,
        "MemorySize": 128,
        "Timeout": 3,
        "CodeSize": 200,
        "LastModified": "2026-11-23T16:44:27.130+0000",
    }
    steps = (Step(f"create bucket {EVIL}", "s3", "CreateBucket", {}),)
    return [
        display.result(result),
        display.result(failure),
        display.records(EVIL, [record(COLD, source=EVIL), record(WARM, ERROR)]),
        display.record(record(WARM, ERROR)),
        display.log_events([LogEvent(1, EVIL, "s")]),
        display.deployed(Deployed(EVIL, "created", steps, 0.1, "f.g", "python3.11", 9, (f"s3:{EVIL}",))),
        display.functions([configuration], ["sqs:orders"]),
        display.facts("function", configuration | {"Environment": {"Variables": {"A": EVIL}}}),
        display.findings([Finding("lab", False, EVIL, EVIL)]),
    ]


@pytest.mark.parametrize("number", range(len(everything())))
def test_markup_in_values_stays_text(number: int) -> None:
    bundle = everything()[number]
    assert "alert('&')" in page(bundle).text
    assert EVIL in bundle["text/plain"]


def test_nothing_yet() -> None:
    assert "no functions yet" in page(display.functions([], [])).text
    assert "no log events" in page(display.log_events([])).text
    assert "0 invocations of f" in page(display.records("f", [])).text


@pytest.mark.parametrize("name", ["content-font-color1", "border-color2", "error-color1", "success-color1"])
def test_colours_are_the_themes_with_a_fallback(name: str) -> None:
    assert re.search(rf"var\(--jp-{name},[^)]+\)", everything()[0]["text/html"])


# ------------------------------------------------------------------------------------- each of them


def test_result() -> None:
    shown = display.result(Result("f", {"a": 1}, None, "START\nmine\n", COLD, "$LATEST", "1-a"))
    assert shown["text/plain"].startswith(
        '{\n  "a": 1\n}\n12.35 ms, billed 30 ms, 51 of 512 MB, cold start, init 17 ms, $0.000000450\n'
    )
    assert "mine" in shown["text/plain"]
    assert shown[display.MIME]["data"]["payload"] == {"a": 1}


def test_result_without_a_report() -> None:
    page(display.result(Result("f", None, None, "", None, "$LATEST", "1-a")))


def test_failed_result() -> None:
    shown = display.result(Result("f", None, ERROR, "", WARM, "$LATEST", "1-b"))
    assert shown["text/plain"].split("\n")[:4] == [
        f"KeyError: '{EVIL}'",
        "Traceback (most recent call last):",
        '  File "/var/task/lambda_function.py", line 7, in handler',
        '    event["x"]',
    ]
    assert "2.00 ms, billed 2 ms, 51 of 512 MB, warm" in page(shown).text


def test_records_as_a_table() -> None:
    rows = [record(COLD, source="arn:aws:s3:::photos"), record(WARM, ERROR)]
    shown = Records("f", rows)._repr_mimebundle_()
    title, head, first, second, total = shown["text/plain"].split("\n")
    assert title == "2 invocations of f"
    columns = re.split(r" {2,}", head)
    assert columns == [
        "time",
        "duration",
        "billed",
        "cost",
        "memory",
        "start",
        "status",
        "source",
        "request id",
    ]
    assert re.split(r" {2,}", first)[1:] == [
        "12.35 ms",
        "30 ms",
        "$0.000000450",
        "51 / 512 MB",
        "cold, 17 ms",
        "ok",
        "s3:photos",
        "1-a",
    ]
    assert "KeyError: " in second
    assert all(line.index("1-") == head.index("request id") for line in (first, second))
    assert page(shown).tags.count("tr") == 3
    assert total == (
        "total $0.000000667; a million such invocations would cost $0.333 on AWS (x86_64, before free tier)"
    )
    assert total in page(shown).text
    assert sum(found.cost for found in rows) == pytest.approx(6.67e-7, abs=1e-9)


def test_a_table_keeps_long_errors_short_and_a_record_shows_them_whole() -> None:
    error = {"errorType": "E", "errorMessage": "x" * 500 + "\nsecond line"}
    [line] = display.records("f", [record(WARM, error)])["text/plain"].split("\n")[2:3]
    assert len(line) < 250
    assert "…" in line
    assert "x" * 500 + "\nsecond line" in record(WARM, error)._repr_mimebundle_()["text/plain"]


def test_a_timeout_says_so() -> None:
    report = Report("1-c", 1000.0, 1000, 128, 30, status="timeout")
    assert "timeout" in display.records("f", [record(report)])["text/plain"]


def test_record_shows_the_handlers_traceback() -> None:
    shown = record(WARM, ERROR)._repr_mimebundle_()
    assert "line 7, in handler" in page(shown).text
    assert "line 7, in handler" in shown["text/plain"]
    assert shown[display.MIME]["data"]["error"] == ERROR


def test_log_events_line_by_line() -> None:
    events = LogEvents([LogEvent(1, "START x\n", "s"), LogEvent(2, "[ERROR] a\n  b\n", "s")])
    shown = events._repr_mimebundle_()
    assert shown["text/plain"] == "START x\n[ERROR] a\n  b"
    assert shown["text/html"].count("<pre") == 2
    assert 'class="bad">[ERROR]' in shown["text/html"]
    assert shown[display.MIME]["data"] == ["START x", "[ERROR] a\n  b"]


def test_deployed_tells_each_step() -> None:
    steps = (Step("create bucket photos", "s3", "CreateBucket", {}),)
    shown = Deployed(
        "f", "created", steps, 0.0421, "m.f", "python3.11", 321, ("s3:photos",)
    )._repr_mimebundle_()
    assert shown["text/plain"] == (
        "f created (python3.11, handler m.f, 321 bytes, 42 ms)\n  create bucket photos"
    )
    assert "create bucket photos" in page(shown).text
    assert shown[display.MIME]["data"]["sources"] == ["s3:photos"]


def test_facts_leave_out_what_is_empty() -> None:
    values: dict[str, Any] = {
        "Name": "f",
        "Layers": [],
        "Environment": {"Variables": {"A": "b"}},
        "Nothing": None,
        "Zero": 0,
    }
    shown = display.facts("function", values)
    assert shown["text/plain"] == "Name         f\nEnvironment  Variables (A=b)\nZero         0"


def test_findings() -> None:
    found = [Finding("uv", True, "0.9"), Finding("moto", False, "missing", "pip install moto")]
    shown = display.findings(found)
    assert [line.split()[0] for line in shown["text/plain"].split("\n")[1:]] == ["ok", "BAD"]
    assert "pip install moto" in page(shown).text
