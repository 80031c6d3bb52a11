"""The JupyterLab extension in a real JupyterLab, as a person sees it."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from lablambda.client import Lab
from lablambda.deployment import attach, deploy, detach
from lablambda.model.deployment import Deployment
from lablambda.model.source import UrlSource
from tests.processes import Home, family, gone
from tests.ui.jupyterlab import CHROMIUM, browser_page, jupyter_lab, open_notebook

pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None and not os.environ.get("CI"), reason="needs chromium: apt-get install chromium"
    ),
    pytest.mark.timeout(300),
]
RUNTIME = f"python3.{sys.version_info.minor}"
AXE = Path(__file__).parents[2] / "extension" / "node_modules" / "axe-core" / "axe.min.js"
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
BUSY = "import time; time.sleep(600)"
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

    @property
    def panel(self) -> Locator:
        return self.page.locator("#lablambda-panel")

    def open(self, name: str, tab: str) -> None:
        """A function's view in the panel."""
        if not self.panel.is_visible():
            self.page.locator("[data-id='lablambda-panel']").click()
        back = self.panel.get_by_role("button", name="Back to all functions")
        if back.is_visible():
            back.click()
        self.panel.get_by_role("tab", name="Functions", exact=True).click()
        self.panel.locator(".lablambda-functions button", has_text=name).click()
        self.panel.get_by_role("tab", name=tab, exact=True).click()

    def badge(self, text: str) -> Locator:
        return self.cell(text).locator(".lablambda-badge")

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


@pytest.fixture(scope="module")
def deployed(desk: Desk) -> Desk:
    """The same, with both functions in the lab."""
    desk.run("%load_ext")
    desk.page.get_by_role("button", name="Run every %%lambda cell of this notebook").click()
    expect(desk.badge("greet")).to_have_text("deployed", timeout=30_000)
    expect(desk.badge("slow")).to_have_text("deployed", timeout=30_000)
    return desk


# ------------------------------------------------------------------------------------------- the cells


def colour(place: Locator) -> str:
    return str(place.evaluate("element => getComputedStyle(element).color"))


def word(line: Locator, text: str) -> Locator:
    """The piece of a line that has a colour of its own, and this text and no more."""
    return line.locator("span").filter(has_text=text).first


def test_cells_have_the_colours_of_their_language(desk: Desk) -> None:
    cell = desk.cell("greet")
    constant = word(cell.locator(".cm-line", has_text="const name"), "const")
    expect(constant).to_have_text("const")
    assert colour(constant) == colour(word(cell.locator(".cm-line", has_text="return"), "return"))
    assert colour(constant) != colour(cell.locator(".cm-line").first)
    expect(cell.locator(".cm-line").first.locator("span")).to_have_count(0)  # the magic line is no JavaScript
    python = desk.cell("slow").locator(".cm-line", has_text="def handler")
    assert colour(word(python, "def")) == colour(constant)


def test_colours_follow_the_runtime(desk: Desk) -> None:
    cell = desk.cell("greet")
    line = cell.locator(".cm-line", has_text="const name")
    cell.locator(".cm-line").first.click()
    desk.page.keyboard.press("End")
    desk.page.keyboard.type("x")
    for _ in "nodejs22.xx":
        desk.page.keyboard.press("Backspace")
    expect(word(line, "const")).to_have_count(0)  # two names in a row, in Python
    desk.page.keyboard.type("nodejs22.x")
    expect(word(line, "const")).to_have_text("const")


def test_the_magic_line_is_completed(desk: Desk) -> None:
    desk.cell("x = 1").locator(".cm-line").first.click()
    desk.page.keyboard.press("Control+a")
    desk.page.keyboard.type("%%lambda other --mem")
    desk.page.keyboard.press("Tab")
    expect(desk.page.locator(".jp-Completer").get_by_text("--memory")).to_be_visible()
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator(".cm-line", has_text="%%lambda other --memory")).to_have_count(1)
    desk.page.keyboard.press("Control+a")
    desk.page.keyboard.type("x = 1")


def test_cells_say_what_has_become_of_their_functions(deployed: Desk) -> None:
    page, badge = deployed.page, deployed.badge("slow")
    deployed.cell("slow").locator(".cm-line").last.click()
    page.keyboard.press("End")
    page.keyboard.type("  # new")
    expect(badge).to_have_text("changed")
    for _ in "  # new":
        page.keyboard.press("Backspace")
    expect(badge).to_have_text("deployed")
    deployed.lab.function("slow").invoke({"divisor": 0})
    expect(badge).to_have_text("failing")
    deployed.lab.function("slow").invoke({"divisor": 1})
    expect(badge).to_have_text("deployed")
    badge.click()
    expect(deployed.panel.get_by_role("heading", name="slow")).to_be_visible()


