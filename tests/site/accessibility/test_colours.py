"""Contrast of the colours in static/css/tokens.css, by WCAG 2: 4.5 for text, 3 for borders and focus."""

import re

import pytest

from core.appearance.accent import contrast
from core.appearance.avatars import HUES
from core.data_folder import PROJECT

TOKENS = (PROJECT / "static/css/tokens.css").read_text()
SITE = (PROJECT / "static/css/site.css").read_text()
PAIRS = [  # text and background, least ratio
    ("ink", "paper", 4.5),
    ("ink", "sheet", 4.5),
    ("ink", "well", 4.5),
    ("soft", "paper", 4.5),
    ("soft", "sheet", 4.5),
    ("soft", "well", 4.5),
    ("accent", "paper", 4.5),
    ("accent", "well", 4.5),
    ("accent-strong", "accent-soft", 4.5),
    ("ink", "accent-soft", 4.5),
    ("soft", "accent-soft", 4.5),
    ("on-accent", "accent", 4.5),
    ("on-accent", "accent-strong", 4.5),
    ("bad", "paper", 4.5),
    ("bad", "bad-soft", 4.5),
    ("soft", "bad-soft", 4.5),
    ("warn", "warn-soft", 4.5),
    ("soft", "warn-soft", 4.5),
    ("good", "paper", 4.5),
    ("good", "good-soft", 4.5),
    ("ink", "mark", 4.5),
    ("paper", "ink", 4.5),
    ("edge", "paper", 3),
    ("edge", "sheet", 3),
    ("edge", "well", 3),
    ("focus", "paper", 3),
    ("focus", "well", 3),
]


def colour(name: str, theme: int) -> str:
    """Return a token's colour in the light (0) or dark (1) theme."""
    found = re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\)", TOKENS)
    assert found, name
    return found[theme + 1]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "background", "least"), PAIRS)
def test_text_can_be_read(text, background, least, theme):
    assert contrast(colour(text, theme), colour(background, theme)) >= least


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_white_can_be_read_on_the_last_step_of_a_removal(theme):
    assert contrast("#fff", colour("bad-fill", theme)) >= 4.5


def test_initials_can_be_read_on_each_hue():
    hues = [float(hue) for hue in re.findall(r"\.h\d \{ --c: (\d+); \}", SITE)]
    assert len(hues) == HUES
    [rule] = re.findall(r"^\.av \{.*\}", SITE, re.MULTILINE)
    pairs = re.findall(r"oklch\(([\d.]+) ([\d.]+) var\(--c\)\)", rule)
    assert len(pairs) == 4
    light_ground, dark_ground, light_text, dark_text = (" ".join(pair) for pair in pairs)
    for hue in hues:
        assert contrast(f"oklch({light_ground} {hue})", f"oklch({light_text} {hue})") >= 4.5
        assert contrast(f"oklch({dark_ground} {hue})", f"oklch({dark_text} {hue})") >= 4.5
