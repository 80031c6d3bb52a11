"""The lesson in a real JupyterLab, as a person sees it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

import tests.test_notebooks
from tests.processes import Home
from tests.ui.jupyterlab import CHROMIUM, browser_page, jupyter_lab, open_notebook, run_all_cells

pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None and not os.environ.get("CI"), reason="needs chromium: apt-get install chromium"
    ),
    pytest.mark.timeout(300),
]
NOTEBOOKS = tests.test_notebooks.NOTEBOOKS


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Page]]:
    """A JupyterLab with the lessons: its address, and a page to open it in."""
    folder = tmp_path_factory.mktemp("ui")
    shutil.copytree(NOTEBOOKS, folder / "notebooks", ignore=shutil.ignore_patterns(".*"))
    with jupyter_lab(Home(folder), folder / "notebooks") as address, browser_page(height=6000) as opened:
        yield address, opened


@pytest.fixture(scope="module")
def page(jupyter: tuple[str, Page]) -> Page:
    """The lesson, opened and run to its end."""
    address, opened = jupyter
    open_notebook(opened, address, "thumbnails.ipynb")
    run_all_cells(opened)
    return opened


def test_no_cell_failed(page: Page) -> None:
    assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']").count() == 0
    assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0


def test_the_deployment_says_what_it_did(page: Page) -> None:
    said = page.locator(".jp-OutputArea-output", has_text="thumbnail created").first.inner_text()
    for line in (
        "publish a layer with pillow",
        "create bucket photos",
        "notify thumbnail of s3:photos/*.jpg",
    ):
        assert line in said


def test_the_thumbnails_are_pictures(page: Page) -> None:
    pictures = page.locator(".jp-OutputArea-output img")
    sizes = [
        pictures.nth(i).evaluate("i => [i.naturalWidth, i.naturalHeight]") for i in range(pictures.count())
    ]
    assert len(sizes) == 7
    assert all(max(size) == 160 for size in sizes)


def test_the_invocations_are_a_table(page: Page) -> None:
    table = page.locator(".jp-OutputArea-output table").first
    head = table.locator("th").all_inner_texts()
    assert [word in head for word in ("duration", "billed", "memory", "start", "status")] == [True] * 5
    rows = table.locator("tbody tr").all_inner_texts()
    assert len(rows) == 4
    assert any("cold" in row for row in rows)


def test_the_log_is_shown(page: Page) -> None:
    log = page.locator(".jp-OutputArea-output", has_text="REPORT RequestId:").first.inner_text()
    assert (
        log.index("START RequestId:")
        < log.index(" x ")
        < log.index("END RequestId:")
        < log.index("REPORT RequestId:")
    )


def test_the_failure_shows_the_handlers_own_lines(page: Page) -> None:
    failure = page.locator(".jp-OutputArea-output", has_text="UnidentifiedImageError").first.inner_text()
    assert "line 17, in handler" in failure
    assert "photo = Image.open" in failure


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_it_reads_in_every_theme(page: Page, theme: str, tmp_path: Path) -> None:
    page.locator(".lm-MenuBar-itemLabel", has_text="Settings").click()
    page.locator(".lm-Menu-itemLabel", has_text="Theme").first.click()
    page.locator(".lm-Menu-itemLabel", has_text=theme).first.click()
    page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=theme)
    cell = page.locator(".jp-OutputArea-output table td").first
    colours = cell.evaluate(
        """td => [getComputedStyle(td).color, getComputedStyle(document.querySelector('.jp-Notebook')).backgroundColor]
            .map(text => text.match(/[\\d.]+/g).slice(0, 3).map(Number))"""
    )
    text, ground = (_luminance(colour) for colour in colours)
    assert (max(text, ground) + 0.05) / (min(text, ground) + 0.05) >= 4.5  # WCAG's contrast for text


def _luminance(colour: list[float]) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in (c / 255 for c in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_dollars_are_no_mathematics(page: Page) -> None:
    assert page.locator(".lablambda mjx-container").count() == 0
    texts = page.locator(".lablambda").all_inner_texts()
    assert any("a million such invocations would cost $" in text for text in texts)


def test_the_lesson_in_many_languages(jupyter: tuple[str, Page]) -> None:
    missing = [tool for tool in tests.test_notebooks.NEEDS["languages"] if shutil.which(tool) is None]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"the lesson needs {', '.join(missing)} on the PATH")
    address, first = jupyter
    assert first.context.browser is not None
    opened = first.context.browser.new_page(viewport={"width": 1280, "height": 6000})
    open_notebook(opened, address, "languages.ipynb")
    run_all_cells(opened)
    test_no_cell_failed(opened)
    table = opened.locator(".jp-OutputArea-output table", has_text="cold start").first.inner_text()
    assert "Hello, Grace, from Java" in table
    assert "Hello, Grace, from a shell script!" in table
    opened.close()
