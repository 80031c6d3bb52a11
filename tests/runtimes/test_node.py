"""The Node.js runtime: every style of handler, its modules, its console, its errors, its streams."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from lablambda.model.function import Version
from lablambda.model.invocation import Outcome
from lablambda.packaging.zips import zip_files
from lablambda.rules.runtimes import family
from lablambda.runtimes.node.runtime import among, find
from lablambda.runtimes.registry import Runtimes
from tests.runtimes.conftest import Bench, bench_with

pytestmark = pytest.mark.anyio


@dataclass
class Node:
    """Deploys JavaScript."""

    bench: Bench

    def function(
        self,
        source: str,
        *,
        runtime: str = "nodejs22.x",
        file: str = "index.js",
        files: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Version:
        more.setdefault("handler", "index.handler")
        more.setdefault("timeout", 10)
        return self.bench.function(files={file: source, **(files or {})}, runtime=runtime, **more)

    async def run(self, source: str, event: Any = None, **more: Any) -> Outcome:
        return await self.bench.invoke(self.function(source, **more), event)

    async def says(self, source: str, event: Any = None, **more: Any) -> Any:
        outcome = await self.run(source, event, **more)
        assert outcome.function_error is None, outcome.payload
        return json.loads(outcome.payload)

    async def fails(self, source: str, event: Any = None, **more: Any) -> dict[str, Any]:
        outcome = await self.run(source, event, **more)
        assert outcome.function_error == "Unhandled"
        told: dict[str, Any] = json.loads(outcome.payload)
        return told


class OneNode(Runtimes):
    """The Node.js at `path`, as if there were no other; by default, the one that a shell would find."""

    def __init__(self, folder: Path, path: str | None) -> None:
        super().__init__(folder)
        self._path = path

    async def _look(self) -> None:
        kit = self._kit
        found = await (find(kit) if self._path is None else among(kit, [self._path]))
        for runtime in found[:1]:
            self._add(runtime)


# Several can be tested in one go: paths, with colons between them.
NODES = os.environ.get("LABLAMBDA_TEST_NODES", "").split(":")


@pytest.fixture(scope="session", params=[path or None for path in NODES])
async def node(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Node]:
    folder = tmp_path_factory.mktemp("node")
    async with bench_with(OneNode(folder / "runtimes", request.param), folder) as bench:
        if not any(family(name) == "nodejs" for name in await bench.runtimes.all()):
            (pytest.fail if os.environ.get("CI") else pytest.skip)("this machine has no Node.js")
        yield Node(bench)


def logged(outcome: Outcome) -> list[str]:
    """What the function itself put into the log."""
    mine = ("INIT_START", "INIT_REPORT", "START ", "END ", "REPORT ")
    return [line for line in outcome.log if not line.startswith(mine)]


# ------------------------------------------------------------------------------------------- styles


@pytest.mark.parametrize(
    "handler",
    [
        "async (event) => event * 2",
        "(event) => Promise.resolve(event * 2)",
        "(event, context, callback) => callback(null, event * 2)",
        "(event, context, callback) => { setTimeout(() => callback(null, event * 2), 20); }",
        "(event, context, callback) => { context.callbackWaitsForEmptyEventLoop = false; callback(null, event * 2); }",
        "(event, context) => context.succeed(event * 2)",
        "(event, context) => context.done(null, event * 2)",
        "(event, context) => { setTimeout(() => context.succeed(event * 2), 20); }",
        "(event, context, callback) => { callback(null, event * 2); callback(null, 'too late'); context.succeed(1); }",
        "async (event, context, callback) => { callback(null, event * 2); return 'too late'; }",
        "(event, context, callback) => { callback(null, event * 2); throw new Error('too late'); }",
        "(event) => ({ then: (resolve) => resolve(event * 2) })",
    ],
)
async def test_every_way_to_answer(node: Node, handler: str) -> None:
    assert await node.says(f"exports.handler = {handler};", 21) == 42


@pytest.mark.parametrize(
    "handler",
    [
        "async () => { throw new Error('no') }",
        "() => Promise.reject(new Error('no'))",
        "() => { throw new Error('no') }",
        "(event, context, callback) => callback(new Error('no'))",
        "(event, context) => context.fail(new Error('no'))",
        "(event, context) => context.done(new Error('no'))",
    ],
)
async def test_every_way_to_fail(node: Node, handler: str) -> None:
    told = await node.fails(f"exports.handler = {handler};")
    assert (told["errorType"], told["errorMessage"], list(told)) == (
        "Error",
        "no",
        ["errorType", "errorMessage", "trace"],
    )
    assert told["trace"][0] == "Error: no"


async def test_a_callback_waits_until_the_event_loop_is_empty(node: Node) -> None:
    source = """
let finished = false;
exports.handler = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = event.wait;
  setTimeout(() => { finished = true; console.log("finished"); }, 100);
  callback(null, finished);
};
"""
    waits = await node.run(source, {"wait": True})
    assert logged(waits)[0].endswith("finished")
    version = node.function(source)
    assert logged(await node.bench.invoke(version, {"wait": False})) == []


async def test_what_is_left_behind_goes_on_with_the_next_event(node: Node) -> None:
    version = node.function("""
