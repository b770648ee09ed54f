"""The accent colour of a site: the readable colours of both themes that follow from the owner's colour.

Every value has a contrast of at least 4.5:1, the demand of WCAG 2.2 for text, with what it is shown on. A
colour that is too light or too dark for a theme is made darker or lighter there, and keeps its hue.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

HEX = re.compile(r"#[0-9a-f]{6}")
LEAST_CONTRAST = 4.5
WHITE = "#ffffff"
# The backgrounds of tokens.css on which the accent is text: paper, sheet and well.
LIGHT_BACKGROUNDS = ("#fbfaf7", "#ffffff", "#f2f0ea")
DARK_BACKGROUNDS = ("#11171b", "#192126", "#202a30")
ON_DARK_ACCENT = ("#0b1a1e", "#000000")  # text on the accent of the dark theme: the first that is readable
STEP = 0.005  # of lightness, from 0 to 1
STRONG = 0.08  # the difference in lightness between the accent and the strong accent
BLACKISH = 0.25  # a lightness below which a colour can't become visibly darker
SOFT_LIGHT, SOFT_DARK = 0.95, 0.28  # the lightness of the background that is tinted with the accent
SOFT_CHROMA = 0.025  # at most

Oklab = tuple[float, float, float]  # lightness from 0 to 1, and a and b, which say hue and chroma


@dataclass(frozen=True)
class Theme:
    """The colours of one theme that follow from the accent, as #rrggbb."""

    accent: str
    strong: str
    soft: str
    on_accent: str


@dataclass(frozen=True)
class Palette:
    """The colours that follow from the owner's colour, in both themes."""

    light: Theme
    dark: Theme


@lru_cache(maxsize=64)
def palette(color: str) -> Palette:
    """Return the colours of both themes for a colour such as #0e5a66."""
    return Palette(_light_theme(color), _dark_theme(color))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours by WCAG 2.2, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def style_sheet(color: str) -> str:
    """Return the style sheet that replaces the accent of tokens.css."""
    light, dark = palette(color).light, palette(color).dark
    return (
        ":root { "
        f"--accent: light-dark({light.accent}, {dark.accent}); "
        f"--accent-strong: light-dark({light.strong}, {dark.strong}); "
        f"--accent-soft: light-dark({light.soft}, {dark.soft}); "
        f"--on-accent: light-dark({light.on_accent}, {dark.on_accent}); "
        "}\n"
    )


def _light_theme(color: str) -> Theme:
    soft = _tint(color, SOFT_LIGHT)
    backgrounds = (*LIGHT_BACKGROUNDS, soft)
    accent = _readable(color, backgrounds, -STEP)
    lightness = _to_oklab(accent)[0]
    strong = _with_lightness(accent, BLACKISH + STRONG if lightness < BLACKISH else lightness - STRONG)
    return Theme(accent, _readable(strong, backgrounds, -STEP), soft, WHITE)


def _dark_theme(color: str) -> Theme:
    soft = _tint(color, SOFT_DARK)
    backgrounds = (*DARK_BACKGROUNDS, soft)
    accent = _readable(color, backgrounds, STEP)
    lightness = _to_oklab(accent)[0]
    strong = _with_lightness(accent, lightness + (-STRONG if lightness > 1 - STRONG else STRONG))
    strong = _readable(strong, backgrounds, STEP)
    on_accent = next(
        dark
        for dark in ON_DARK_ACCENT
        if min(contrast(dark, accent), contrast(dark, strong)) >= LEAST_CONTRAST
    )
    return Theme(accent, strong, soft, on_accent)


def _readable(color: str, backgrounds: tuple[str, ...], step: float) -> str:
    """Return the colour, made darker (a negative step) or lighter until it is readable on the backgrounds."""
    lightness = _to_oklab(color)[0]
    while min(contrast(color, each) for each in backgrounds) < LEAST_CONTRAST:
        lightness += step
        color = _with_lightness(color, lightness)
    return color


def _tint(color: str, lightness: float) -> str:
    _lightness, a, b = _to_oklab(color)
    chroma = (a * a + b * b) ** 0.5
    share = min(1.0, SOFT_CHROMA / chroma) if chroma else 0.0
    return _from_oklab((lightness, a * share, b * share))


def _with_lightness(color: str, lightness: float) -> str:
    _lightness, a, b = _to_oklab(color)
    return _from_oklab((min(max(lightness, 0.0), 1.0), a, b))


def _luminance(color: str) -> float:
    red, green, blue = _linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(color: str) -> tuple[float, float, float]:
    """Return the linear parts of a colour, from 0 to 1."""
    parts = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return red, green, blue


def _to_oklab(color: str) -> Oklab:
    """Return a colour in Oklab (https://bottosson.github.io/posts/oklab/): lightness, a and b."""
    r, g, b = _linear(color)
    l_ = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    m_ = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    s_ = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * l_ + 0.7936177850 * m_ - 0.0040720468 * s_,
        1.9779984951 * l_ - 2.4285922050 * m_ + 0.4505937099 * s_,
        0.0259040371 * l_ + 0.7827717662 * m_ - 0.8086757660 * s_,
    )


def _from_oklab(color: Oklab) -> str:
    """Return #rrggbb. A colour that screens can't show gets less chroma, and keeps lightness and hue."""
    lightness, a, b = color
    share = 1.0
    while True:
        red, green, blue = _oklab_to_linear(lightness, a * share, b * share)
        is_shown = all(-0.0005 <= part <= 1.0005 for part in (red, green, blue))
        if is_shown or share <= 0:
            return "#" + "".join(f"{_encode(part):02x}" for part in (red, green, blue))
        share -= 0.02


def _oklab_to_linear(lightness: float, a: float, b: float) -> tuple[float, float, float]:
    l_ = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    m_ = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    s_ = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * l_ - 3.3077115913 * m_ + 0.2309699292 * s_,
        -1.2684380046 * l_ + 2.6097574011 * m_ - 0.3413193965 * s_,
        -0.0041960863 * l_ - 0.7034186147 * m_ + 1.7076147010 * s_,
    )


def _encode(part: float) -> int:
    part = min(max(part, 0.0), 1.0)
    return round(255 * (part * 12.92 if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055))
