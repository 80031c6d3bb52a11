"""`%%lambda` and `%lambda`, typed into a real IPython shell that works with a real lab."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lablambda.client import Lab
from lablambda.config import NAME_VARIABLE
from lablambda.deployment import Deployed
from lablambda.jupyter.options import COMMANDS, COMMANDS_TO_COME
from lablambda.results import Figures, LogEvents, Result
from lablambda.samples import SAMPLES
from tests.jupyter.conftest import Notebook, names

HELLO = (
    "%%lambda hello\ndef handler(event, context):\n    print('a line of mine')\n    return {'got': event}\n"
)
FORMS = {"text/plain", "text/html", "application/vnd.lablambda.v1+json"}


# ----------------------------------------------------------------------------------------- %%lambda


def test_a_cell_becomes_a_function(notebook: Notebook, lab: Lab) -> None:
    deployed = notebook.run(HELLO)
    assert isinstance(deployed, Deployed)
    assert (deployed.name, deployed.verdict) == ("hello", "created")
    assert set(deployed._repr_mimebundle_()) == FORMS
    assert lab.function("hello").invoke({"a": 1}).payload == {"got": {"a": 1}}


def test_the_same_cell_changes_nothing_and_another_updates(notebook: Notebook, lab: Lab) -> None:
    notebook.run(HELLO)
    assert notebook.run(HELLO).verdict == "unchanged"
    assert notebook.run(HELLO.replace("'got'", "'took'")).verdict == "updated"
    assert lab.function("hello").invoke(1).payload == {"took": 1}


def test_options_reach_the_function(notebook: Notebook, lab: Lab) -> None:
    notebook.run(HELLO.replace("hello", "hello --memory 256 --timeout 7 --env STYLE='very grey'"))
    configuration = lab.function("hello").configuration()
    assert (configuration["MemorySize"], configuration["Timeout"]) == (256, 7)
    assert configuration["Environment"]["Variables"] == {"STYLE": "very grey"}


def test_a_queue_feeds_a_function_for_as_long_as_the_cell_says_so(notebook: Notebook, lab: Lab) -> None:
    cell = HELLO.replace("hello", "fed --on sqs:cell-orders")
    assert notebook.run(cell).sources == ("sqs:cell-orders",)
    queue = lab.client("sqs").get_queue_url(QueueName="cell-orders")["QueueUrl"]
    lab.client("sqs").send_message(QueueUrl=queue, MessageBody="1")
    lab.settle()
    assert [line.message for line in lab.function("fed").logs()].count("a line of mine") == 1
    assert notebook.run(cell).verdict == "unchanged"
    # a function made anew takes over what the deleted one's mapping polls
    lab.function("fed").delete()
    assert [step.operation for step in notebook.run(cell).steps] == ["CreateFunction"]
    assert [step.operation for step in notebook.run(HELLO.replace("hello", "fed")).steps] == [
        "UpdateFunctionCode",
        "DeleteEventSourceMapping",
    ]
    functions = lab.client("lambda")
    assert functions.list_event_source_mappings(FunctionName="fed")["EventSourceMappings"] == []


def test_changes_of_a_table_that_the_cell_makes(notebook: Notebook, lab: Lab) -> None:
    cell = HELLO.replace("hello", "watcher --on dynamodb:cell-users --on kinesis:cell-clicks")
    texts = [step.text for step in notebook.run(cell).steps]
    assert texts[1:] == [
        "create table cell-users with key id and a stream",
        "poll table cell-users for watcher",
        "create stream cell-clicks",
        "poll stream cell-clicks for watcher",
    ]
    lab.client("dynamodb").put_item(TableName="cell-users", Item={"id": {"S": "ada"}})
    lab.client("kinesis").put_record(StreamName="cell-clicks", Data=b"x", PartitionKey="k")
    lab.settle()
    assert [line.message for line in lab.function("watcher").logs()].count("a line of mine") == 2
    assert notebook.run(cell).verdict == "unchanged"


def test_a_topic_runs_a_function(notebook: Notebook, lab: Lab) -> None:
    cell = HELLO.replace("hello", "reader --on sns:cell-news")
    notebook.run(cell)
    topic = lab.client("sns").create_topic(Name="cell-news")["TopicArn"]
    lab.client("sns").publish(TopicArn=topic, Message="extra")
    lab.settle()
    assert [line.message for line in lab.function("reader").logs()].count("a line of mine") == 1
    assert notebook.run(cell).verdict == "unchanged"
    assert "sns:cell-news" in notebook.text("%lambda list")
    assert "no longer subscribe reader" in notebook.text("%lambda off reader sns:cell-news")
    assert lab.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_schedules_and_events_run_a_function(notebook: Notebook, lab: Lab) -> None:
    cell = HELLO.replace(
        "hello", """timed --on schedule:rate(1 hour) --on 'events:{"source": ["my.shop"]}'"""
    )
    texts = [step.text for step in notebook.run(cell).steps]
    assert "run timed on schedule:rate(1 hour)" in texts
    assert notebook.run(cell).verdict == "unchanged"
    lab.clock.advance("3h")
    entry = {"Source": "my.shop", "DetailType": "sold", "Detail": "{}"}
    assert lab.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
    lab.settle()
    assert [line.message for line in lab.function("timed").logs()].count("a line of mine") == 4
    listed = notebook.text("%lambda list")
    assert 'schedule:rate(1 hour), events:{"source":["my.shop"]}' in listed
    assert "delete rule" in notebook.text("%lambda off timed schedule:rate(1 hour)")
    lab.clock.advance("3h")
    lab.settle()
    assert [line.message for line in lab.function("timed").logs()].count("a line of mine") == 4
    notebook.run("%lambda off timed")
    assert lab.client("events").list_rules()["Rules"] == []


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_sample_of_each_kind(notebook: Notebook, kind: str) -> None:
    notebook.run("%%lambda sampled\ndef handler(event, context): return event")
    event = notebook.run(f"%lambda send sampled --sample {kind}").payload
    records = event.get("Records", [event])
    assert len(records) == 1
    assert "us-east-1" in json.dumps(records[0])


def test_samples_that_there_are_not(notebook: Notebook) -> None:
    notebook.run(HELLO)
    assert "invalid choice: 'fax'" in notebook.fails("%lambda send hello --sample fax")
    notebook.run("%%lambda fails\ndef handler(event, context): raise ValueError('no')")
    assert "ValueError: no" in notebook.fails("%lambda send fails --sample sqs")


def test_an_event_is_replayed_against_new_code(notebook: Notebook, lab: Lab) -> None:
    notebook.run("%%lambda replayed\ndef handler(event, context): raise ValueError(event['n'])")
    for n in (1, 2):
        lab.function("replayed").send({"n": n})
    lab.settle()
    records = lab.function("replayed").invocations()
    (first,) = [r.request_id for r in records if r.error and r.error["errorMessage"] == "1"]
    assert "ValueError" in notebook.fails("%lambda replay replayed")
    notebook.run("%%lambda replayed\ndef handler(event, context): return event['n'] * 10")
    assert notebook.run(f"%lambda replay replayed {first}").payload == 10
    assert notebook.run("%lambda replay replayed").payload == 10  # which was the last
    assert "no event of request 1-2" in notebook.fails("%lambda replay replayed 1-2")
    assert "no event for nobody" in notebook.fails("%lambda replay nobody")
    assert "Write %lambda replay" in notebook.fails("%lambda replay")


def test_sources_are_switched_on_and_off(notebook: Notebook, lab: Lab) -> None:
    cell = HELLO.replace("hello", "switched --on sqs:switched-a")
    notebook.run(cell)
    said = notebook.text("%lambda on switched sqs:switched-b s3:switched-c/*.txt")
    assert "create queue switched-b" in said
    assert "notify switched of s3:switched-c/*.txt" in said
    listed = notebook.text("%lambda list")
    assert all(source in listed for source in ("sqs:switched-a", "sqs:switched-b", "s3:switched-c/*.txt"))
    assert notebook.run(cell).verdict == "unchanged"
    assert "nothing to do" in notebook.text("%lambda on switched sqs:switched-b")
    assert "no longer poll queue switched-a" in notebook.text("%lambda off switched sqs:switched-a")
    assert "no source sqs:switched-a" in notebook.fails("%lambda off switched sqs:switched-a")
    lab.client("s3").put_object(Bucket="switched-c", Key="a.txt", Body=b"")
    lab.settle()
    assert [line.message for line in lab.function("switched").logs()].count("a line of mine") == 1
    said = notebook.text("%lambda off switched")
    assert "no longer poll queue switched-b" in said
    assert "no longer notify switched of switched-c" in said
    assert "switched-" not in notebook.text("%lambda list")
    assert "no function nobody" in notebook.fails("%lambda on nobody sqs:switched-a")
    assert "names no event source" in notebook.fails("%lambda on switched nowhere")
    functions = lab.client("lambda")
    queue = "arn:aws:sqs:us-east-1:000000000000:switched-a"
    functions.create_event_source_mapping(FunctionName="switched", EventSourceArn=queue)
    assert "by other means" in notebook.fails("%lambda off switched sqs:switched-a")


def test_how_events_end_is_said_in_the_cell(notebook: Notebook, lab: Lab) -> None:
    fails = "%%lambda ends {}\ndef handler(event, context): raise ValueError(event)\n"
    cell = fails.format("--retries 1 --on-failure sqs:ends-dead --on kinesis:ends-stream")
    deployed = notebook.run(cell)
    said = [step.text for step in deployed.steps]
    assert "create queue ends-dead" in said
    assert "have ends retry once, tell sqs:ends-dead of failures" in said
    assert notebook.run(cell).verdict == "unchanged"
    # an asynchronous event, and a record
    lab.function("ends").send({"n": 1})
    lab.client("kinesis").put_record(StreamName="ends-stream", Data=b"x", PartitionKey="k")
    lab.settle()
    lab.clock.advance("2m")
    sqs = lab.client("sqs")
    url = sqs.get_queue_url(QueueName="ends-dead")["QueueUrl"]
    told = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    contexts = [json.loads(message["Body"])["requestContext"] for message in told]
    assert sorted((c["condition"], c["approximateInvokeCount"]) for c in contexts) == [
        ("RetriesExhausted", 2),
        ("RetryAttemptsExhausted", 2),
    ]
    # and Lambda's own way when the cell says nothing
    said = [step.text for step in notebook.run(fails.format("--on kinesis:ends-stream")).steps]
    assert "have ends retry and tell nobody, as Lambda does by itself" in said
    assert notebook.run(fails.format("--on kinesis:ends-stream")).verdict == "unchanged"
    assert "is there such a function" in notebook.fails(fails.format("--on-success lambda:nobody")).lower()
    lab.function("ends").delete()


def test_versions_and_concurrency_are_said_in_the_cell(notebook: Notebook, lab: Lab) -> None:
    cell = "%%lambda rel {}\ndef handler(event, context): return {}\n"
    said = "--alias live --provisioned 2 --reserved 3 --on sqs:rel-queue"
    planned = notebook.text(cell.format(f"{said} --dry-run", 1))
    assert "keep 2 environments of rel:live ready" in planned
    made = notebook.run(cell.format(said, 1))
    assert (made.version, made.alias) == ("1", "live")
    assert "rel created, version 1 (live)" in made._repr_mimebundle_()["text/plain"]
    again = notebook.run(cell.format(said, 1))
    assert (again.verdict, again.version) == ("unchanged", "1")
    functions = lab.client("lambda")
    assert lab.function("rel").invoke(qualifier="live").cold is False
    config = functions.get_provisioned_concurrency_config(FunctionName="rel", Qualifier="live")
    assert (config["Status"], config["AvailableProvisionedConcurrentExecutions"]) == ("READY", 2)
    assert functions.get_function_concurrency(FunctionName="rel")["ReservedConcurrentExecutions"] == 3
    (mapping,) = functions.list_event_source_mappings(FunctionName="rel")["EventSourceMappings"]
    assert mapping["FunctionArn"].endswith(":function:rel")
    # other code is the next version, and the alias leads there
    assert notebook.run(cell.format(said, 2)).version == "2"
    assert lab.function("rel").invoke(qualifier="live").payload == 2
    shown = notebook.text("%lambda versions rel")
    assert re.search(r"^2 +live .* 128 MB +2 ", shown, re.MULTILINE)
    # part of its traffic back to the first, by hand; provisioned concurrency wants an alias of one version
    assert "Alias with weights" in notebook.fails("%lambda alias rel live 2 --weight 1=0.25")
    assert "25% to version 1" in notebook.text("%lambda alias rel beta 2 --weight 1=0.25")
    assert "beta 75%" in notebook.text("%lambda versions rel")
    # what the cell no longer says goes; versions and the other alias stay
    bare = notebook.run(cell.format("--on sqs:rel-queue", 2))
    assert (bare.verdict, bare.version) == ("updated", "")
    assert [a["Name"] for a in functions.list_aliases(FunctionName="rel")["Aliases"]] == ["beta"]
    assert "ReservedConcurrentExecutions" not in functions.get_function_concurrency(FunctionName="rel")
    assert (
        functions.list_tags(
            Resource=functions.get_function(FunctionName="rel")["Configuration"]["FunctionArn"]
        )["Tags"]
        == {}
    )
    assert notebook.run(cell.format("--on sqs:rel-queue", 2)).verdict == "unchanged"
    assert "lablambda up --concurrency" in notebook.fails(cell.format("--reserved 950", 2))


def test_an_init_that_fails_can_not_be_kept_ready(notebook: Notebook) -> None:
    told = notebook.fails(
        "%%lambda badinit --alias live --provisioned 1\nraise OSError\ndef handler(event, context): ..."
    )
    assert "Couldn't keep 1 environments of badinit:live ready: FUNCTION_ERROR_INIT_FAILURE" in told


def test_snap_start_is_said_in_the_cell(notebook: Notebook, lab: Lab) -> None:
    cell = "%%lambda snap {} --runtime python3.13\nimport time\ntime.sleep(0.3)\ndef handler(event, context): ..."
    assert notebook.run(cell.format("--snap-start --alias live")).version == "1"
    assert notebook.run(cell.format("--snap-start --alias live")).verdict == "unchanged"
    out = notebook.run("%lambda invoke snap --qualifier live")
    assert out.report.restore_ms < 300
    assert "restored in" in out._repr_mimebundle_()["text/plain"]
    said = [step.text for step in notebook.run(cell.format("--alias live")).steps]
    assert "change SnapStart of snap" in said
    broken = cell.format("--snap-start --alias live").replace("time.sleep(0.3)", "raise OSError('no disk')")
    told = notebook.fails(broken)
    assert "Couldn't publish a version of snap: OSError: no disk" in told
    shell = "%%lambda snapsh --runtime provided.al2023 --snap-start --publish\n#!/bin/sh\n"
    assert "provided.al2023 is not supported for SnapStart" in notebook.fails(shell)
    assert "%lambda invoke shows" in told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--provisioned 1", "add --alias NAME"),
        ("--provisioned 0 --alias live", "keep 1 or more ready"),
        ("--provisioned 2 --reserved 1 --alias live", "reserve as many"),
        ("--reserved -1", "reserve 0"),
        ("--alias 12", "isn't a number"),
        ("--snap-start", "add --publish or --alias NAME"),
        ("--snap-start --alias live --provisioned 1", "choose one of them"),
    ],
)
def test_what_aws_would_refuse_half_way(notebook: Notebook, options: str, told: str) -> None:
    assert told in notebook.fails(f"%%lambda half {options}\ndef handler(event, context): ...")


def test_an_alias_wants_a_share_and_a_version_that_is_there(notebook: Notebook) -> None:
    notebook.run("%%lambda lonely\ndef handler(event, context): ...")
    assert "VERSION=SHARE" in notebook.fails("%lambda alias lonely live 1 --weight 2")
    assert "%lambda versions lonely shows" in notebook.fails("%lambda alias lonely live 7")
    assert "There is no function nobody" in notebook.fails("%lambda versions nobody")


def test_of_one_object_a_bucket_tells_one_function(notebook: Notebook, lab: Lab) -> None:
    notebook.run(HELLO.replace("hello", "first --on s3:shared/*.jpg"))
    second = HELLO.replace("hello", "second --on s3:shared")
    told = notebook.fails(second)
    assert "ambiguously defined" in told
    assert "first and second would both be told of some objects of shared" in told
    assert "%lambda off NAME" in told
    notebook.run("%lambda off first")
    notebook.run(second)
    lab.client("s3").put_object(Bucket="shared", Key="a.jpg", Body=b"1")
    lab.settle()
    assert [len(lab.function(name).invocations()) for name in ("first", "second")] == [0, 1]


def test_a_word_that_is_a_variable_stands_for_it(notebook: Notebook, lab: Lab) -> None:
    notebook.run("memory, setting = 512, 'NAME=Ada Lovelace'")
    notebook.run(HELLO.replace("hello", "hello --memory $memory --env $setting"))
    configuration = lab.function("hello").configuration()
    assert configuration["MemorySize"] == 512
    assert configuration["Environment"]["Variables"] == {"NAME": "Ada Lovelace"}
    assert "no variable 'nothing'" in notebook.fails(HELLO.replace("hello", "hello --memory $nothing"))


def test_dry_run_tells_and_does_nothing(notebook: Notebook, lab: Lab) -> None:
    assert "create function hello" in notebook.text(HELLO.replace("hello", "hello --dry-run"))
    assert "hello" not in names(lab)


def test_a_magic_without_a_body(notebook: Notebook) -> None:
    assert "usage: %%lambda" in notebook.text("%%lambda -h")
    assert "usage: %%lambda" in notebook.text("\n%%lambda hello --help\n")
    assert notebook.fails("%%lambda hello") == (
        "lablambda: The cell defines no function. Add: def handler(event, context): ..."
    )


def test_a_magic_that_is_being_typed_is_not_complete(notebook: Notebook) -> None:
    assert notebook.shell.check_complete("%%lambda hello")[0] == "incomplete"


def test_nothing_is_deployed_from_a_cell_with_a_mistake(notebook: Notebook, lab: Lab) -> None:
    for mistake in ("--memory 1", "--bogus", "--runtime python3.99", "--on ftp:x"):
        assert notebook.fails(HELLO.replace("hello", f"hello {mistake}")).startswith("lablambda: ")
    assert notebook.fails(HELLO + "def") == (
        "line 5 of the cell\n    def\n       ^\nSyntaxError: invalid syntax (line 5 of the cell)"
    )
    assert "hello" not in names(lab)


def test_a_runtime_that_aws_has_not_is_answered_with_those_it_has(notebook: Notebook) -> None:
    told = notebook.fails(HELLO.replace("hello", "hello --runtime python3.99"))
    assert "Value python3.99 at 'runtime' failed to satisfy constraint" in told
    assert "python3.13" in told


def test_a_refusal_of_the_lab_is_one_message(notebook: Notebook) -> None:
    told = notebook.fails(HELLO.replace("hello", "hello --env AWS_REGION=here"))
    assert told.startswith("lablambda: Couldn't create function hello")
    assert "AWS_REGION" in told
    assert "Traceback" not in told


# ------------------------------------------------------------------------------------------ invoke


def test_invoke(notebook: Notebook) -> None:
    notebook.run(HELLO)
    result = notebook.run('%lambda invoke hello {"name": "Ada  {x} $y"}')
    assert isinstance(result, Result)
    assert result.payload == {"got": {"name": "Ada  {x} $y"}}
    bundle = result._repr_mimebundle_()
    assert set(bundle) == FORMS
    assert "a line of mine" in bundle["text/html"]


def test_an_event_comes_from_anywhere(notebook: Notebook, tmp_path: Path) -> None:
    notebook.run(HELLO)
    file = tmp_path / "event.json"
    file.write_text('{"from": "file"}')
    notebook.run("event = {'from': ['variable', 1, None]}")
    for words, event in [
        ("", {}),
        ("$event", {"from": ["variable", 1, None]}),
        (f"@{file}", {"from": "file"}),
        ("'{\"quoted\": 1}'", {"quoted": 1}),
        ("17", 17),
        ('"--async"', "--async"),
    ]:
        assert notebook.run(f"%lambda invoke hello {words}").payload == {"got": event}


def test_invoke_gives_a_value_to_python(notebook: Notebook) -> None:
    notebook.run(HELLO)
    notebook.run("out = %lambda invoke hello 5")
    assert notebook.shell.user_ns["out"].payload == {"got": 5}


def test_async(notebook: Notebook, lab: Lab) -> None:
    notebook.run(HELLO)
    queued = notebook.text("%lambda invoke hello 1 --async")
    lab.settle()
    [record] = lab.function("hello").invocations(limit=1)
    assert queued == f"queued for hello, request id {record.request_id}"


def test_qualifier(notebook: Notebook) -> None:
    notebook.run(HELLO)
    assert notebook.run("%lambda invoke hello --qualifier $LATEST").executed_version == "$LATEST"
    assert "Function not found" in notebook.fails("%lambda invoke hello {} --qualifier prod")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "Write %lambda invoke NAME"),
        ("nobody", "Function not found"),
        ("hello {'single': 1}", "The event isn't JSON"),
        ("hello {bad", "Write JSON, $variable or @file. Got: {bad"),
        ("hello $nothing", "no variable 'nothing'"),
        ("hello $a_set", "$a_set can't be an event"),
        ("hello $circle", "$circle can't be an event"),
        ("hello $big", "Request must be smaller than 6291456 bytes"),
        ("hello @/nowhere/event.json", "The event can't be read from /nowhere/event.json: "),
        ("hello @/proc/self/exe", "The event can't be read from /proc/self/exe: "),
    ],
)
def test_bad_invokes(notebook: Notebook, words: str, told: str) -> None:
    notebook.run(HELLO)
    notebook.run("a_set, big, circle = {1}, 'x' * 7_000_000, []\ncircle.append(circle)")
    shown = notebook.fails(f"%lambda invoke {words}")
    assert shown.startswith("lablambda: ")
    assert told in shown
    assert "Traceback" not in shown
    assert notebook.run("%lambda invoke hello").error is None, "the lab goes on"


def test_python_gets_a_failure_as_a_value(notebook: Notebook, lab: Lab) -> None:
    notebook.run("%%lambda hello\ndef handler(event, context): return 1 / 0")
    result = lab.function("hello").invoke()
    assert result.error is not None
    assert result.error["errorType"] == "ZeroDivisionError"


# --------------------------------------------------------------------------------- other commands


def test_list(notebook: Notebook) -> None:
    notebook.run(HELLO)
    assert re.search(
        r"hello +python3\.\d+ +lambda_function.handler +128 MB +3 s", notebook.text("%lambda list")
    )


def test_show(notebook: Notebook) -> None:
    notebook.run(HELLO.replace("hello", "shown"))
    notebook.run("%lambda invoke shown")
    shown = notebook.run("%lambda show shown")._repr_mimebundle_()
    assert set(shown) == FORMS
    assert re.search(r"Handler +lambda_function.handler", shown["text/plain"])
    assert "1 invocation of shown" in shown["text/plain"]
    json.dumps(shown)


def test_logs(notebook: Notebook) -> None:
    notebook.run(HELLO.replace("hello", "logged"))
    first = notebook.run("%lambda invoke logged 1")
    notebook.run("%lambda invoke logged 2")
    events = notebook.run("%lambda logs logged")
    assert isinstance(events, LogEvents)
    assert str(events).count("a line of mine") == 2
    lines = str(notebook.run(f"%lambda logs logged --request {first.request_id}")).split("\n")
    assert [line.split()[0] for line in lines] == ["START", "a", "END", "REPORT"]
    assert len(notebook.run("%lambda logs logged --limit 1")) == 1


def test_load_and_simulate(notebook: Notebook) -> None:
    notebook.run(HELLO)
    measured = notebook.run('%lambda load hello --rate 20 --payload {"a b": "it\'s"} --duration 1s')
    assert measured.served == 20
    shown = measured._repr_mimebundle_()
    assert set(shown) == FORMS
    assert "hello, measured: 20 requests in 1 s" in shown["text/plain"]
    assert notebook.run("%lambda invoke hello").payload == {"got": {}}
    past = notebook.run("%lambda replay hello").payload
    assert past == {"got": {}}
    simulated = notebook.run("%lambda simulate hello --rate 20 --duration 1s")
    assert (simulated.function, simulated.arrivals, simulated.model) == (
        "hello",
        20,
        "simulated, request by request",
    )
    assert notebook.run("%lambda simulate --takes 1s --init 1s --rate 1").arrivals == 10
    assert "--trace-durations FILE" in notebook.text("%lambda simulate --help")


@pytest.mark.parametrize(
    "payload",
    ['{"a b": "it\'s"}', '\'{"a b": "it\'s"}\'', "$event", "@event.json"],
    ids=["raw", "quoted", "variable", "file"],
)
def test_payloads_of_loads(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, payload: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "event.json").write_text('{"a b": "it\'s"}')
    notebook.run(HELLO)
    notebook.run("event = {'a b': \"it's\"}")
    notebook.run(f"%lambda load hello --rate 1 --payload {payload} --duration 1s")
    assert notebook.run("%lambda replay hello").payload == {"got": {"a b": "it's"}}


def test_metrics(notebook: Notebook) -> None:
    notebook.run(HELLO.replace("hello", "measured"))
    assert re.search(r"\n0 +0 +0 +- +- +- +0 +\$0.00\n", notebook.text("%lambda metrics measured"))
    for _ in range(2):
        notebook.run("%lambda invoke measured")
    figures = notebook.run("%lambda metrics measured --hours 1")
    assert isinstance(figures, Figures)
    assert (figures.invocations, figures.errors, figures.throttles, figures.concurrency) == (2, 0, 0, 1)
    assert sum(figures.invocations_by_part) == 2
    assert figures.duration_ms["p50"] <= figures.duration_ms["p99"]
    shown = figures._repr_mimebundle_()
    assert set(shown) == FORMS
    assert shown["text/plain"].startswith("measured, last 1 hour\ninvocations  errors  throttles  p50")
    assert "<svg" in shown["text/html"]
    json.dumps(shown)


def test_delete(notebook: Notebook, lab: Lab) -> None:
    notebook.run(HELLO)
    assert notebook.text("%lambda delete hello") == "hello deleted; its logs stay"
    assert "hello" not in names(lab)


def test_status_and_doctor(notebook: Notebook, lab: Lab) -> None:
    assert re.search(rf"name +{lab.name}", notebook.text("%lambda status"))
    assert re.search(rf"ok +lab +{lab.name}", notebook.text("%lambda doctor"))


@pytest.mark.parametrize("line", ["%lambda", "%lambda help", "%lambda -h", "%lambda --help"])
def test_help_names_every_command(notebook: Notebook, line: str) -> None:
    shown = notebook.text(line)
    assert all(f"%lambda {command}" in shown for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS_TO_COME)
def test_commands_to_come_say_so(notebook: Notebook, command: str) -> None:
    told = f"lablambda: %lambda {command} is not implemented yet."
    assert notebook.fails(f"%lambda {command}") == told
    assert notebook.fails(f"%lambda {command} hello --port 1") == told


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("frob", "%lambda has no command 'frob'; it has invoke, send, replay,"),
        ("show", "%lambda show takes one function's name"),
        ("show nobody", "Function not found"),
        ("delete a b", "%lambda delete takes one function's name"),
        ("delete nobody", "Function not found"),
        ("delete 'unclosed", "No closing quotation"),
        ("logs", "required: name"),
        ("logs nobody", "Function not found"),
        ("load", "required: name"),
        ("load nobody", "Function not found"),
        ("load hello --rate fast", "invalid float value"),
        ("load hello --profile wavy", "write constant, ramp, spike"),
        ("load hello --payload {x --rate 1", "The event isn't JSON"),
        ("simulate", "Write --takes 50ms"),
        ("simulate nobody", "Function not found"),
        ("simulate --trace nowhere.csv --takes 1s --init 1s", "nowhere.csv"),
        ("metrics", "required: name"),
        ("metrics nobody", "Function not found"),
        ("metrics hello --hours 0", "hours=0 isn't within a year"),
        ("logs hello --limit many", "invalid int value"),
        ("logs hello --request 1-2-3", "hello has no invocation 1-2-3"),
    ],
)
def test_bad_commands(notebook: Notebook, line: str, told: str) -> None:
    notebook.run(HELLO)
    shown = notebook.fails(f"%lambda {line}")
    assert shown.startswith("lablambda: ")
    assert told in shown
    assert "Traceback" not in shown


# -------------------------------------------------------------------------------- loading, the lab


def test_loading_twice_is_harmless(notebook: Notebook) -> None:
    matchers = len(notebook.shell.Completer.custom_matchers)
    transforms = len(notebook.shell.input_transformer_manager.cleanup_transforms)
    notebook.run("import lablambda; lablambda.load_ipython_extension(get_ipython())")
    notebook.run("%reload_ext lablambda")
    assert len(notebook.shell.Completer.custom_matchers) == matchers
    assert len(notebook.shell.input_transformer_manager.cleanup_transforms) == transforms
    assert notebook.run(HELLO).verdict == "created"


def test_unloading_takes_everything_away(notebook: Notebook) -> None:
    notebook.run("%unload_ext lablambda")
    manager = notebook.shell.magics_manager
    assert not [kind for kind, table in manager.magics.items() if "lambda" in table]
    assert notebook.shell.input_transformer_manager.transform_cell("%%lambda x") == (
        "get_ipython().run_cell_magic('lambda', 'x', '')\n"
    )
    notebook.run("import lablambda; lablambda.unload_ipython_extension(get_ipython())")
    notebook.run("%load_ext lablambda")


def test_no_names_are_put_into_the_notebook(notebook: Notebook) -> None:
    before = set(notebook.shell.user_ns)
    notebook.run("%reload_ext lablambda")
    assert set(notebook.shell.user_ns) - before <= {"_i", "_ii", "_iii"}


def test_a_lab_that_has_ended(notebook: Notebook, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a lab that ends under the notebook's hands
    with Lab.private() as other:
        monkeypatch.setenv(NAME_VARIABLE, other.reference)
        assert other.name in notebook.text("%lambda status")
    # when it is asked again, then the error tells what to do, and the doctor still answers
    shown = notebook.fails("%lambda list")
    assert shown.startswith("lablambda: The private lab of")
    assert "none is running" in notebook.text("%lambda doctor")
    # and the notebook goes on with another lab
    monkeypatch.setenv(NAME_VARIABLE, lab.reference)
    assert lab.name in notebook.text("%lambda status")


def test_loading_without_a_lab(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook.run("%unload_ext lablambda")
    with monkeypatch.context() as patch:
        patch.setenv(NAME_VARIABLE, "not a name")
        assert notebook.fails("%load_ext lablambda").startswith("lablambda: 'not a name' can't name a lab")
    notebook.run("%load_ext lablambda")


# ------------------------------------------------------------------------------------------- clock


def test_the_clock_is_turned(notebook: Notebook, lab: Lab) -> None:
    before = lab.clock.now
    assert "1 x real time" in repr(notebook.run("%lambda clock --advance 1h"))
    assert lab.clock.now - before >= 3600
    assert "60 x real time" in repr(notebook.run("%lambda clock --speed 60"))
    assert lab.clock.speed == 60
    notebook.run("%lambda clock --speed 1")
    for words, told in (
        ("--advance soon", "is no span of time"),
        ("--speed -1", "goes forward only"),
        ("--x", ""),
    ):
        assert told in notebook.fails(f"%lambda clock {words}")
