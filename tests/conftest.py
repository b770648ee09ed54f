"""What every test may use. The run's Postgres comes from tests/plugin.py."""

import os
from pathlib import Path

import pytest

# Playwright keeps an event loop running in the thread in which Django's live server is asked for rows.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

CHROMIUM = Path("/usr/bin/chromium")
DATA = Path(os.environ.get("SOUNDOFF_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of example data that is not part of the project ($SOUNDOFF_DATA, default ../shared/data)."""
    if not DATA.is_dir():
        pytest.skip(f"no example data at {DATA}: set SOUNDOFF_DATA")
    return DATA


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, object]) -> dict[str, object]:
    """Debian's Chromium, in a container, talking to nobody but us."""
    return {
        **browser_type_launch_args,
        "executable_path": str(CHROMIUM),
        "args": [
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-default-apps",
            "--disable-sync",
            "--no-first-run",
        ],
    }


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without Chromium the browser tests are skipped; in the gate's own run (CI=1) they run and fail."""
    if CHROMIUM.exists() or os.environ.get("CI"):
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=f"no {CHROMIUM}"))
