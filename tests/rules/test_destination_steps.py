"""Retries and destinations of a cell, and the calls that make them so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lablambda.model.deployment import Deployment
from lablambda.model.destination import Destination, Ends
from lablambda.model.source import QueueSource, StreamSource
from lablambda.rules.plan import Code, plan
from lablambda.rules.step import CELL, LINE, Attached, Current, Step

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
DEAD = "arn:aws:sqs:us-east-1:000000000000:dead"
STREAM = StreamSource("clicks")
FUNCTION = {
    "Runtime": "python3.13",
    "Handler": "f.handler",
    "MemorySize": 128,
    "Timeout": 3,
    "CodeSha256": "sha",
}
ENDS = Ends(retries=1, on_failure=Destination("sqs", "dead"))
CONFIG = {
    "MaximumRetryAttempts": 1,
    "DestinationConfig": {"OnSuccess": {}, "OnFailure": {"Destination": DEAD}},
}
TERMS = {"MaximumRetryAttempts": 1, "DestinationConfig": {"OnFailure": {"Destination": DEAD}}}
UNTOUCHED = {"MaximumRetryAttempts": -1, "DestinationConfig": {"OnFailure": {}}}


def steps(current: Current, ends: Ends, *sources: Any) -> list[Step]:
    wanted = Deployment("f", "python3.13", "f.handler", {"f.py": b""}, sources=sources, ends=ends)
    return plan(current, wanted, Code(b"zip", "sha"), role="arn:aws:iam::000000000000:role/r", arn=ARN)


def operations(found: list[Step]) -> list[str]:
    return [step.operation for step in found]


def test_what_is_absent_is_made_once() -> None:
    dead = Destination("sns", "dead")
    found = steps(Current(), Ends(on_success=dead, on_failure=dead))
    assert operations(found) == [
        "CreateFunction",
        "CreateTopic",
        "PutFunctionEventInvokeConfig",
        "TagResource",
    ]
    arn = "arn:aws:sns:us-east-1:000000000000:dead"
    assert found[2].parameters == {
        "FunctionName": "f",
        "MaximumRetryAttempts": 2,
        "DestinationConfig": {"OnSuccess": {"Destination": arn}, "OnFailure": {"Destination": arn}},
    }


def test_every_kind_has_its_arn() -> None:
    for kind, arn in {
        "s3": "arn:aws:s3:::n",
        "lambda": "arn:aws:lambda:us-east-1:000000000000:function:n",
        "events": "arn:aws:events:us-east-1:000000000000:event-bus/n",
    }.items():
        found = steps(Current(), Ends(on_failure=Destination(kind, "n")))
        (put,) = [step for step in found if step.operation == "PutFunctionEventInvokeConfig"]
        assert put.parameters["DestinationConfig"]["OnFailure"] == {"Destination": arn}
        assert bool(put.advice) is (kind == "lambda")


def test_what_is_as_it_should_be_stays() -> None:
    current = Current(
        function=FUNCTION, event_invoke=CONFIG, ends_are_cells=True, existing=[QueueSource("dead")]
    )
    assert steps(current, ENDS) == []
    assert operations(steps(current, replace(ENDS, retries=0))) == ["PutFunctionEventInvokeConfig"]


def test_what_the_cell_no_longer_says_is_taken_away_and_nothing_else() -> None:
    theirs = Current(function=FUNCTION, event_invoke=CONFIG)
    assert steps(theirs, Ends()) == []
    mine = replace(theirs, ends_are_cells=True)
    assert operations(steps(mine, Ends())) == ["DeleteFunctionEventInvokeConfig", "UntagResource"]


def test_batches_of_streams_end_alike() -> None:
    made = steps(Current(), ENDS, STREAM)[-1]
    assert made.operation == "CreateEventSourceMapping"
    assert {name: made.parameters[name] for name in TERMS} == TERMS
    current = Current(
        function=FUNCTION,
        attached={STREAM: Attached(CELL, "uuid", terms=UNTOUCHED)},
        event_invoke=CONFIG,
        ends_are_cells=True,
        existing=[STREAM, QueueSource("dead")],
    )
    (changed,) = steps(current, ENDS, STREAM)
    assert (changed.operation, changed.parameters) == ("UpdateEventSourceMapping", {"UUID": "uuid", **TERMS})
    line = replace(current, attached={STREAM: Attached(LINE, "uuid", terms=UNTOUCHED)})
    assert steps(line, ENDS, STREAM) == []
    assert steps(replace(current, event_invoke=None, ends_are_cells=False), Ends(), STREAM) == []


def test_a_bus_is_not_told_of_batches_and_a_queues_mapping_has_no_terms() -> None:
    bus = Ends(on_failure=Destination("events", "default"))
    assert steps(Current(), bus, STREAM)[-1].parameters["DestinationConfig"] == {"OnFailure": {}}
    assert "MaximumRetryAttempts" not in steps(Current(), ENDS, QueueSource("q"))[-1].parameters
