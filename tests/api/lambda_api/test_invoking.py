"""Invoking functions through boto3."""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import time
from typing import Any

import pytest

from lablambda.client import Lab
from lablambda.packaging.zips import zip_files
from tests.api_clients import ARN, Create, code_of, refused


def test_invoke(functions: Any, create: Create) -> None:
    name = create()
    answer = functions.invoke(FunctionName=name, Payload=b'{"a": [1, "\xc3\xa9"]}', LogType="Tail")
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in answer
    assert json.load(answer["Payload"]) == {"a": [1, "é"]}
    log = base64.b64decode(answer["LogResult"]).decode()
    assert f"START RequestId: {answer['ResponseMetadata']['RequestId']} Version: $LATEST\n" in log
    assert "LogResult" not in functions.invoke(FunctionName=name)


def test_a_failing_function_is_a_successful_call(functions: Any, create: Create) -> None:
    answer = functions.invoke(FunctionName=create("def handler(e, c): 1 / 0"))
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.load(answer["Payload"])["errorType"] == "ZeroDivisionError"


def test_the_arn_is_as_invoked(functions: Any, create: Create) -> None:
    name = create("def handler(e, c): return c.invoked_function_arn")
    assert json.load(functions.invoke(FunctionName=name)["Payload"]) == f"{ARN}{name}"
    assert (
        json.load(functions.invoke(FunctionName=name, Qualifier="$LATEST")["Payload"])
        == f"{ARN}{name}:$LATEST"
    )


def test_no_event_is_an_empty_one(functions: Any, create: Create) -> None:
    assert json.load(functions.invoke(FunctionName=create())["Payload"]) == {}


def test_client_context(functions: Any, create: Create) -> None:
    name = create("def handler(e, c): return c.client_context.custom")
    context = base64.b64encode(b'{"custom": {"k": "v"}}').decode()
    assert json.load(functions.invoke(FunctionName=name, ClientContext=context)["Payload"]) == {"k": "v"}


def test_a_dry_run_runs_nothing(functions: Any, create: Create, lab: Lab) -> None:
    name = create()
    assert functions.invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204
    assert len(lab.function(name).invocations()) == 0


def test_an_asynchronous_invocation(functions: Any, create: Create, lab: Lab) -> None:
    name = create()
    answer = functions.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"n": 1}')
    assert answer["StatusCode"] == 202
    assert answer["Payload"].read() == b""
    assert "ExecutedVersion" not in answer
    lab.settle()
    (record,) = lab.function(name).invocations()
    assert record.request_id == answer["ResponseMetadata"]["RequestId"]


@pytest.mark.parametrize("payload", [b"{", b"\xff\xfe", b"nonsense", b'{"a": 1} x', b"[" * 100_000, b"NaN"])
@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
def test_an_event_that_is_no_json(functions: Any, create: Create, payload: bytes, kind: str) -> None:
    name = create()
    status, code, message = code_of(
        lambda: functions.invoke(FunctionName=name, Payload=payload, InvocationType=kind)
    )
    assert (status, code) == (400, "InvalidRequestContentException")
    assert message.startswith("Could not parse request body into json: Could not parse payload into json: ")


@pytest.mark.parametrize(("kind", "limit"), [("RequestResponse", 6 * 1024 * 1024), ("Event", 1024 * 1024)])
def test_an_event_over_the_limit(functions: Any, create: Create, kind: str, limit: int) -> None:
    name = create()
    most = json.dumps("x" * (limit - 2)).encode()
    assert functions.invoke(FunctionName=name, Payload=most, InvocationType=kind)["StatusCode"] in (200, 202)
    found = code_of(lambda: functions.invoke(FunctionName=name, Payload=most + b" ", InvocationType=kind))
    assert found[:2] == (413, "RequestEntityTooLargeException")
    assert str(limit) in found[2]


def test_a_function_that_does_not_exist(functions: Any) -> None:
    response = refused(lambda: functions.invoke(FunctionName="nowhere"))
    assert response["Error"]["Message"] == f"Function not found: {ARN}nowhere:$LATEST"
    assert response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"] == "ResourceNotFoundException"
    assert code_of(lambda: functions.invoke(FunctionName="nowhere", Qualifier="7"))[0] == 404


