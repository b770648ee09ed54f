"""The colours of both themes as plain values, for what can use no style sheet of the site, such as mails."""

import re
from functools import lru_cache
from typing import NamedTuple

from core.appearance import accent
from core.data_folder import PROJECT

_TOKEN = re.compile(r"--([a-z-]+): light-dark\((#[0-9a-f]+), (#[0-9a-f]+)\)")


class ThemeColors(NamedTuple):
    """The colours of each theme, by the names in tokens.css with "_" instead of "-"."""

    light: dict[str, str]
    dark: dict[str, str]


@lru_cache(maxsize=8)
def theme_colors(accent_color: str) -> ThemeColors:
    """Return the colours of tokens.css with the owner's accent colour, or its own if that is ""."""
    light, dark = {}, {}
    for name, in_light, in_dark in _TOKEN.findall((PROJECT / "static/css/tokens.css").read_text()):
        key = name.replace("-", "_")
        light[key], dark[key] = in_light, in_dark
    if accent_color:
        palette = accent.palette(accent_color)
        for colors, theme in ((light, palette.light), (dark, palette.dark)):
            colors |= {"accent": theme.accent, "on_accent": theme.on_accent}
    return ThemeColors(light, dark)
