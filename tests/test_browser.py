"""Where a browser finds an endpoint, by what is told of the Jupyter server around the kernel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lablambda.browser import in_browser
from lablambda.config import Descriptor

LAB = Descriptor(
    "default", 1, "http://127.0.0.1:1", "key", "secret", "/data", https_endpoint="https://127.0.0.1:2"
)
URL = "https://127.0.0.1:2/lambda-url/abc/"


def named(name: str, note: str = "") -> Descriptor:
    return Descriptor(
        name, 1, LAB.endpoint, "key", "secret", "/data", note=note, https_endpoint=LAB.https_endpoint
    )


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("JUPYTERHUB_SERVICE_PREFIX", "JUPYTERHUB_PUBLIC_URL", "JPY_PARENT_PID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def test_on_ones_own_machine() -> None:
    assert in_browser(URL, LAB) == URL


def test_behind_a_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ada/")
    monkeypatch.setenv("JUPYTERHUB_PUBLIC_URL", "")  # where the hub doesn't know
    assert in_browser(URL, LAB) == "/user/ada/lablambda/endpoint/lambda-url/abc/"
    assert in_browser(URL, named("other")) == "/user/ada/lablambda/endpoint/~other/lambda-url/abc/"
    assert in_browser(URL, named("private-1", "/tmp/x/descriptor.json")) == URL, "nobody finds it by its name"
    monkeypatch.setenv("JUPYTERHUB_PUBLIC_URL", "https://hub.example/user/ada/")
    assert in_browser(URL, LAB) == "https://hub.example/user/ada/lablambda/endpoint/lambda-url/abc/"
    socket = "wss://127.0.0.1:2/execute-api/abc/live"
    assert in_browser(socket, LAB) == "wss://hub.example/user/ada/lablambda/endpoint/execute-api/abc/live"


@pytest.mark.parametrize(
    ("note", "found"),
    [
        ({"base_url": "/lab7/"}, "/lab7/lablambda/endpoint/lambda-url/abc/"),
        ({"base_url": "/"}, URL),
        ({}, URL),
        (None, URL),
    ],
)
def test_below_a_servers_prefix(
    runtime: Path, monkeypatch: pytest.MonkeyPatch, note: dict[str, str] | None, found: str
) -> None:
    monkeypatch.setenv("JPY_PARENT_PID", "17")
    if note is not None:
        (runtime / "jpserver-17.json").write_text(json.dumps(note))
    assert in_browser(URL, LAB) == found
