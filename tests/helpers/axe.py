"""Accessibility checks of a page in Chromium with axe."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import axe_playwright_python

AXE = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")).read_text()
AXE += Path(__file__).with_suffix(".js").read_text()
WIDTHS = (390, 1280)  # pixels: a phone and a desktop screen
# The rules about colours, which are all that the dark theme changes. The other rules are checked once.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}

_passed: list[str] = []  # styles of texts with enough contrast on earlier pages (axe.js)


def faults(page: Any, where: str = "document", widths: Sequence[int] = ()) -> list[str]:
    """Return the violated rules, each with its first element, and whether the page is wider than the screen.

    Both themes are checked, and the page is light at the end. `where` is JavaScript for the part to check.
    With `widths`, the window is given each of these widths, in pixels, and then its own again.
    The page is loaded completely first, because a click returns as soon as the next page begins to load.
    """
    page.wait_for_load_state()
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    if not widths:
        return _faults(page, where)
    found, size = [], page.viewport_size
    for width in widths:
        page.set_viewport_size(size | {"width": width})
        found += [f"{width}: {each}" for each in _faults(page, where)]
    page.set_viewport_size(size)
    return found


def _faults(page: Any, where: str) -> list[str]:
    page.emulate_media(color_scheme="dark")
    found = [f"dark: {each}" for each in _run(page, where, COLOURS)]
    page.emulate_media(color_scheme="light")
    found += _run(page, where, {})
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("wider than the screen")
    return found


def _run(page: Any, where: str, options: dict[str, Any]) -> list[str]:
    run = f"([options, passed]) => soundoffAxe.run({where}, options, passed)"
    found, passed = page.evaluate(run, [options, _passed])
    _passed.extend(passed)
    return found


def faults_at(page: Any, url: str) -> list[str]:
    """Return the faults of the page at this URL, with an open reply form and an open menu of the account."""
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(url)
    for opener in (".thread footer a[rel]", ".account summary"):
        if page.locator(opener).count():
            page.locator(opener).first.click()
    if page.locator(".thread footer a[rel]").count():
        page.wait_for_selector(".thread .reply-form")
    page.mouse.move(0, 0)
    return faults(page, widths=WIDTHS)