let ticks = 0;
setInterval(() => ticks++, 10).unref();
exports.handler = async (event) => {
  const before = ticks;
  await new Promise((resolve) => setTimeout(resolve, event.ms));
  return [before, ticks];
};
""")
    first = json.loads((await node.bench.invoke(version, {"ms": 100})).payload)
    await asyncio.sleep(0.5)
    second = json.loads((await node.bench.invoke(version, {"ms": 0})).payload)
    assert first[1] >= 5
    assert second[0] - first[1] <= 1, "the process stood still meanwhile"


async def test_who_never_answers(node: Node) -> None:
    assert await node.says("exports.handler = (event) => {};") is None
    assert (
        await node.says("exports.handler = (event, context, callback) => { setTimeout(() => {}, 10); };")
        is None
    )
    told = await node.fails("exports.handler = async () => { await new Promise(() => {}); };")
    assert told["errorType"] == "Runtime.NodeJsExit"


async def test_what_was_asked_for_decides_about_callbacks(node: Node) -> None:
    callback = "exports.handler = (event, context, callback) => callback(null, 1);"
    told = await node.fails(callback, runtime="nodejs24.x")
    assert told["errorType"] == "Runtime.CallbackHandlerDeprecated"
    assert "Node.js 24" in told["errorMessage"]
    members = (
        "exports.handler = async (event, context) => ['succeed', 'done', 'fail'].filter((n) => n in context);"
    )
    assert await node.says(members, runtime="nodejs24.x") == []
    assert await node.says(members, runtime="nodejs20.x") == ["succeed", "done", "fail"]


async def test_a_handler_that_is_not_async_since_node_24(node: Node) -> None:
    assert await node.says("exports.handler = (event) => event + 1;", 1, runtime="nodejs24.x") == 2
    told = await node.fails("exports.handler = () => { throw new Error('no'); };", runtime="nodejs24.x")
    assert told["errorMessage"] == "no"
    told = await node.fails("exports.handler = () => new Promise(() => {});", runtime="nodejs24.x")
    assert told["errorType"] == "Runtime.NodeJsExit"


async def test_a_promise_that_is_settled_later_counts_no_more(node: Node) -> None:
    source = """
