"""The runner of the benches: rounds in turn, goals and tables."""

import re
from collections import Counter

import pytest

from bench import runner
from bench.load import Measured
from bench.runner import Goal, in_turn, publish


def measured(p50: float, **errors: int) -> Measured:
    return Measured(rate=1, p50=p50, p99=1, processor=1, count=1, size=1, errors=Counter(errors))


def test_targets_take_turns_and_the_first_round_only_warms_up() -> None:
    calls: list[str] = []
    times = {"A": [90.0, 3, 1, 2], "B": [90.0, 6, 4, 5]}

    def one(name: str) -> Measured:
        calls.append(name)
        return measured(times[name].pop(0), OSError=1)

    figures = in_turn({name: lambda name=name: one(name) for name in times}, 3, warm_up=True)  # type: ignore[misc]
    assert calls == ["A", "B"] * 4
    assert {name: (m.p50, m.failed) for name, m in figures.items()} == {
        "A": (2, "3 × OSError"),
        "B": (5, "3 × OSError"),
    }


@pytest.mark.parametrize(
    ("goal", "row"),
    [
        (Goal("it", 1.234), "it | 1.23 × | – | "),
        (Goal("it", 12.34, least=12.5, unit="ms"), "it | 12.3 ms | ≥ 12.5 ms | **not met**"),
        (Goal("it", 1234.5, most=2000, unit=""), "it | 1,234 | ≤ 2000 | met"),
    ],
)
def test_whether_a_goal_is_met_is_computed_from_its_figure(goal: Goal, row: str) -> None:
    assert str(goal) == row


def test_only_the_section_of_the_bench_is_replaced(tmp_path, monkeypatch, capsys) -> None:
    page = tmp_path / "measured.md"
    page.write_text("before\n<!-- it -->\nold\n<!-- /it -->\n<!-- it: too -->\nkept\n<!-- /it: too -->\n")
    monkeypatch.setattr(runner, "MEASURED", page)
    publish("it", ["a line", Goal("goal", 3, most=3, unit="s"), "another"], write=True)
    written = page.read_text()
    assert re.match(r"before\n<!-- it -->\n2\d{3}-.* UTC, commit ([0-9a-f]{8}|unknown), Python 3", written)
    assert written.endswith("\n<!-- /it -->\n<!-- it: too -->\nkept\n<!-- /it: too -->\n")
    table = "| goal | figure | target |  |\n|---|---|---|---|\n| goal | 3 s | ≤ 3 s | met |"
    assert f"\n\na line\n\n{table}\n\nanother\n\nLoad average after: " in written
    assert written.split("<!-- it -->\n")[1].split("\n<!-- /it -->")[0] + "\n" == capsys.readouterr().out
