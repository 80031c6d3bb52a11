"""Functions that bring their own runtime, in shell, Go and Rust, with AWS's own client, and wrongly; and
extensions beside functions of every kind."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lablambda.model.function import Version
from lablambda.model.invocation import Outcome
from lablambda.model.package import Layer
from lablambda.packaging import maven
from lablambda.packaging.zips import zip_files
from lablambda.runtimes.java import jdks
from lablambda.runtimes.java.compiler import JavaCompiler
from lablambda.runtimes.python.runtime import OWN
from tests.runtimes.conftest import Bench
from tests.runtimes.test_node import Sink

pytestmark = pytest.mark.anyio
SOURCES = Path(__file__).with_name("bootstraps")


def function(bench: Bench, bootstrap: str | bytes, **more: Any) -> Version:
    more.setdefault("handler", "any.thing")
    return bench.function(files={"bootstrap": bootstrap}, runtime="provided.al2023", **more)


def error(outcome: Outcome) -> tuple[str, str]:
    assert outcome.function_error == "Unhandled"
    told = json.loads(outcome.payload)
    return told["errorType"], told["errorMessage"].partition("Error: ")[2] or told["errorMessage"]


def python(body: str) -> str:
    """A bootstrap in Python: `get` and `post` ask the Runtime API."""
    return f"""#!{sys.executable}
import http.client, json, os, sys, time
def call(method, path, body=None, headers={{}}):
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    api.request(method, "/2018-06-01/runtime/" + path, body, headers)
    answer = api.getresponse()
    return answer.status, answer.headers, answer.read()
def next_event():
    _, headers, body = call("GET", "invocation/next")
    return headers["Lambda-Runtime-Aws-Request-Id"], body
{body}
"""


SHELL = """#!/bin/bash
set -euo pipefail
while true; do
  headers="$(mktemp)"
  event=$(curl -sS -D "$headers" "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next")
  id=$(grep -i lambda-runtime-aws-request-id "$headers" | tr -d '[:space:]' | cut -d: -f2)
  echo "handling $event"
  curl -sS -X POST "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$id/response" -d "[$event]"
done
"""


@pytest.mark.skipif(shutil.which("curl") is None, reason="the shell bootstrap asks with curl")
async def test_a_bootstrap_in_shell(bench: Bench) -> None:
    version = function(bench, SHELL, handler="shell")
    outcomes = [await bench.invoke(version, {"n": n}) for n in range(3)]
    assert [json.loads(outcome.payload) for outcome in outcomes] == [[{"n": 0}], [{"n": 1}], [{"n": 2}]]
    assert 'handling {"n": 0}' in outcomes[0].log
    assert [outcome.report.cold for outcome in outcomes] == [True, False, False]


@pytest.mark.parametrize(
    ("tool", "command", "source"),
    [
        ("go", ["go", "build", "-o", "bootstrap", "main.go"], "main.go"),
        ("rustc", ["rustc", "-O", "-o", "bootstrap", "main.rs"], "main.rs"),
    ],
)
async def test_a_bootstrap_that_is_compiled(
    bench: Bench, tmp_path: Path, tool: str, command: list[str], source: str
) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"there is no {tool} on the PATH")
    shutil.copy(SOURCES / source, tmp_path)
    environment = os.environ | {"GO111MODULE": "off", "CGO_ENABLED": "0", "GOFLAGS": ""}
    build = await asyncio.to_thread(
        subprocess.run, command, cwd=tmp_path, env=environment, capture_output=True, check=False
    )
    assert build.returncode == 0, build.stderr
    (tmp_path / "bootstrap").chmod(0o755)
    data = await asyncio.to_thread(_zip_of, tmp_path / "bootstrap")
    version = replace(function(bench, b"#!"), package=bench.store.add(data))
    for n in range(2):
        assert json.loads((await bench.invoke(version, {"n": n})).payload) == {"got": {"n": n}}
    assert error(await bench.invoke(version, "fail")) == ("Function.Refused", "asked to fail")


def _zip_of(file: Path) -> bytes:
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.write(file, file.name)
    return buffer.getvalue()


async def test_awss_own_client_for_python(bench: Bench) -> None:
    """`python -m awslambdaric`, as it comes from PyPI, finds all it needs."""
    ric = pytest.importorskip("awslambdaric")
    home = Path(ric.__file__).parent.parent
    bootstrap = f"#!/bin/sh\nPYTHONPATH={home} exec {sys.executable} -m awslambdaric app.handler\n"
    app = """
