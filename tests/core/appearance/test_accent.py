"""The colours that follow from an owner's accent colour are readable in both themes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.appearance import accent
from core.appearance.tokens import token_colors

# The colours of tokens.css: paper, sheet and well.
LIGHT, DARK = ("#fbfaf7", "#fff", "#f2f0ea"), ("#11171b", "#192126", "#202a30")
COLORS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def unreadable(color: str) -> list[tuple[str, str]]:
    """Return the pairs of text and background, in both themes, whose contrast is too low."""
    palette = accent.palette(color)
    pairs = []
    for theme, backgrounds in ((palette.light, LIGHT), (palette.dark, DARK)):
        for shown in (theme.accent, theme.accent_strong):
            pairs += [(shown, background) for background in (*backgrounds, theme.accent_soft)]
            pairs.append((theme.on_accent, shown))
    return [pair for pair in pairs if accent.contrast(*pair) < accent.MIN_CONTRAST]


@given(COLORS)
def test_every_colour_gives_readable_colours(color: str) -> None:
    assert unreadable(color) == []
    assert all(theme.accent_strong != theme.accent for theme in vars(accent.palette(color)).values())


@pytest.mark.parametrize("color", ["#000000", "#ffffff", "#ffff00", "#0000ff", "#00ff00", "#808080"])
def test_the_extremes_give_readable_colours(color: str) -> None:
    assert unreadable(color) == []


def test_a_readable_colour_is_kept() -> None:
    assert accent.palette("#b00020").light.accent == "#b00020"
    assert accent.palette("#ffd400").dark.accent == "#ffd400"


def test_the_contrast_is_that_of_wcag() -> None:
    assert accent.contrast("#000000", "#ffffff") == 21
    assert round(accent.contrast("#777777", "#ffffff"), 2) == 4.48


def test_the_backgrounds_are_read_from_the_tokens() -> None:
    light, dark = token_colors()
    assert tuple(light[name] for name in accent.BACKGROUNDS) == LIGHT
    assert tuple(dark[name] for name in accent.BACKGROUNDS) == DARK
