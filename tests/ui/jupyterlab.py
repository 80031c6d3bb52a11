"""A real JupyterLab and a real browser, for tests and for the pictures in the README."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.jupyter_servers import jupyter_server
from tests.processes import Home

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
    for plugin, values in _SETTINGS.items():
        path = home.folder / "settings" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    variables = {
        "JUPYTERLAB_SETTINGS_DIR": str(home.folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home.folder / "workspaces"),
    }
    try:
        with jupyter_server(home, "lab", f"--ServerApp.root_dir={notebooks}", **variables) as server:
            yield f"{server.url}lab?token={server.token}&reset"
    finally:
        home.end()


@contextmanager
def browser_page(*, width: int = 1280, height: int = 900, home: Home | None = None) -> Iterator[Page]:
    """A page of a fresh Chromium that looks up nothing outside; that of a user if it is told whose."""
    environment: dict[str, str | float | bool] | None = None if home is None else {**home.environment}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS, env=environment)
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
