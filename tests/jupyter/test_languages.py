"""Cells in other languages, typed into a real shell: from the cell to the answer."""

from __future__ import annotations

import os
import re
import shutil

import pytest

from lablambda.client import Lab
from lablambda.rules.runtimes import family
from tests.jupyter.conftest import Notebook


def needs(lab: Lab, wanted: str) -> None:
    if not any(family(name) == wanted for name in lab.status()["runtimes"]):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"this machine has no {wanted}")


CALLBACK = """%%lambda greet-js --runtime nodejs20.x
exports.myHandler = function (event, context, callback) {
  console.log("greeting", event.name);
  callback(null, "Hello, " + event.name + "!");
};
"""
JAVA = """%%lambda greet-java --runtime java17
import com.amazonaws.services.lambda.runtime.*;
import java.util.Map;

public class Greeter implements RequestHandler<Map<String, String>, String> {
    public String handleRequest(Map<String, String> event, Context context) {
        context.getLogger().log("greeting " + event.get("name"));
        return "Hello, " + event.get("name") + "!";
    }
}
"""
SHELL = """%%lambda greet-shell --runtime provided.al2023
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
  event=$(curl -sS -D /tmp/headers.$$ "$api/next")
  id=$(grep -i aws-request-id /tmp/headers.$$ | tr -d '\\r' | cut -d' ' -f2)
  echo "greeting $event"
  curl -sS -o /dev/null "$api/$id/response" -d '"Hello!"'
done
"""


def test_javascript(notebook: Notebook, lab: Lab) -> None:
    needs(lab, "nodejs")
    shown = notebook.text(CALLBACK)
    assert shown.startswith("greet-js created (nodejs20.x, handler index.myHandler,")
    result = notebook.run('%lambda invoke greet-js {"name": "Ada"}')
    assert result.payload == "Hello, Ada!"
    assert re.search(r"\tINFO\tgreeting Ada$", result.logs, re.MULTILINE)
    assert "unchanged" in notebook.text(CALLBACK)


def test_awss_sdk_for_javascript_talks_to_the_lab(notebook: Notebook, lab: Lab) -> None:
    needs(lab, "nodejs")
    cell = """%%lambda shelf --runtime nodejs20.x --memory 512 --timeout 60
import { S3Client, CreateBucketCommand, PutObjectCommand, GetObjectCommand } from "@aws-sdk/client-s3";
const s3 = new S3Client();
export const handler = async (event) => {
  await s3.send(new CreateBucketCommand({ Bucket: "shelf" }));
  await s3.send(new PutObjectCommand({ Bucket: "shelf", Key: event.key, Body: "a book" }));
  const found = await s3.send(new GetObjectCommand({ Bucket: "shelf", Key: event.key }));
  return await found.Body.transformToString();
};
"""
    assert "publish a layer with @aws-sdk/client-s3" in notebook.text(cell)
    assert notebook.run('%lambda invoke shelf {"key": "b/ü.txt"}').payload == "a book"


def test_a_javascript_error_shows_the_cells_line(notebook: Notebook, lab: Lab) -> None:
    needs(lab, "nodejs")
    notebook.run("%%lambda js-fails --runtime nodejs20.x\nexports.handler = async () => {\n  null.x;\n};")
    told = notebook.fails("%lambda invoke js-fails").split("\n")
    assert told[0] == "js-fails failed"
    assert told[1].startswith("TypeError: Cannot read properties of null")
    assert "(/var/task/index.js:3:" in told[2], "the line of the cell"
    told_of = notebook.fails("%%lambda js-fails --runtime nodejs20.x\nexports.handler = async ( => 1;")
    assert "(line 2 of the cell)" in told_of


def test_java(notebook: Notebook, lab: Lab) -> None:
    needs(lab, "java")
    assert notebook.text(JAVA).startswith("greet-java created (java17, handler Greeter,")
    result = notebook.run('%lambda invoke greet-java {"name": "Ada"}')
    assert result.payload == "Hello, Ada!"
    assert "greeting Ada" in result.logs
    assert "unchanged" in notebook.text(JAVA)


