"""Makes the pictures of the README: `python -m tests.ui.pictures`."""

from __future__ import annotations

import shutil
import tempfile
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


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lablambda-pictures-") as name:
        folder = Path(name)
        shutil.copytree(NOTEBOOKS, folder / "notebooks", ignore=shutil.ignore_patterns("pictures", ".*"))
        with jupyter_lab(Home(folder), folder / "notebooks") as address:
            for notebook in dict.fromkeys(shot[0] for shot in SHOTS):
                with browser_page(height=1000) as page:
                    open_notebook(page, address, notebook)
                    run_all_cells(page)
                    page.keyboard.press("Control+b")  # the file browser away
                    for _, picture, first_line, output_only in (
                        shot for shot in SHOTS if shot[0] == notebook
                    ):
                        take(page, PICTURES / f"{picture}.png", first_line, output_only=output_only)


def take(page: Page, path: Path, first_line: str, *, output_only: bool) -> None:
    cell = page.locator(".jp-CodeCell", has_text=first_line).first
    shown = cell.locator(".jp-Cell-outputWrapper") if output_only else cell
    shown.evaluate("part => part.scrollIntoView({block: 'start'})")
    page.wait_for_timeout(1000)  # until scrolling has come to rest
    page.screenshot(path=path)
    print(path)


if __name__ == "__main__":
    main()