const calls = [];
exports.handler = (event, context) => {
  calls.push(event);
  setTimeout(() => { context.succeed("too late"); context.fail("too late"); }, 50);
  if (event === 1) context.succeed("first"); else setTimeout(() => context.succeed(calls), 100);
};
"""
    version = node.function(source)
    assert json.loads((await node.bench.invoke(version, 1)).payload) == "first"
    assert json.loads((await node.bench.invoke(version, 2)).payload) == "too late"


# ------------------------------------------------------------------------------------------ results


@pytest.mark.parametrize(
    ("result", "answer"),
    [
        ("undefined", None),
        ("null", None),
        ("'ü🎉'", "ü🎉"),
        ("{ a: undefined, b: 1 }", {"b": 1}),
        ("() => 1", None),
    ],
)
async def test_results_are_json(node: Node, result: str, answer: Any) -> None:
    assert await node.says(f"exports.handler = async () => ({result});") == answer


@pytest.mark.parametrize(
    ("runtime", "kind"), [("nodejs22.x", "Error"), ("nodejs24.x", "Runtime.JSONStringifyError")]
)
@pytest.mark.parametrize("result", ["10n", "(() => { const a = {}; a.a = a; return a; })()"])
async def test_what_is_no_json(node: Node, result: str, runtime: str, kind: str) -> None:
    told = await node.fails(f"exports.handler = async () => {result};", runtime=runtime)
    assert (told["errorType"], told["errorMessage"]) == (kind, "Unable to stringify response body")


async def test_an_error_that_is_too_long_to_tell(node: Node) -> None:
    version = node.function(
        "exports.handler = async (size) => { if (size) throw new Error('x'.repeat(size)); };", memory=512
    )
    outcome = await node.bench.invoke(version, 7 << 20)
    assert json.loads(outcome.payload)["errorType"] == "Function.ResponseSizeTooLarge"
    assert json.loads((await node.bench.invoke(version, 0)).payload) is None


# ----------------------------------------------------------------------------------------- handlers


@pytest.mark.parametrize(
    ("file", "source", "handler"),
    [
        ("index.js", "exports.handler = async () => 'here';", "index.handler"),
        ("src/app.js", "exports.main = async () => 'here';", "src/app.main"),
        ("index.js", "exports.a = { b: { c: async () => 'here' } };", "index.a.b.c"),
        ("index.mjs", "export const handler = async () => 'here';", "index.handler"),
        (
            "index.mjs",
            "const v = await Promise.resolve('here');\nexport default async () => v;",
            "index.default",
        ),
        ("index.cjs", "exports.handler = async () => 'here';", "index.handler"),
        ("index/index.js", "exports.handler = async () => 'here';", "index.handler"),
    ],
)
async def test_where_a_handler_may_be(node: Node, file: str, source: str, handler: str) -> None:
    assert await node.says(source, file=file, handler=handler) == "here"


async def test_the_nearest_package_json_says_what_a_file_is(node: Node) -> None:
    files = {"package.json": '{"type": "module"}'}
    assert await node.says("export const handler = async () => 'esm';", files=files) == "esm"


@pytest.mark.parametrize(
    ("source", "handler", "kind", "message"),
    [
        ("", "index.handler", "Runtime.HandlerNotFound", "index.handler is undefined or not exported"),
        (
            "exports.handler = 7;",
            "index.handler",
            "Runtime.HandlerNotFound",
            "index.handler is not a function",
        ),
        ("", "nodot", "Runtime.MalformedHandlerName", "Bad handler"),
        ("", "../up.handler", "Runtime.MalformedHandlerName", "'../up.handler' is not a valid"),
        ("", "missing.handler", "Runtime.ImportModuleError", "Error: Cannot find module 'missing'"),
        (
            "require('nothing');",
            "index.handler",
            "Runtime.ImportModuleError",
            "Error: Cannot find module 'nothing'",
        ),
        ("let a = ;", "index.handler", "Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected token ';'"),
        ("throw new RangeError('at start');", "index.handler", "RangeError", "at start"),
    ],
)
async def test_init_errors(node: Node, source: str, handler: str, kind: str, message: str) -> None:
    outcome = await node.run(source, handler=handler)
    told = json.loads(outcome.payload)
    assert told["errorType"] == kind
    assert told["errorMessage"].startswith(message)
    assert f'\tundefined\tERROR\tUncaught Exception \t{{"errorType":"{kind}"' in logged(outcome)[0]
    assert str(node.bench.folder) not in outcome.payload.decode()


@pytest.mark.parametrize(
    ("files", "kind", "message", "line"),
    [
        (
            {"index.js": "export const handler = async () => 1;"},
            "Runtime.UserCodeSyntaxError",
            "SyntaxError: Unexpected token 'export'",
            "/var/task/index.js:1",
        ),
        (
            {"index.js": "\nimport fs from 'node:fs';"},
            "Runtime.UserCodeSyntaxError",
            "SyntaxError: Cannot use import statement outside a module",
            "/var/task/index.js:2",
        ),
        (
            {"index.js": "require('./other.mjs');", "other.mjs": ""},
            "Error",
            "require() of ES Module /var/task/other.mjs",
            "Error [ERR_REQUIRE_ESM]: require() of ES Module /var/task/other.mjs from /var/task/index.js not supported.",
        ),
        (
            {"index.mjs": "import 'nothing';"},
            "Error",
            "Cannot find package 'nothing' imported from /var/task/index.mjs",
            "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'nothing' imported from /var/task/index.mjs",
        ),
    ],
)
async def test_mixing_the_kinds_of_modules(
    node: Node, files: dict[str, str], kind: str, message: str, line: str
) -> None:
    version = node.bench.function(files=files, runtime="nodejs22.x", handler="index.handler")
    told = json.loads((await node.bench.invoke(version)).payload)
    assert told["errorType"] == kind
    assert told["errorMessage"].startswith(message)
    assert told["trace"][0] == line


async def test_what_aws_has_taken_out_can_be_asked_for(node: Node) -> None:
    source = "export const handler = async () => 'seen by its syntax';"
    options = "--experimental-require-module --experimental-detect-module --no-warnings"
    assert await node.says(source, variables={"NODE_OPTIONS": options}) == "seen by its syntax"


async def test_the_require_stack_of_what_is_missing(node: Node) -> None:
    told = await node.fails("require('./lib/a');", files={"lib/a.js": "require('nothing');"})
    message = "Error: Cannot find module 'nothing'\nRequire stack:\n- /var/task/lib/a.js\n- /var/task/index.js\n- /var/runtime/index.mjs"
    assert told == {
        "errorType": "Runtime.ImportModuleError",
        "errorMessage": message,
        "trace": f"Runtime.ImportModuleError: {message}".split("\n"),
    }


async def test_a_default_export_since_node_24(node: Node) -> None:
    source = "export default { handler: async () => 'by default' };"
    assert await node.says(source, file="index.mjs", runtime="nodejs24.x") == "by default"
    told = await node.fails(source, file="index.mjs", runtime="nodejs22.x")
    assert told["errorType"] == "Runtime.HandlerNotFound"


async def test_an_init_that_never_ends(node: Node) -> None:
    source = "await new Promise(() => {});\nexport const handler = async () => 1;"
    told = await node.fails(source, file="index.mjs")
    assert told["errorMessage"].endswith("Runtime exited with error: exit status 13")


async def test_a_rejection_that_init_leaves_behind(node: Node) -> None:
    outcome = await node.run("Promise.reject(new Error('forgotten'));\nexports.handler = async () => 1;")
    told = json.loads(outcome.payload)
    assert (told["errorType"], told["errorMessage"]) == (
        "Runtime.UnhandledPromiseRejection",
        "Error: forgotten",
    )
    assert "\tundefined\tERROR\tUnhandled Promise Rejection \t" in logged(outcome)[0]


async def test_commonjs_in_an_es_module_is_told_clearly(node: Node) -> None:
    told = await node.fails("exports.handler = async () => 1;", file="index.mjs")
    assert (told["errorType"], told["errorMessage"].split(",")[0]) == (
        "ReferenceError",
        "exports is not defined in ES module scope",
    )


# ------------------------------------------------------------------------------------------ modules


def with_layer(node: Node, version: Version, files: Mapping[str, str]) -> Version:
    from lablambda.model.package import Layer

    package = node.bench.store.add(zip_files({name: text.encode() for name, text in files.items()}))
    return replace(version, layers=(Layer("l", "arn", 1, package, "", ""),))


@pytest.mark.parametrize("folder", ["nodejs/node_modules", "nodejs/node{major}/node_modules"])
@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("index.js", "const g = require('greeter');\nexports.handler = async () => g.greet();"),
        ("index.mjs", "import { greet } from 'greeter';\nexport const handler = async () => greet();"),
    ],
)
async def test_packages_of_a_layer(node: Node, folder: str, file: str, source: str) -> None:
    package = folder.format(major=22)
    version = with_layer(
        node,
        node.function(source, file=file, runtime="nodejs22.x"),
        {
            f"{package}/greeter/package.json": '{"name": "greeter", "main": "main.js"}',
            f"{package}/greeter/main.js": "exports.greet = () => 'hello from a layer';",
        },
    )
    assert json.loads((await node.bench.invoke(version)).payload) == "hello from a layer"


async def test_the_functions_own_packages_and_node_path(node: Node) -> None:
    source = "exports.handler = async () => [require('own'), require('elsewhere')];"
    files = {
        "node_modules/own/index.js": "module.exports = 'own';",
        "vendor/elsewhere.js": "module.exports = 'elsewhere';",
    }
    variables = {"NODE_PATH": "vendor"}
    assert await node.says(source, files=files, variables=variables) == ["own", "elsewhere"]


async def test_flags_and_options_are_the_functions_own(node: Node) -> None:
    source = "exports.handler = async () => [process.execArgv.length, process.env.NODE_OPTIONS ?? null, new (require('node:events'))().constructor.defaultMaxListeners, v8()];\nconst v8 = () => Math.round(require('node:v8').getHeapStatistics().heap_size_limit / 2 ** 20);"
    small = await node.says(source, memory=256)
    large = await node.says(source, memory=1024, variables={"NODE_OPTIONS": "--no-deprecation"})
    assert small[3] < 400 < large[3] < 1400
    assert large[1] == "--no-deprecation"


# ------------------------------------------------------------------------------------------ context


async def test_the_context(node: Node) -> None:
    source = """