import os
def handler(event, context):
    print("in the handler")
    if event.get("fail"): raise ValueError("no")
    return [event, context.aws_request_id, context.function_name, context.get_remaining_time_in_millis() > 0]
"""
    version = bench.function(
        files={"bootstrap": bootstrap, "app.py": app},
        runtime="provided.al2023",
        handler="app.handler",
        timeout=20,
    )
    for _ in range(2):
        outcome = await bench.invoke(version, {"n": 1}, request_id="r-7")
        assert json.loads(outcome.payload) == [{"n": 1}, "r-7", "f", True]
    assert "in the handler" in outcome.log
    failed = json.loads((await bench.invoke(version, {"fail": 1})).payload)
    assert (failed["errorType"], failed["errorMessage"]) == ("ValueError", "no")
    assert error(await bench.invoke(replace_handler(bench, version, "app.missing"), {})) == (
        "Runtime.HandlerNotFound",
        "Handler 'missing' missing on module 'app'",
    )


async def test_awss_own_client_for_java(bench: Bench) -> None:
    """The jar from Maven Central, started as its own guide says."""
    java = next(iter(jdks.find()), None)
    if java is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("this machine has no Java")
    compiler = JavaCompiler()
    try:
        classes = (await compiler.compile(ECHO, java.major)).classes
    finally:
        await compiler.close()
    jars = {f"lib/{jar.name}": jar.read_bytes() for jar in maven.jars(maven.RUNTIME)}
    main = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda"
    bootstrap = f"#!/bin/sh\nexec {java.java} -cp 'lib/*:.' {main} Echo\n"
    version = bench.function(
        files={"bootstrap": bootstrap, **jars, **classes},
        runtime="provided.al2023",
        handler="Echo",
        timeout=20,
    )
    for n in range(2):
        assert json.loads((await bench.invoke(version, {"n": n}, request_id="r-5")).payload) == {
            "n": n,
            "id": "r-5",
        }
    told = json.loads((await bench.invoke(version, {"fail": 1})).payload)
    assert (told["errorType"], told["errorMessage"]) == ("java.lang.IllegalStateException", "no")


ECHO = """
import com.amazonaws.services.lambda.runtime.*;
import java.util.*;
public class Echo implements RequestHandler<Map<String, Object>, Object> {
    public Object handleRequest(Map<String, Object> event, Context context) {
        if (event.containsKey("fail")) throw new IllegalStateException("no");
        Map<String, Object> told = new LinkedHashMap<>(event);
        told.put("id", context.getAwsRequestId());
        return told;
    }
}
"""


async def test_awss_own_client_for_node(bench: Bench) -> None:
    """npm's aws-lambda-ric compiles C++ when it is installed, so it is tried where somebody has done that."""
    modules = os.environ.get("LABLAMBDA_TEST_NODE_RIC")
    if modules is None:
        pytest.skip("install npm's aws-lambda-ric and name its node_modules in LABLAMBDA_TEST_NODE_RIC")
    bootstrap = f"#!/bin/sh\nexec node {modules}/aws-lambda-ric/bin/index.mjs index.handler\n"
    source = "exports.handler = async (event, context) => { if (event.fail) throw new RangeError('no'); return [event, context.awsRequestId]; };"
    version = bench.function(
        files={"bootstrap": bootstrap, "index.js": source},
        runtime="provided.al2023",
        handler="index.handler",
        timeout=20,
    )
    for n in range(2):
        assert json.loads((await bench.invoke(version, {"n": n}, request_id="r-6")).payload) == [
            {"n": n},
            "r-6",
        ]
    told = json.loads((await bench.invoke(version, {"fail": 1})).payload)
    assert (told["errorType"], told["errorMessage"]) == ("RangeError", "no")


