"""Return of freed memory, in its own process, whose heap nothing else uses."""

import platform
import subprocess
import sys

import pytest

from core.data_folder import PROJECT
from moderation.tasks import notify_authors
from tests.helpers.jobs import run_jobs

PROGRAM = """
from pathlib import Path
from core.memory.release import release_freed_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

blocks = [bytes(2_000) for _ in range(20_000)]
del blocks[:-1]  # the last one lies behind the others and is in use
before = resident()
release_freed_memory()
print(before - resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has malloc_trim")
def test_freed_memory_returns_to_the_system() -> None:
    released = int(subprocess.check_output([sys.executable, "-c", PROGRAM], cwd=PROJECT))
    assert released > 30_000_000


def test_the_job_worker_releases_memory_after_each_job(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr("config.apps.release_freed_memory", lambda: calls.append(1))
    for _ in range(2):
        notify_authors.enqueue("00000000-0000-0000-0000-000000000000")
    run_jobs()
    assert len(calls) == 2
