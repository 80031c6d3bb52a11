"""Python environments as Lambda's: results, errors, logs, context, resets. Real processes throughout."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import os
from pathlib import Path
from typing import Any

import psutil
import pytest

from lablambda.model.invocation import Outcome
from lablambda.runtimes.python.runtime import runtime_packages
from tests.runtimes.conftest import Bench

pytestmark = pytest.mark.anyio
ECHO = "def handler(event, context): return event\n"


def error(outcome: Outcome) -> dict[str, Any]:
    assert outcome.function_error == "Unhandled"
    body: dict[str, Any] = json.loads(outcome.payload)
    return body


# -------------------------------------------------------------------------------------- results


@pytest.mark.parametrize(
    "event",
    [
        None,
        True,
        1,
        2**70,
        1.5,
        "text",
        "é \u2028 \U0001f600",
        [],
        {},
        {"a": [1, {"b": None}]},
        "x" * 3_000_000,
    ],
)
async def test_any_json_goes_through(bench: Bench, event: Any) -> None:
    outcome = await bench.invoke(bench.function(ECHO), event)
    assert outcome.function_error is None
    assert json.loads(outcome.payload) == event


async def test_bytes_are_sent_verbatim(bench: Bench) -> None:
    outcome = await bench.invoke(bench.function("def handler(e, c): return b'\\x00\\xff'"))
    assert outcome.payload == b"\x00\xff"


async def test_decimals_keep_every_digit(bench: Bench) -> None:
    source = (
        "from decimal import Decimal\ndef handler(e, c): return {'n': Decimal('12345678901234567890.10')}"
    )
    assert (await bench.invoke(bench.function(source))).payload == b'{"n": 12345678901234567890.10}'


async def test_a_lone_surrogate_stays_json(bench: Bench) -> None:
    outcome = await bench.invoke(bench.function("def handler(e, c): return '\\ud800'"))
    assert outcome.payload == b'"\\ud800"'


@pytest.mark.parametrize("result", ["{1, 2}", "object()", "{(1, 2): 3}"])
async def test_what_is_no_json(bench: Bench, result: str) -> None:
    told = error(await bench.invoke(bench.function(f"def handler(e, c): return {result}")))
    assert told["errorType"] == "Runtime.MarshalError"
    assert told["errorMessage"].startswith("Unable to marshal response: ")


async def test_a_coroutine_is_not_awaited(bench: Bench) -> None:
    told = error(await bench.invoke(bench.function("async def handler(e, c): return 1")))
    assert told["errorType"] == "Runtime.MarshalError"


async def test_a_response_over_the_limit(bench: Bench) -> None:
    outcome = await bench.invoke(bench.function("def handler(e, c): return 'x' * (6 * 1024 * 1024 + 200)"))
    assert error(outcome) == {
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        "errorType": "Function.ResponseSizeTooLarge",
    }


# --------------------------------------------------------------------------------------- errors


async def test_an_exception_is_told_in_the_handlers_own_lines(bench: Bench) -> None:
    source = "def handler(event, context):\n    return deeper(event)\ndef deeper(event):\n    raise ValueError('boom')\n"
    outcome = await bench.invoke(bench.function(source), {}, request_id="r-1")
    assert list(error(outcome).items()) == [
        ("errorMessage", "boom"),
        ("errorType", "ValueError"),
        ("requestId", "r-1"),
        (
            "stackTrace",
            [
                '  File "/var/task/f.py", line 2, in handler\n    return deeper(event)\n',
                "  File \"/var/task/f.py\", line 4, in deeper\n    raise ValueError('boom')\n",
            ],
        ),
    ]


@pytest.mark.parametrize(
    ("source", "handler", "kind", "message"),
    [
        ("import nowhere", "f.handler", "Runtime.ImportModuleError", "Unable to import module 'f': No module named 'nowhere'"),
        ("x = 1", "f.handler", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'f'"),
        ("x = 1", "handler", "Runtime.MalformedHandlerName", "Bad handler 'handler': not enough values to unpack (expected 2, got 1)"),
        ("x = 1", "sys.exit", "Runtime.BuiltInModuleConflict", "Cannot use built-in module sys as a handler module"),
        ("x = 1", "g.handler", "Runtime.ImportModuleError", "Unable to import module 'g': No module named 'g'"),
        ("raise KeyError('k')", "f.handler", "KeyError", "'k'"),
    ],
)  # fmt: skip
async def test_init_errors(bench: Bench, source: str, handler: str, kind: str, message: str) -> None:
    told = error(await bench.invoke(bench.function(source, handler=handler)))
    assert (told["errorType"], told["errorMessage"], told["requestId"]) == (kind, message, "")


async def test_a_syntax_error_names_the_line(bench: Bench) -> None:
    told = error(await bench.invoke(bench.function("x = 1\ndef handler(:\n")))
    assert told["errorType"] == "Runtime.UserCodeSyntaxError"
    assert "line 2" in told["errorMessage"]


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("sys.exit(0)", "Runtime exited without providing a reason"),
        ("sys.exit(7)", "Runtime exited with error: exit status 7"),
        ("exit(7)", "Runtime exited with error: exit status 7"),
        ("quit()", "Runtime exited without providing a reason"),
        ("os._exit(127)", "Runtime exited with error: exit status 127"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
        ("os.abort()", "Runtime exited with error: signal: aborted"),
    ],
)
async def test_a_process_that_ends(bench: Bench, end: str, words: str) -> None:
    version = bench.function(f"import os, sys\ndef handler(e, c):\n    if e: {end}\n    return 'well'\n")
    outcome = await bench.invoke(version, 1, request_id="r-2")
    assert error(outcome) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: r-2 Error: {words}",
    }
    assert "\tStatus: error\tError Type: Runtime.ExitError" in outcome.log_tail(4096).decode()
    assert json.loads((await bench.invoke(version, 0)).payload) == "well"


async def test_a_timeout(bench: Bench) -> None:
    version = bench.function("def handler(e, c):\n    while e: pass\n    return 'well'\n", timeout=1)
    outcome = await bench.invoke(version, 1, request_id="r-3")
    assert error(outcome) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: r-3 Error: Task timed out after 1.00 seconds",
    }
    assert outcome.report.status == "timeout"
    assert 1000 <= outcome.report.duration_ms < 2500
    assert json.loads((await bench.invoke(version, 0)).payload) == "well"


# ---------------------------------------------------------------------------- one environment's life

COUNT = """
import os
count = 0
def handler(event, context):
    global count
    count += 1
    path = os.environ["TMPDIR"] + "/kept"
    kept = os.path.exists(path)
    open(path, "w").close()
    if event == "exit": os._exit(1)
    if event == "raise": raise ValueError
    return [count, kept, os.getpid()]