def replace_handler(bench: Bench, version: Version, handler: str) -> Version:
    files = {path.name: path.read_bytes() for path in _files(bench, version)}
    files["bootstrap"] = files["bootstrap"].replace(b"app.handler", handler.encode())
    return bench.function(files=files, runtime="provided.al2023", handler=handler, timeout=20)


def _files(bench: Bench, version: Version) -> list[Path]:
    return [path for path in bench.store.folder(version.package).iterdir() if path.is_file()]


# --------------------------------------------------------------------------------------------- wrong


async def test_no_bootstrap(bench: Bench) -> None:
    version = bench.function(files={"index.js": "1"}, runtime="provided.al2023")
    assert error(await bench.invoke(version)) == (
        "Runtime.InvalidEntrypoint",
        "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
    )


@pytest.mark.parametrize(
    ("bootstrap", "why"),
    [
        ("not a script", "permission denied"),  # no #!, so it isn't executable
        ("#!/no/such/interpreter\n", "no such file or directory"),
        ("#!\n", "exec format error"),
    ],
)
async def test_a_bootstrap_that_cannot_be_run(bench: Bench, bootstrap: str, why: str) -> None:
    version = function(bench, bootstrap)
    for _ in range(2):
        assert error(await bench.invoke(version)) == (
            "Runtime.InvalidEntrypoint",
            f"fork/exec /var/task/bootstrap: {why}",
        )


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("exit 0", "Runtime exited without providing a reason"),
        ("exit 9", "Runtime exited with error: exit status 9"),
        ("kill -9 $$", "Runtime exited with error: signal: killed"),
    ],
)
async def test_a_bootstrap_that_exits_at_once(bench: Bench, end: str, words: str) -> None:
    outcome = await bench.invoke(function(bench, f"#!/bin/sh\necho going\n{end}\n"))
    assert error(outcome) == ("Runtime.ExitError", words)
    assert "going" in outcome.log


async def test_a_bootstrap_that_never_asks(bench: Bench) -> None:
    outcome = await bench.invoke(function(bench, "#!/bin/sh\nexec sleep 60\n", timeout=1))
    assert error(outcome) == ("Sandbox.Timedout", "Task timed out after 1.00 seconds")


async def test_a_bootstrap_that_never_answers(bench: Bench) -> None:
    version = function(bench, python("next_event()\ntime.sleep(60)"), timeout=1)
    assert error(await bench.invoke(version)) == ("Sandbox.Timedout", "Task timed out after 1.00 seconds")


async def test_a_bootstrap_that_ends_after_each_event(bench: Bench) -> None:
    once = "id, body = next_event()\ncall('POST', f'invocation/{id}/response', body)"
    version = function(bench, python(once))
    for n in range(3):
        assert json.loads((await bench.invoke(version, n)).payload) == n


async def test_a_bootstrap_that_asks_and_is_gone_before_the_event(bench: Bench) -> None:
    """The next one would do the same: the event isn't tried for ever."""
    asks = python("""
import socket
host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
api = socket.create_connection((host, int(port)))
api.sendall(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n")
time.sleep(0.1); os._exit(3)
""")
    slow = extension(f"me = register()\ntime.sleep(0.5)\n{ASK}")  # so that it is gone for certain
    version = accompanied(bench, function(bench, asks), {"slow": slow})
    for _ in range(2):
        assert error(await bench.invoke(version)) == (
            "Runtime.ExitError",
            "Runtime exited with error: exit status 3",
        )


async def test_what_is_illegal_is_refused_and_harms_nothing(bench: Bench) -> None:
    version = function(
        bench,
        python("""
told = []
told.append(call("POST", "invocation/nothing-yet/response", "1")[0])
while True:
    id, body = next_event()
    told.append(call("POST", "invocation/another/response", "1")[0])
    told.append(call("GET", "invocation/next")[1]["Lambda-Runtime-Aws-Request-Id"] == id)
    told.append(call("POST", "init/error", "{}")[0])
    told.append(call("PUT", "invocation/next")[0])
    told.append(call("GET", "nowhere")[0])
    told.append(call("POST", f"invocation/{id}/response", "x" * 6291557)[0])
    told.append(call("POST", f"invocation/{id}/response", "again")[0])
    print(told, flush=True)
"""),
    )
    outcome = await bench.invoke(version)
    assert error(outcome)[0] == "Function.ResponseSizeTooLarge"
    (environment, _), *_ = bench.host._pools[version.arn, version.build]._idle
    assert environment._worker is not None
    async with asyncio.timeout(5):
        while "[400, 400, True, 403, 404, 404, 413, 403]" not in bench.lines:
            environment._worker.logs.drain()
            await asyncio.sleep(0.01)


