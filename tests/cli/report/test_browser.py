"""The page in a real browser: without a network, in every width, on paper, light and dark."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from sagewright.cli.report.content import Evaluation, Report
from sagewright.cli.report.page import write

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Without those for the background it would look for its maker's hosts; it may not sandbox itself where root runs it.
FLAGS = ("no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking")
FLAGS = (*FLAGS, "disable-component-update", "disable-sync")
PHONE, DESK = 390, 1280
PAPER = 680  # A4 without the page's margins, in CSS pixels
READABLE = 4.5  # WCAG's contrast of text

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: install Debian's package chromium"),
]

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=[f"--{flag}" for flag in FLAGS])
        yield started
        started.close()


@pytest.fixture
def told() -> list[str]:
    """What the browser had to say: errors, warnings, and every request but for the page itself."""
    return []


@pytest.fixture
def visit(browser: Browser, tmp_path: Path, told: list[str]) -> Iterator[Open]:
    """Open a report's page, with the network cut, and wait until its pictures are drawn."""
    contexts: list[Any] = []

    def visit(report: Report, width: int = DESK, *, script: bool = True, **settings: Any) -> Page:
        path = tmp_path / "report.html"
        write(report, path)
        viewport: Any = {"width": width, "height": 900}
        context = browser.new_context(viewport=viewport, offline=True, java_script_enabled=script, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: told.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("request", lambda request: told.append(request.url))
        page.goto(path.as_uri())
        assert told.pop(0) == path.as_uri()
        if script:
            page.wait_for_selector("html[data-drawn]", state="attached")
        return page

    yield visit
    for context in contexts:
        context.close()


def contrast(page: Page, selector: str) -> float:
    """WCAG's contrast of an element's text with the page's ground."""
    found = page.evaluate(
        "selector => [getComputedStyle(document.querySelector(selector)), getComputedStyle(document.body)]"
        ".map((style, i) => i ? style.backgroundColor : style.color)",
        selector,
    )
    light, dark = sorted((luminance(color) for color in found), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def overflowing(page: Page) -> list[str]:
    """What is wider than the window, but for what scrolls by itself."""
    return page.evaluate(
        "() => [...document.querySelectorAll('main *, header *')]"
        ".filter(each => !each.closest('.scroll') && each.getClientRects().length"
        " && each.getBoundingClientRect().right > innerWidth + 1)"
        ".map(each => each.tagName + '.' + (each.className.baseVal ?? each.className))"
    )


def test_every_picture_is_drawn_without_a_network_and_without_an_error(
    visit: Open, report: Report, told: list[str]
) -> None:
    page = visit(report)
    assert page.locator(".plot .main-svg").count() > 0
    assert page.locator(".plot:visible").count() == page.locator(".plot:visible:has(.main-svg)").count() == 7
    page.get_by_text("4 columns like the baseline").click()
    page.wait_for_function("document.querySelectorAll('.plot:has(.main-svg)').length === 11")
    page.get_by_text("The numbers").first.click()
    assert page.locator(".numbers[open] table").first.is_visible()
    names = page.locator("svg.graph text.name").evaluate_all("found => found.map(each => each.textContent)")
    assert names[:2] == ["Preprocess", "Train"]
    assert overflowing(page) == []
    assert told == []


def test_a_phone_shows_it_without_scrolling_aside(visit: Open, report: Report, told: list[str]) -> None:
    page = visit(report, PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE
    assert overflowing(page) == []
    sizes = page.evaluate(
        "() => [...document.querySelectorAll('.plot text')].map(each => parseFloat(getComputedStyle(each).fontSize))"
    )
    assert min(sizes) >= 12
    # However many lines the legend takes, the picture keeps its room.
    assert (
        min(
            page.evaluate(
                "() => [...document.querySelectorAll('.js-plotly-plot')].map(each => each._fullLayout._size.h)"
            )
        )
        > 90
    )
    assert told == []


def test_dark_and_light_can_both_be_read_and_follow_the_reader(visit: Open, report: Report) -> None:
    page = visit(report, color_scheme="dark")
    axis = "document.querySelector('.plot .xtick text').style.fill"
    seen = {}
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(
            "() => matchMedia('(prefers-color-scheme: dark)').matches === " + str(scheme == "dark").lower()
        )
        page.wait_for_function(f"before => {axis} !== before", arg=seen.get("dark"))
        seen[scheme] = page.evaluate(axis)
        for selector in ("body", "figcaption", "thead th", "nav a", "summary"):
            assert contrast(page, selector) >= READABLE, (scheme, selector)
    assert luminance(seen["dark"]) > luminance(seen["light"])


def test_on_paper_the_pictures_are_as_wide_as_the_paper_and_black_and_come_back(visit: Open, report: Report) -> None:
    page = visit(report, color_scheme="dark")
    widths = "() => [...document.querySelectorAll('.plot .main-svg:first-child')].map(each => each.clientWidth)"
    ink = "document.querySelector('.plot .xtick text').style.fill"
    before = page.evaluate(widths)
    # What the pictures are at the moment of printing, which is over when the browser hands out the paper.
    page.evaluate(f"addEventListener('beforeprint', () => {{ window.printed = [({widths})(), {ink}]; }})")
    assert page.pdf(format="A4").startswith(b"%PDF")
    printed, color = page.evaluate("window.printed")
    assert max(before) > PAPER >= max(printed)
    assert color == "rgb(0, 0, 0)"
    page.wait_for_function(f"before => JSON.stringify(({widths})()) === JSON.stringify(before)", arg=before)


def test_without_javascript_every_number_is_there_for_the_keyboard_too(visit: Open, report: Report) -> None:
    page = visit(report, script=False)
    page.keyboard.press("Tab")
    assert page.get_by_role("link", name="To the content").is_visible()
    assert page.locator("noscript .notice").is_visible()
    page.get_by_text("The numbers of ROC").press("Enter")
    assert page.get_by_role("region", name="The numbers of ROC").is_visible()


@pytest.fixture(params=["multiclass", "regression"])
def other(
    request: pytest.FixtureRequest, multiclass: Callable[[int], Evaluation], regression: Evaluation
) -> Evaluation:
    """An evaluation of another problem than the binary one."""
    return regression if request.param == "regression" else multiclass(9)


def test_the_other_problems_fit_a_phone_too(
    visit: Open, only: Callable[..., Report], other: Evaluation, told: list[str]
) -> None:
    page = visit(only(evaluation=other), PHONE)
    assert overflowing(page) == []
    assert page.locator(".plot:has(.main-svg)").count() == (2 if other.report["problem"] == "regression" else 0)
    assert told == []