"""


async def test_globals_last_until_a_reset_and_tmp_beyond_it(bench: Bench) -> None:
    version = bench.function(COUNT)
    first = json.loads((await bench.invoke(version)).payload)
    await bench.invoke(version, "raise")  # an ordinary exception resets nothing
    third = json.loads((await bench.invoke(version)).payload)
    await bench.invoke(version, "exit")
    after = await bench.invoke(version)
    assert first[:2] == [1, False]
    assert third == [3, True, first[2]]
    count, kept, pid = json.loads(after.payload)
    assert (count, kept) == (1, True)
    assert pid != first[2]


async def test_the_init_after_a_reset_is_suppressed(bench: Bench) -> None:
    version = bench.function(COUNT)
    cold = (await bench.invoke(version)).log_tail(4096).decode()
    await bench.invoke(version, "exit")
    after = await bench.invoke(version)
    assert cold.startswith("INIT_START Runtime Version: python:3.")
    assert "\tInit Duration: " in cold
    assert "INIT" not in after.log_tail(4096).decode()
    assert after.report.init_ms is None


async def test_one_that_died_while_idle_is_reset(bench: Bench) -> None:
    version = bench.function(COUNT)
    _, _, pid = json.loads((await bench.invoke(version)).payload)
    psutil.Process(pid).kill()
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=5)
    outcome = await bench.invoke(version)
    assert outcome.function_error is None
    assert json.loads(outcome.payload)[:2] == [1, True]


async def test_requests_at_once_have_environments_of_their_own(bench: Bench) -> None:
    version = bench.function(
        "import os, time\ndef handler(e, c):\n    time.sleep(0.2)\n    return os.getpid()"
    )
    outcomes = await asyncio.gather(*(bench.invoke(version) for _ in range(8)))
    assert len({outcome.payload for outcome in outcomes}) == 8
    assert all(outcome.report.cold for outcome in outcomes)
    assert not (await bench.invoke(version)).report.cold


async def test_what_a_handler_started_ends_with_it(bench: Bench) -> None:
    source = """
