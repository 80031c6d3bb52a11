"""How a lab begins, goes on and ends: by name, in private, by faults."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from lablambda.client import Lab
from lablambda.config import ConfigError, NoLab
from lablambda.deployment import deploy
from lablambda.launch import start_private
from lablambda.model.deployment import Deployment
from lablambda.model.function import LATEST
from lablambda.model.source import QueueSource, S3Source, StreamSource
from tests.book import WRITER, Book
from tests.processes import Home, family, gone

RUNTIME = f"python3.{sys.version_info.minor}"
ECHO = b"def handler(event, context): return event\n"
LISTENER = b"""
import base64, gzip, json
def handler(event, context):
    for one in json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))["logEvents"]:
        print(one["message"])
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    yield made
    made.end()


def function(lab: Lab, source: bytes = ECHO, timeout_s: int = 3) -> None:
    deploy(Deployment("echo", RUNTIME, "f.handler", {"f.py": source}, timeout_s=timeout_s), lab)


# ------------------------------------------------------------------------------------------- by name


def test_up_and_down(home: Home) -> None:
    lab = home.up()
    pids = family(lab.descriptor.pid)
    note = home.descriptor("t")
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    assert stat.S_IMODE(note.parent.stat().st_mode) == 0o700
    assert "is running already" in home.run("up", "--name", "t").stderr
    down = home.run("down", "--name", "t")
    assert (down.returncode, down.stderr) == (0, "")
    assert gone(pids, timeout=1)
    assert not note.exists()
    assert "Start it: lablambda up" in home.run("status", "--name", "t").stderr.replace("one", "it")


def test_many_who_ask_at_once_get_the_same_lab(home: Home) -> None:
    code = "import lablambda; print(lablambda.connect('shared').descriptor.pid)"
    asking = [home.python(code) for _ in range(4)]
    answers = {process.communicate()[0] for process in asking}
    assert len(answers) == 1
    assert psutil.pid_exists(int(answers.pop()))


def test_a_lab_has_a_session_of_its_own(home: Home) -> None:
    lab = home.up()
    assert os.getsid(lab.descriptor.pid) == lab.descriptor.pid


def test_an_idle_lab_leaves(home: Home) -> None:
    lab = home.up("--idle-exit", "0.5")
    pids = family(lab.descriptor.pid)
    with contextlib.suppress(NoLab):  # who only watches it doesn't keep it
        while lab.status() and lab.clock.now:
            time.sleep(0.1)
    assert gone(pids)
    assert not home.descriptor("t").exists()


def test_functions_survive_a_restart(home: Home) -> None:
    lab = home.up()
    function(lab)
    before = lab.function("echo").configuration()
    home.run("down", "--name", "t")
    lab = home.up()
    assert lab.function("echo").configuration() == before
    assert lab.function("echo").invoke(1).check() == 1


def test_everything_about_a_function_survives_kill_9(home: Home) -> None:
    lab = home.up()
    function(lab)
    functions = lab.client("lambda")
    functions.publish_version(FunctionName="echo", Description="first")
    functions.create_alias(FunctionName="echo", Name="live", FunctionVersion="1")
    functions.put_function_concurrency(FunctionName="echo", ReservedConcurrentExecutions=7)
    functions.put_provisioned_concurrency_config(
        FunctionName="echo", Qualifier="live", ProvisionedConcurrentExecutions=2
    )
    lab.client("sqs").create_queue(
        QueueName="q"
    )  # which is gone afterwards: the embedded services keep nothing
    queue = "arn:aws:sqs:us-east-1:000000000000:q"
    functions.create_event_source_mapping(FunctionName="echo", EventSourceArn=queue, Enabled=False)
    functions.tag_resource(Resource=lab.function("echo").configuration()["FunctionArn"], Tags={"a": "1"})
    before = told(functions)
    os.kill(lab.descriptor.pid, signal.SIGKILL)
    assert gone([lab.descriptor.pid])
    lab = home.up()
    functions = lab.client("lambda")
    assert told(functions) == before
    while lab.status()["environments"]["total"] < 2:
        pass  # what is provisioned starts again, before any event
    assert lab.function("echo").invoke(1, qualifier="live").check() == 1


def told(functions: Any) -> list[Any]:
    """All that is known of `echo`."""
    functions.get_waiter("function_active_v2").wait(FunctionName="echo")
    answers = [
        functions.get_function(FunctionName="echo"),
        functions.list_versions_by_function(FunctionName="echo"),
        functions.list_aliases(FunctionName="echo"),
        functions.list_event_source_mappings(FunctionName="echo"),
    ]
    for answer in answers:
        answer.pop("ResponseMetadata")
    answers[0].pop("Code")  # an address of the moment
    return answers


