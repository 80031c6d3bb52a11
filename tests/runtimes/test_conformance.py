"""The same story for every runtime. A new language is done when this is green for it."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from lablambda.model.function import Version
from lablambda.model.invocation import Outcome
from lablambda.rules.limits import RESPONSE_BYTES, SYNC_PAYLOAD_BYTES
from lablambda.rules.runtimes import family
from lablambda.runtimes.java.compiler import JavaCompiler
from tests.runtimes.conftest import Bench

pytestmark = pytest.mark.anyio
ACTORS = Path(__file__).with_name("actors")


@dataclass(frozen=True)
class Language:
    """How the actor of a language is deployed, and how the language names an error that it raises."""

    family: str
    file: str
    handler: str
    mishap: str
    init_error: str

    async def files(self) -> dict[str, str | bytes]:
        source = (ACTORS / self.file).read_text()
        return dict(await _classes(source)) if self.family == "java" else {self.file: source}


async def _classes(source: str) -> dict[str, bytes]:
    compiler = JavaCompiler()
    try:
        compiled = await compiler.compile(source, 17)
    finally:
        await compiler.close()
    assert compiled.classes, compiled.problems
    return dict(compiled.classes)


LANGUAGES = (
    Language("python", "actor.py", "actor.handler", "Mishap", "RuntimeError"),
    Language("nodejs", "actor.js", "actor.handler", "Mishap", "Error"),
    Language(
        "java",
        "Actor.java",
        "conformance.Actor",
        "conformance.Actor$Mishap",
        "java.lang.IllegalStateException",
    ),
    Language("ruby", "actor.rb", "actor.handler", "Function<Mishap>", "Init<RuntimeError>"),
    Language("provided", "bootstrap", "anything", "Mishap", "RuntimeError"),
)


@dataclass
class Actor:
    """The actor, deployed in one language."""

    bench: Bench
    language: Language
    runtime: str
    files: Mapping[str, str | bytes]

    def version(self, **more: Any) -> Version:
        return self.bench.function(
            files=self.files, handler=self.language.handler, runtime=self.runtime, **more
        )

    async def act(self, version: Version, do: str, **event: Any) -> Outcome:
        return await self.bench.invoke(version, {"do": do, **event})

    async def says(self, version: Version, do: str, **event: Any) -> Any:
        outcome = await self.act(version, do, **event)
        assert outcome.function_error is None, outcome.payload
        return json.loads(outcome.payload)


@pytest.fixture(scope="module", params=LANGUAGES, ids=lambda language: language.family)
async def actor(bench: Bench, request: pytest.FixtureRequest) -> Actor:
    language: Language = request.param
    here = [name for name in await bench.runtimes.all() if family(name) == language.family]
    if not here:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"this machine has no {language.family}")
    return Actor(bench, language, here[-1], await language.files())


@pytest.fixture
def version(actor: Actor) -> Version:
    return actor.version()


def error(outcome: Outcome) -> dict[str, Any]:
    assert outcome.function_error == "Unhandled"
    told: dict[str, Any] = json.loads(outcome.payload)
    return told


# ------------------------------------------------------------------------------------------ answers


async def test_any_json_comes_back(actor: Actor, version: Version) -> None:
    for value in (
        1,
        -0.5,
        "text",
        "",
        None,
        True,
        [],
        [1, [2]],
        {},
        {"a": {"b": [None]}},
        "Grüße, 世界 🎉\n\t\0",
    ):
        assert await actor.says(version, "echo", value=value) == value


async def test_payloads_of_six_megabytes(actor: Actor, version: Version) -> None:
    text = "x" * (SYNC_PAYLOAD_BYTES - 100)
    assert await actor.says(version, "echo", value=text) == text


async def test_an_answer_over_the_limit(actor: Actor, version: Version) -> None:
    assert len((await actor.act(version, "big", size=RESPONSE_BYTES - 2)).payload) == RESPONSE_BYTES
    told = error(await actor.act(version, "big", size=RESPONSE_BYTES))
    assert told["errorType"] == "Function.ResponseSizeTooLarge"
    assert await actor.says(version, "echo", value=1) == 1


async def test_the_context(actor: Actor, version: Version) -> None:
    outcome = await actor.bench.invoke(version, {"do": "context"}, request_id="r-1")
    told = json.loads(outcome.payload)
    assert 0 < told.pop("left") <= 3000
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", told.pop("stream"))
    assert told == {
        "request_id": "r-1",
        "name": "f",
        "version": "$LATEST",
        "memory": "256",
        "group": "/aws/lambda/f",
        "arn": version.arn,
    }


async def test_the_environment(actor: Actor) -> None:
    version = actor.version(variables={"GREETING": "Grüße", "EMPTY": ""})
    names = ["GREETING", "EMPTY", "AWS_REGION", "AWS_ACCESS_KEY_ID", "TZ", "_HANDLER", "VIRTUAL_ENV", "USER"]
    told = await actor.says(version, "env", names=names)
    assert {name: value for name, value in told.items() if value is not None} == {
        "GREETING": "Grüße",
        "EMPTY": "",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "ASIA",
        "TZ": ":UTC",
        "_HANDLER": version.handler,
    }


async def test_it_begins_in_its_package(actor: Actor) -> None:
    found = await actor.says(actor.version(), "folder")
    assert sorted({path.partition("/")[0] for path in actor.files}) == found


# --------------------------------------------------------------------------------------------- logs


async def test_what_is_printed_is_in_the_log_between_start_and_end(actor: Actor, version: Version) -> None:
    outcome = await actor.act(version, "log", text="Grüße")
    log = [line for line in outcome.log if not line.startswith(("INIT_START", "REPORT"))]
    assert log[0].startswith("START")
    assert log[1:-1] == ["Grüße", "Grüße"]
    assert log[-1].startswith("END")


async def test_a_flood_of_output_arrives_whole(actor: Actor, version: Version) -> None:
    actor.bench.lines.clear()
    await actor.act(version, "log", text="\n".join(f"line {n}" for n in range(20_000)))
    assert actor.bench.lines.count("line 0") == 2
    assert actor.bench.lines.count("line 19999") == 2


# ------------------------------------------------------------------------------------------- errors


async def test_an_error_that_the_handler_raises(actor: Actor, version: Version) -> None:
    outcome = await actor.act(version, "error", message="Grüße\nfrom below")
    told = error(outcome)
    assert told["errorMessage"] == "Grüße\nfrom below"
    assert told["errorType"] == actor.language.mishap
    assert "status: error" in "".join(outcome.log).lower()
    assert str(actor.bench.folder) not in outcome.payload.decode()
    assert await actor.says(version, "count") == 1, "an error resets nothing"
    assert await actor.says(version, "count") == 2


async def test_an_init_that_fails(actor: Actor) -> None:
    version = actor.version(variables={"FAIL_INIT": "1"})
    told = error(await actor.act(version, "count"))
    assert (told["errorMessage"], told["errorType"]) == ("no way to start", actor.language.init_error)
    assert error(await actor.act(version, "count")) == told, "the next invocation tries again"


async def test_a_timeout(actor: Actor) -> None:
    version = actor.version(timeout=1)
    await actor.says(version, "write", text="kept")
    await actor.says(version, "count")
    told = error(await actor.act(version, "sleep", s=30))
    assert told["errorType"] == "Sandbox.Timedout"
    assert told["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert await actor.says(version, "count") == 1, "what it held in memory is gone"
    assert await actor.says(version, "read") == "kept"


@pytest.mark.parametrize(
    ("status", "words"),
    [(0, "Runtime exited without providing a reason"), (7, "Runtime exited with error: exit status 7")],
)
async def test_a_process_that_ends(actor: Actor, version: Version, status: int, words: str) -> None:
    told = error(await actor.act(version, "exit", status=status))
    assert told["errorType"] == "Runtime.ExitError"
    assert told["errorMessage"].endswith(f"Error: {words}")
    assert await actor.says(version, "count") == 1


async def test_more_memory_than_there_is(actor: Actor, version: Version) -> None:
    outcome = await actor.act(version, "memory", mb=1024)
    told = error(outcome)
    assert told["errorType"] in ("Runtime.OutOfMemory", "Runtime.ExitError", "java.lang.OutOfMemoryError")
    assert outcome.report.max_memory_mb <= 256 or told["errorType"] != "Runtime.OutOfMemory"
    assert await actor.says(version, "count") == 1


async def test_memory_is_reported(actor: Actor, version: Version) -> None:
    before = (await actor.act(version, "echo", value=1)).report.max_memory_mb
    assert 0 < before < 200
    outcome = await actor.act(version, "memory", mb=40)
    assert json.loads(outcome.payload) == 40 << 20
    assert before + 20 < outcome.report.max_memory_mb < before + 200


# --------------------------------------------------------------------------------------------- life


async def test_one_environment_is_used_again(actor: Actor, version: Version) -> None:
    outcomes = [await actor.act(version, "count") for _ in range(3)]
    assert [json.loads(outcome.payload) for outcome in outcomes] == [1, 2, 3]
    assert [outcome.report.cold for outcome in outcomes] == [True, False, False]
    assert len({outcome.log[0].split()[0] for outcome in outcomes[1:]}) == 1


async def test_requests_at_once_have_environments_of_their_own(actor: Actor, version: Version) -> None:
    await asyncio.gather(*(actor.says(version, "sleep", s=0.5) for _ in range(3)))
    counts = await asyncio.gather(*(actor.says(version, "count") for _ in range(3)))
    assert counts == [1, 1, 1]


async def test_tmp_is_each_ones_own(actor: Actor) -> None:
    first, second = actor.version(), actor.version()
    await actor.says(first, "write", text="secret")
    assert "secret" not in json.loads((await actor.act(second, "read")).payload).values()
    assert await actor.says(first, "read") == "secret"


async def test_what_is_slow_to_start_is_waited_for(actor: Actor) -> None:
    outcome = await actor.act(actor.version(variables={"SLOW_INIT": "0.3"}), "count")
    assert json.loads(outcome.payload) == 1
    assert outcome.report.init_ms is not None
    assert outcome.report.init_ms >= 300


async def test_what_is_not_wanted_any_more_ends(actor: Actor, version: Version) -> None:
    await actor.says(version, "write", text="gone soon")
    (environment,) = _idle(actor, version)
    assert environment._worker is not None
    pid, folder = environment._worker.process.pid, environment._folder
    actor.bench.host.retire(version)
    async with asyncio.timeout(10):
        while psutil.pid_exists(pid) or folder.exists():
            await asyncio.sleep(0.01)


async def test_one_that_died_while_idle_is_started_again(actor: Actor, version: Version) -> None:
    await actor.says(version, "count")
    (environment,) = _idle(actor, version)
    assert environment._worker is not None
    process = environment._worker.process
    process.kill()
    await process.wait()
    assert await actor.says(version, "count") == 1


def _idle(actor: Actor, version: Version) -> list[Any]:
    pool = actor.bench.host._pools[version.arn, version.build]
    return [environment for environment, _ in pool._idle]