import os, subprocess, sys
def handler(event, context):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
    if event: os._exit(1)
    return child.pid
"""
    version = bench.function(source)
    pid = json.loads((await bench.invoke(version)).payload)
    strangers = psutil.Process(pid)
    await bench.invoke(version, 1)
    _, alive = psutil.wait_procs([strangers], timeout=5)
    assert not alive


# ---------------------------------------------------------------------------------------- logs

LOGS = """
import logging, sys
def handler(event, context):
    print("plain")
    print("to stderr", file=sys.stderr)
    logging.warning("two\\nlines")
    logging.info("not shown")
    context.log("raw\\nlines")
    print("no newline", end="")
"""


async def test_prints_and_records_in_order(bench: Bench) -> None:
    outcome = await bench.invoke(bench.function(LOGS), {}, request_id="r-4")
    lines = outcome.log_tail(4096).decode().splitlines()
    assert lines[0].startswith("INIT_START ")
    assert lines[1] == "START RequestId: r-4 Version: $LATEST"
    assert lines[2:4] == ["plain", "to stderr"]
    assert lines[4].startswith("[WARNING]\t20")
    assert lines[4].endswith("Z\tr-4\ttwo")
    assert lines[5:10] == ["lines", "raw", "lines", "no newline", "END RequestId: r-4"]
    assert lines[10].startswith("REPORT RequestId: r-4\tDuration: ")


async def test_what_the_context_logs_is_an_event(bench: Bench) -> None:
    bench.lines.clear()
    source = """
import logging
def handler(event, context):
    context.log("two\\nlines")
    context.log(3)
    logging.getLogger().handlers.clear()
    context.log("plain, ")
    context.log("as printed")
"""
    await bench.invoke(bench.function(source))
    assert [line for line in bench.lines if "RequestId" not in line][1:] == [
        "two\nlines",
        "3",
        "plain, as printed",
    ]


async def test_an_uncaught_exception_is_one_event(bench: Bench) -> None:
    bench.lines.clear()
    await bench.invoke(bench.function("def handler(e, c):\n    raise ValueError('boom')\n"))
    (event,) = [line for line in bench.lines if line.startswith("[ERROR]")]
    assert event == (
        "[ERROR] ValueError: boom\nTraceback (most recent call last):\n"
        "\u00a0\u00a0File \"/var/task/f.py\", line 2, in handler\n\u00a0\u00a0\u00a0\u00a0raise ValueError('boom')"
    )


async def test_an_error_without_a_trace_has_its_heading_all_the_same(bench: Bench) -> None:
    bench.lines.clear()
    await bench.invoke(bench.function("import nowhere"))
    (event,) = [line for line in bench.lines if line.startswith("[ERROR]")]
    assert event == (
        "[ERROR] Runtime.ImportModuleError: Unable to import module 'f': No module named 'nowhere'\n"
        "Traceback (most recent call last):"
    )


async def test_the_tail_is_the_last_4_kb(bench: Bench) -> None:
    outcome = await bench.invoke(
        bench.function("def handler(e, c):\n    for i in range(2000): print('line', i)\n")
    )
    assert len(outcome.log_tail(4096)) == 4096
    assert b"line 1999\nEND" in outcome.log_tail(4096)


async def test_a_flood_of_output_arrives_whole(bench: Bench) -> None:
    bench.lines.clear()
    await bench.invoke(
        bench.function("def handler(e, c):\n    for i in range(20000): print('n', i)\n", timeout=30)
    )
    assert [line for line in bench.lines if line.startswith("n ")] == [f"n {i}" for i in range(20000)]


# -------------------------------------------------------------------------------- what a handler sees


async def test_a_printed_context(bench: Bench) -> None:
    source = "def handler(event, context): return [str(context), context.log_stream_name]"
    client = json.dumps({"client": {"app_title": "t"}, "custom": {"k": 1}})
    outcome = await bench.invoke(bench.function(source), request_id="r-6", client_context=client)
    shown, stream = json.loads(outcome.payload)
    assert shown == (
        f"LambdaContext([aws_request_id=r-6,log_group_name=/aws/lambda/f,log_stream_name={stream},"
        "function_name=f,memory_limit_in_mb=256,function_version=$LATEST,"
        "invoked_function_arn=arn:aws:lambda:us-east-1:000000000000:function:f,"
        "client_context=ClientContext([custom={'k': 1},env=None,client=Client([installation_id=None,"
        "app_title=t,app_version_name=None,app_version_code=None,app_package_name=None])]),"
        "identity=CognitoIdentity([cognito_identity_id=None,cognito_identity_pool_id=None]),tenant_id=None])"
    )


CONTEXT = """
import os
def handler(event, context):
    return {
        "env": dict(os.environ),
        "cwd": os.getcwd(),
        "fds": sorted(int(fd) for fd in os.listdir("/proc/self/fd")),
        "context": [
            context.function_name, context.function_version, context.invoked_function_arn,
            context.memory_limit_in_mb, context.aws_request_id, context.log_group_name,
            context.log_stream_name, context.identity.cognito_identity_id, context.tenant_id,
        ],
        "remaining": context.get_remaining_time_in_millis(),
        "client": context.client_context and [context.client_context.custom, context.client_context.client.app_title],
        "stdin": os.read(0, 1).decode(),
        "parent": os.getppid(),
    }