async def test_answers_are_bytes_and_errors_pass_as_they_are(bench: Bench) -> None:
    version = function(
        bench,
        python("""
while True:
    id, body = next_event()
    kind = json.loads(body)
    if kind == "garbage": call("POST", f"invocation/{id}/response", bytes(range(256)))
    if kind == "empty": call("POST", f"invocation/{id}/response", "")
    if kind == "error": call("POST", f"invocation/{id}/error", '{"errorMessage": "m", "errorType": "T", "more": 1}')
    if kind == "typed": call("POST", f"invocation/{id}/error", "", {"Lambda-Runtime-Function-Error-Type": "Function.Odd"})
    if kind == "untyped": call("POST", f"invocation/{id}/error", "", {"Lambda-Runtime-Function-Error-Type": "what?"})
"""),
    )
    assert (await bench.invoke(version, "garbage")).payload == bytes(range(256))
    assert (await bench.invoke(version, "empty")).payload == b""
    assert json.loads((await bench.invoke(version, "error")).payload) == {
        "errorMessage": "m",
        "errorType": "T",
        "more": 1,
    }
    assert error(await bench.invoke(version, "typed"))[0] == "Function.Odd"
    assert error(await bench.invoke(version, "untyped"))[0] == "Runtime.Unknown"


async def test_every_header_of_an_event(bench: Bench) -> None:
    version = function(
        bench,
        python("""
while True:
    _, headers, body = call("GET", "invocation/next")
    told = {k: v for k, v in headers.items() if k.startswith("Lambda") or k.lower() == "content-type"}
    call("POST", f"invocation/{headers['Lambda-Runtime-Aws-Request-Id']}/response", json.dumps(told))
"""),
    )
    outcome = await bench.invoke(
        version, {}, request_id="r-1", trace_id="Root=1-2-3", client_context='{"custom": {"a": 1}}'
    )
    told = json.loads(outcome.payload)
    assert int(told.pop("Lambda-Runtime-Deadline-Ms")) > 1_700_000_000_000
    assert told == {
        "content-type": "application/json",
        "Lambda-Runtime-Aws-Request-Id": "r-1",
        "Lambda-Runtime-Invoked-Function-Arn": version.arn,
        "Lambda-Runtime-Trace-Id": "Root=1-2-3",
        "Lambda-Runtime-Client-Context": '{"custom": {"a": 1}}',
    }
    assert "AWS_EXECUTION_ENV" not in os.environ


STREAMING = python("""
import socket
while True:
    id, body = next_event()
    host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
    api = socket.create_connection((host, int(port)))
    api.sendall((f"POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\\r\\nHost: {host}\\r\\n"
        "Lambda-Runtime-Function-Response-Mode: streaming\\r\\nTransfer-Encoding: chunked\\r\\n"
        "Content-Type: text/x\\r\\nTrailer: Lambda-Runtime-Function-Error-Type\\r\\n\\r\\n").encode())
    for part in (b"one", b"two"):
        api.sendall(b"3\\r\\n" + part + b"\\r\\n"); time.sleep(0.05)
    if json.loads(body) == "cut": api.close(); continue
    end = b"0\\r\\n"
    if json.loads(body) == "fail":
        end += b"Lambda-Runtime-Function-Error-Type: Function.Broke\\r\\nLambda-Runtime-Function-Error-Body: eyJhIjogMX0=\\r\\n"
    api.sendall(end + b"\\r\\n")
    api.recv(1000); api.close()
""")


