"""Completion as every front end asks for it."""

from __future__ import annotations

import sys

import pytest
from IPython.core.completer import provisionalcompleter

from lablambda.client import Lab
from lablambda.config import NAME_VARIABLE
from lablambda.jupyter.options import COMMANDS
from tests.jupyter.conftest import Notebook


def completions(notebook: Notebook, text: str) -> list[str]:
    """What is offered with the cursor at the end of `text`."""
    with provisionalcompleter():
        return [found.text for found in notebook.shell.Completer.completions(text, len(text))]


@pytest.fixture
def hello(notebook: Notebook) -> Notebook:
    notebook.run("%%lambda hello\ndef handler(event, context): ...")
    notebook.run("%%lambda thumbnail\ndef handler(event, context): ...")
    return notebook


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%%lambda hello --me", ["--memory"]),
        ("%%lambda hello --re", ["--requires", "--reserved", "--retries"]),
        ("%%lambda hello --on-failure e", ["events:"]),
        ("%%lambda hello --memory 512 --ti", ["--timeout"]),
        ("%%lambda hello --u", ["--url"]),
        ("%%lambda hello --url --ro", ["--route"]),
        ("%%lambda hello --route ", []),
        ("%lambda url th", ["thumbnail"]),
        ("%lambda rou", ["routes"]),
        ("%lambda on hello --", ["--route", "--url"]),
        ("%%lambda hello --memory ", []),
        ("%%lambda hello --on s", ["s3:", "schedule:", "sns:", "sqs:"]),
        ("%%lambda he", ["hello"]),
        ("%%lambda ", ["hello", "thumbnail"]),
        ("%lambda sh", ["show"]),
        ("%lambda ", sorted(COMMANDS)),
        ("%lambda invoke th", ["thumbnail"]),
        ("%lambda logs ", ["hello", "thumbnail"]),
        ("%lambda invoke hello --a", ["--async"]),
        ("%lambda logs hello --", ["--limit", "--request"]),
        ("%lambda versions he", ["hello"]),
        ("%lambda alias hello live 1 --", ["--weight"]),
        ("%lambda reset --", ["--yes"]),
        ("%lambda load th", ["thumbnail"]),
        ("%lambda load hello --profile s", ["spike", "spikes"]),
        ("%lambda load hello --pa", ["--payload"]),
        ("%lambda load hello --rate ", []),
        ("%lambda simulate hello --acc", ["--account"]),
        ("x = 1\n%lambda del", ["delete"]),
    ],
)
def test_words(hello: Notebook, text: str, expected: list[str]) -> None:
    found = [text for text in completions(hello, text) if text in {*expected} or text.startswith("--")]
    assert found == expected


def test_runtimes(hello: Notebook, lab: Lab) -> None:
    assert completions(hello, "%%lambda hello --runtime py") == sorted(
        name for name in lab.status()["runtimes"] if name.startswith("py")
    )
    assert f"python3.{sys.version_info.minor}" in completions(hello, "%%lambda hello --runtime ")


@pytest.mark.parametrize(
    "text", ["%%timeit --me", "lambda sh", "", "import jso", "%%lambda", "print('%%lambda --me"]
)
def test_elsewhere_nothing_of_ours(hello: Notebook, text: str) -> None:
    found = completions(hello, text)
    assert not {"--memory", "show", "hello"}.intersection(found)


def test_a_lab_that_has_ended_is_neither_asked_nor_started(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NAME_VARIABLE, "nobody-started-this")
    monkeypatch.setattr("lablambda.jupyter.magics.find_or_start", lambda: pytest.fail("a lab was started"))
    assert "hello" not in completions(notebook, "%%lambda he")
    assert completions(notebook, "%lambda sho") == ["show"]


def test_gone_after_unloading(notebook: Notebook) -> None:
    notebook.run("%unload_ext lablambda")
    assert "--memory" not in completions(notebook, "%%lambda hello --me")
    assert notebook.shell.Completer.custom_matchers == []
    notebook.run("%load_ext lablambda")
