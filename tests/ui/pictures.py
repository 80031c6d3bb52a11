"""Makes the pictures of the README, all or those named: `python -m tests.ui.pictures [NAME...]`."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Page

from tests.processes import Home
from tests.ui.jupyterlab import browser_page, jupyter_lab, open_notebook, run_all_cells

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
PICTURES = NOTEBOOKS / "pictures"


# Notebook, picture, the text of the cell that it begins with, and whether only its output is shown.
SHOTS = (
    ("thumbnails.ipynb", "thumbnails", "%%lambda thumbnail", False),
    ("thumbnails.ipynb", "invocations", "show(*keys)", True),
    ("languages.ipynb", "languages", "%%lambda greet-java", False),
    ("events.ipynb", "events", "def order(identity", False),
)


PANEL = ("thumbnails.ipynb", "panel", "%%lambda thumbnail")


def main(names: Sequence[str]) -> None:
    PICTURES.mkdir(exist_ok=True)
    wanted = [shot for shot in SHOTS if not names or shot[1] in names]
    notebooks = [shot[0] for shot in wanted] + [PANEL[0]] * (not names or PANEL[1] in names)
    with tempfile.TemporaryDirectory(prefix="lablambda-pictures-") as name:
        folder = Path(name)
        shutil.copytree(NOTEBOOKS, folder / "notebooks", ignore=shutil.ignore_patterns("pictures", ".*"))
        with jupyter_lab(Home(folder), folder / "notebooks") as address:
            for notebook in dict.fromkeys(notebooks):
                with browser_page(height=1000) as page:
                    open_notebook(page, address, notebook)
                    run_all_cells(page)
                    page.keyboard.press("Control+b")  # the file browser away
                    for _, picture, first_line, output_only in (
                        shot for shot in wanted if shot[0] == notebook
                    ):
                        take(page, PICTURES / f"{picture}.png", first_line, output_only=output_only)
                    if notebook == PANEL[0] and notebook in notebooks[len(wanted) :]:
                        show_panel(page)
                        take(page, PICTURES / f"{PANEL[1]}.png", PANEL[2], output_only=False)


def show_panel(page: Page) -> None:
    """The function of the lesson in the panel, with one of its invocations looked at."""
    page.locator("[data-id='lablambda-panel']").click()
    panel = page.locator("#lablambda-panel")
    panel.locator(".lablambda-functions button", has_text="thumbnail").first.click()
    panel.locator(".lablambda-invocations > li > button").last.click()


def take(page: Page, path: Path, first_line: str, *, output_only: bool) -> None:
    cell = page.locator(".jp-CodeCell", has_text=first_line).first
    shown = cell.locator(".jp-Cell-outputWrapper") if output_only else cell
    shown.evaluate("part => part.scrollIntoView({block: 'start'})")
    page.wait_for_timeout(1000)  # until scrolling has come to rest
    page.screenshot(path=path)
    print(path)


if __name__ == "__main__":
    main(sys.argv[1:])