"""


async def test_the_context(bench: Bench) -> None:
    client = json.dumps({"client": {"app_title": "app"}, "custom": {"k": "v"}})
    seen = json.loads(
        (await bench.invoke(bench.function(CONTEXT), {}, request_id="r-5", client_context=client)).payload
    )
    env = seen["env"]
    assert seen["context"] == [
        "f", "$LATEST", "arn:aws:lambda:us-east-1:000000000000:function:f", "256", "r-5",
        "/aws/lambda/f", env["AWS_LAMBDA_LOG_STREAM_NAME"], None, None,
    ]  # fmt: skip
    assert 2000 < seen["remaining"] <= 3000
    assert seen["client"] == [{"k": "v"}, "app"]
    assert seen["cwd"] == env["LAMBDA_TASK_ROOT"]
    assert seen["stdin"] == ""


async def test_nothing_of_the_labs_own_reaches_a_handler(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_LAB", "x")
    seen = json.loads((await bench.invoke(bench.function(CONTEXT))).payload)
    assert set(seen["env"]) == {
        "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_REGION", "AWS_XRAY_CONTEXT_MISSING", "GREETING", "HOME",
        "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "LANG", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH",
        "TMPDIR", "TZ", "_HANDLER", "_X_AMZN_TRACE_ID",
    }  # fmt: skip
    assert set(seen["fds"]) <= {0, 1, 2, 3, 4}  # 4 is the listing's own
    zygote = Path(f"/proc/{seen['parent']}/environ").read_text()
    assert "SECRET_OF_THE_LAB" not in zygote
    assert os.environ["HOME"] not in zygote


async def test_boto3_is_there_and_the_labs_own_packages_are_not(bench: Bench) -> None:
    source = """
import importlib.util, boto3
def handler(event, context):
    found = {name: importlib.util.find_spec(name) is not None for name in ("moto", "lablambda", "IPython", "pip")}
    return [boto3.__name__, found]
"""
    assert json.loads((await bench.invoke(bench.function(source))).payload) == [
        "boto3",
        {"moto": False, "lablambda": False, "IPython": False, "pip": False},
    ]


async def test_a_python_that_the_handler_starts_finds_boto3(bench: Bench) -> None:
    source = """
import subprocess, sys
def handler(event, context):
    command = [sys.executable, "-c", "import boto3; print(boto3.__version__)"]
    return subprocess.check_output(command, text=True).strip()
