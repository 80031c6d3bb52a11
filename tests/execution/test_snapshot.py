"""SnapStart as functions and their callers see it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from lablambda.client import Lab
from lablambda.packaging.zips import zip_files
from tests.api_clients import code, code_of, create, functions

__all__ = ["create", "functions"]
Create = Callable[..., str]
RUNTIME = "python3.13"
PUBLISHED = {"ApplyOn": "PublishedVersions"}
HOOKED = """
import os, random, ssl, tempfile, uuid
from snapshot_restore_py import register_after_restore, register_before_snapshot
told = []

@register_before_snapshot
def last(): told.append("last before")

register_before_snapshot(lambda word: told.append(word), "first before")
register_after_restore(lambda: told.append("first after"))
register_after_restore(lambda *, word: told.append(word), word="last after")
os.environ["BY_INIT"] = "kept"
born, drawn = os.getpid(), random.random()
ssl.RAND_bytes(8)  # its generator is seeded before the snapshot
with open(os.path.join(tempfile.gettempdir(), "by-init"), "w") as file:
    file.write("from init")

def handler(event, context):
    with open(os.path.join(tempfile.gettempdir(), "by-init")) as file:
        found = file.read()
    return {
        "told": told, "restored": os.getpid() != born, "drawn": drawn, "random": random.random(), "uuid": str(uuid.uuid4()),
        "kept": os.environ["BY_INIT"], "type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], "found": found,
        "stream": context.log_stream_name, "version": os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
        "openssl": ssl.RAND_bytes(8).hex(), "key": os.environ["AWS_ACCESS_KEY_ID"], "tmp": tempfile.gettempdir() == os.environ["TMPDIR"],
    }
"""


def publish(functions: Any, name: str) -> Any:
    version = functions.publish_version(FunctionName=name)["Version"]
    patience = {"Delay": 0.01, "MaxAttempts": 3000}
    functions.get_waiter("published_version_active").wait(
        FunctionName=name, Qualifier=version, WaiterConfig=patience
    )
    return functions.get_function_configuration(FunctionName=name, Qualifier=version)


@pytest.fixture
def hooked(functions: Any, create: Create) -> str:
    name = create(HOOKED, Runtime=RUNTIME, SnapStart=PUBLISHED)
    assert publish(functions, name)["SnapStart"] == {**PUBLISHED, "OptimizationStatus": "On"}
    return name


def test_environments_go_on_from_where_init_came_to(lab: Lab, hooked: str) -> None:
    first = lab.function(hooked).invoke(qualifier="1")
    assert first.payload["told"] == ["first before", "last before", "first after", "last after"]
    assert first.payload["restored"]
    assert (first.payload["kept"], first.payload["found"], first.payload["tmp"]) == (
        "kept",
        "from init",
        True,
    )
    assert (first.payload["type"], first.payload["version"], first.payload["stream"]) == (
        "snap-start",
        "1",
        None,
    )
    assert first.report is not None
    assert first.cold
    assert first.report.init_ms is None
    assert first.report.restore_ms is not None
    assert first.report.billed_ms >= first.report.restore_ms
    assert lab.function(hooked).invoke(qualifier="1").cold is False


def test_each_environment_is_unlike_the_others(lab: Lab, functions: Any, hooked: str) -> None:
    one = lab.function(hooked).invoke(qualifier="1").payload
    functions.put_function_concurrency(FunctionName=hooked, ReservedConcurrentExecutions=1)
    lab.clock.advance("5h")  # environments are replaced after four
    lab.function(hooked).invoke(qualifier="1")
    other = lab.function(hooked).invoke(qualifier="1").payload
    assert one["drawn"] == other["drawn"]  # what init drew is the same in all
    for secret in ("random", "uuid", "openssl", "key"):
        assert one[secret] != other[secret]


def test_the_log_tells_of_init_and_restore(lab: Lab, hooked: str) -> None:
    out = lab.function(hooked).invoke(qualifier="1")
    messages = [event.message for event in lab.function(hooked).logs()]
    starts = [message.split(" ")[0] for message in messages]
    assert starts.index("INIT_START") < starts.index("RESTORE_START") < starts.index("RESTORE_REPORT")
    assert next(m for m in messages if m.startswith("RESTORE_REPORT")).startswith(
        "RESTORE_REPORT Restore Duration: "
    )
    assert "\tRestore Duration: " in out.logs
    assert "\tBilled Restore Duration: " in out.logs
    assert "Init Duration" not in out.logs


def test_latest_runs_its_own_init(lab: Lab, hooked: str) -> None:
    out = lab.function(hooked).invoke()
    assert out.payload["type"] == "on-demand"
    assert out.payload["told"] == []
    assert out.report is not None
    assert out.report.restore_ms is None


def test_json_logs(lab: Lab, functions: Any, create: Create) -> None:
    logging = {"LogFormat": "JSON", "SystemLogLevel": "DEBUG"}
    name = create(
        "def handler(event, context): return 1", Runtime=RUNTIME, SnapStart=PUBLISHED, LoggingConfig=logging
    )
    publish(functions, name)
    report = lab.function(name).invoke(qualifier="1").report
    assert report is not None
    assert report.restore_ms is not None
    told = str(lab.function(name).logs())
    assert all(
        kind in told
        for kind in ("platform.restoreStart", "platform.restoreRuntimeDone", "platform.restoreReport")
    )
    assert '"billedRestoreDurationMs"' in told


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("raise OSError('no such thing')", "OSError: no such thing"),
        ("import os; os._exit(3)\ndef handler(event, context): ...", "exit status 3"),
        (
            (
                "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), name='poller', daemon=True).start()\n"
                "def handler(event, context): ..."
            ),
            "Init left threads running (poller)",
        ),
        (
            (
                "import snapshot_restore_py as hooks\nhooks.register_before_snapshot(lambda: 1 / 0)\n"
                "def handler(event, context): ..."
            ),
            "ZeroDivisionError: division by zero",
        ),
    ],
)
def test_an_init_that_fails_fails_the_version(functions: Any, create: Create, source: str, why: str) -> None:
    name = create(source, Runtime=RUNTIME, SnapStart=PUBLISHED)
    assert functions.publish_version(FunctionName=name)["State"] == "Pending"
    assert (
        code_of(lambda: functions.invoke(FunctionName=name, Qualifier="1"))[1] == "ResourceConflictException"
    )
    failed = functions.get_function_configuration(FunctionName=name, Qualifier="1")
    assert (failed["State"], failed["StateReasonCode"]) == ("Failed", "FunctionError")
    assert why in failed["StateReason"]
    assert functions.get_function_configuration(FunctionName=name)["State"] == "Active"


def test_threads_that_end_before_the_snapshot_are_no_matter(lab: Lab, functions: Any, create: Create) -> None:
    source = """
