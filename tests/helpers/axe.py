"""Accessibility checks of a page in Chromium with axe."""

from pathlib import Path

import axe_playwright_python

AXE = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")).read_text()


def faults(page, where: str = "document") -> list[str]:
    """Return the violated rules, each with its first element, and whether the page is wider than the screen.

    `where` is JavaScript for the part to check. The page is loaded completely first, because a click returns
    as soon as the next page begins to load.
    """
    page.wait_for_load_state()
    page.evaluate(AXE)
    violations = page.evaluate(f"axe.run({where})")["violations"]
    found = [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in violations]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("wider than the screen")
    return found