async def test_an_answer_that_is_streamed(bench: Bench) -> None:
    version = function(bench, STREAMING)
    sink = Sink()
    outcome = await bench.invoke(version, "well", sink=sink)
    assert (sink.content_type, sink.parts, outcome.function_error) == ("text/x", [b"one", b"two"], None)
    assert (await bench.invoke(version, "well")).payload == b"onetwo"
    sink = Sink()
    outcome = await bench.invoke(version, "fail", sink=sink)
    assert (sink.parts, json.loads(outcome.payload)) == ([b"one", b"two"], {"a": 1})
    assert error(await bench.invoke(version, "cut"))[0] == "Runtime.TruncatedResponse"


# ----------------------------------------------------------------------------------------- extensions


def extension(body: str) -> str:
    """An external extension: `call` asks the Extensions API, `register` gives its identifier."""
    return f"""#!{sys.executable}
import http.client, json, os, sys, time
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
def call(method, path, body=None, **headers):
    api.request(method, "/2020-01-01/extension/" + path, body, headers)
    answer = api.getresponse()
    return answer.status, answer.headers, answer.read()
def register(*events):
    status, headers, body = call("POST", "register", json.dumps({{"events": events}}), **{{"Lambda-Extension-Name": os.path.basename(__file__), "Lambda-Extension-Accept-Feature": "accountId"}})
    print("registered", status, body.decode(), flush=True)
    return {{"Lambda-Extension-Identifier": headers["Lambda-Extension-Identifier"]}}
{body}
"""


WATCHER = extension("""
me = register("INVOKE", "SHUTDOWN")
while True:
    event = json.loads(call("GET", "event/next", **me)[2])
    print(event["eventType"], event.get("requestId"), event.get("shutdownReason"), flush=True)
    if event["eventType"] == "SHUTDOWN": break
""")


def accompanied(bench: Bench, version: Version, files: Mapping[str, str]) -> Version:
    package = bench.store.add(zip_files({f"extensions/{n}": text.encode() for n, text in files.items()}))
    return replace(version, layers=(Layer("l", "arn", 1, package, "", ""),))


@pytest.mark.parametrize("runtime", [OWN, "provided.al2023"])
async def test_an_extension_hears_of_every_invocation_and_of_the_end(bench: Bench, runtime: str) -> None:
    echo = python(
        "while True:\n    id, body = next_event()\n    call('POST', f'invocation/{id}/response', body)"
    )
    files = {"bootstrap": echo, "f.py": "def handler(e, c): return e"}
    plain = bench.function(files=files, runtime=runtime)
    version = accompanied(bench, plain, {"watcher": WATCHER})
    first = await bench.invoke(version, 1, request_id="r-1")
    assert (first.payload, first.report.cold) == (b"1", True)
    assert "INVOKE r-1 None" in first.log
    facts = next(line for line in first.log if line.startswith("registered 200"))
    assert json.loads(facts.removeprefix("registered 200 ")) == {
        "functionName": "f",
        "functionVersion": "$LATEST",
        "handler": version.handler,
        "accountId": "000000000000",
    }
    assert "INVOKE r-2 None" in (await bench.invoke(version, 2, request_id="r-2")).log
    bench.lines.clear()
    bench.host.retire(version)
    async with asyncio.timeout(10):
        while "SHUTDOWN None SPINDOWN" not in bench.lines:
            await asyncio.sleep(0.01)


async def test_an_invocation_is_over_when_its_extensions_are_done(bench: Bench) -> None:
    slow = extension("""
me = register("INVOKE")
while True:
    call("GET", "event/next", **me)
    time.sleep(0.4)
""")
    version = accompanied(bench, bench.function("def handler(e, c): return 1"), {"slow": slow})
    await bench.invoke(version)
    outcome = await bench.invoke(version)
    assert outcome.payload == b"1"
    assert outcome.report.duration_ms >= 400


async def test_an_extension_that_takes_too_long(bench: Bench) -> None:
    stuck = extension('me = register("INVOKE")\ncall("GET", "event/next", **me)\ntime.sleep(60)')
    version = accompanied(bench, bench.function("def handler(e, c): return 1", timeout=1), {"stuck": stuck})
    assert error(await bench.invoke(version))[0] == "Sandbox.Timedout"