import threading
from snapshot_restore_py import register_after_restore, register_before_snapshot
stop, beats = threading.Event(), []

def start():
    global thread
    thread = threading.Thread(target=lambda: (beats.append(1), stop.wait()))
    thread.start()

@register_before_snapshot
def end():
    stop.set()
    thread.join()

register_after_restore(start)
start()

def handler(event, context): return len(beats)
"""
    name = create(source, Runtime=RUNTIME, SnapStart=PUBLISHED)
    publish(functions, name)
    assert lab.function(name).invoke(qualifier="1").payload == 2


def test_a_restore_that_fails_is_the_functions_error(lab: Lab, functions: Any, create: Create) -> None:
    source = """
from snapshot_restore_py import register_after_restore
register_after_restore(lambda: {}["gone"])
def handler(event, context): ...
"""
    name = create(source, Runtime=RUNTIME, SnapStart=PUBLISHED)
    publish(functions, name)
    out = lab.function(name).invoke(qualifier="1")
    assert out.error is not None
    assert out.error["errorType"] == "KeyError"
    assert "RESTORE_REPORT" in str(lab.function(name).logs())


def test_a_process_that_died_is_made_anew(lab: Lab, functions: Any, create: Create) -> None:
    source = "import os\nborn = os.getpid()\ndef handler(event, context): return {'born': born, 'pid': os.getpid()}"
    name = create(source, Runtime=RUNTIME, SnapStart=PUBLISHED)
    publish(functions, name)
    before = lab.function(name).invoke(qualifier="1").payload
    os.kill(before["born"], signal.SIGKILL)
    for _ in range(50):  # the first may meet its environment before its end, or at it
        after = lab.function(name).invoke(qualifier="1")
        if after.error is None and after.payload["born"] != before["born"]:
            break
    assert after.payload["born"] != before["born"]
    assert after.payload["pid"] != before["pid"]


def test_environments_are_confined_and_apart(lab: Lab, functions: Any, create: Create) -> None:
    if lab.status()["sandbox"]["level"] != "strict":
        pytest.skip("this kernel keeps no signals within an environment")
    source = """
import os
born = os.getpid()

def attempt(what):
    try:
        return what()
    except OSError as error:
        return type(error).__name__

def handler(event, context):
    return [
        attempt(lambda: os.kill(born, 0)),
        attempt(lambda: os.kill(event["lab"], 0)),
        attempt(lambda: open(event["journal"]).read()),
        attempt(lambda: len(open("/tmp/mine", "w").write("x") * "y")),
        os.listdir("/var/task"),
    ]