def test_buttons_are_where_they_do_something(deployed: Desk) -> None:
    deployed.cell("greet").locator(".cm-line").last.click()
    deploy = deployed.page.locator(".jp-cell-toolbar").get_by_role(
        "button", name="Deploy the function of this cell"
    )
    expect(deploy).to_be_visible()
    deployed.cell("x = 1").locator(".cm-line").last.click()
    expect(deploy).to_be_hidden()


def test_the_palette_has_what_the_buttons_do(deployed: Desk) -> None:
    page, panel = deployed.page, deployed.panel
    for command, tab in (("Invoke function", "Test"), ("Open logs of function", "Logs")):
        deployed.cell("greet").locator(".cm-line").last.click()
        page.keyboard.press("Control+Shift+c")
        page.locator(".lm-CommandPalette-input").fill(command)
        page.locator(".lm-CommandPalette-item", has_text=command).click()
        expect(panel.get_by_role("heading", name="greet")).to_be_visible()
        expect(panel.get_by_role("tab", name=tab, exact=True)).to_have_attribute("aria-selected", "true")
    deployed.open("greet", "Test")
    expect(panel.locator(".lablambda-answer")).to_have_text('"Hello, undefined"')


# ------------------------------------------------------------------------------------------- the panel


def test_the_panel_lists_functions_as_they_come_and_go(deployed: Desk) -> None:
    deployed.open("greet", "Configuration")
    deployed.panel.get_by_role("button", name="Back to all functions").click()
    rows = deployed.panel.locator(".lablambda-functions li")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("nodejs22.x")
    with another_function(deployed.lab):
        expect(rows).to_have_count(3)
        expect(rows.nth(1)).to_contain_text("python")
    expect(rows).to_have_count(2)


@contextmanager
def another_function(lab: Lab) -> Iterator[None]:
    """A function named more, made by other means than a notebook's."""
    wanted = Deployment("more", RUNTIME, "f.handler", {"f.py": b"def handler(event, context): return 1"})
    deploy(wanted, lab)
    yield
    lab.function("more").delete()


def test_it_invokes_while_the_kernel_is_busy(deployed: Desk) -> None:
    page, panel = deployed.page, deployed.panel
    deployed.run(BUSY)
    expect(page.get_by_text("Python 3 (ipykernel) | Busy")).to_be_visible()
    deployed.open("greet", "Test")
    panel.get_by_label("Test event, in JSON").fill('{"name": "Grace"}')
    panel.get_by_role("button", name="Invoke", exact=True).click()
    expect(panel.locator(".lablambda-answer")).to_have_text('"Hello, Grace"')
    # by the keyboard, with an event that it can't take
    deployed.open("slow", "Test")
    panel.get_by_label("Test event, in JSON").fill('{"divisor": 0}')
    page.keyboard.press("Control+Enter")
    expect(panel.locator(".lablambda-error")).to_contain_text("ZeroDivisionError")
    panel.get_by_label("Test event, in JSON").fill("{")
    page.keyboard.press("Control+Enter")
    expect(panel.locator(".lablambda-error")).to_contain_text("isn't JSON")
    panel.get_by_role("button", name="Replay the last event").click()
    expect(panel.get_by_label("Test event, in JSON")).to_have_value('{\n  "divisor": 0\n}')
    panel.get_by_label("Sample events").select_option("sqs")
    assert "Records" in json.loads(panel.get_by_label("Test event, in JSON").input_value())
    expect(page.get_by_text("Python 3 (ipykernel) | Busy")).to_be_visible()
    page.get_by_title("Interrupt the kernel").click()


def test_the_log_moves_while_the_function_runs(deployed: Desk) -> None:
    deployed.open("slow", "Logs")
    log = deployed.panel.get_by_role("log")
    running = threading.Thread(
        target=deployed.lab.function("slow").invoke, args=({"parts": 8, "divisor": 1},)
    )
    running.start()
    expect(log).to_contain_text("part 1")
    assert "part 7" not in log.inner_text()
    expect(deployed.badge("slow")).to_have_text("1 running")
    expect(log).to_contain_text("part 7")
    running.join()
    deployed.panel.get_by_label("Filter the log").fill("part 6")
    expect(log.locator("div")).to_have_count(1)
    deployed.panel.get_by_label("Filter the log").fill("")


def test_invocations_are_a_waterfall(deployed: Desk) -> None:
    deployed.lab.function("slow").send({"divisor": 0, "parts": 1})
    deployed.open("slow", "Invocations")
    newest = deployed.panel.locator(".lablambda-invocations > li > button").first
    expect(newest).to_have_accessible_name(re.compile("ZeroDivisionError"))
    newest.click()
    details = deployed.panel.locator(".lablambda-details")
    expect(details).to_contain_text("queue")
    expect(details).to_contain_text("of 128 MB")
    details.get_by_role("button", name="Its log").click()
    lines = deployed.panel.get_by_role("log").locator("div")
    expect(lines.first).to_contain_text("START RequestId")
    expect(lines.last).to_contain_text("REPORT RequestId")