exports.handler = async (event, context) => ({
  ...context, left: context.getRemainingTimeInMillis(), trace: process.env._X_AMZN_TRACE_ID,
});
"""
    version = node.function(source)
    outcome = await node.bench.invoke(
        version, {}, request_id="r-9", client_context='{"custom": {"a": 1}}', trace_id="Root=1-2-3"
    )
    told = json.loads(outcome.payload)
    assert 9_000 < told.pop("left") <= 10_000
    assert told.pop("logStreamName").startswith("20")
    assert told == {
        "callbackWaitsForEmptyEventLoop": True,
        "functionVersion": "$LATEST",
        "functionName": "f",
        "memoryLimitInMB": "256",
        "logGroupName": "/aws/lambda/f",
        "clientContext": {"custom": {"a": 1}},
        "invokedFunctionArn": version.arn,
        "awsRequestId": "r-9",
        "trace": "Root=1-2-3",
    }


@pytest.mark.parametrize(
    ("runtime", "members"),
    [
        (
            "nodejs22.x",
            """callbackWaitsForEmptyEventLoop succeed fail done functionVersion functionName memoryLimitInMB
            logGroupName logStreamName clientContext identity invokedFunctionArn awsRequestId tenantId
            getRemainingTimeInMillis""",
        ),
        (
            "nodejs24.x",
            """clientContext identity invokedFunctionArn awsRequestId tenantId xRayTraceId getRemainingTimeInMillis
            functionName functionVersion memoryLimitInMB logGroupName logStreamName""",
        ),
    ],
)
async def test_the_members_of_the_context(node: Node, runtime: str, members: str) -> None:
    source = "exports.handler = async (event, context) => Object.keys(context);"
    assert await node.says(source, runtime=runtime) == members.split()


async def test_a_trace_id_is_of_one_invocation(node: Node) -> None:
    version = node.function("exports.handler = async () => process.env._X_AMZN_TRACE_ID ?? null;")
    assert json.loads((await node.bench.invoke(version, trace_id="Root=1")).payload) == "Root=1"
    assert json.loads((await node.bench.invoke(version)).payload) != "Root=1"


async def test_the_remaining_time_may_be_negative(node: Node) -> None:
    source = """
exports.handler = async (event, context) => {
  const now = Date.now;
  Date.now = () => now() + 60_000;
  return context.getRemainingTimeInMillis();
};
"""
    assert await node.says(source) < -49_000


async def test_a_client_context_that_is_no_json(node: Node) -> None:
    version = node.function("let count = 0;\nexports.handler = async () => ++count;")
    outcome = await node.bench.invoke(version, client_context="{")
    assert json.loads(outcome.payload)["errorMessage"].startswith(
        "Cannot parse ClientContext as json: SyntaxError"
    )
    assert json.loads((await node.bench.invoke(version)).payload) == 1


async def test_the_process_looks_as_on_aws(node: Node) -> None:
    source = "exports.handler = async () => [process.argv.slice(1), process.cwd() === __dirname, process.stdout.fd, process.stderr.fd];"
    assert await node.says(source) == [["/var/runtime/index.mjs"], True, 1, 2]


async def test_processes_and_threads_of_a_handler(node: Node) -> None:
    source = """
