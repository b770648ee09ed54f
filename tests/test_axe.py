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


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("<p>One.</p><p>Two.</p>", []),
        ("<p>One.</p><p class=grey>Two.</p>", ["dark: color-contrast", "color-contrast"]),
        ("<p>One.</p><p class=dark>Two.</p>", ["dark: color-contrast"]),
        ("<p>One.</p><div class=box><p>Two.</p></div>", ["dark: color-contrast", "color-contrast"]),
        # The same style as a text that passed, placed over another box.
        (OVER % "" + OVER % "<div class=box></div>", ["dark: color-contrast", "color-contrast"]),
    ],
)
def test_contrast(page, content, found):
    page.set_content(PAGE % content)
    assert [fault.partition(": <")[0] for fault in faults(page)] == found
    assert [fault.partition(": <")[0] for fault in faults(page)] == found  # what has failed is not remembered


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("<p class=narrow>One.</p>", ["390: dark: color-contrast", "390: color-contrast"]),
        ("<p class=desk>One.</p><button class=phone></button>", ["390: button-name"]),
        (f"<div class=scrolls>{'<p>A line.</p>' * 9}</div>", ["390: scrollable-region-focusable"]),
        ("<p style='width: 500px'>One.</p>", ["390: wider than the screen"]),
    ],
)
def test_widths(page, content, found):
    page.set_content(PAGE % content)
    assert [fault.partition(": <")[0] for fault in faults(page, widths=(1280, 390))] == found
