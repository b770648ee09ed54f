"""Bar charts and curves as SVG paths. A table below each chart has the same numbers.

Colours and sizes are set by CSS classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 100  # of the tallest bar, in units of the SVG
SLOT = 10  # width of one group of bars, including the gap
GAP = 2


@dataclass(frozen=True)
class Series:
    """The bars of one name."""

    name: str
    path: str  # the d of an SVG path


@dataclass(frozen=True)
class Chart:
    """A bar chart with its table: each of the `rows` has a label and a number for each series."""

    title: str
    description: str
    series: list[Series]
    rows: list[tuple[str, list[int]]]
    top: int  # the value of the tallest bar
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
    """Return a bar chart with a group of bars for each row, and in each group one bar for each name."""
    top = max((n for _label, numbers in rows for n in numbers), default=0)
    series = []
    for index, name in enumerate(names):
        width = (SLOT - GAP) / len(names)
        path = "".join(
            _bar(GAP / 2 + slot * SLOT + index * width, width, numbers[index], top)
            for slot, (_label, numbers) in enumerate(rows)
            if numbers[index]
        )
        series.append(Series(name, path))
    table = [(label, list(numbers)) for label, numbers in rows]
    return Chart(title, description, series, table, top, SLOT * len(rows))


def _bar(x: float, width: float, n: int, top: int) -> str:
    """Return the path of one bar, whose height is at least visible."""
    height = max(1.5, HEIGHT * n / top)
    return f"M{x:g} 0v-{height:.4g}h{width:g}v{height:.4g}z"


@dataclass(frozen=True)
class Curve:
    """A square chart of one share against another, with its table: each row has a label and cells."""

    title: str
    description: str
    across: str  # label of the horizontal axis
    up: str  # label of the vertical axis
    line: str  # d of the SVG path through all points
    dots: str  # d of the SVG path with a ring around some points
    heads: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]


def line(points: Sequence[tuple[float, float]]) -> str:
    """Return the path through these points, from (0, 0) at the bottom left to (1, 1) at the top right."""
    return "".join(f"{'L' if n else 'M'}{_at(x, y)}" for n, (x, y) in enumerate(points))


def dots(points: Sequence[tuple[float, float, float]]) -> str:
    """Return the path of a ring around each point (x, y, radius in units of the SVG)."""
    return "".join(
        f"M{_at(x, y)}m-{r:g} 0a{r:g} {r:g} 0 1 0 {2 * r:g} 0a{r:g} {r:g} 0 1 0 -{2 * r:g} 0"
        for x, y, r in points
    )


def _at(x: float, y: float) -> str:
    return f"{HEIGHT * x:.4g} {-HEIGHT * y:.4g}"


def percentage(n: int, total: int) -> int:
    """Return `n` as a rounded percentage of `total`; 0 if `total` is 0."""
    return round(100 * n / total) if total else 0
