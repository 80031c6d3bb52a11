"""Environments of every language in sandboxes of every kind: they work, and are kept from what isn't theirs as far as
that kind goes. What is tried against a whole lab is in tests/test_isolation.py."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from lablambda.execution.sandbox import Sandbox
from lablambda.model.package import Layer
from lablambda.packaging.zips import zip_files
from lablambda.rules.runtimes import family
from lablambda.rules.sandbox import NOTHING, Kernel
from lablambda.runtimes.python.runtime import OWN
from lablambda.runtimes.registry import Runtimes
from tests.runtimes.conftest import Bench, bench_with
from tests.runtimes.test_custom import WATCHER, python

pytestmark = pytest.mark.anyio
BEST = Sandbox.of_this_machine().kernel
KINDS = {
    "whole": BEST,
    "without namespaces": BEST._replace(mounts=False),
    "the first Landlock": Kernel(min(1, BEST.landlock), filters=BEST.filters, mounts=False),
    "filters alone": Kernel(0, filters=BEST.filters, mounts=False),
    "none": NOTHING,
}
PYTHON = """
import os, helper
def handler(event, context):
    with open(f"{os.environ['TMPDIR']}/note", "a") as note: note.write("x")
    try: home = os.listdir(event)
    except OSError: home = None
    return [helper.WORD, home is not None, len(open(f"{os.environ['TMPDIR']}/note").read()), sorted(os.listdir("."))]
"""
NODE = """
const fs = require("node:fs"), helper = require("helper");
exports.handler = async (event) => {
  fs.appendFileSync(`${process.env.TMPDIR}/note`, "x");
  let home = null;
  try { home = fs.readdirSync(event); } catch {}
  return [helper.WORD, home !== null, fs.readFileSync(`${process.env.TMPDIR}/note`, "utf8").length, fs.readdirSync(".").sort()];
};
"""


@pytest.fixture(scope="module", params=KINDS)
async def kind(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[str, Bench]]:
    folder = tmp_path_factory.mktemp("host")
    runtimes = Runtimes(folder / "runtimes", sandbox=Sandbox(KINDS[request.param]))
    async with bench_with(runtimes, folder) as bench:
        yield request.param, bench


def layer(bench: Bench, files: dict[str, bytes]) -> tuple[Layer, ...]:
    return (Layer("l", "arn", 1, bench.store.add(zip_files(files)), "", ""),)


@pytest.mark.parametrize("many", [False, True], ids=["small", "of many files"])
@pytest.mark.parametrize("language", ["python", "nodejs"])
async def test_code_layers_and_tmp(kind: tuple[str, Bench], language: str, *, many: bool) -> None:
    """Of small packages and of large ones, with a layer; /tmp is the same after a crash."""
    name, bench = kind
    if language == "nodejs" and shutil.which("node") is None:
        pytest.skip("this machine has no Node.js")
    runtime = (
        OWN if language == "python" else next(n for n in await bench.runtimes.all() if family(n) == "nodejs")
    )
    files = {"f.py": PYTHON} if language == "python" else {"f.js": NODE}
    files |= {f"data/{n}": "x" for n in range(300 * many)}
    helpers = {
        "python/helper.py": b"WORD = 'from a layer'",
        "nodejs/node_modules/helper/index.js": b"exports.WORD = 'from a layer';",
    }
    version = replace(bench.function(files=files, runtime=runtime), layers=layer(bench, helpers))
    own = sorted({path.split("/")[0] for path in files})
    free = KINDS[name].landlock == 0  # to read files, as there is no Landlock
    for count in (1, 2):
        outcome = await bench.invoke(version, str(Path.home()))
        assert json.loads(outcome.payload) == ["from a layer", free, count, own]
    (environment, _), *_ = bench.host._pools[version.arn, version.build]._idle
    assert environment._worker is not None
    environment._worker.process.kill()
    await environment._worker.process.wait()
    assert json.loads((await bench.invoke(version, str(Path.home()))).payload) == [
        "from a layer",
        free,
        3,
        own,
    ]


@pytest.mark.parametrize("language", ["python", "nodejs"])
async def test_an_extension_shares_tmp(kind: tuple[str, Bench], language: str) -> None:
    _, bench = kind
    if language == "nodejs" and shutil.which("node") is None:
        pytest.skip("this machine has no Node.js")
    runtime = (
        OWN if language == "python" else next(n for n in await bench.runtimes.all() if family(n) == "nodejs")
    )
    watcher = WATCHER.replace("me = ", "open(os.environ['TMPDIR'] + '/mine', 'w').write('hers')\nme = ")
    files = {
        "f.py": "import os\ndef handler(e, c): return open(os.environ['TMPDIR'] + '/mine').read()",
        "f.js": "exports.handler = async () => require('node:fs').readFileSync(process.env.TMPDIR + '/mine', 'utf8');",
    }
    plain = bench.function(files=files, runtime=runtime)
    version = replace(plain, layers=layer(bench, {"extensions/watcher": watcher.encode()}))
    assert (await bench.invoke(version)).payload == b'"hers"'


async def test_a_runtime_of_the_functions_own(kind: tuple[str, Bench]) -> None:
    name, bench = kind
    bootstrap = """#!/bin/sh
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime
echo x > "$TMPDIR/note"
while true; do
  id=$(curl -s -D - -o /dev/null "$api/invocation/next" | tr -d '\\r' | sed -n 's/^lambda-runtime-aws-request-id: //Ip')
  curl -s -o /dev/null -d "\\"$LAMBDA_TASK_ROOT $(cat "$TMPDIR/note")\\"" "$api/invocation/$id/response"
done
"""
    if shutil.which("curl") is None:
        pytest.skip("this machine has no curl")
    version = bench.function(files={"bootstrap": bootstrap}, runtime="provided.al2023")
    task = "/var/task" if KINDS[name].mounts else str(bench.store.folder(version.package))
    assert json.loads((await bench.invoke(version)).payload) == f"{task} x"


async def test_another_environments_api_is_closed(bench: Bench) -> None:
    """To one of the same user; and goes on for whom it is."""
    echo = bench.function(
        files={
            "bootstrap": python(
                "while True:\n"
                "    id, body = next_event()\n"
                "    call('POST', f'invocation/{id}/response', json.dumps(os.environ['AWS_LAMBDA_RUNTIME_API']))"
            )
        },
        runtime="provided.al2023",
    )
    address = json.loads((await bench.invoke(echo)).payload)
    intruder = bench.function("""
import http.client
def handler(address, context):
    api = http.client.HTTPConnection(address, timeout=2)
    api.request("POST", "/2018-06-01/runtime/init/error", "{}")
    return api.getresponse().status
""")
    assert json.loads((await bench.invoke(intruder, address)).payload)["errorType"] in (
        "ConnectionResetError",
        "RemoteDisconnected",
    )
    assert json.loads((await bench.invoke(echo)).payload) == address


def test_what_cannot_be_strict_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lablambda.execution.sandbox._kernel", lambda: BEST._replace(mounts=False))
    with pytest.raises(
        Exception,
        match=r"can't sandbox handlers strictly: a handler could reach what is in /tmp.*--sandbox auto",
    ):
        Sandbox.chosen("strict")
    assert Sandbox.chosen("auto").level == "partial"
    assert Sandbox.chosen("off").level == "off"
