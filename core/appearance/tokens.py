"""The colours of static/css/tokens.css as plain values, for computations and for mails."""

import re
from functools import cache
from typing import NamedTuple

from core.data_folder import PROJECT

THEMES = {"light", "dark"}  # values of the cookie `theme`; without it the system's theme is used

_TOKEN = re.compile(r"--([a-z-]+): light-dark\((#[0-9a-f]+), (#[0-9a-f]+)\)")


class ThemeColors(NamedTuple):
    """The colours of each theme, by the names in tokens.css with "_" instead of "-"."""

    light: dict[str, str]
    dark: dict[str, str]


@cache
def token_colors() -> ThemeColors:
    """Return the colours of tokens.css."""
    light, dark = {}, {}
    for name, in_light, in_dark in _TOKEN.findall((PROJECT / "static/css/tokens.css").read_text()):
        key = name.replace("-", "_")
        light[key], dark[key] = in_light, in_dark
    return ThemeColors(light, dark)
