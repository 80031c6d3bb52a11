"""Makes the pictures of the README: `python -m tests.ui.pictures`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.processes import Home
from tests.ui.jupyterlab import browser_page, jupyter_lab, open_notebook, run_all_cells

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
PICTURES = NOTEBOOKS / "pictures"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="lablambda-pictures-") as name:
        folder = Path(name)
        shutil.copytree(NOTEBOOKS, folder / "notebooks", ignore=shutil.ignore_patterns("pictures", ".*"))
        with jupyter_lab(Home(folder), folder / "notebooks") as address, browser_page(height=1000) as page:
            open_notebook(page, address, "thumbnails.ipynb")
            run_all_cells(page)
            page.keyboard.press("Control+b")  # the file browser away
            PICTURES.mkdir(exist_ok=True)
            for name, first_line in (("thumbnails", "%%lambda thumbnail"), ("invocations", "show(*keys)")):
                cell = page.locator(".jp-CodeCell", has_text=first_line).first
                shown = cell.locator(".jp-Cell-outputWrapper") if name == "invocations" else cell
                shown.evaluate("part => part.scrollIntoView({block: 'start'})")
                page.wait_for_timeout(1000)  # until scrolling has come to rest
                page.screenshot(path=PICTURES / f"{name}.png")
                print(PICTURES / f"{name}.png")


if __name__ == "__main__":
    main()
