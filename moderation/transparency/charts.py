"""Bars and lines as SVG paths. The numbers themselves stand in a table behind each chart; the picture
repeats them.

Nothing here is a colour or a size on the screen: classes and the page's style sheet say those.
"""

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 100  # of the tallest bar, in units of the picture
SLOT = 10  # width of one place on the axis, gap included
GAP = 2


@dataclass(frozen=True)
class Series:
    name: str
    path: str  # the d of an SVG path


@dataclass(frozen=True)
class Chart:
    """One picture with its table: `rows` has a label and a number for each series."""

    title: str
    description: str
    series: list[Series]
    rows: list[tuple[str, list[int]]]
    top: int  # what the tallest bar stands for
    width: int

    @property
    def is_empty(self) -> bool:
        return self.top == 0

    @property
    def first(self) -> str:
        return self.rows[0][0] if self.rows else ""

    @property
    def last(self) -> str:
        return self.rows[-1][0] if self.rows else ""


def bars(
    *, title: str, description: str, names: Sequence[str], rows: Sequence[tuple[str, Sequence[int]]]
) -> Chart:
    """A place on the axis for each row, and in it a bar for each name, side by side."""
    top = max((n for _label, numbers in rows for n in numbers), default=0)
    series = []
    for place, name in enumerate(names):
        width = (SLOT - GAP) / len(names)
        path = "".join(
            _bar(GAP / 2 + slot * SLOT + place * width, width, numbers[place], top)
            for slot, (_label, numbers) in enumerate(rows)
            if numbers[place]
        )
        series.append(Series(name, path))
    told = [(label, list(numbers)) for label, numbers in rows]
    return Chart(title, description, series, told, top, SLOT * len(rows))


def _bar(x: float, width: float, n: int, top: int) -> str:
    """From the ground up; one among thousands is still seen."""
    height = max(1.5, HEIGHT * n / top)
    return f"M{x:g} 0v-{height:.4g}h{width:g}v{height:.4g}z"


@dataclass(frozen=True)
class Curve:
    """One square picture of shares against shares, with its table: `rows` has a label and cells."""

    title: str
    description: str
    across: str  # what the axes are of
    up: str
    line: str  # the d of SVG paths: through all points …
    dots: str  # … and a ring around some
    heads: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]


def line(points: Sequence[tuple[float, float]]) -> str:
    """Through these, each from (0, 0) below to (1, 1) above."""
    return "".join(f"{'L' if n else 'M'}{_at(x, y)}" for n, (x, y) in enumerate(points))


def dots(points: Sequence[tuple[float, float, float]]) -> str:
    """A ring around each, with its radius in units of the picture."""
    return "".join(
        f"M{_at(x, y)}m-{r:g} 0a{r:g} {r:g} 0 1 0 {2 * r:g} 0a{r:g} {r:g} 0 1 0 -{2 * r:g} 0"
        for x, y, r in points
    )


def _at(x: float, y: float) -> str:
    return f"{HEIGHT * x:.4g} {-HEIGHT * y:.4g}"


def share(n: int, total: int) -> int:
    """Per cent, rounded; 0 of nothing."""
    return round(100 * n / total) if total else 0
