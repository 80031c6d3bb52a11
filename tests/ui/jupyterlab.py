"""A real JupyterLab and a real browser, for tests and for the pictures in the README."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.processes import Home, family, gone

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# No questions, no news from outside, and every cell in the page even when it is out of sight.
_SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"autoStartDefaultKernel": True, "windowingMode": "none"},
}


@contextmanager
def jupyter_lab(home: Home, notebooks: Path) -> Iterator[str]:
    """JupyterLab on `notebooks`; gives its address, token included. Ends it and the lab that it started."""
    token = secrets.token_hex(8)
    log = home.folder / "jupyter.log"
    for plugin, values in _SETTINGS.items():
        path = home.folder / "settings" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    environment = home.environment | {
        "JUPYTER_CONFIG_DIR": str(home.folder / "config"),
        "JUPYTER_DATA_DIR": str(home.folder / "jupyter-data"),
        "IPYTHONDIR": str(home.folder / "ipython"),
        "JUPYTERLAB_SETTINGS_DIR": str(home.folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home.folder / "workspaces"),
    }
    words = ["lab", "--no-browser", "--ip=127.0.0.1", "--port=0", f"--IdentityProvider.token={token}"]
    if os.getuid() == 0:
        words.append("--allow-root")
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter", *words, f"--ServerApp.root_dir={notebooks}"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    try:
        yield f"{_address(home, process, log)}lab?token={token}&reset"
    finally:
        pids = family(process.pid)
        process.terminate()
        process.wait(30)
        assert gone(pids)
        home.end()


def _address(home: Home, process: subprocess.Popen[bytes], log: Path) -> str:
    """Where the server listens, from the note that it leaves when it is ready."""
    note = home.folder / "run" / f"jpserver-{process.pid}.json"
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        if note.exists() and (text := note.read_text()).strip().endswith("}"):
            return str(json.loads(text)["url"])
        time.sleep(0.05)
    raise TimeoutError(log.read_text())


@contextmanager
def browser_page(*, width: int = 1280, height: int = 900) -> Iterator[Page]:
    """A page of a fresh Chromium that looks up nothing outside."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height})
        yield page
        browser.close()


def open_notebook(page: Page, address: str, name: str) -> None:
    """Open a notebook and wait until its kernel can be used."""
    base, _, query = address.partition("?")
    page.goto(f"{base}/tree/{name}?{query}")
    page.locator(".jp-NotebookPanel").wait_for(timeout=60_000)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)


def run_all_cells(page: Page, *, timeout_s: float = 60) -> None:
    """Run > Run All Cells, and wait until no cell is running or waiting."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(
        """() => {
            const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(p => p.textContent);
            return prompts.length > 0 && prompts.every(p => /\\[\\d+\\]/.test(p));
        }""",
        timeout=timeout_s * 1000,
    )