def test_an_accepted_event_survives_kill_9(home: Home) -> None:
    # given a lab that accepts events and can't run any
    lab = home.up("--concurrency", "0")
    function(lab)
    request_id = lab.function("echo").send({"n": 1})
    pids = family(lab.descriptor.pid)
    # when it is killed
    os.kill(lab.descriptor.pid, signal.SIGKILL)
    assert gone(pids)
    # then the next one runs the event
    lab = home.up()
    lab.settle(30)
    while not (records := lab.function("echo").invocations()):
        lab.settle(30)
    assert [record.request_id for record in records] == [request_id]


def test_a_result_that_was_not_delivered_survives_kill_9(home: Home) -> None:
    lab = home.up()
    target = "arn:aws:sqs:us-east-1:000000000000:results"
    deploy(
        Deployment("told", RUNTIME, "f.handler", {"f.py": b"def handler(event, context): return event"}), lab
    )
    lab.client("lambda").put_function_event_invoke_config(
        FunctionName="told", DestinationConfig={"OnSuccess": {"Destination": target}}
    )
    lab.function("told").send({"n": 1})
    lab.settle()  # the queue isn't there, so the record waits to be tried again
    os.kill(lab.descriptor.pid, signal.SIGKILL)
    assert gone([lab.descriptor.pid])
    again = home.up()
    sqs = again.client("sqs")
    url = sqs.create_queue(QueueName="results")["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=15)["Messages"]
    assert json.loads(messages[0]["Body"])["requestPayload"] == {"n": 1}


def test_what_a_log_group_sends_on_survives_kill_9(home: Home) -> None:
    # given a function that gets what another one logs
    lab = home.up()
    function(lab, LISTENER)
    group, functions = "/sent/on", lab.client("lambda")
    lab.client("logs").create_log_group(logGroupName=group)
    lab.client("logs").create_log_stream(logGroupName=group, logStreamName="s")
    functions.add_permission(
        FunctionName="echo",
        StatementId="logs",
        Action="lambda:InvokeFunction",
        Principal="logs.amazonaws.com",
    )
    lab.client("logs").put_subscription_filter(
        logGroupName=group,
        filterName="mine",
        filterPattern="",
        destinationArn=functions.get_function(FunctionName="echo")["Configuration"]["FunctionArn"],
    )
    # when the lab is killed as soon as it has taken an event
    now = int(time.time() * 1000)
    first, second = ([{"timestamp": now, "message": text}] for text in ("first", "second"))
    lab.client("logs").put_log_events(logGroupName=group, logStreamName="s", logEvents=first)
    os.kill(lab.descriptor.pid, signal.SIGKILL)
    assert gone([lab.descriptor.pid])
    # then the event is sent on all the same, and so is the next
    lab = home.up()
    lab.client("logs").put_log_events(logGroupName=group, logStreamName="s", logEvents=second)
    lab.settle(30)
    assert {"first", "second"} <= {line.message.strip() for line in lab.function("echo").logs()}


def services_of(lab: Lab) -> int:
    """The pid of its services process."""
    children = psutil.Process(lab.descriptor.pid).children()
    (pid,) = (child.pid for child in children if "moto_server" in " ".join(child.cmdline()))
    return pid


def test_after_kill_9_only_the_services_wait_for_the_next(home: Home) -> None:
    lab = home.up()
    function(lab, b"import time\ndef handler(event, context):\n    while True: pass\n", timeout_s=900)
    for _ in range(2):
        lab.function("echo").send()
    lab.client("s3").create_bucket(Bucket="bucket")
    while lab.status()["environments"]["busy"] < 2:
        pass
    services = services_of(lab)
    pids = family(lab.descriptor.pid)
    assert len(pids) >= 5  # the lab, its zygote, two environments, the services
    os.kill(lab.descriptor.pid, signal.SIGKILL)
    assert gone(pid for pid in pids if pid != services)
    again = home.up()
    assert "taken over" in again.status()["services"]["state"]
    assert [bucket["Name"] for bucket in again.client("s3").list_buckets()["Buckets"]] == ["bucket"]
    assert home.run("down", "--name", "t").returncode == 0
    assert gone([services])


COUNTED = f"""
import base64
{WRITER}
def handler(event, context):
    texts = [r['body'] if 'body' in r else base64.b64decode(r['kinesis']['data']).decode() for r in event['Records']]
    with Book() as book:  # logs may lose their last lines in a crash
        for text in texts: book.write(text)
"""


def test_what_mappings_poll_survives_kill_9(home: Home, book: Book) -> None:
    """Nothing is lost; what comes twice is what was under way."""
    lab = home.up()
    deploy(
        Deployment(
            "counted",
            RUNTIME,
            "f.handler",
            {"f.py": COUNTED.encode()},
            variables={"BOOK": str(book.port)},
            sources=(QueueSource("numbers"), StreamSource("numbers")),
        ),
        lab,
    )
    for _ in range(3):
        sqs, kinesis = lab.client("sqs"), lab.client("kinesis")
        url = sqs.get_queue_url(QueueName="numbers")["QueueUrl"]
        start = 200 * len(home.labs)
        for n in range(start, start + 200, 10):
            names = [str(number) for number in range(n, n + 10)]
            sqs.send_message_batch(
                QueueUrl=url, Entries=[{"Id": text, "MessageBody": f"q{text}"} for text in names]
            )
            kinesis.put_records(
                StreamName="numbers",
                Records=[{"Data": f"s{text}".encode(), "PartitionKey": "k"} for text in names],
            )
        os.kill(lab.descriptor.pid, signal.SIGKILL)
        assert gone([lab.descriptor.pid])
        lab = home.up()
    lab.settle()
    lab.clock.advance("60s")  # what was received and not deleted comes again
    lab.settle()
    got = book.words
    assert set(got) == {f"{kind}{n}" for kind in "qs" for n in range(200, 800)}
    assert len(got) < 1.5 * len(set(got))
    stream = [text for text in dict.fromkeys(got) if text[0] == "s"]
    assert stream == sorted(stream, key=lambda text: int(text[1:]))


# -------------------------------------------------------------------------------------------- private

OWNER = """
import sys, time
from lablambda.client import Lab
from lablambda.deployment import deploy
from lablambda.model.deployment import Deployment
lab = Lab.private()
source = b"import time\\ndef handler(event, context): time.sleep(300)\\n"
deploy(Deployment("sleep", sys.argv[1], "f.handler", {"f.py": source}, timeout_s=400), lab)
lab.function("sleep").send()
lab.client("s3").create_bucket(Bucket="bucket")
while not lab.status()["environments"]["busy"]: pass
print(lab.descriptor.pid, lab.descriptor.data, flush=True)
time.sleep(300)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_private_lab_goes_with_its_owner(home: Home, number: int) -> None:
    with home.python(OWNER, RUNTIME) as owner:
        assert owner.stdout is not None
        pid, data = owner.stdout.readline().split()
        pids = family(int(pid))
        assert len(pids) >= 4
        owner.send_signal(number)
    assert gone(pids)
    assert not Path(data).exists()


FORKING_OWNER = """
import os, sys, time
from lablambda.client import Lab
lab = Lab.private()
child = os.fork()
if child == 0:
    time.sleep(300)
print(lab.descriptor.pid, child, flush=True)
os.kill(os.getpid(), 9)
"""


def test_a_forked_child_of_the_owner_does_not_keep_it(home: Home) -> None:
    with home.python(FORKING_OWNER) as owner:
        assert owner.stdout is not None
        pid, child = map(int, owner.stdout.readline().split())
        assert gone([pid])
        os.kill(child, signal.SIGKILL)


def test_close_ends_a_private_lab(home: Home) -> None:
    with Lab.private() as lab:
        function(lab)
        assert lab.function("echo").invoke("hi").payload == "hi"
        pids, data = family(lab.descriptor.pid), Path(lab.descriptor.data)
    assert gone(pids, timeout=1)
    assert not data.exists()


def test_a_killed_private_lab_leaves_no_folder_when_its_owner_closes_it() -> None:
    with Lab.private() as lab:
        function(lab)
        pids, data = family(lab.descriptor.pid), Path(lab.descriptor.data)
        os.kill(lab.descriptor.pid, signal.SIGKILL)
        assert gone(pids)
    assert not data.exists()


# ------------------------------------------------------------------------------------------ bad input


def test_a_busy_port(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        failed = home.run("up", "--port", port)
    assert failed.returncode == 2
    assert failed.stderr == (
        f"lablambda: Port {port} is in use. Choose another with --port, or leave it out to take a free one.\n"
    )


@pytest.mark.parametrize("port", ["-1", "70000"])
def test_a_port_that_is_none(home: Home, port: str) -> None:
    failed = home.run("up", "--port", port)
    assert failed.returncode == 2
    assert f"{port} is no port: use 1 to 65535, or 0 for a free one" in failed.stderr


@pytest.mark.parametrize("detach", [[], ["--detach"]])
def test_a_data_folder_that_cannot_be_used(home: Home, detach: list[str]) -> None:
    (home.folder / "file").touch()
    failed = home.run("up", "--data", str(home.folder / "file" / "sub"), *detach)
    assert failed.returncode == 2
    assert (
        "can't be used (Not a directory). Name one that you may write to: lablambda up --data DIR"
        in failed.stderr
    )
    assert "Traceback" not in failed.stderr


def test_a_data_folder_that_is_taken(home: Home) -> None:
    home.up("--data", str(home.folder / "lab"))
    failed = home.run("up", "--name", "other", "--data", str(home.folder / "lab"))
    assert failed.returncode == 2
    assert "Another lab is using the data folder" in failed.stderr


def test_a_name_that_is_none(home: Home) -> None:
    assert "can't name a lab" in home.run("up", "--name", "../evil").stderr


def test_a_damaged_descriptor(home: Home) -> None:
    home.descriptor("t").parent.mkdir(parents=True)
    home.descriptor("t").write_text("{")
    failed = home.run("status", "--name", "t")
    assert failed.returncode == 2
    assert "is damaged" in failed.stderr
    home.descriptor("t").unlink()


def test_the_descriptor_of_a_dead_lab_is_replaced(home: Home) -> None:
    lab = home.up()
    os.kill(lab.descriptor.pid, signal.SIGKILL)
    assert gone([lab.descriptor.pid])
    assert "has ended" in home.run("status", "--name", "t").stderr
    assert home.up().descriptor.pid != lab.descriptor.pid


def test_a_lab_that_cannot_start_says_why() -> None:
    with pytest.raises(ConfigError, match="70000 is no port"):
        start_private(options=["--port", "70000"])


def test_nobody_listens_beyond_loopback(home: Home) -> None:
    lab = home.up()
    listening = []
    for pid in family(lab.descriptor.pid):
        with contextlib.suppress(psutil.NoSuchProcess):  # a look for runtimes that has ended
            found = psutil.Process(pid).net_connections(kind="inet")
            listening += [one.laddr.ip for one in found if one.status == psutil.CONN_LISTEN]
    assert listening == ["127.0.0.1"]


# ------------------------------------------------------------------------------------------ throttling


def test_no_concurrency_left(home: Home) -> None:
    lab = home.up("--concurrency", "1")
    function(lab, b"import time\ndef handler(event, context): time.sleep(event)\n", timeout_s=30)
    lab.function("echo").send(20)
    while not lab.status()["running"]:
        pass
    client = lab.client("lambda", config=_no_retries())
    with pytest.raises(client.exceptions.TooManyRequestsException) as caught:
        client.invoke(FunctionName="echo", Payload=b"0", Qualifier=LATEST)
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert (response["Reason"], response["Error"]["Message"]) == (
        "ConcurrentInvocationLimitExceeded",
        "Rate Exceeded.",
    )


def _no_retries() -> object:
    from botocore.config import Config

    return Config(retries={"max_attempts": 0})


# ---------------------------------------------------------------------------------- faults of the client

KILLED_MID_DEPLOY = """
import json, os, sys
from lablambda import deployment
from lablambda.client import Lab
from lablambda.config import Descriptor
from lablambda.model.deployment import Deployment
from lablambda.model.source import S3Source
apply = deployment.apply
def cut_off(steps, layers, client):
    apply(steps[:int(sys.argv[3])], layers, client)
    os.kill(os.getpid(), 9)
deployment.apply = cut_off
lab = Lab(Descriptor(**json.loads(sys.argv[1])))
wanted = Deployment("cut", sys.argv[2], "f.handler", {"f.py": b"def handler(e, c): return e"}, sources=(S3Source("cut-bucket"),))
deployment.deploy(wanted, lab)
"""


@pytest.mark.parametrize("steps", ["0", "1", "2", "3"])
def test_a_deploy_that_was_cut_off_is_finished_by_the_next(home: Home, steps: str) -> None:
    with Lab.private() as lab:
        descriptor = json.dumps(
            {name: getattr(lab.descriptor, name) for name in lab.descriptor.__dataclass_fields__}
        )
        with home.python(KILLED_MID_DEPLOY, descriptor, RUNTIME, steps) as killed:
            assert killed.wait(60) == -signal.SIGKILL
        wanted = Deployment(
            "cut",
            RUNTIME,
            "f.handler",
            {"f.py": b"def handler(e, c): return e"},
            sources=(S3Source("cut-bucket"),),
        )
        deploy(wanted, lab)
        assert deploy(wanted, lab).verdict == "unchanged"
        lab.client("s3").put_object(Bucket="cut-bucket", Key="k", Body=b"")
        lab.settle()
        assert [record.error for record in lab.function("cut").invocations()] == [None]
