"""Java environments as Lambda's: forms of handlers, events, errors, logs. Real JVMs throughout."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
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
from lablambda.runtimes.java.jdks import Jdk
from lablambda.runtimes.java.runtime import JavaRuntime
from tests.runtimes.conftest import Bench

pytestmark = pytest.mark.anyio
SOURCE = Path(__file__).with_name("actors") / "Forms.java"


def here() -> list[Jdk]:
    """Every Java of this machine, and those that LABLAMBDA_TEST_JAVAS names."""
    named = [jdks.read(Path(home)) for home in os.environ.get("LABLAMBDA_TEST_JAVAS", "").split(":") if home]
    found = {jdk.major: jdk for jdk in [*(jdk for jdk in named if jdk), *jdks.find()]}
    return [found[major] for major in sorted(found)]


HERE = here()


@dataclass
class Java:
    """Deploys the classes of Forms.java, with the types of AWS's events in a jar beside them."""

    bench: Bench
    runtime: str
    files: Mapping[str, str | bytes]

    def function(
        self, handler: str, *, files: Mapping[str, str | bytes] | None = None, **more: Any
    ) -> Version:
        more = {"timeout": 15, "memory": 512, **more}
        return self.bench.function(
            files={**self.files, **(files or {})}, handler=handler, runtime=self.runtime, **more
        )

    async def run(self, handler: str, event: Any = None, **more: Any) -> Outcome:
        version = self.function(handler, **more)
        try:
            return await self.bench.invoke(version, event)
        finally:
            self.bench.host.retire(version)

    async def says(self, handler: str, event: Any = None, **more: Any) -> Any:
        return answer(await self.run(handler, event, **more))

    async def fails(self, handler: str, event: Any = None, **more: Any) -> dict[str, Any]:
        return error(await self.run(handler, event, **more))


@dataclass
class Doer:
    """A function that does what the event says, in one environment for all tests of a Java."""

    bench: Bench
    version: Version

    async def act(self, do: str, *, more: Mapping[str, Any] | None = None, **event: Any) -> Outcome:
        return await self.bench.invoke(self.version, {"do": do, **event}, **(more or {}))

    async def says(self, do: str, *, more: Mapping[str, Any] | None = None, **event: Any) -> Any:
        return answer(await self.act(do, more=more, **event))


def answer(outcome: Outcome) -> Any:
    assert outcome.function_error is None, outcome.payload
    return json.loads(outcome.payload)


def error(outcome: Outcome) -> dict[str, Any]:
    assert outcome.function_error == "Unhandled", outcome.payload
    told: dict[str, Any] = json.loads(outcome.payload)
    return told


def logged(outcome: Outcome) -> list[str]:
    """What the function itself put into the log."""
    mine = ("INIT_START", "INIT_REPORT", "START ", "END ", "REPORT ")
    return [line for line in outcome.log if not line.startswith(mine)]


@pytest.fixture(scope="session")
async def files() -> dict[str, str | bytes]:
    if not HERE:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("this machine has no Java")
    compiler = JavaCompiler()
    try:
        compiled = await compiler.compile(SOURCE.read_text(), 17)
    finally:
        await compiler.close()
    assert compiled.classes, compiled.problems
    jars = {f"lib/{jar.name}": jar.read_bytes() for jar in maven.jars((maven.EVENTS,))}
    return {**compiled.classes, **jars}


async def _named(bench: Bench, jdk: Jdk) -> str:
    if f"java{jdk.major}" not in await bench.runtimes.all():
        bench.runtimes._add(JavaRuntime(jdk, HERE, bench.runtimes._kit))
    return f"java{jdk.major}"


@pytest.fixture
async def java(bench: Bench, files: dict[str, str | bytes]) -> Java:
    """The oldest Java here."""
    return Java(bench, await _named(bench, HERE[0]), files)


@pytest.fixture(scope="session", params=HERE, ids=lambda jdk: str(jdk.major))
async def doer(
    bench: Bench, files: dict[str, str | bytes], request: pytest.FixtureRequest
) -> AsyncIterator[Doer]:
    every = Java(bench, await _named(bench, request.param), files)
    version = every.function(
        "forms.Doer", files={"notes/note.txt": "a note"}, variables={"GREETING": "hello", "UMLAUT": "größe"}
    )
    yield Doer(bench, version)
    bench.host.retire(version)


# -------------------------------------------------------------------------------------------- forms

PERSON = {"name": "Ada", "age": 36, "friends": [{"name": "Charles", "age": 60, "friends": []}]}