const { execFileSync, fork, spawnSync } = require("node:child_process");
const { once } = require("node:events");
const { Worker } = require("node:worker_threads");
exports.handler = async (python) => {
  const child = fork(__dirname + "/child.js");
  const [message] = await once(child, "message");
  const worker = new Worker("console.log('from a thread'); require('node:worker_threads').parentPort.postMessage(2)", { eval: true });
  const gone = once(worker, "exit"); // both may come in one turn of the loop
  const [number] = await once(worker, "message");
  await gone;
  spawnSync(process.execPath, ["-e", "console.log('from a process')"], { stdio: "inherit" });
  spawnSync(python, ["-c", "import os; os.set_blocking(1, False)"], { stdio: "inherit" });
  for (let line = 0; line < 400; line++) console.log("x".repeat(1000));
  return [message, number];
};
"""
    version = node.function(
        source, files={"child.js": "process.send(1, () => process.disconnect());"}, memory=512
    )
    node.bench.lines.clear()
    outcome = await node.bench.invoke(version, sys.executable)
    assert json.loads(outcome.payload) == [1, 2]
    lines = node.bench.lines
    assert {"from a thread", "from a process"} <= set(lines)
    assert sum(line.endswith("x" * 1000) for line in lines) == 400


# --------------------------------------------------------------------------------------------- logs

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


async def test_the_console_in_text(node: Node) -> None:
    source = """
console.log("at init");
exports.handler = async () => {
  console.debug("d"); console.info("i %s", 1, { a: 2 }); console.warn("w"); console.error(new Error("e").message);
  console.trace("t"); console.log("two\\nlines"); process.stdout.write("raw\\n");
};
"""
    version = node.function(source)
    outcome = await node.bench.invoke(version, request_id="r-3")
    lines = logged(outcome)
    assert re.fullmatch(rf"{STAMP}\tundefined\tINFO\tat init", lines[0])
    assert [line.split("\t", 1)[1] for line in lines[1:-1]] == [
        "r-3\tDEBUG\td",
        "r-3\tINFO\ti 1 { a: 2 }",
        "r-3\tWARN\tw",
        "r-3\tERROR\te",
        "r-3\tTRACE\tt",
        "r-3\tINFO\ttwo\nlines",
    ]
    assert lines[-1] == "raw"


async def test_the_console_in_json(node: Node) -> None:
    source = """
exports.handler = async () => {
  console.debug("too quiet"); console.log("plain", 1); console.warn({ order: 7 });
  console.error("it failed:", new TypeError("bad"));
};
"""
    version = node.function(source)
    logging = {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "INFO",
        "SystemLogLevel": "WARN",
        "LogGroup": "/aws/lambda/f",
    }
    version = replace(version, configuration={**version.configuration, "LoggingConfig": logging})
    outcome = await node.bench.invoke(version, request_id="r-4")
    first, second, third = (json.loads(line) for line in outcome.log)
    assert (first["level"], first["requestId"], first["message"]) == ("INFO", "r-4", "plain 1")
    assert list(first) == ["timestamp", "level", "requestId", "message"]
    assert (second["level"], second["message"]) == ("WARN", {"order": 7})
    assert (third["errorType"], third["errorMessage"]) == ("TypeError", "bad")
    assert third["stackTrace"][0] == "TypeError: bad"
    assert "/var/task/index.js:4" in third["stackTrace"][1]


async def test_the_rest_of_the_console(node: Node) -> None:
    source = """
exports.handler = async () => {
  console.dir({ a: 1 }); console.table([{ a: 1 }]); console.assert(1 === 2, "unlike");
  console.count(); console.group("group"); console.log("in it"); console.groupEnd();
  console.time("t"); console.timeEnd("t"); console.fatal("f"); console.log("%s is %d: %j", "a", 1, { b: 2 });
  process.stderr.write("half a line"); console.log("whole");
};
"""
    outcome = await node.run(source)
    lines = [line.split("\t", 2)[-1] for line in logged(outcome)]
    assert lines[0] == "{ a: 1 }"
    assert lines[1].startswith("INFO\t┌─────────┬───┐\n│ (index) │ a │\n")
    assert lines[2:6] == [
        "WARN\tAssertion failed: unlike",
        "INFO\tdefault: 1",
        "INFO\tgroup",
        "INFO\tin it",
    ]
    assert lines[6].startswith("INFO\tt: 0.")
    assert lines[7:] == ["FATAL\tf", 'INFO\ta is 1: {"b":2}', "half a line", "INFO\twhole"]


async def test_errors_on_the_console(node: Node) -> None:
    source = """
const fail = () => Object.assign(new Error("outer"), { code: 7 });
exports.handler = async () => { console.log(fail()); console.log({ nested: fail(), more: 1 }); };
"""
    alone, nested = (line.split("\t", 3)[3] for line in logged(await node.run(source)))
    at, called = "at fail (/var/task/index.js:2:34)", "at exports.handler (/var/task/index.js:3:45)"
    assert alone == f"Error: outer\n    {at}\n    {called} {{\n  code: 7\n}}"
    called = called.replace(":45", ":76")
    assert nested == (
        f"{{\n  nested: Error: outer\n      {at}\n      {called} {{\n    code: 7\n  }},\n  more: 1\n}}"
    )


async def json_logs(node: Node, source: str) -> list[dict[str, Any]]:
    logging = {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "WARN", "LogGroup": "g"}
    version = node.function(source)
    version = replace(version, configuration={**version.configuration, "LoggingConfig": logging})
    lines = [json.loads(line) for line in (await node.bench.invoke(version)).log]
    return [line for line in lines if "type" not in line]  # which the platform's own have


async def test_errors_in_json_logs(node: Node) -> None:
    source = """
