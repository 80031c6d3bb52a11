"""The AWS CLI against a lab: a user's story from `lablambda up` to `aws lambda delete-function`."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lablambda.packaging.zips import zip_files
from tests.api_clients import ROLE, RUNTIME
from tests.processes import Home

RUNNER = Path(__file__).with_name("awscli_runner.py")
SOURCE = """import os
def handler(event, context):
    print('got', event)
    return os.environ.get('GREETING', 'hello') + ' ' + event['name'] + context.function_version
"""


class CommandFailed(Exception):
    """The AWS CLI ended with an error; the message is what it said."""


@dataclass(frozen=True)
class Shell:
    """A shell in a user's folder, after `eval "$(lablambda env)"`."""

    home: Home
    runner: subprocess.Popen[str]

    @property
    def folder(self) -> Path:
        return self.home.folder

    def aws(self, *words: str) -> str:
        """`aws WORDS...`: what it prints."""
        assert self.runner.stdin is not None
        assert self.runner.stdout is not None
        self.runner.stdin.write(json.dumps(words) + "\n")
        self.runner.stdin.flush()
        status, out, errors = json.loads(self.runner.stdout.readline())
        if status != 0:
            raise CommandFailed(errors)
        assert errors == ""
        return str(out)

    def ask(self, *words: str) -> Any:
        """The same where it prints JSON."""
        return json.loads(self.aws(*words))

    def invoke(self, name: str, event: Any, *words: str) -> tuple[dict[str, Any], Any]:
        """`aws lambda invoke`: the answer's headers as the CLI shows them, and the payload."""
        told = self.ask(
            "lambda", "invoke", "--function-name", name, "--payload", json.dumps(event), *words, "out.json"
        )
        text = (self.folder / "out.json").read_text()
        return told, json.loads(text) if text else None

    def package(self, file: str, source: str = SOURCE) -> str:
        """A deployment package in the folder, as the CLI names it."""
        (self.folder / file).write_bytes(zip_files({"f.py": source.encode()}))
        return f"fileb://{file}"

    def logged(self, name: str, pattern: str) -> list[str]:
        """What the function's log group has of a pattern, asked for as `aws logs tail` (of version 2) does."""
        words = ["--log-group-name", f"/aws/lambda/{name}", "--start-time", "0", "--interleaved"]
        events = self.ask("logs", "filter-log-events", *words, "--filter-pattern", pattern)["events"]
        return [event["message"].rstrip("\n") for event in events]

    def create(self, name: str, source: str = SOURCE, *more: str) -> dict[str, Any]:
        """`aws lambda create-function`, and wait until it can be invoked."""
        words = ["--function-name", name, "--runtime", RUNTIME, "--role", ROLE, "--handler", "f.handler"]
        created: dict[str, Any] = self.ask(
            "lambda", "create-function", *words, *more, "--zip-file", self.package(f"{name}.zip", source)
        )
        self.aws("lambda", "wait", "function-active-v2", "--function-name", name)
        return created


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    home = Home(tmp_path_factory.mktemp("awscli"))
    home.up()
    script = f'eval "$({sys.executable} -m lablambda env --name t)" && exec {sys.executable} -P {RUNNER}'
    with subprocess.Popen(
        ["bash", "-c", script],
        env=home.environment,
        cwd=home.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as runner:
        yield Shell(home, runner)
    home.end()


@pytest.fixture(scope="module")
def greet(shell: Shell) -> str:
    """A function that most of the story is about."""
    created = shell.create("greet")
    assert (created["State"], created["Version"], created["Timeout"]) == ("Pending", "$LATEST", 3)
    return "greet"


# -------------------------------------------------------------------------------------- invoking


def test_the_command_itself(shell: Shell, greet: str) -> None:
    aws = Path(sys.executable).with_name("aws")
    script = (
        f'eval "$({sys.executable} -m lablambda env --name t)" && '
        f"{aws} lambda list-functions --query 'Functions[].FunctionName' --output text"
    )
    done = subprocess.run(
        ["bash", "-c", script], env=shell.home.environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("greet\n", "")


def test_invoke(shell: Shell, greet: str) -> None:
    told, payload = shell.invoke(greet, {"name": "Ada"})
    assert (told, payload) == ({"StatusCode": 200, "ExecutedVersion": "$LATEST"}, "hello Ada$LATEST")


def test_invoke_with_the_log(shell: Shell, greet: str) -> None:
    told, _ = shell.invoke(greet, {"name": "Ada"}, "--log-type", "Tail")
    log = base64.b64decode(told["LogResult"]).decode()
    assert "\ngot {'name': 'Ada'}\n" in log
    assert "REPORT RequestId: " in log


def test_invoke_asynchronously(shell: Shell, greet: str) -> None:
    told, payload = shell.invoke(greet, {"name": "Eve"}, "--invocation-type", "Event")
    assert (told, payload) == ({"StatusCode": 202}, None)
    shell.home.labs[0].settle()
    assert shell.logged(greet, "Eve") == ["got {'name': 'Eve'}"]


def test_what_fails(shell: Shell, greet: str) -> None:
    told, payload = shell.invoke(greet, {})
    assert (told["StatusCode"], told["FunctionError"]) == (200, "Unhandled")
    assert (payload["errorType"], payload["errorMessage"]) == ("KeyError", "'name'")
    with pytest.raises(CommandFailed, match=r"\(ResourceNotFoundException\) when calling the Invoke"):
        shell.invoke("nowhere", {})
    with pytest.raises(CommandFailed, match=r"ResourceConflictException.*Function already exist: greet"):
        shell.create(greet)


# -------------------------------------------------------------------------------------- changing


def test_code_and_configuration_are_updated(shell: Shell) -> None:
    shell.create("changing")
    package = shell.package("new.zip", SOURCE.replace("hello", "goodbye"))
    before = shell.ask("lambda", "get-function", "--function-name", "changing")
    updated = shell.ask(
        "lambda", "update-function-code", "--function-name", "changing", "--zip-file", package
    )
    assert updated["CodeSha256"] != before["Configuration"]["CodeSha256"]
    shell.aws("lambda", "wait", "function-updated-v2", "--function-name", "changing")
    assert shell.invoke("changing", {"name": "Ada"})[1] == "goodbye Ada$LATEST"

    settings = ["--timeout", "9", "--memory-size", "256", "--environment", "Variables={GREETING=hey}"]
    shell.aws("lambda", "update-function-configuration", "--function-name", "changing", *settings)
    shell.aws("lambda", "wait", "function-updated-v2", "--function-name", "changing")
    after = shell.ask("lambda", "get-function-configuration", "--function-name", "changing")
    assert (after["Timeout"], after["MemorySize"], after["LastUpdateStatus"]) == (9, 256, "Successful")
    assert shell.invoke("changing", {"name": "Ada"})[1] == "hey Ada$LATEST"

    shell.aws("lambda", "delete-function", "--function-name", "changing")
    with pytest.raises(CommandFailed, match="ResourceNotFoundException"):
        shell.aws("lambda", "get-function", "--function-name", "changing")


def test_list_and_query(shell: Shell, greet: str) -> None:
    query = ["--query", "Functions[?FunctionName=='greet'].[FunctionName,Runtime]", "--output", "text"]
    assert shell.aws("lambda", "list-functions", *query) == f"greet\t{RUNTIME}\n"
    assert "greet" in shell.aws("lambda", "list-functions", "--max-items", "1", "--output", "table")


def test_layers(shell: Shell) -> None:
    (shell.folder / "layer.zip").write_bytes(zip_files({"python/shared.py": b"NAME = 'from the layer'"}))
    words = ["--zip-file", "fileb://layer.zip", "--compatible-runtimes", RUNTIME]
    published = shell.ask("lambda", "publish-layer-version", "--layer-name", "shared", *words)
    versions = shell.ask("lambda", "list-layer-versions", "--layer-name", "shared")["LayerVersions"]
    assert [version["Version"] for version in versions] == [published["Version"]] == [1]
    source = "import shared\ndef handler(event, context): return shared.NAME\n"
    shell.create("layered", source, "--layers", published["LayerVersionArn"])
    assert shell.invoke("layered", {})[1] == "from the layer"


# ---------------------------------------------------------------------------------- logs and S3


def test_logs(shell: Shell, greet: str) -> None:
    shell.invoke(greet, {"name": "Grace"})
    assert shell.logged(greet, "Grace") == ["got {'name': 'Grace'}"]
    group = f"/aws/lambda/{greet}"
    streams = shell.ask("logs", "describe-log-streams", "--log-group-name", group)["logStreams"]
    words = ["--log-group-name", group, "--log-stream-name", streams[0]["logStreamName"], "--limit", "3"]
    assert len(shell.ask("logs", "get-log-events", *words)["events"]) == 3


@pytest.fixture(scope="module")
def photos(shell: Shell) -> str:
    """A bucket, and a photo in the folder."""
    (shell.folder / "photo.txt").write_text("a photo")
    shell.aws("s3", "mb", "s3://photos")
    return "s3://photos"


def test_s3(shell: Shell, photos: str) -> None:
    shell.aws("s3", "cp", "photo.txt", f"{photos}/in/")
    assert shell.aws("s3", "ls", f"{photos}/in/").split()[2:] == ["7", "photo.txt"]
    words = ["--bucket", "photos", "--key", "in/photo.txt"]
    assert shell.ask("s3api", "head-object", *words)["ContentLength"] == 7
    shell.aws("s3", "cp", f"{photos}/in/photo.txt", "copy.txt")
    assert (shell.folder / "copy.txt").read_text() == "a photo"
    shell.aws("s3", "rm", f"{photos}/in", "--recursive")
    assert "Contents" not in shell.ask("s3api", "list-objects-v2", "--bucket", "photos", "--output", "json")


def test_an_upload_invokes(shell: Shell, photos: str) -> None:
    source = "def handler(event, context): print('uploaded', event['Records'][0]['s3']['object']['key'])\n"
    arn = shell.create("uploaded", source)["FunctionArn"]
    name = ["--function-name", "uploaded"]
    words = ["--statement-id", "s3", "--action", "lambda:InvokeFunction", "--principal", "s3.amazonaws.com"]
    shell.aws("lambda", "add-permission", *name, *words, "--source-arn", "arn:aws:s3:::photos")
    policy = json.loads(shell.ask("lambda", "get-policy", *name)["Policy"])
    assert [statement["Sid"] for statement in policy["Statement"]] == ["s3"]
    wanted = {"LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    words = ["--bucket", "photos", "--notification-configuration", json.dumps(wanted)]
    shell.aws("s3api", "put-bucket-notification-configuration", *words)
    shell.aws("s3", "cp", "photo.txt", f"{photos}/up/")
    shell.home.labs[0].settle()
    assert shell.logged("uploaded", "uploaded") == ["uploaded up/photo.txt"]
    shell.aws("lambda", "remove-permission", *name, "--statement-id", "s3")
    with pytest.raises(CommandFailed, match=r"\(ResourceNotFoundException\)"):
        shell.aws("lambda", "get-policy", *name)


# ---------------------------------------------------------------------------- operations to come


def test_a_version_is_published(shell: Shell, greet: str) -> None:
    version = shell.ask("lambda", "publish-version", "--function-name", greet)["Version"]
    shell.aws("lambda", "wait", "published-version-active", "--function-name", greet, "--qualifier", version)
    told, payload = shell.invoke(greet, {"name": "Ada"}, "--qualifier", version)
    assert (told["ExecutedVersion"], payload) == (version, f"hello Ada{version}")
    listed = shell.ask("lambda", "list-versions-by-function", "--function-name", greet)["Versions"]
    assert version in [described["Version"] for described in listed]


def test_an_alias(shell: Shell, greet: str) -> None:
    version = shell.ask("lambda", "publish-version", "--function-name", greet)["Version"]
    words = ["--function-name", greet, "--name", "live"]
    alias = shell.ask("lambda", "create-alias", *words, "--function-version", version)
    assert alias["AliasArn"].endswith(":function:greet:live")
    assert shell.invoke(f"{greet}:live", {"name": "Ada"})[0]["ExecutedVersion"] == version
    shell.aws("lambda", "update-alias", *words, "--function-version", "$LATEST")
    assert shell.invoke(f"{greet}:live", {"name": "Ada"})[0]["ExecutedVersion"] == "$LATEST"
    shell.aws("lambda", "delete-alias", *words)


def test_tags(shell: Shell, greet: str) -> None:
    arn = shell.ask("lambda", "get-function", "--function-name", greet)["Configuration"]["FunctionArn"]
    shell.aws("lambda", "tag-resource", "--resource", arn, "--tags", "team=blue,kind=test")
    shell.aws("lambda", "untag-resource", "--resource", arn, "--tag-keys", "kind")
    assert shell.ask("lambda", "list-tags", "--resource", arn)["Tags"] == {"team": "blue"}


def test_reserved_concurrency(shell: Shell, greet: str) -> None:
    name = ["--function-name", greet]
    shell.aws("lambda", "put-function-concurrency", *name, "--reserved-concurrent-executions", "0")
    with pytest.raises(CommandFailed, match="TooManyRequestsException"):
        shell.invoke(greet, {"name": "Ada"})
    assert shell.ask("lambda", "get-function-concurrency", *name) == {"ReservedConcurrentExecutions": 0}
    shell.aws("lambda", "delete-function-concurrency", *name)
    assert shell.invoke(greet, {"name": "Ada"})[0]["StatusCode"] == 200


def test_code_from_a_bucket(shell: Shell) -> None:
    shell.package("code.zip")
    shell.aws("s3", "mb", "s3://packages")
    shell.aws("s3", "cp", "code.zip", "s3://packages/code.zip")
    words = ["--runtime", RUNTIME, "--role", ROLE, "--handler", "f.handler"]
    words += ["--code", "S3Bucket=packages,S3Key=code.zip"]
    shell.aws("lambda", "create-function", "--function-name", "from-s3", *words)
    shell.aws("lambda", "wait", "function-active-v2", "--function-name", "from-s3")
    assert shell.invoke("from-s3", {"name": "Ada"})[1] == "hello Ada$LATEST"
