"""The sums over the web processes of a machine."""

import json
import logging
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram

from core.monitoring import process_totals
from core.monitoring.process_totals import ProcessTotals


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> CollectorRegistry:
    made = CollectorRegistry()
    monkeypatch.setattr(process_totals, "REGISTRY", made)
    return made


def sums(totals: ProcessTotals) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in totals.collect()
        for sample in metric.samples
    }


def test_the_numbers_of_all_processes_are_added(registry: CollectorRegistry, tmp_path: Path) -> None:
    counter = Counter("posts", "Posts.", ["verdict"], registry=registry)
    seconds = Histogram("seconds", "Seconds.", buckets=(0.5,), registry=registry)
    counter.labels("hold").inc(2)
    seconds.observe(0.1)
    totals = ProcessTotals(tmp_path)
    # Another process with the same parent, which has ended, and one of an earlier web server.
    other = {"posts": [["posts_total", {"verdict": "hold"}, 3], ["posts_total", {"verdict": "spam"}, 1]]}
    (tmp_path / f"{totals.prefix}1.json").write_text(json.dumps(other))
    (tmp_path / "0-1.json").write_text(json.dumps(other))
    (tmp_path / f"{totals.prefix}2.json").write_text("cut sh")
    assert sums(totals) == {
        ("posts_total", "hold"): 5,
        ("posts_total", "spam"): 1,
        ("seconds_bucket", "0.5"): 1,
        ("seconds_bucket", "+Inf"): 1,
        ("seconds_count",): 1,
        ("seconds_sum",): 0.1,
    }


def test_a_start_deletes_the_numbers_of_earlier_web_servers(
    registry: CollectorRegistry, tmp_path: Path
) -> None:
    totals = ProcessTotals(tmp_path)
    kept = {tmp_path / f"{totals.prefix}1.json", tmp_path / f".{totals.prefix}2.json.x.part"}
    for file in (*kept, tmp_path / "0-1.json", tmp_path / ".0-1.json.x.part"):
        file.write_text("{}")
    totals.delete_old_files()
    assert set(tmp_path.iterdir()) == kept


def test_an_earlier_web_server_may_have_had_the_same_processes(
    registry: CollectorRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a container, PIDs repeat after a restart, and the folder is kept."""
    counter = Counter("posts", "Posts.", registry=registry)
    counter.inc()
    monkeypatch.setenv(process_totals.SERVER_ID, "first")
    ProcessTotals(tmp_path).write()
    monkeypatch.setenv(process_totals.SERVER_ID, "second")
    totals = ProcessTotals(tmp_path)
    assert sums(totals)["posts_total",] == 1
    totals.delete_old_files()
    assert list(tmp_path.iterdir()) == [totals.file]


def test_a_sum_never_goes_down_while_nothing_can_be_written(
    registry: CollectorRegistry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Other processes see only the file, so on a full disk this process must not count further."""
    counter = Counter("posts", "Posts.", registry=registry)
    totals = ProcessTotals(tmp_path / "metrics")
    counter.inc()
    assert sums(totals)["posts_total",] == 1
    folder = tmp_path / "metrics"
    moved = folder.rename(tmp_path / "away")
    folder.touch()  # no folder can be made here
    counter.inc()
    with caplog.at_level(logging.WARNING):
        totals.write()
        totals.write()
    assert len(caplog.records) == 1, "it is logged once"
    folder.unlink()
    moved.rename(folder)
    assert sums(totals)["posts_total",] == 2