"""
    outcome = await bench.invoke(bench.function(source, timeout=20))
    assert json.loads(outcome.payload) == importlib.metadata.version("boto3")


async def test_a_python_path_of_the_functions_own(bench: Bench) -> None:
    source = "import elsewhere, inside\ndef handler(e, c): return [elsewhere.VALUE, inside.VALUE]"
    files = {"vendor/inside.py": "VALUE = 6", "other/elsewhere.py": "VALUE = 5"}
    version = bench.function(source, files=files)
    version.configuration["Environment"]["Variables"]["PYTHONPATH"] = "vendor:other"
    assert json.loads((await bench.invoke(version)).payload) == [5, 6]


async def test_its_packages_know_their_versions(bench: Bench) -> None:
    source = """
from importlib.metadata import version
def handler(event, context): return {name: version(name) for name in event}
"""
    names = ["boto3", "botocore", "python-dateutil", "urllib3"]
    outcome = await bench.invoke(bench.function(source), names)
    assert json.loads(outcome.payload) == {name: importlib.metadata.version(name) for name in names}


def test_packages_of_another_installation_are_forgotten(tmp_path: Path) -> None:
    for name in ("boto3", "boto3-1.0.dist-info", "gone"):
        (tmp_path / name).symlink_to(tmp_path / "elsewhere" / name)
    (tmp_path / "__pycache__").mkdir()  # of six, which is a lone file
    shown = {entry.name for entry in runtime_packages(runtime_packages(tmp_path)).iterdir()}
    assert (tmp_path / "boto3" / "__init__.py").exists()
    assert f"boto3-{importlib.metadata.version('boto3')}.dist-info" in shown
    assert shown.isdisjoint({"gone", "boto3-1.0.dist-info"})


async def test_a_functions_own_boto3_comes_first(bench: Bench) -> None:
    version = bench.function(
        "import boto3\ndef handler(e, c): return boto3.MINE", files={"boto3.py": "MINE = 'mine'"}
    )
    assert json.loads((await bench.invoke(version)).payload) == "mine"


@pytest.mark.parametrize("same", [True, False])
async def test_the_same_jmespath_leaves_boto3_loaded(bench: Bench, same: bool) -> None:
    number = importlib.metadata.version("jmespath") if same else "0.1"
    source = """
import sys
loaded = "botocore.session" in sys.modules
import jmespath
def handler(event, context): return [loaded, hasattr(jmespath, "MINE")]
"""
    files = {"jmespath/__init__.py": "MINE = 1", f"jmespath-{number}.dist-info/METADATA": ""}
    version = bench.function(source, files=files)
    assert json.loads((await bench.invoke(version)).payload) == ([True, False] if same else [False, True])


async def test_the_package_is_the_first_on_the_path(bench: Bench) -> None:
    version = bench.function(
        "from pkg.mod import VALUE\ndef handler(e, c): return VALUE",
        handler="pkg/entry.handler",
        files={"pkg/__init__.py": "", "pkg/mod.py": "VALUE = 5", "pkg/entry.py": "from f import handler"},
    )
    assert json.loads((await bench.invoke(version)).payload) == 5


async def test_randomness_differs_between_environments(bench: Bench) -> None:
    version = bench.function(
        "import random, time, uuid\ndef handler(e, c):\n    time.sleep(0.1)\n    return [random.random(), str(uuid.uuid4())]"
    )
    outcomes = await asyncio.gather(*(bench.invoke(version) for _ in range(4)))
    assert len({outcome.payload for outcome in outcomes}) == 4


async def test_a_redeployed_version_has_new_environments(bench: Bench) -> None:
    old = bench.function(COUNT)
    _, _, pid = json.loads((await bench.invoke(old)).payload)
    process = psutil.Process(pid)
    bench.host.retire(old)
    _, alive = await asyncio.to_thread(psutil.wait_procs, [process], 5)
    assert not alive


async def test_the_scratch_folder_goes_with_its_environment(bench: Bench) -> None:
    version = bench.function("def handler(e, c): open('/tmp/mine', 'w').close()")
    await bench.invoke(version)

    def scratch() -> list[Path]:
        return list((bench.folder / "environments").glob("*/tmp/mine"))

    assert len(scratch()) == 1
    bench.host.retire(version)
    for _ in range(100):
        if not scratch():
            break
        await asyncio.sleep(0.02)
    assert not scratch()
