"""The JupyterLab extension in a real JupyterLab, as a person sees it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Locator, Page

from lablambda.client import Lab
from tests.processes import Home
from tests.ui.jupyterlab import CHROMIUM, browser_page, jupyter_lab, open_notebook

pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None and not os.environ.get("CI"), reason="needs chromium: apt-get install chromium"
    ),
    pytest.mark.timeout(300),
]
NODE = """%%lambda greet --runtime nodejs22.x
exports.handler = async event => {
  const name = event.name;
  console.log("greeting " + name);
  return "Hello, " + name;
};"""
PYTHON = """%%lambda slow --timeout 30
import time

def handler(event, context):
    for i in range(event.get("parts", 0)):
        print("part", i)
        time.sleep(0.2)
    return 1 / event["divisor"]"""
BUSY = "import time; time.sleep(20)"
CELLS = ("%load_ext lablambda", NODE, PYTHON, "x = 1", BUSY)


@dataclass
class Desk:
    """A person's JupyterLab with a notebook open, and the lab behind it."""

    page: Page
    home: Home

    @property
    def lab(self) -> Lab:
        return self.home.labs[0] if self.home.labs else self.home.lab("default")

    def cell(self, text: str) -> Locator:
        return self.page.locator(".jp-CodeCell", has_text=text).first

    def run(self, text: str) -> None:
        """Run a cell and go on at once."""
        self.cell(text).locator(".cm-line").first.click()
        self.page.keyboard.press("Control+Enter")


def notebook(cells: Iterable[str]) -> dict[str, Any]:
    """A notebook of code cells."""
    shape: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
    made = [{**shape, "id": f"cell-{number}", "source": text} for number, text in enumerate(cells)]
    return {"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("extension")
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    (notebooks / "desk.ipynb").write_text(json.dumps(notebook(CELLS)))
    home = Home(folder)
    with jupyter_lab(home, notebooks) as address, browser_page(width=1400) as page:
        open_notebook(page, address, "desk.ipynb")
        yield Desk(page, home)


def colour(place: Locator) -> str:
    return str(place.evaluate("element => getComputedStyle(element).color"))


def test_cells_have_the_colours_of_their_language(desk: Desk) -> None:
    line = desk.cell("greet").locator(".cm-line", has_text="const name")
    keyword = desk.cell("x = 1").locator(".cm-line span", has_text="1")
    word = line.locator("span", has_text="const").first
    assert word.inner_text() == "const"
    plain = colour(desk.cell("greet").locator(".cm-line").first)
    assert colour(word) not in (plain, colour(keyword))
    # the magic line is no JavaScript
    assert desk.cell("greet").locator(".cm-line").first.locator("span").count() == 0


def test_colours_follow_the_runtime(desk: Desk) -> None:
    cell = desk.cell("greet")
    first = cell.locator(".cm-line").first
    first.click()
    desk.page.keyboard.press("End")
    for _ in "nodejs22.x":
        desk.page.keyboard.press("Backspace")
    line = cell.locator(".cm-line", has_text="const name")
    assert line.locator("span", has_text="const").count() == 0 or colour(
        line.locator("span", has_text="const").first
    ) != colour(cell.locator(".cm-line span", has_text="return").first)
    desk.page.keyboard.type("nodejs22.x")
    assert line.locator("span", has_text="const").first.inner_text() == "const"
