"""The accent colour of a site: the readable colours of both themes that follow from the owner's colour.

Every value has a contrast of at least 4.5:1, the demand of WCAG 2.2 for text, with what it is shown on. A
colour that is too light or too dark for a theme is made darker or lighter there, and keeps its hue.
"""

import re
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from core.appearance.tokens import ThemeColors, token_colors

HEX = re.compile(r"#[0-9a-f]{6}")
MIN_CONTRAST = 4.5
WHITE = "#ffffff"
BACKGROUNDS = ("paper", "sheet", "well")  # the tokens of the backgrounds on which the accent is text
ON_DARK_ACCENT = ("#0b1a1e", "#000000")  # text on the accent of the dark theme: the first that is readable
STEP = 0.005  # of lightness, from 0 to 1
STRONG = 0.08  # the difference in lightness between the accent and the strong accent
NEAR_BLACK = 0.25  # lightness below which a colour can't become visibly darker
SOFT_LIGHT, SOFT_DARK = 0.95, 0.28  # the lightness of the background that is tinted with the accent
SOFT_CHROMA = 0.025  # at most


@dataclass(frozen=True)
class Theme:
    """The colours of one theme that follow from the accent, as #rrggbb, by their names in tokens.css."""

    accent: str
    accent_strong: str
    accent_soft: str
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


def theme_colors(color: str) -> ThemeColors:
    """Return the colours of tokens.css with those that follow from the owner's colour, unless that is ""."""
    colors = token_colors()
    if not color:
        return colors
    themes = palette(color)
    return ThemeColors(colors.light | asdict(themes.light), colors.dark | asdict(themes.dark))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours by WCAG 2.2, from 1 to 21."""
    return round(float(_color(one).contrast(_color(other))), 6)


def style_sheet(color: str) -> str:
    """Return the style sheet that replaces the accent of tokens.css."""
    light, dark = palette(color).light, palette(color).dark
    return (
        ":root { "
        f"--accent: light-dark({light.accent}, {dark.accent}); "
        f"--accent-strong: light-dark({light.accent_strong}, {dark.accent_strong}); "
        f"--accent-soft: light-dark({light.accent_soft}, {dark.accent_soft}); "
        f"--on-accent: light-dark({light.on_accent}, {dark.on_accent}); "
        "}\n"
    )


def _light_theme(color: str) -> Theme:
    soft = _tint(color, SOFT_LIGHT)
    backgrounds = (*map(token_colors().light.__getitem__, BACKGROUNDS), soft)
    accent = _readable(color, backgrounds, -STEP)
    lightness = _lightness(accent)
    strong = _with_lightness(
        accent,
        NEAR_BLACK + STRONG if lightness < NEAR_BLACK else lightness - STRONG,
    )
    return Theme(accent, _readable(strong, backgrounds, -STEP), soft, WHITE)


def _dark_theme(color: str) -> Theme:
    soft = _tint(color, SOFT_DARK)
    backgrounds = (*map(token_colors().dark.__getitem__, BACKGROUNDS), soft)
    accent = _readable(color, backgrounds, STEP)
    lightness = _lightness(accent)
    strong = _with_lightness(accent, lightness + (-STRONG if lightness > 1 - STRONG else STRONG))
    strong = _readable(strong, backgrounds, STEP)
    on_accent = next(
        dark for dark in ON_DARK_ACCENT if min(contrast(dark, accent), contrast(dark, strong)) >= MIN_CONTRAST
    )
    return Theme(accent, strong, soft, on_accent)


def _readable(color: str, backgrounds: tuple[str, ...], step: float) -> str:
    """Return the colour, made darker (a negative step) or lighter until it is readable on the backgrounds."""
    lightness = _lightness(color)
    while min(contrast(color, background) for background in backgrounds) < MIN_CONTRAST:
        lightness += step
        color = _with_lightness(color, lightness)
    return color


def _tint(color: str, lightness: float) -> str:
    tint = _color(color).convert("oklch").set("lightness", lightness)
    return _hex(tint.set("chroma", min(SOFT_CHROMA, tint["chroma"])))


def _with_lightness(color: str, lightness: float) -> str:
    return _hex(_color(color).convert("oklch").set("lightness", min(max(lightness, 0.0), 1.0)))


def _lightness(color: str) -> float:
    return float(_color(color).convert("oklch")["lightness"])


def _color(text: str) -> Any:
    from coloraide import Color  # takes 0.1 s, which only an owner who has chosen a colour needs

    return Color(text)


def _hex(color: Any) -> str:
    """Return #rrggbb. A colour that screens can't show gets less chroma, and keeps lightness and hue."""
    found: str = color.convert("srgb").fit(method="oklch-chroma").to_string(hex=True)
    return found