def test_handlers_use_plain_boto3(functions: Any, create: Create) -> None:
    source = """
import boto3
def handler(event, context):
    me = boto3.client("sts").get_caller_identity()["Account"]
    names = [f["FunctionName"] for f in boto3.client("lambda").list_functions()["Functions"]]
    return [me, context.function_name in names]
"""
    answer = functions.invoke(FunctionName=create(source, Timeout=60))
    assert json.load(answer["Payload"]) == ["000000000000", True]


def test_a_trace_is_passed_on(functions: Any, create: Create, lab: Lab) -> None:
    name = create("import os\ndef handler(e, c): return os.environ['_X_AMZN_TRACE_ID']")
    answer = functions.invoke(FunctionName=name)
    made = json.load(answer["Payload"])
    assert re.fullmatch(
        r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0;Lineage=[0-9a-f]{8}:1", made
    )
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-trace-id"] == made
    given = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
    path = f"/2015-03-31/functions/{name}/invocations"
    seen = lab.connection.request("lambda", "POST", path, headers={"x-amzn-trace-id": given}).json()
    assert seen == f"{given};{made.rpartition(';')[2]}"


def test_invoke_async(functions: Any, create: Create, lab: Lab) -> None:
    name = create()
    answer = functions.invoke_async(FunctionName=name, InvokeArgs=b'{"n": 1}')
    assert (answer["Status"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (202, 202)
    lab.settle()
    assert len(lab.function(name).invocations()) == 1


@pytest.mark.parametrize(
    ("source", "chunks", "complete"),
    [
        ("def handler(e, c): return {'a': 1}", [b'{"a": 1}'], None),
        ("def handler(e, c): 1 / 0", [], "Unhandled"),
    ],
)
def test_a_response_stream(
    functions: Any, create: Create, source: str, chunks: list[bytes], complete: str | None
) -> None:
    answer = functions.invoke_with_response_stream(FunctionName=create(source), LogType="Tail")
    assert answer["ExecutedVersion"] == "$LATEST"
    events = list(answer["EventStream"])
    assert [event["PayloadChunk"]["Payload"] for event in events[:-1]] == chunks
    last = events[-1]["InvokeComplete"]
    assert last.get("ErrorCode") == complete
    assert b"REPORT RequestId" in base64.b64decode(last["LogResult"])
    assert ("ZeroDivisionError" in last.get("ErrorDetails", "")) is (complete is not None)


STREAMING = """
const { setTimeout: sleep } = require("node:timers/promises");
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  for (let n = 0; n < event.parts; n++) {
    stream.write(`part ${n};`);
    await sleep(event.pause_ms);
  }
  if (event.fail) throw new Error("half way");
  stream.end();
});
"""


@pytest.fixture
def streaming(create: Create, lab: Lab) -> str:
    if not any(name.startswith("nodejs") for name in lab.status()["runtimes"]):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("this machine has no Node.js")
    return create(
        Runtime="nodejs22.x", Handler="f.handler", Code={"ZipFile": zip_files({"f.js": STREAMING.encode()})}
    )


def test_a_streamed_answer_comes_part_by_part(functions: Any, streaming: str) -> None:
    event = json.dumps({"parts": 3, "pause_ms": 300})
    answer = functions.invoke_with_response_stream(FunctionName=streaming, LogType="Tail", Payload=event)
    came = [(time.monotonic(), part) for part in answer["EventStream"]]
    assert [part["PayloadChunk"]["Payload"] for _, part in came[:-1]] == [b"part 0;", b"part 1;", b"part 2;"]
    assert all(later[0] - sooner[0] > 0.1 for sooner, later in itertools.pairwise(came))
    assert b"REPORT RequestId" in base64.b64decode(came[-1][1]["InvokeComplete"]["LogResult"])


def test_a_stream_that_fails_half_way_says_so_at_its_end(functions: Any, streaming: str) -> None:
    event = json.dumps({"parts": 1, "pause_ms": 0, "fail": True})
    *parts, last = functions.invoke_with_response_stream(FunctionName=streaming, Payload=event)["EventStream"]
    assert [part["PayloadChunk"]["Payload"] for part in parts] == [b"part 0;"]
    assert last["InvokeComplete"]["ErrorCode"] == "Unhandled"
    assert json.loads(last["InvokeComplete"]["ErrorDetails"])["errorMessage"] == "half way"


def test_a_streaming_function_that_is_plainly_invoked(functions: Any, streaming: str) -> None:
    answer = functions.invoke(FunctionName=streaming, Payload=json.dumps({"parts": 2, "pause_ms": 0}))
    assert answer["Payload"].read() == b"part 0;part 1;"
    failed = functions.invoke(
        FunctionName=streaming, Payload=json.dumps({"parts": 2, "pause_ms": 0, "fail": 1})
    )
    assert failed["FunctionError"] == "Unhandled"


def test_a_stream_that_nobody_reads_runs_on(functions: Any, streaming: str, lab: Lab) -> None:
    event = json.dumps({"parts": 3, "pause_ms": 100})
    functions.invoke_with_response_stream(FunctionName=streaming, Payload=event)["EventStream"].close()
    deadline = time.monotonic() + 10
    while not lab.function(streaming).invocations():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert lab.function(streaming).invocations()[0].report.status == "success"


def test_a_function_that_cannot_run_refuses_the_stream(functions: Any, streaming: str) -> None:
    functions.put_function_concurrency(FunctionName=streaming, ReservedConcurrentExecutions=0)
    found = code_of(lambda: functions.invoke_with_response_stream(FunctionName=streaming))
    assert found[:2] == (429, "TooManyRequestsException")


def test_the_retries_that_a_function_wants(functions: Any, create: Create, lab: Lab) -> None:
    name = create("def handler(e, c): 1 / 0")
    functions.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    functions.invoke(FunctionName=name, InvocationType="Event")
    lab.settle()
    assert lab.status()["queue"]["waiting"] == 0
    assert len(lab.function(name).invocations()) == 1


# ----------------------------------------------------------------------------------------------- logs

LOGGING = """
import logging, json
logging.getLogger().info("by the logger", extra={"order": 7})
logging.getLogger().debug("too quiet")
def handler(event, context):
    print("by print")
    print(json.dumps({"level": "DEBUG", "message": "its own level"}))
    if event:
        try:
            1 / 0
        except ZeroDivisionError:
            logging.exception("caught")
        raise KeyError("uncaught")
"""


def logged(lab: Lab, name: str) -> list[Any]:
    """The function's log; JSON events read."""
    events = lab.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    return [json.loads(e["message"]) if e["message"].startswith("{") else e["message"] for e in events]


def test_json_logs(functions: Any, create: Create, lab: Lab) -> None:
    name = create(LOGGING, LoggingConfig={"LogFormat": "JSON"})
    request_id = functions.invoke(FunctionName=name)["ResponseMetadata"]["RequestId"]
    start, record, begin, printed, report = logged(lab, name)
    assert [item["type"] for item in (start, begin, report)] == [
        "platform.initStart",
        "platform.start",
        "platform.report",
    ]
    assert {**record, "timestamp": ""} == {
        "timestamp": "",
        "level": "INFO",
        "message": "by the logger",
        "logger": "root",
        "requestId": "",
        "order": 7,
    }
    assert printed == "by print"
    assert report["record"]["requestId"] == request_id
    assert lab.function(name).invoke(None).report is not None  # read from JSON as well


def test_errors_in_json_logs(functions: Any, create: Create, lab: Lab) -> None:
    name = create(
        LOGGING, LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "ERROR", "SystemLogLevel": "WARN"}
    )
    functions.invoke(FunctionName=name, Payload=b"1")
    caught, uncaught, done, report = logged(lab, name)
    assert (caught["message"], caught["errorType"]) == ("caught", "ZeroDivisionError")
    assert (uncaught["log_level"], uncaught["errorType"]) == ("ERROR", "KeyError")
    assert [item["record"]["status"] for item in (done, report)] == ["error", "error"]