"""
    name = create(source, Runtime=RUNTIME, SnapStart=PUBLISHED)
    publish(functions, name)
    status = lab.status()
    event = {"lab": status["pid"], "journal": f"{status['data']}/journal.db"}
    seen = lab.function(name).invoke(event, qualifier="1").payload
    assert seen == ["PermissionError", "PermissionError", "FileNotFoundError", 1, ["f.py"]]


def test_too_much_in_tmp_ends_an_environment_and_not_the_version(
    lab: Lab, functions: Any, create: Create
) -> None:
    source = """
import os, time
def handler(event, context):
    with open(f"{os.environ['TMPDIR']}/big", "wb") as file:
        for _ in range(event):
            file.write(bytes(2**20))
    time.sleep(event and 5)
    return "room"
"""
    name = create(source, Runtime=RUNTIME, SnapStart=PUBLISHED, Timeout=20)
    publish(functions, name)
    assert lab.function(name).invoke(560, qualifier="1").error is not None
    assert "more in /tmp" in str(lab.function(name).logs())
    assert lab.function(name).invoke(0, qualifier="1").payload == "room"


def test_what_init_opened_is_each_environments_own(lab: Lab, functions: Any, create: Create) -> None:
    source = """
import asyncio, os, socket
with open("/tmp/lines", "w") as file:
    file.write("first second")
lines = open("/tmp/lines")
lines.read(6)
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
loop = asyncio.new_event_loop()

def handler(event, context):
    here = lines.tell(), lines.read()
    try:
        client.sendall(b"x")
        sent = "sent"
    except OSError as error:
        sent = type(error).__name__
    return [here, sent, loop.run_until_complete(asyncio.sleep(0, "slept"))]
"""
    name = create(source, Runtime=RUNTIME, SnapStart=PUBLISHED)
    publish(functions, name)
    wanted = [[6, "second"], "BrokenPipeError", "slept"]
    assert lab.function(name).invoke(qualifier="1").payload == wanted
    lab.clock.advance("5h")  # the environment ends now, or after one more event
    later = [lab.function(name).invoke(qualifier="1") for _ in range(2)]
    (restored,) = [result for result in later if result.cold]
    assert restored.payload == wanted


def test_a_function_may_have_modules_of_our_names(lab: Lab, functions: Any, create: Create) -> None:
    files = dict.fromkeys(("bootstrap.py", "confine.py", "inherited.py", "snapshot.py"), b"mine = True")
    source = b"import bootstrap, confine, inherited, snapshot\n"
    source += b"def handler(e, c): return all(m.mine for m in (bootstrap, confine, inherited, snapshot))"
    name = create(
        Code={"ZipFile": zip_files({"f.py": source, **files})}, Runtime=RUNTIME, SnapStart=PUBLISHED
    )
    publish(functions, name)
    assert lab.function(name).invoke(qualifier="1").payload is True
    assert lab.function(name).invoke().payload is True


def test_it_goes_with_its_function(lab: Lab, functions: Any, create: Create) -> None:
    source = "import os\nborn = os.getpid()\ndef handler(event, context): return born"
    name = create(source, Runtime=RUNTIME, SnapStart=PUBLISHED)
    publish(functions, name)
    born = lab.function(name).invoke(qualifier="1").payload
    functions.delete_function(FunctionName=name)
    lab.settle()
    for _ in range(500):
        try:
            os.kill(born, 0)
        except ProcessLookupError:
            return
        lab.status()  # it is the lab that ends it
    pytest.fail(f"process {born} is still there")


def test_what_doesnt_go_with_it(functions: Any, create: Create, hooked: str) -> None:
    def put() -> Any:
        return functions.put_provisioned_concurrency_config(
            FunctionName=hooked, Qualifier="1", ProvisionedConcurrentExecutions=1
        )

    assert "SnapStart" in code_of(put)[2]
    storage = {"EphemeralStorage": {"Size": 1024}}
    update = functions.update_function_configuration
    assert "ephemeral storage" in code_of(lambda: update(FunctionName=hooked, **storage))[2]


def test_code_that_changes_is_published_anew(lab: Lab, functions: Any, hooked: str) -> None:
    changed = code("def handler(event, context): return 'second'")
    functions.update_function_code(FunctionName=hooked, ZipFile=changed)
    publish(functions, hooked)
    assert lab.function(hooked).invoke(qualifier="2").payload == "second"
    assert lab.function(hooked).invoke(qualifier="1").payload["restored"]