@pytest.mark.parametrize(
    ("handler", "event", "result"),
    [
        ("Forms::text", "größe 世界", "größe 世界!"),
        ("Forms::whole", 1, 2),
        ("Forms::whole", "41", 42),
        ("Forms::real", 5, 2.5),
        ("Forms::truth", True, False),
        ("Forms::list", [1, 2, 3], [2, 3]),
        ("Forms::map", {"a": [1, {"b": None}]}, {"a": [1, {}]}),
        ("Forms::bean", PERSON, PERSON | {"age": 37}),
        ("Forms::sum", [PERSON], "Ada"),
        ("Forms::withContext", "I am ", "I am f"),
        ("Forms::contextAlone", {}, "f"),
        ("Forms::nothing", {}, "nothing in"),
        ("Forms::ofTheClass", "static", "static"),
        ("Forms::longest", "", "long"),
        ("Forms::streams", {"kept": "as it is"}, {"kept": "as it is"}),
        ("Streamer", 123, 321),
    ],
)
async def test_a_form(java: Java, handler: str, event: Any, result: Any) -> None:
    assert await java.says(f"forms.{handler}", event) == result


async def test_a_method_that_gives_nothing(java: Java) -> None:
    assert (await java.run("forms.Forms::nothingBack", "x")).payload == b"null"


async def test_a_stream_is_passed_verbatim(java: Java) -> None:
    assert (await java.run("forms.Forms::streamsAndContext")).payload == b"f"


async def test_an_s3_event(java: Java) -> None:
    record = {
        "eventTime": "2026-01-02T03:04:05.678Z",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "photos"}, "object": {"key": "a+b%C3%A4.jpg", "size": 3}},
    }
    assert await java.says("forms.Forms::s3", {"Records": [record]}) == "photos/a bä.jpg"


async def test_an_sqs_event_and_a_partial_batch_response(java: Java) -> None:
    records = [{"messageId": "1", "body": "good"}, {"messageId": "2", "body": "bad"}]
    told = await java.says("forms.Forms::sqs", {"Records": records})
    assert told == {"batchItemFailures": [{"itemIdentifier": "2"}]}


async def test_jars_of_a_layer(java: Java) -> None:
    jars = {f"java/lib/{jar.name}": jar.read_bytes() for jar in maven.jars((maven.EVENTS,))}
    plain = {name: data for name, data in java.files.items() if not name.startswith("lib/")}
    version = replace(java, files=plain).function("forms.Forms::sqs")
    version = replace(version, layers=(Layer("l", "arn", 1, java.bench.store.add(zip_files(jars)), "", ""),))
    outcome = await java.bench.invoke(version, {"Records": []})
    java.bench.host.retire(version)
    assert answer(outcome) == {"batchItemFailures": []}


# -------------------------------------------------------------------------------------- init errors


@pytest.mark.parametrize(
    ("handler", "kind", "message"),
    [
        ("forms.Nowhere", "java.lang.ClassNotFoundException", "Class not found: forms.Nowhere"),
        ("forms.Plain", None, "Class does not implement an appropriate handler interface: forms.Plain"),
        ("forms.Forms::hidden", None, "No public method named hidden with appropriate method signature found on class forms.Forms"),
        ("forms.Forms::", None, "Invalid handler: `forms.Forms::'"),
        ("forms.Unconstructible", "java.lang.Exception", "Class forms.Unconstructible has no public zero-argument constructor"),
        ("forms.Raw", None, "Class forms.Raw does not implement RequestHandler with concrete type parameters: parameter T has no upper bound."),
    ],
)  # fmt: skip
async def test_what_is_no_handler_is_told_at_each_event(
    java: Java, handler: str, kind: str | None, message: str
) -> None:
    version = java.function(handler)
    for _ in range(2):
        outcome = await java.bench.invoke(version, {})
        told = error(outcome)
        assert (told["errorMessage"], told.get("errorType")) == (message, kind)
        assert any(line.startswith(message) for line in logged(outcome))
    assert outcome.report.init_ms is None
    java.bench.host.retire(version)


async def test_a_constructor_that_fails(java: Java) -> None:
    outcome = await java.run("forms.FailsToConstruct", "x")
    assert error(outcome) == {
        "errorMessage": "no way to start",
        "errorType": "java.lang.IllegalStateException",
    }
    assert logged(outcome)[0].startswith("no way to start: java.lang.IllegalStateException\n")


async def test_a_static_initialiser_that_fails(java: Java) -> None:
    told = await java.fails("forms.FailsToInitialise", "x")
    assert told["errorType"] == "java.lang.ExceptionInInitializerError"
    assert told["errorMessage"] == "Error loading class forms.FailsToInitialise"


async def test_a_class_of_a_library_that_is_missing(java: Java) -> None:
    plain = {name: data for name, data in java.files.items() if not name.startswith("lib/")}
    told = await replace(java, files=plain).fails("forms.Forms::sqs", {"Records": []})
    assert told["errorType"] == "java.lang.NoClassDefFoundError"


async def test_an_event_of_another_type(java: Java) -> None:
    outcome = await java.run("forms.Forms::whole", {"no": "number"})
    told = error(outcome)
    assert told["errorMessage"].startswith("An error occurred during JSON parsing")
    assert told["errorType"] == "java.lang.RuntimeException"


# --------------------------------------------------------------------------------------- on each Java


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(SOURCE.read_text().splitlines(), 1) if text in line)


