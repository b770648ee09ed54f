"""Accessibility checks of a page in Chromium with axe."""

from pathlib import Path

import axe_playwright_python

AXE = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")).read_text()
# The rules about colours, which are all that the dark theme changes. The other rules are checked once.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
# Only what is violated is described and sent: the rest are megabytes for a long thread.
RUN = """async (options) => {
  for (const each of document.getAnimations()) if (each instanceof CSSTransition) each.finish();
  const { violations } = await axe.run(WHERE, { resultTypes: ["violations"], ...options });
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)}`);
}"""


def faults(page, where: str = "document") -> list[str]:
    """Return the violated rules, each with its first element, and whether the page is wider than the screen.

    Both themes are checked, and the page is light at the end. `where` is JavaScript for the part to check.
    The page is loaded completely first, because a click returns as soon as the next page begins to load.
    """
    page.wait_for_load_state()
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    run = RUN.replace("WHERE", where)
    page.emulate_media(color_scheme="dark")
    found = [f"dark: {each}" for each in page.evaluate(run, COLOURS)]
    page.emulate_media(color_scheme="light")
    found += page.evaluate(run, {})
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("wider than the screen")
    return found
