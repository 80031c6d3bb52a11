"""The command, as a shell uses it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from lablambda.applying import DeploymentError
from lablambda.deployment import deploy
from lablambda.model.deployment import Deployment
from lablambda.model.source import UrlSource
from tests.processes import Home

PYTHON = f"python3.{sys.version_info.minor}"
FOLLOW = "import sys; from lablambda.cli import main; sys.exit(main())"
SOURCE = b"def handler(event, context):\n    print('got', event)\n    return {'hello': event['name']}\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A user with a lab named t, and a function greet in it."""
    made = Home(tmp_path_factory.mktemp("cli"))
    lab = made.up()
    deploy(Deployment("greet", PYTHON, "f.handler", {"f.py": SOURCE}), lab)
    yield made
    made.end()


def test_env_points_awss_tools_at_the_lab(home: Home) -> None:
    code = 'import boto3; print(boto3.client("lambda").list_functions()["Functions"][0]["FunctionName"])'
    script = f"eval \"$({sys.executable} -m lablambda env --name t)\" && {sys.executable} -c '{code}'"
    done = subprocess.run(
        ["bash", "-c", script], env=home.environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("greet\n", "")


def test_status(home: Home) -> None:
    status = json.loads(home.run("status", "--name", "t", "--json").stdout)
    assert status["functions"] == 1
    assert f"python3.{sys.version_info.minor}" in status["runtimes"]
    assert re.search(r"functions +1\n", home.run("status", "--name", "t").stdout)


def test_the_https_port_is_told(home: Home) -> None:
    status = json.loads(home.run("status", "--name", "t", "--json").stdout)
    lab = home.labs[0]
    assert (status["https_endpoint"], status["ca_certificate"]) == (
        lab.https_endpoint,
        f"{home.folder}/data/lablambda/authority/ca.pem",
    )
    assert (
        f"{lab.https_endpoint}, with certificates by {home.folder}"
        in home.run("doctor", "--name", "t").stdout
    )


def test_https_for_others_only_if_asked_for(home: Home) -> None:
    for words, told, welcome in (
        ((), "", False),
        (("--https-host", "0.0.0.0"), "on every address of this machine", True),
    ):
        started = home.run("up", "--name", "wide", "--detach", *words)
        assert started.returncode == 0, started.stderr
        assert told in started.stderr
        lab = home.lab("wide")
        deploy(Deployment("web", PYTHON, "f.handler", {"f.py": SOURCE}, sources=(UrlSource(),)), lab)
        elsewhere = lab.url("web").replace(
            "127.0.0.1", "127.0.0.2"
        )  # it has this address too, as it has others
        with httpx.Client(verify=False) as client:
            if welcome:
                assert client.get(elsewhere).status_code == 502  # the function wants a name
            else:
                with pytest.raises(httpx.ConnectError):
                    client.get(elsewhere)
            with pytest.raises(httpx.ConnectError):
                client.get(lab.endpoint.replace("127.0.0.1", "127.0.0.2"))
        assert home.run("down", "--name", "wide").returncode == 0
    assert "invalid choice: '10.0.0.1'" in home.run("up", "--https-host", "10.0.0.1").stderr


@pytest.mark.parametrize("language", ["shell", "python"])
def test_the_readmes_lines_for_https(home: Home, language: str) -> None:
    lab = home.labs[0]
    source = b"def handler(event, context): return event['requestContext']['http']['method'] + (event.get('body') or '')"
    deploy(Deployment("hello", PYTHON, "f.handler", {"f.py": source}, sources=(UrlSource(),)), lab)
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    block = readme.partition(f"<!-- https: {language} -->")[2].partition("```\n<!-- end -->")[0]
    code = block.partition("\n```")[2].partition("\n")[2]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-ec", code] if language == "shell" else [sys.executable, "-c", code],
        env={**home.environment, "LABLAMBDA_LAB": "t", "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.replace("\n", "").replace(" ", "") == 'GETPOST{"name":"Ada"}'


def test_reserves_and_strictness_are_ones_own_choice(home: Home) -> None:
    refused = home.run("up", "--name", "odd", "--reserve", "cobol=1")
    assert refused.returncode == 2
    assert "write nodejs=N or java=N or ruby=N, N from 0" in refused.stderr
    started = home.run("up", "--name", "s", "--detach", "--reserve", "nodejs=0", "--strict-runtimes")
    assert started.returncode == 0, started.stderr
    lab = home.lab("s")
    here = lab.status()["runtimes"]
    absent = next(f"python3.{n}" for n in range(10, 15) if f"python3.{n}" not in here)
    wanted = Deployment("never", absent, "f.handler", {"f.py": SOURCE})
    with pytest.raises(DeploymentError, match=rf"This machine has no {absent}; .*--strict-runtimes"):
        deploy(wanted, lab)
    if any(name.startswith("nodejs") for name in here):
        source = {"index.js": b"exports.handler = async () => 1;"}
        deploy(
            Deployment("js", next(n for n in here if n.startswith("nodejs")), "index.handler", source), lab
        )
        assert lab.status()["reserve"]["nodejs"] == {"processes": 0, "memory_mb": 0.0}
        assert lab.function("js").invoke().payload == 1
    assert "nodejs (processes=0" in home.run("status", "--name", "s").stdout
    lab.shutdown()


def test_invoke_and_logs(home: Home) -> None:
    done = home.run("invoke", "--name", "t", "greet", '{"name": "Ada"}')
    assert (done.returncode, json.loads(done.stdout)) == (0, {"hello": "Ada"})
    (home.folder / "event.json").write_text('{"name": "Bob"}')
    assert "Bob" in home.run("invoke", "--name", "t", "greet", f"@{home.folder}/event.json").stdout
    logs = home.run("logs", "--name", "t", "greet").stdout
    assert "got {'name': 'Ada'}\n" in logs
    assert "REPORT RequestId:" in logs


def test_logs_that_go_on(home: Home) -> None:
    home.run("invoke", "--name", "t", "greet", '{"name": "before"}')
    following = home.python(FOLLOW, "logs", "--name", "t", "greet", "--follow", stderr=subprocess.PIPE)
    assert following.stdout is not None

    def wait_for(text: str) -> None:
        assert following.stdout is not None
        assert any(text in line for line in following.stdout)  # a line at a time, until it comes

    wait_for("'before'")
    wait_for("REPORT RequestId:")
    for name in ("one", "two"):
        home.run("invoke", "--name", "t", "greet", json.dumps({"name": name}))
        wait_for(f"'{name}'")
        wait_for("REPORT RequestId:")
    following.send_signal(signal.SIGINT)
    rest, errors = following.communicate(timeout=20)
    assert (following.returncode, rest, errors) == (0, "", "")


def test_loads_and_simulations(home: Home) -> None:
    words = ("--rate", "20", "--duration", "1s")
    done = home.run("load", "--name", "t", "greet", "--payload", '{"name": "Ada"}', *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("greet, measured: 20 requests in 1 s\n")
    assert done.stderr == ""  # it is no terminal, so nobody watches
    measured = json.loads(home.run("load", "--name", "t", "greet", *words, "--json").stdout)
    assert (measured["served"], measured["errors"]) == (20, 20)
    done = home.run("simulate", "--name", "t", "greet", *words, "--csv")
    head, *rows = done.stdout.splitlines()
    assert head.startswith("begin_s,arrivals,served,errors,throttles")
    assert len(rows) == 60


def test_a_load_that_is_interrupted(home: Home) -> None:
    loading = home.python(FOLLOW, "load", "--name", "t", "greet", "--rate", "20", "--duration", "1h")
    function, began = home.lab("t").function("greet"), time.time()
    while not function.timings(start=began).invocations:
        assert loading.poll() is None
    loading.send_signal(signal.SIGINT)
    shown, _ = loading.communicate(timeout=20)
    assert loading.returncode == 0
    assert shown.startswith("greet, measured: ")
    assert "\ninterrupted\n" in shown


def test_a_simulation_needs_no_lab(home: Home) -> None:
    done = home.run(
        "simulate", "--name", "nobody", "--takes", "p50=50ms,p99=200ms", "--init", "300ms", "--rate", "1000"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("a function, simulated, request by request: 10,000 requests in 10 s\n")


def test_a_failing_function(home: Home) -> None:
    failed = home.run("invoke", "--name", "t", "greet", "{}")
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["errorType"] == "KeyError"
    assert "line 3, in handler" in failed.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["invoke", "--name", "t", "nowhere"], "Function not found"),
        (["invoke", "--name", "t", "greet", "{x"], "The event isn't JSON"),
        (["invoke", "--name", "t", "greet", "@nowhere.json"], "nowhere.json"),
        (["load", "--name", "t", "nowhere"], "Function not found"),
        (["load", "--name", "t", "greet", "--payload", "{x"], "The event isn't JSON"),
        (["load", "--name", "t", "greet", "--profile", "wavy"], "write constant, ramp, spike"),
        (["simulate"], "Write --takes 50ms"),
        (["simulate", "--trace", "nowhere.csv", "--takes", "1s", "--init", "1s"], "nowhere.csv"),
        (["status", "--name", "nobody"], "Start one: lablambda up --detach"),
        (["down", "--name", "nobody"], "No lab named 'nobody' is running"),
    ],
)
def test_what_cannot_be_done(home: Home, words: list[str], message: str) -> None:
    failed = home.run(*words)
    assert failed.returncode == 2
    assert message in failed.stderr
    assert "Traceback" not in failed.stderr


def test_the_lab_of_the_environment(home: Home) -> None:
    assert home.run("status", LABLAMBDA_LAB="t").returncode == 0


def test_doctor(home: Home) -> None:
    done = home.run("doctor", "--name", "t")
    assert done.returncode == 0, done.stdout
    assert "ok  lab" in done.stdout
    assert "BAD" not in done.stdout


def test_doctor_without_a_lab(home: Home) -> None:
    assert "none is running" in home.run("doctor", "--name", "nobody").stdout


def test_a_lab_without_authentication_refuses_web_pages(home: Home) -> None:
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    started = home.run("up", "--name", "open", "--detach", "--no-auth")
    assert started.returncode == 0, started.stderr
    address = f"{home.lab('open').endpoint}/2015-03-31/functions/"
    with urlopen(address) as answer:
        assert json.load(answer)["Functions"] == []
    with pytest.raises(HTTPError, match="403") as caught:
        urlopen(Request(address, headers={"Origin": "http://evil.example"}))
    caught.value.close()


def test_version(home: Home) -> None:
    assert home.run("--version").stdout.startswith("lablambda 0.")
    assert os.environ.get("LABLAMBDA_LAB") is None
