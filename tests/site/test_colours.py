"""Contrast of the colours in static/css/tokens.css, by WCAG 2: 4.5 for text, 3 for borders and focus."""

import math
import re

import pytest

from core.avatars import HUES
from core.data_folder import PROJECT

TOKENS = (PROJECT / "static/css/tokens.css").read_text()
SITE = (PROJECT / "static/css/site.css").read_text()
RGB = tuple[float, float, float]  # linear light, 0 to 1
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


def colour(name: str, theme: int) -> RGB:
    """Return a token's colour in the light (0) or dark (1) theme."""
    found = re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\)", TOKENS)
    assert found, name
    digits = found[theme + 1].removeprefix("#")
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    red, green, blue = (_linear(int(digits[n : n + 2], 16) / 255) for n in (0, 2, 4))
    return red, green, blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def oklch(lightness: float, chroma: float, hue: float) -> RGB:
    """Return a colour of CSS's oklch(), clipped to sRGB as browsers show it at worst (css-color-4, 8.4)."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    found = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    red, green, blue = (min(1, max(0, value)) for value in found)
    return red, green, blue


def contrast(one: RGB, other: RGB) -> float:
    bright, dark = sorted(
        (0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in (one, other)), reverse=True
    )
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "background", "least"), PAIRS)
def test_text_can_be_read(text, background, least, theme):
    assert contrast(colour(text, theme), colour(background, theme)) >= least


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_white_can_be_read_on_the_last_step_of_a_removal(theme):
    assert contrast((1, 1, 1), colour("bad-fill", theme)) >= 4.5


def test_initials_can_be_read_on_each_hue():
    hues = [float(hue) for hue in re.findall(r"\.h\d \{ --c: (\d+); \}", SITE)]
    assert len(hues) == HUES
    [rule] = re.findall(r"^\.av \{.*\}", SITE, re.MULTILINE)
    pairs = re.findall(r"oklch\(([\d.]+) ([\d.]+) var\(--c\)\)", rule)
    assert len(pairs) == 4
    light_ground, dark_ground, light_text, dark_text = ((float(x), float(y)) for x, y in pairs)
    for hue in hues:
        assert contrast(oklch(*light_ground, hue), oklch(*light_text, hue)) >= 4.5
        assert contrast(oklch(*dark_ground, hue), oklch(*dark_text, hue)) >= 4.5
