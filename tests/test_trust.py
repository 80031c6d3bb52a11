"""`lablambda trust`, with NSS's own certutil and a real browser that goes by what it does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Error

from lablambda.deployment import deploy
from lablambda.model.deployment import Deployment
from lablambda.model.source import UrlSource
from tests.processes import Home
from tests.ui.jupyterlab import CHROMIUM, browser_page

PAGE = b"""
def handler(event, context):
    return {"statusCode": 200, "headers": {"content-type": "text/html"}, "body": "<title>trusted</title>"}
"""
needs_certutil = pytest.mark.skipif(
    shutil.which("certutil") is None and not os.environ.get("CI"),
    reason="there is no certutil here: apt-get install libnss3-tools",
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    yield made
    made.end()


def certificates(folder: Path) -> str:
    """What an NSS database has, as certutil tells it."""
    listed = subprocess.run(
        ["certutil", "-d", f"sql:{folder}", "-L", "-n", "lablambda", "-a"],
        capture_output=True,
        text=True,
        check=False,
    )
    return listed.stdout


def authority(home: Home) -> Path:
    return home.folder / "data" / "lablambda" / "authority" / "ca.pem"


def test_it_tells_what_to_do(home: Home) -> None:
    told = home.run("trust")
    assert told.returncode == 0, told.stderr
    assert str(authority(home)) in told.stdout
    assert "good for this machine's loopback names alone" in told.stdout
    assert f"certutil -d sql:{home.folder}/.pki/nssdb -A -t C,, -n lablambda -i" in told.stdout
    if shutil.which("update-ca-certificates", path="/usr/sbin"):
        assert "/usr/local/share/ca-certificates/lablambda.crt\n  sudo update-ca-certificates" in told.stdout
    assert not (home.folder / ".pki").exists(), "and does nothing"


def test_without_certutil(home: Home, tmp_path: Path) -> None:
    nothing = tmp_path / "bin"
    nothing.mkdir()
    assert "certutil is missing" in home.run("trust", PATH=str(nothing)).stdout
    refused = home.run("trust", "--install", PATH=str(nothing))
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(
        "lablambda: certutil is missing, by which browsers are told. Install it: "
    )
    assert "then run lablambda trust --install again" in refused.stderr
    if shutil.which("apt-get", path="/usr/bin"):
        assert "sudo apt-get install libnss3-tools" in refused.stderr


@needs_certutil
def test_browsers_are_told(home: Home) -> None:
    profile = home.folder / ".mozilla" / "firefox" / "x.default"
    profile.mkdir(parents=True)
    subprocess.run(["certutil", "-d", f"sql:{profile}", "-N", "--empty-password"], check=True)
    done = home.run("trust", "--install")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("Chromium and Chrome will trust ")
    assert "Firefox (profile x.default) will trust" in done.stdout
    folders = (home.folder / ".pki" / "nssdb", profile)
    for folder in folders:
        assert certificates(folder).replace("\r", "").strip() == authority(home).read_text().strip()
    # again, and when the authority is another
    shutil.rmtree(authority(home).parent)
    assert home.run("trust", "--install").returncode == 0
    for folder in folders:
        assert certificates(folder).replace("\r", "").strip() == authority(home).read_text().strip()


@needs_certutil
def test_a_database_that_refuses(home: Home) -> None:
    folder = home.folder / ".pki" / "nssdb"
    folder.mkdir(parents=True)
    password = home.folder / "password"
    password.write_text("secret-enough\n")
    subprocess.run(["certutil", "-d", f"sql:{folder}", "-N", "-f", str(password)], check=True)
    refused = home.run("trust", "--install")
    assert refused.returncode == 2
    assert "lablambda: Chromium and Chrome couldn't be told: certutil -d" in refused.stderr
    assert "takes that command by hand" in refused.stderr


@needs_certutil
@pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("CI"),
    reason="there is no Chromium here: apt-get install chromium",
)
def test_chromium_opens_an_endpoint_once_it_is_told(home: Home) -> None:
    lab = home.up()
    runtime = f"python3.{sys.version_info.minor}"
    deploy(Deployment("page", runtime, "f.handler", {"f.py": PAGE}, sources=(UrlSource(),)), lab)
    url = lab.url("page")
    with browser_page(home=home) as page, pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
        page.goto(url)
    assert home.run("trust", "--install").returncode == 0
    with browser_page(home=home) as page:
        for address in (url, url.replace("127.0.0.1", "localhost")):
            page.goto(address)
            assert page.title() == "trusted"
