"""Write results as Markdown tables with goals, and update docs/measured.md."""

import os
import platform
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bench import machine
from bench.soundoff import PROJECT

MEASURED = PROJECT / "docs" / "measured.md"


@dataclass(frozen=True)
class Goal:
    """A figure with its least or greatest wanted value. Without either it is reported and not judged."""

    what: str
    figure: float
    least: float | None = None
    most: float | None = None
    unit: str = "×"
    digits: int | None = None  # decimal places; None: chosen by the figure's size

    def cells(self) -> tuple[str, str, str, str]:
        """Return the row of the goal: name, figure, target, and whether it is met."""
        if self.least is not None:
            wanted, met = f"≥ {self.least:g}", self.figure >= self.least
        elif self.most is not None:
            wanted, met = f"≤ {self.most:g}", self.figure <= self.most
        else:
            return self.what, self._text(), "–", ""
        return self.what, self._text(), f"{wanted} {self.unit}".strip(), "met" if met else "**not met**"

    def _text(self) -> str:
        """Return the figure as text."""
        digits = self.digits
        if digits is None:
            is_whole = self.figure >= 100 or self.figure == int(self.figure)
            digits = 0 if is_whole else 1 if self.figure >= 10 else 2
        return f"{self.figure:,.{digits}f} {self.unit}".strip()


def goals(found: Iterable[Goal]) -> Iterator[str]:
    """Yield a Markdown table of goals."""
    yield from rows(("goal", "figure", "target", ""), (goal.cells() for goal in found))


def goals_with_load(found: Iterable[Goal]) -> Iterator[str]:
    """Yield a Markdown table of goals, with the load average before and after they were measured."""
    yield f"Load average before: {machine.load()}."
    yield ""
    yield from goals(found)
    yield ""
    yield f"Load average after: {machine.load()}."


def rows(head: Sequence[str], body: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield a Markdown table."""
    yield "| " + " | ".join(head) + " |"
    yield "|---" * len(head) + "|"
    for cells in body:
        yield "| " + " | ".join(cells) + " |"


def publish(name: str, lines: Iterable[str], *, write: bool) -> None:
    """Print the section. With `write`, also replace the section of that name in docs/measured.md."""
    text = "\n".join([_about(), *lines])
    print(text)
    if write:
        begin, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
        page = MEASURED.read_text()
        pattern = re.escape(begin) + ".*?" + re.escape(end)
        MEASURED.write_text(re.sub(pattern, lambda _: begin + text + end, page, flags=re.DOTALL))


def _about() -> str:
    """Return the line with date, Python version and processors."""
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, Python {platform.python_version()}, "
        f"{os.cpu_count()} processors that the servers share with the load."
    )
