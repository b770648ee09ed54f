"""Tests that axe finds faults of contrast and of layout, although it checks the same look of a text once."""

import pytest

from tests.helpers.axe import faults

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><html lang="en"><title>A page</title><style>
  body { background: white; color: black }
  .grey { color: #ccc }
  .box { background: #222; height: 2em }
  .frame { position: relative; height: 2em }
  .over { position: absolute; top: 0; margin: 0 }
  .scrolls { overflow: auto; height: 3em }
  @media (prefers-color-scheme: dark) { .dark { color: #ddd } }
  @media (width < 500px) { .narrow { color: #ccc } .desk { display: none } }
  @media (width > 500px) { .scrolls { height: auto } .phone { display: none } }
</style><main><h1>A page</h1>%s</main></html>"""
OVER = "<div class=frame>%s<p class=over>One.</p></div>"


BOTH = ["dark: color-contrast", "color-contrast"]


def find_faults(page, content, **how) -> list[str]:
    page.set_content(PAGE % content)
    return [fault.partition(": <")[0] for fault in faults(page, **how)]


def test_low_contrast_is_found_in_both_themes(page):
    assert find_faults(page, "<p>One.</p><p>Two.</p>") == []
    assert find_faults(page, "<p>One.</p><p class=grey>Two.</p>") == BOTH
    assert find_faults(page, "<p>One.</p><p class=dark>Two.</p>") == BOTH[:1]
    for _ in range(2):  # failed texts are not remembered
        assert find_faults(page, "<p>One.</p><div class=box><p>Two.</p></div>") == BOTH
    # The same style as a text that passed, but over another box.
    assert find_faults(page, OVER % "" + OVER % "<div class=box></div>") == BOTH


def test_faults_are_found_at_each_width(page):
    both = {"widths": (1280, 390)}
    assert find_faults(page, "<p class=narrow>One.</p>", **both) == [f"390: {fault}" for fault in BOTH]
    assert find_faults(page, "<p class=desk>One.</p><button class=phone></button>", **both) == [
        "390: button-name"
    ]
    lines = "<p>A line.</p>" * 9
    assert find_faults(page, f"<div class=scrolls>{lines}</div>", **both) == [
        "390: scrollable-region-focusable"
    ]
    assert find_faults(page, "<p style='width: 500px'>One.</p>", **both) == ["390: wider than the screen"]