def test_a_java_mistake_is_at_the_cells_line(notebook: Notebook, lab: Lab) -> None:
    needs(lab, "java")
    told = notebook.fails(JAVA.replace("Context context", "Contxt context"))
    assert "line 6 of the cell" in told
    assert "cannot find symbol" in told
    notebook.run(
        JAVA.replace("greet-java", "java-fails").replace("return ", "return event.get(null).trim() + ")
    )
    told = notebook.fails('%lambda invoke java-fails {"name": "Ada"}')
    assert "java.lang.NullPointerException" in told
    assert "at Greeter.handleRequest(Greeter.java:8)" in told, "the line of the cell"


def test_which_class_of_a_java_cell(notebook: Notebook, lab: Lab) -> None:
    needs(lab, "java")
    two = "%%lambda two --runtime java17{}\npublic class A {{ public int f(int n) {{ return n; }} }}\npublic class B {{ public int g(int n) {{ return -n; }} }}"
    assert "No class of the cell takes events" in notebook.fails(two.format(""))
    hidden = "%%lambda two --runtime java17\nclass Hidden { public int f(int n) { return n; } }"
    assert "Let a public class implement" in notebook.fails(hidden)
    assert notebook.text(two.format(" --handler B::g")).startswith("two created (java17, handler B::g")
    assert notebook.run("%lambda invoke two 7").payload == -7


def test_java_events_come_by_themselves(notebook: Notebook, lab: Lab) -> None:
    needs(lab, "java")
    cell = """%%lambda keys --runtime java17 --timeout 20
import com.amazonaws.services.lambda.runtime.*;
import com.amazonaws.services.lambda.runtime.events.SQSEvent;
public class Keys implements RequestHandler<SQSEvent, String> {
    public String handleRequest(SQSEvent event, Context context) { return event.getRecords().get(0).getBody(); }
}
"""
    assert "publish a layer with com.amazonaws:aws-lambda-java-events" in notebook.text(cell)
    event = '{"Records": [{"messageId": "1", "body": "hi", "eventSource": "aws:sqs"}]}'
    assert notebook.run(f"%lambda invoke keys {event}").payload == "hi"


def test_java_libraries_that_are_not_to_be_had(notebook: Notebook, lab: Lab) -> None:
    needs(lab, "java")
    for wanted in ("no.such:thing:1.0", "nonsense"):
        told = notebook.fails(JAVA.replace("--runtime", f"--requires {wanted} --runtime"))
        assert "Maven Central couldn't give" in told
        assert wanted.split(":")[0] in told


@pytest.mark.skipif(shutil.which("curl") is None, reason="the cell asks with curl")
def test_shell(notebook: Notebook) -> None:
    assert notebook.text(SHELL).startswith("greet-shell created (provided.al2023, handler bootstrap,")
    result = notebook.run('%lambda invoke greet-shell {"name": "Ada"}')
    assert result.payload == "Hello!"
    assert 'greeting {"name": "Ada"}' in result.logs


def test_a_runtime_that_another_stands_in_for(notebook: Notebook, lab: Lab) -> None:
    absent = [f"python3.{n}" for n in range(10, 15) if f"python3.{n}" not in lab.status()["runtimes"]]
    if not absent:
        pytest.skip("this machine has every Python")
    shown = notebook.text(f"%%lambda stand-in --runtime {absent[0]}\ndef handler(event, context): return 1")
    assert f"{absent[0]} isn't on this machine, python3." in shown
    assert f"uv python install {absent[0].removeprefix('python')}" in shown
    assert f"{absent[0]} isn't on this machine" in notebook.text("%lambda show stand-in")
    assert f"{absent[0]} isn't on this machine" in notebook.run("%lambda invoke stand-in").logs