class OrderError extends Error { constructor(m) { super(m); this.order = 7; } }
exports.handler = async () => {
  console.error(new OrderError("alone")); console.log({ nested: new OrderError("nested") });
  const circle = {}; circle.circle = circle; console.log(circle); console.log(7); console.log(10n);
  throw new OrderError("thrown");
};
"""
    alone, nested, circle, number, big, thrown = await json_logs(node, source)
    assert list(alone["message"]) == ["errorType", "errorMessage", "stackTrace", "order"]
    assert alone["message"]["stackTrace"] == [
        "Error: alone",
        "    at exports.handler (/var/task/index.js:4:17)",
    ]
    assert (nested["message"]["nested"]["errorType"], nested["message"]["nested"]["order"]) == (
        "OrderError",
        7,
    )
    assert circle["message"] == "<ref *1> { circle: [Circular *1] }"
    assert (number["message"], big["message"]) == (7, "10n")
    assert (thrown["level"], thrown["message"]["errorMessage"]) == ("ERROR", "thrown")
    assert list(thrown) == ["timestamp", "level", "requestId", "message"]


@pytest.mark.parametrize(
    "source",
    [
        "exports.handler = async () => { throw 'text'; };",
        "exports.handler = async () => { setTimeout(() => { throw 'text'; }); await new Promise((r) => setTimeout(r, 1000)); };",
        "throw 'text';",
    ],
)
async def test_what_ends_an_invocation_is_an_object_in_json_logs(node: Node, source: str) -> None:
    (told,) = await json_logs(node, source)
    assert told["level"] == "ERROR"
    assert told["message"] == {"errorType": "Error", "errorMessage": "text", "stackTrace": ["Error: text"]}


async def test_what_cannot_be_logged_whole(node: Node) -> None:
    source = "exports.handler = async () => { const error = new Error('circle'); error.self = error; throw error; };"
    (line,) = logged(await node.run(source))
    assert json.loads(line.rpartition("\t")[2])["errorMessage"] == "circle"
    source = "exports.handler = async () => { const e = new Error('e'); e.toJSON = () => ({ short: 1 }); throw e; };"
    (line,) = logged(await node.run(source))
    assert line.endswith('\tInvoke Error \t{"short":1}')


async def test_an_error_is_told_and_logged_in_the_functions_own_lines(node: Node) -> None:
    source = """
class OrderError extends Error { constructor(m) { super(m); this.name = "OrderError"; this.order = 7; this.code = "E7"; } }
const deep = () => { throw new OrderError("no such order"); };
exports.handler = async () => { deep(); };
"""
    outcome = await node.run(source)
    told = json.loads(outcome.payload)
    assert told == {
        "errorType": "OrderError",
        "errorMessage": "no such order",
        "trace": [
            "OrderError: no such order",
            "    at deep (/var/task/index.js:3:28)",
            "    at exports.handler (/var/task/index.js:4:33)",
        ],
    }
    (line,) = logged(outcome)
    assert "\tERROR\tInvoke Error \t" in line
    assert json.loads(line.rpartition("\t")[2]) == {
        "errorType": "OrderError",
        "errorMessage": "no such order",
        "code": "E7",
        "name": "OrderError",
        "order": 7,
        "stack": told["trace"],
    }


@pytest.mark.parametrize(
    ("thrown", "kind", "message"),
    [("'text'", "string", "text"), ("7", "number", "7"), ("{ a: 1 }", "object", "[object Object]")],
)
async def test_what_is_thrown_need_not_be_an_error(node: Node, thrown: str, kind: str, message: str) -> None:
    told = await node.fails(f"exports.handler = async () => {{ throw {thrown}; }};")
    assert told == {"errorType": kind, "errorMessage": message, "trace": []}


@pytest.mark.parametrize(
    ("handler", "runtime", "kind", "message"),
    [
        ("(event, context) => context.fail()", "nodejs22.x", "string", "handled"),
        ("async () => { throw undefined; }", "nodejs22.x", "string", "handled"),
        ("async () => { throw null; }", "nodejs22.x", "string", "handled"),
        ("async () => { throw undefined; }", "nodejs24.x", "undefined", "undefined"),
        ("async () => { throw null; }", "nodejs24.x", "object", "null"),
    ],
)
async def test_failing_with_nothing(node: Node, handler: str, runtime: str, kind: str, message: str) -> None:
    told = await node.fails(f"exports.handler = {handler};", runtime=runtime)
    assert told == {"errorType": kind, "errorMessage": message, "trace": []}


async def test_failing_with_what_cannot_be_read(node: Node) -> None:
    told = await node.fails("exports.handler = async () => { throw Object.create(null); };")
    assert told["errorType"] == "handled"


# --------------------------------------------------------------------------------------------- ends


async def test_a_rejection_that_nobody_handles(node: Node) -> None:
    source = """
