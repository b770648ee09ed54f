"""The colours that follow from an owner's accent colour are readable in both themes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.appearance import accent
from core.data_folder import PROJECT

COLORS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def unreadable(color: str) -> list[tuple[str, str]]:
    """Return the pairs of text and background, in both themes, whose contrast is too low."""
    palette = accent.palette(color)
    pairs = []
    for theme, backgrounds in (
        (palette.light, accent.LIGHT_BACKGROUNDS),
        (palette.dark, accent.DARK_BACKGROUNDS),
    ):
        for shown in (theme.accent, theme.strong):
            pairs += [(shown, background) for background in (*backgrounds, theme.soft)]
            pairs.append((theme.on_accent, shown))
    return [pair for pair in pairs if accent.contrast(*pair) < accent.LEAST_CONTRAST]


@given(COLORS)
def test_every_colour_gives_readable_colours(color: str) -> None:
    assert unreadable(color) == []
    assert all(theme.strong != theme.accent for theme in vars(accent.palette(color)).values())


@pytest.mark.parametrize("color", ["#000000", "#ffffff", "#ffff00", "#0000ff", "#00ff00", "#808080"])
def test_the_extremes_give_readable_colours(color: str) -> None:
    assert unreadable(color) == []


def test_a_readable_colour_is_kept() -> None:
    assert accent.palette("#b00020").light.accent == "#b00020"
    assert accent.palette("#ffd400").dark.accent == "#ffd400"


def test_the_contrast_is_that_of_wcag() -> None:
    assert accent.contrast("#000000", "#ffffff") == 21
    assert round(accent.contrast("#777777", "#ffffff"), 2) == 4.48


def test_the_backgrounds_are_those_of_the_tokens() -> None:
    tokens = (PROJECT / "static/css/tokens.css").read_text()
    pairs = dict(re.findall(r"--(paper|sheet|well): light-dark\((\S+, \S+)\)", tokens))
    wanted = [pairs[name].replace("#fff,", "#ffffff,").split(", ") for name in ("paper", "sheet", "well")]
    assert list(zip(accent.LIGHT_BACKGROUNDS, accent.DARK_BACKGROUNDS, strict=True)) == [
        tuple(each) for each in wanted
    ]