REPORT = """
me = register("INVOKE")
{}call("POST", "{}/error", "", **me, **{{"Lambda-Extension-Function-Error-Type": "Extension.Odd"}})
{}
"""
ASK = 'call("GET", "event/next", **me); '


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ("sys.exit(1)", "Extension.Crash", "exit status 1"),
        ('register("INVOKE")\nsys.exit(0)', "Extension.Crash", "exit code 0"),
        (REPORT.format("", "init", "sys.exit(7)"), "Extension.InitError", "exit status 7"),
        (
            REPORT.format("", "init", "time.sleep(60)"),
            "Extension.InitError",
            "The extension bad reported Extension.Odd",
        ),
        (f'me = register("INVOKE")\n{ASK}\nos.kill(os.getpid(), 9)', "Extension.Crash", "signal: killed"),
        (REPORT.format(ASK, "exit", "sys.exit(0)"), "Extension.ExitError", "exit code 0"),
    ],
)
async def test_an_extension_that_fails(bench: Bench, body: str, kind: str, words: str) -> None:
    version = accompanied(bench, bench.function("def handler(e, c): return 1"), {"bad": extension(body)})
    for _ in range(2):  # the environment is reset, and the extension tried again
        outcome = await bench.invoke(version, request_id="r-1")
        assert error(outcome) == (kind, words)
        assert json.loads(outcome.payload)["errorMessage"] == f"RequestId: r-1 Error: {words}"


@pytest.mark.parametrize(
    ("source", "body"),
    [
        ("import time\ntime.sleep(30)\ndef handler(e, c): pass", 'register("INVOKE")\ntime.sleep(0.3)'),
        ("import time\ndef handler(e, c): time.sleep(30)", f'me = register("INVOKE")\n{ASK}'),
    ],
)
async def test_an_extension_that_fails_while_the_runtime_is_at_work(
    bench: Bench, source: str, body: str
) -> None:
    """Neither init nor the handler is waited for."""
    version = accompanied(bench, bench.function(source, timeout=20), {"bad": extension(body)})
    async with asyncio.timeout(10):
        assert error(await bench.invoke(version)) == ("Extension.Crash", "exit code 0")


async def test_an_extension_that_ends_while_nothing_happens(bench: Bench) -> None:
    """The next event finds a new environment."""
    ends = extension("me = register()\nimport threading\nthreading.Timer(0.3, os._exit, [1]).start()\n" + ASK)
    version = accompanied(bench, bench.function("def handler(e, c): return 1"), {"ends": ends})
    assert (await bench.invoke(version)).payload == b"1"
    (environment, _), *_ = bench.host._pools[version.arn, version.build]._idle
    assert environment._worker is not None
    gone = environment._worker.companions._processes["ends"][0].exited  # type: ignore[union-attr]
    async with asyncio.timeout(5):
        await gone
    assert (await bench.invoke(version)).payload == b"1"


async def test_the_runtime_starts_when_the_extensions_have_registered(bench: Bench) -> None:
    """What its init needs of them is there: they share /tmp."""
    slow = extension(f"""
time.sleep(0.3)
open(os.environ["TMPDIR"] + "/ready", "w").close()
me = register("INVOKE")
while True: {ASK}
""")
    source = (
        "import os\nfound = os.path.exists(os.environ['TMPDIR'] + '/ready')\ndef handler(e, c): return found"
    )
    version = accompanied(bench, bench.function(source), {"slow": slow})
    assert (await bench.invoke(version)).payload == b"true"


async def test_an_end_waits_only_for_those_that_want_to_know(bench: Bench) -> None:
    dull = extension(f'me = register("INVOKE")\nwhile True: {ASK}')
    version = accompanied(bench, bench.function("def handler(e, c): return 1"), {"dull": dull})
    await bench.invoke(version)
    (environment, _), *_ = bench.host._pools[version.arn, version.build]._idle
    began = asyncio.get_running_loop().time()
    await environment.stop()
    assert asyncio.get_running_loop().time() - began < 1


async def test_an_extension_that_cannot_be_run(bench: Bench) -> None:
    version = accompanied(bench, bench.function("def handler(e, c): return 1"), {"bad": "#!/no/such/thing\n"})
    assert error(await bench.invoke(version)) == (
        "Extension.LaunchError",
        "fork/exec /opt/extensions/bad: no such file or directory",
    )