let count = 0;
exports.handler = async (event) => {
  if (event) { Promise.reject(new Error("forgotten")); await new Promise((r) => setTimeout(r, 1000)); }
  return ++count;
};
"""
    version = node.function(source)
    outcome = await node.bench.invoke(version, 1)
    told = json.loads(outcome.payload)
    assert (told["errorType"], told["errorMessage"]) == (
        "Runtime.UnhandledPromiseRejection",
        "Error: forgotten",
    )
    assert "\tERROR\tUnhandled Promise Rejection \t" in logged(outcome)[0]
    assert json.loads((await node.bench.invoke(version, 0)).payload) == 1, "the process has ended"


async def test_a_rejection_that_the_answer_leaves_behind(node: Node) -> None:
    source = "let count = 0;\nexports.handler = async (event) => { if (event) Promise.reject(new Error('late')); return ++count; };"
    version = node.function(source)
    assert json.loads((await node.bench.invoke(version, 1)).payload) == 1
    ((environment, _),) = node.bench.host._pools[version.arn, version.build]._idle
    assert environment._worker is not None
    await asyncio.wait_for(asyncio.shield(environment._worker.process.exited), 10)
    assert json.loads((await node.bench.invoke(version, 0)).payload) == 1, "in a new process"
    assert any("\tERROR\tUnhandled Promise Rejection \t" in line for line in node.bench.lines)
    told = await node.fails(source, 1, runtime="nodejs24.x")
    assert told["errorType"] == "Runtime.UnhandledPromiseRejection"


async def test_an_exception_that_nobody_catches(node: Node) -> None:
    source = "exports.handler = async () => { setTimeout(() => { throw new Error('later'); }, 5); await new Promise((r) => setTimeout(r, 1000)); };"
    outcome = await node.run(source)
    assert json.loads(outcome.payload)["errorMessage"] == "later"
    assert "\tERROR\tUncaught Exception \t" in logged(outcome)[0]


async def test_a_process_that_exits(node: Node) -> None:
    outcome = await node.run("exports.handler = async () => { console.log('bye'); process.exit(3); };")
    assert json.loads(outcome.payload)["errorMessage"].endswith("Runtime exited with error: exit status 3")
    assert logged(outcome)[0].endswith("\tINFO\tbye")
    told = await node.fails("exports.handler = async () => process.exit();")
    assert told["errorMessage"].endswith("Runtime exited without providing a reason")


async def test_a_handler_that_never_yields(node: Node) -> None:
    told = await node.fails("exports.handler = async () => { for (;;); };", timeout=1)
    assert told["errorType"] == "Sandbox.Timedout"


async def test_out_of_memory(node: Node) -> None:
    source = "const all = [];\nexports.handler = async () => { for (;;) all.push(new Array(1e5).fill(Math.random())); };"
    told = await node.fails(source, memory=128, timeout=30)
    assert told["errorType"] in ("Runtime.OutOfMemory", "Runtime.ExitError")
    assert re.search(r"signal: (killed|aborted)$", told["errorMessage"])


# ---------------------------------------------------------------------------------------- streaming


class Sink:
    """Takes a streamed answer."""

    def __init__(self) -> None:
        self.content_type: str | None = None
        self.parts: list[bytes] = []

    async def begin(self, content_type: str, executed_version: str) -> None:
        self.content_type = content_type
        assert executed_version == "$LATEST"

    async def take(self, part: bytes) -> None:
        self.parts.append(part)


async def streamed(node: Node, handler: str, **more: Any) -> tuple[Sink, Outcome]:
    sink = Sink()
    version = node.function(f"exports.handler = awslambda.streamifyResponse({handler});", **more)
    return sink, await node.bench.invoke(version, {}, sink=sink)


async def test_a_stream_with_a_content_type(node: Node) -> None:
    handler = "async (event, stream) => { stream.setContentType('text/plain'); stream.write('a'); stream.write('b'); stream.end(); }"
    sink, outcome = await streamed(node, handler)
    assert (sink.content_type, sink.parts, outcome.payload) == ("text/plain", [b"a", b"b"], b"")


async def test_an_http_stream_begins_with_its_prelude(node: Node) -> None:
    handler = """async (event, stream) => {
  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { a: "b" } });
  stream.write("body"); stream.end();
}"""
    sink, _ = await streamed(node, handler)
    assert sink.content_type == "application/vnd.awslambda.http-integration-response"
    assert b"".join(sink.parts) == b'{"statusCode":201,"headers":{"a":"b"}}' + bytes(8) + b"body"


async def test_a_pipeline_of_many_megabytes(node: Node) -> None:
    handler = """async (event, stream) => {
  const { pipeline } = require("node:stream/promises");
  const { Readable } = require("node:stream");
  await pipeline(Readable.from((function* () { for (let n = 0; n < 200; n++) yield Buffer.alloc(1 << 16, n); })()), stream);
}"""
    sink, outcome = await streamed(node, handler, memory=512)
    assert outcome.function_error is None
    whole = b"".join(sink.parts)
    assert len(whole) == 200 << 16
    assert whole[-1] == 199


async def test_streams_that_go_wrong(node: Node) -> None:
    before, outcome = await streamed(node, "async (event, stream) => { throw new Error('first'); }")
    assert (before.content_type, json.loads(outcome.payload)["errorMessage"]) == (None, "first")
    midway, outcome = await streamed(
        node, "async (event, stream) => { stream.write('a'); throw new Error('then'); }"
    )
    assert (midway.parts, json.loads(outcome.payload)["errorMessage"]) == ([b"a"], "then")
    late = "async (event, stream) => { stream.write('a'); stream.setContentType('text/html'); }"
    _, outcome = await streamed(node, late)
    assert json.loads(outcome.payload)["errorMessage"] == "Cannot set content-type, too late."


@pytest.mark.parametrize(("runtime", "kind"), [("nodejs22.x", "string"), ("nodejs24.x", "Error")])
async def test_streaming_handlers_that_are_wrong(node: Node, runtime: str, kind: str) -> None:
    for handler, message in (
        ("(event, stream) => { stream.end(); }", "Streaming does not support non-async handlers."),
        ("async (event, stream) => { stream.write('never ended'); }", "Response stream is not finished."),
    ):
        _, outcome = await streamed(node, handler, runtime=runtime)
        told = json.loads(outcome.payload)
        assert (told["errorType"], told["errorMessage"]) == (kind, message)
    _, outcome = await streamed(
        node, "async (event, stream) => { await new Promise(() => {}); }", runtime=runtime
    )
    assert json.loads(outcome.payload)["errorType"] == "Runtime.NodeJsExit"


async def test_what_may_be_written_to_a_stream(node: Node) -> None:
    handler = """async (event, stream) => {
  stream.write({ a: 1 }); stream.write(new Uint8Array([32])); stream.write("ü", "latin1");
  if (!stream.write(Buffer.alloc(1 << 20, "x"))) await require("node:events").once(stream, "drain");
  await new Promise((resolve) => stream.end("!", resolve));
  return "what is returned counts for nothing";
}"""
    sink, outcome = await streamed(node, handler)
    assert sink.content_type == "application/octet-stream"
    assert b"".join(sink.parts) == b'{"a":1} \xfc' + b"x" * (1 << 20) + b"!"
    assert outcome.function_error is None
    assert logged(outcome)[0].endswith("\tWARN\tStreaming handlers ignore return values.")


async def test_stack_traces_end_with_the_handler(node: Node) -> None:
    source = "export const handler = async () => { await null; throw new Error('no'); };"
    told = await node.fails(source, file="index.mjs")
    assert told["trace"] == ["Error: no", "    at Runtime.handler (file:///var/task/index.mjs:1:56)"]
    _, outcome = await streamed(node, "async () => { await null; throw new Error('no'); }")
    (line,) = json.loads(outcome.payload)["trace"][1:]
    assert line.startswith("    at Runtime.handler (/var/task/index.js:1:")


async def test_a_stream_that_fails_while_the_handler_goes_on(node: Node) -> None:
    handler = "async (event, stream) => { stream.destroy(new Error('torn')); await new Promise((r) => setTimeout(r, 60_000)); }"
    _, outcome = await streamed(node, handler)
    assert json.loads(outcome.payload)["errorMessage"] == "torn"


async def test_streams_of_every_kind_can_be_its_source(node: Node) -> None:
    for body in (
        "await new Response('body').body.pipeTo(require('node:stream').Writable.toWeb(stream))",
        "require('node:stream').Readable.from(['bo', 'dy']).pipe(stream)",
        "await require('node:stream/promises').pipeline(require('node:stream').Readable.from(['body']), stream)",
    ):
        sink, outcome = await streamed(node, f"async (event, stream) => {{ {body}; }}")
        assert b"".join(sink.parts) == b"body", outcome.payload


async def test_a_prelude_needs_a_write(node: Node) -> None:
    """AWS sends it before the first write; a stream that only ends, even with data, has none."""
    prelude = "stream = awslambda.HttpResponseStream.from(stream, { statusCode: 204 });"
    sink, _ = await streamed(
        node, f"async (event, stream) => {{ {prelude} stream.write(''); stream.end(); }}"
    )
    assert b"".join(sink.parts) == b'{"statusCode":204}' + bytes(8)
    sink, _ = await streamed(node, f"async (event, stream) => {{ {prelude} stream.end('body'); }}")
    assert sink.parts == [b"body"]


async def test_an_end_midway_through_a_stream(node: Node) -> None:
    handler = """async (event, stream) => {
  stream.write("a"); setTimeout(() => { throw new Error("later"); }, 5); await new Promise((r) => setTimeout(r, 1000));
}"""
    sink, outcome = await streamed(node, handler)
    assert (sink.parts, json.loads(outcome.payload)["errorMessage"]) == ([b"a"], "later")
    sink, outcome = await streamed(node, "async (event, stream) => { stream.write('a'); process.exit(4); }")
    assert sink.parts == [b"a"]
    assert json.loads(outcome.payload)["errorMessage"].endswith("exit status 4")
    sink, outcome = await streamed(node, "async (event, stream) => { stream.destroy(new Error('torn')); }")
    assert json.loads(outcome.payload)["errorMessage"] == "torn"


async def test_a_stream_gathered_for_a_plain_invoke(node: Node) -> None:
    source = "exports.handler = awslambda.streamifyResponse(async (e, s) => { s.write('a'); s.end('b'); });"
    assert (await node.run(source)).payload == b"ab"
    source = "exports.handler = awslambda.streamifyResponse(async (e, s) => { s.write(Buffer.alloc(7 << 20)); s.end(); });"
    assert (await node.fails(source, memory=512))["errorType"] == "Function.ResponseSizeTooLarge"