def test_metrics_are_drawn(deployed: Desk) -> None:
    deployed.open("slow", "Metrics")
    charts = deployed.panel.locator(".lablambda-chart")
    expect(charts).to_have_count(3)
    assert charts.locator("canvas").first.evaluate("canvas => canvas.width") > 100
    expect(charts.first).to_have_accessible_name(re.compile(r"invocation.*error"))
    deployed.panel.get_by_label("Time that is shown").select_option("last 3 hours")
    expect(deployed.panel.locator(".lablambda-figures")).to_contain_text("p95")


def test_addresses_are_there_to_copy(deployed: Desk) -> None:
    lab = deployed.lab
    attach("greet", [UrlSource()], lab)
    deployed.open("greet", "Configuration")
    link = deployed.panel.get_by_role("link")
    expect(link).to_have_attribute("href", lab.url("greet"))
    deployed.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    deployed.panel.get_by_role("button", name="Copy the curl line of url").click()
    copied = deployed.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("curl --cacert")
    detach("greet", [UrlSource()], lab)


def test_the_labs_clock_is_turned(deployed: Desk) -> None:
    before = deployed.lab.clock.now
    deployed.open("greet", "Configuration")
    deployed.panel.get_by_role("button", name="Back to all functions").click()
    deployed.panel.get_by_role("tab", name="Lab", exact=True).click()
    expect(deployed.panel).to_contain_text("Kept ready")
    deployed.panel.get_by_label("Advance by").fill("5")
    with deployed.page.expect_response(re.compile("clock.advance_s=300")):
        deployed.panel.get_by_role("button", name="Advance").click()
    assert deployed.lab.clock.now >= before + 300
    deployed.panel.get_by_role("tab", name="Functions", exact=True).click()


# --------------------------------------------------------------------------------------- for everybody


def test_the_keyboard_is_enough(deployed: Desk) -> None:
    deployed.open("slow", "Invocations")
    page = deployed.page
    deployed.panel.get_by_role("tab", name="Invocations").focus()
    page.keyboard.press("ArrowRight")
    expect(deployed.panel.get_by_role("tab", name="Logs")).to_be_focused()
    expect(deployed.panel.get_by_role("tab", name="Logs")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("End")
    expect(deployed.panel.get_by_role("tab", name="Configuration")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(deployed.panel.get_by_role("tab", name="Invocations")).to_be_focused()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_no_serious_fault(deployed: Desk, theme: str) -> None:
    if not AXE.is_file() and not os.environ.get("CI"):
        pytest.skip("needs axe-core: npm install --prefix extension")
    page = deployed.page
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text="Theme").first.click()
    page.locator(".lm-Menu-itemLabel", has_text=theme).first.click()
    page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=theme)
    page.evaluate(AXE.read_text())
    faults = {}
    for tab in ("Invocations", "Logs", "Metrics", "Test", "Configuration"):
        deployed.open("slow", tab)
        faults[tab] = axe(page, "#lablambda-panel")
    deployed.panel.get_by_role("button", name="Back to all functions").click()
    for tab in ("Lab", "Functions"):
        deployed.panel.get_by_role("tab", name=tab, exact=True).click()
        faults[tab] = axe(page, "#lablambda-panel")
    faults["badges"] = axe(page, ".lablambda-badge")
    assert not [fault for found in faults.values() for fault in found], faults


def axe(page: Page, place: str) -> list[str]:
    """What axe finds there that is serious, in words."""
    found = page.evaluate(
        """async place => (await axe.run(place)).violations
            .filter(fault => ['serious', 'critical'].includes(fault.impact))
            .flatMap(fault => fault.nodes.map(node => `${fault.id}: ${node.html.slice(0, 200)} ${node.failureSummary}`))""",
        place,
    )
    return [str(fault) for fault in found]


def test_a_lab_that_has_gone_is_started_again(deployed: Desk) -> None:
    deployed.open("greet", "Invocations")
    pids = family(deployed.lab.descriptor.pid)
    deployed.lab.connection.request("lablambda", "POST", "/lablambda/shutdown")
    assert gone(pids)
    deployed.panel.get_by_role("button", name="Start the lab default").click()
    expect(deployed.panel.get_by_role("heading", name="greet")).to_be_visible(timeout=20_000)
    deployed.home.lab("default")
    expect(deployed.badge("greet")).to_have_text("deployed")