async def test_an_exception_is_told_in_the_handlers_own_lines(doer: Doer) -> None:
    outcome = await doer.act("throw")
    calls = line_of("return act(")
    place = f"forms.Doer.act(Forms.java:{line_of('boom')})"
    above = [f"forms.Doer.handleRequest(Forms.java:{line})" for line in (calls, line_of("class Doer"))]
    assert list(error(outcome).items()) == [
        ("errorMessage", "boom"),
        ("errorType", "java.lang.IllegalArgumentException"),
        ("stackTrace", [place, *above]),
    ]
    trace = "".join(f"\tat {frame}\n" for frame in (place, *above))
    head = "boom: java.lang.IllegalArgumentException\njava.lang.IllegalArgumentException: boom\n"
    assert logged(outcome)[-1].rstrip("\n") == (head + trace).rstrip("\n")


async def test_an_exception_without_a_message_is_told_by_its_class(doer: Doer) -> None:
    assert error(await doer.act("mute"))["errorMessage"] == "java.lang.IllegalStateException"


async def test_a_cause_is_logged(doer: Doer) -> None:
    outcome = await doer.act("chain")
    assert error(outcome)["errorMessage"] == "outer"
    assert "Caused by: java.io.IOException: inner" in logged(outcome)[-1]


async def test_a_result_that_is_no_json(doer: Doer) -> None:
    told = error(await doer.act("unserializable"))
    assert told["errorMessage"].startswith("An error occurred during JSON serialization of response")


async def test_the_environment_is_the_functions_for_it_and_its_children(doer: Doer) -> None:
    own, childs = await doer.says("env")
    assert childs == sorted(f"{name}={value}" for name, value in own.items())
    assert own["UMLAUT"] == "größe"
    assert own["_HANDLER"] == "forms.Doer"
    assert "LABLAMBDA_TEST_JAVAS" not in own


async def test_what_is_printed_and_logged_stays_in_order(doer: Doer) -> None:
    outcome = await doer.act("log")
    assert logged(outcome) == [
        "printed", "first\nsecond", "[DEBUG] to look at", "[ERROR] bad", "größer 世界", "no newline",
    ]  # fmt: skip


async def test_several_invocations_of_one_environment(doer: Doer) -> None:
    first = await doer.says("count")
    assert [await doer.says("count") for _ in range(20)] == list(range(first + 1, first + 21))


async def test_large_and_strange_payloads(doer: Doer) -> None:
    for value in ("x" * 6_000_000, "größe \u2028 \U0001f600 \0", {"a": [1.5, None, True]}):
        assert (await doer.says("echo", value=value))["value"] == value


async def test_client_context(doer: Doer) -> None:
    text = json.dumps({"client": {"installation_id": "i"}, "custom": {"a": "b"}, "env": {"c": "d"}})
    assert await doer.says("client", more={"client_context": text}) == ["i", {"a": "b"}, {"c": "d"}]
    assert await doer.says("client") is None


async def test_the_trace_is_of_this_event(doer: Doer) -> None:
    assert await doer.says("trace", more={"trace_id": "Root=1-2-3"}) == "Root=1-2-3"
    assert await doer.says("trace", more={"trace_id": ""}) is None


async def test_names_of_files_may_hold_any_letter(doer: Doer) -> None:
    assert await doer.says("name") == "found"


async def test_recursion_may_go_as_deep_as_on_aws(doer: Doer) -> None:
    assert await doer.says("depth") > 8_000


async def test_the_package_is_on_the_class_path(doer: Doer) -> None:
    assert await doer.says("resource") == "a note"
    assert await doer.says("loader") is True


async def test_an_interrupt_stays_in_its_invocation(doer: Doer) -> None:
    await doer.says("interrupt")
    assert await doer.says("interrupted") is False


async def test_what_ends_the_process_ends_the_environment(doer: Doer) -> None:
    await doer.says("count")
    assert error(await doer.act("overflow"))["errorType"] == "java.lang.StackOverflowError"
    assert await doer.says("count") == 1
    told = error(await doer.act("exit"))
    assert told["errorType"] == "Runtime.ExitError"
    assert told["errorMessage"].endswith("Runtime exited with error: exit status 3")
    assert await doer.says("count") == 1


async def test_memory_that_runs_out(doer: Doer) -> None:
    told = error(await doer.act("memory"))
    assert (told["errorType"], told["errorMessage"]) == ("java.lang.OutOfMemoryError", "Java heap space")
    assert await doer.says("count") == 1


async def test_logs_in_json(doer: Doer) -> None:
    logging = {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "INFO",
        "SystemLogLevel": "WARN",
        "LogGroup": "/aws/lambda/f",
    }
    version = replace(
        doer.version,
        configuration={**doer.version.configuration, "LoggingConfig": logging},
        build="json",
    )
    outcome = await doer.bench.invoke(version, {"do": "log"}, request_id="r-1")
    lines = [json.loads(line) for line in outcome.log if line.startswith("{")]
    own = [line for line in lines if "message" in line]
    assert [(line["level"], line["message"]) for line in own] == [
        ("UNDEFINED", "first\nsecond"),
        ("ERROR", "bad"),
    ]
    assert {line["AWSRequestId"] for line in own} == {"r-1"}
    doer.bench.host.retire(version)
