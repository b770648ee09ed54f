"""What axe and a narrow screen find in a page that Chromium shows."""

from pathlib import Path

import axe_playwright_python

AXE = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")).read_text()


def faults(page, where: str = "document") -> list[str]:
    """The broken rules, each with its first element, and whether the page is wider than the screen.

    `where`: JavaScript for the part to look at. A press returns when the next page begins to come: here it
    has come whole.
    """
    page.wait_for_load_state()
    page.evaluate(AXE)
    violations = page.evaluate(f"axe.run({where})")["violations"]
    found = [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in violations]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("wider than the screen")
    return found
