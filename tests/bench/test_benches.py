"""Run each bench that the documents name once, at its smallest size, so that no bench breaks unnoticed."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench import servers
from bench.moderation.__main__ import PARTS
from bench.runner import Goal, rows
from core.data_folder import PROJECT
from tests.config.conftest import environment_of, shared_home
from tests.config.serving import run, serving
from tests.conftest import CHROMIUM, DATA

NEEDS_DATA = {
    "moderation rules",
    "moderation groups",
    "moderation flood",
    "moderation floods-in-time",
    "filter",
    "reply_structure",
}
NEEDS_CHROMIUM = {"admin_tree", "first_paint"}
WAIT_FOR_JOBS = """
from time import sleep
from django_tasks_db.models import DBTaskResult
jobs = DBTaskResult.objects
while jobs.ready().exists() or jobs.running().exists():
    sleep(0.1)
"""
# Each takes minutes on a busy machine: it starts and fills a site and requests pages.
pytestmark = pytest.mark.timeout(1800)

# They need scikit-learn; root, network namespaces and Debian's engines. The last has nothing small to show.
NOT_RUN = {"train_starter", "cluster", "large"}
BENCHES = [
    "reading --no-wordpress",
    "posting --no-wordpress",
    "publishing",
    "admin_tree",
    "first_paint",
    "backup",
    "importing",
    "memory",
    "mails following",
    "mails newsletter",
    "capacity",
    *(f"moderation {part}" for part in PARTS),
    "filter",
    "reply_structure",
]


DOCUMENTS = [PROJECT / "README.md", *(PROJECT / "docs").glob("*.md"), PROJECT / "bench" / "README.md"]


def test_every_module_that_a_document_runs_exists() -> None:
    text = "".join(page.read_text() for page in DOCUMENTS)
    named = {*re.findall(r"python -m ((?:bench|tests)\.[\w.]*\w)", text)}
    assert "tests.deploy.try_containers" in named
    assert [name for name in named if find_spec(name) is None] == []


def test_every_bench_that_a_document_names_is_run() -> None:
    named = {name for page in DOCUMENTS for name in re.findall(r"\bbench\.(\w+)", page.read_text())}
    commands = {name for name in named if '__name__ == "__main__"' in module(name).read_text()}
    assert commands - NOT_RUN == {bench.split()[0] for bench in BENCHES}


def test_the_training_explains_itself_without_scikit_learn() -> None:
    command = [sys.executable, "-m", "bench.train_starter", "--help"]
    help_text = subprocess.check_output(command, cwd=PROJECT, text=True)
    assert "python -m pip install -r bench/requirements.txt" in help_text


def test_the_training_names_a_missing_package_only_when_it_is_run() -> None:
    script = "import sys; sys.modules['numpy'] = None; from bench import train_starter; print('imported')"
    command = [sys.executable, "-c", f"{script}; train_starter.main()"]
    done = subprocess.run(command, cwd=PROJECT, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, "imported\n")
    assert done.stderr.endswith(". Run python -m pip install -r bench/requirements.txt.\n")
    assert done.stderr.count("\n") == 1


def module(name: str) -> Path:
    """Return the file that `python -m bench.<name>` runs."""
    alone, package = (PROJECT / "bench" / f"{name}.py", PROJECT / "bench" / name / "__main__.py")
    return alone if alone.exists() else package


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """Return the benches' environment. Each starts with a copy of one site with the sample, to save time."""

    def prepare(folder: Path) -> None:
        site = environment_of(folder)
        with serving(site):
            run(site, WAIT_FOR_JOBS)  # otherwise each bench would do them again

    ours = ("DATABASE_", "SOUNDOFF_HOME", "DJANGO_", "SECRET_KEY", "PYTEST_")
    base = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    copied = shared_home("with-sample", prepare)
    # One web process starts sooner. The copies are where the original is, in memory if possible.
    chosen = {servers.COPIED: str(copied), servers.CHROMIUM_VARIABLE: str(CHROMIUM)}
    return base | chosen | {"WEB_PROCESSES": "1", "TMPDIR": str(copied.parents[1])}


def missed_goals_of_zero(output: str) -> list[str]:
    """Return the goals of zero that are not met, such as of damage and of errors: they hold at any size."""
    return re.findall(r"^\| ([^|]+) \| [^|]+ \| ≤ 0\b[^.|]*\| \*\*not met\*\* \|$", output, re.MULTILINE)


def test_a_missed_goal_of_zero_is_found() -> None:
    goals = [
        Goal("damage", 1, most=0, unit=""),
        Goal("errors", 0, most=0, unit=""),
        Goal("lost", 2, most=0, unit="comments"),
        Goal("statements of a page", 7, most=6, unit=""),
        Goal("groups", 3, unit=""),
        Goal("a reply", 90, most=5, unit="ms"),
    ]
    assert missed_goals_of_zero("\n".join(rows("goal | figure | target | ", map(str, goals)))) == [
        "damage",
        "lost",
    ]


@pytest.mark.parametrize("bench", BENCHES)
def test_a_bench_runs_at_its_smallest(bench: str, environment: dict[str, str], tmp_path: Path) -> None:
    if bench in NEEDS_DATA and not DATA.is_dir():
        pytest.skip(f"no example data at {DATA}: set SOUNDOFF_DATA")
    if bench in NEEDS_CHROMIUM and not CHROMIUM.exists() and "CI" not in os.environ:
        pytest.skip(f"no {CHROMIUM}")
    name, *options = bench.split()
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{name}", *options, "--smallest"],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-10_000:]
    assert "| " in done.stdout
    assert missed_goals_of_zero(done.stdout) == []
    if name == "backup":
        # A backup of a running site, restored into a second one by the commands that operators run.
        assert re.search(r"pages that differ, of \d+ \| 0 \|", done.stdout)
        assert re.search(r"damage that check_integrity finds \| 0 \|", done.stdout)
    if name == "reading":
        # Counted in the log of the database, so with the event loop, the page cache and all middleware.
        # A process prepares its statements in its first requests, and this bench has no others.
        assert re.search(r"statements for a page, changed a moment ago, of any size \| [234] \|", done.stdout)
        assert re.findall(r"to a member \|[^|]*\|[^|]*\| (\d+) \|", done.stdout) == ["4", "4"]
