import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.handlers.wsgi import WSGIHandler

from articles.models import Article
from articles.site.cached_pages import INVALIDATED_AT_FILE
from config.page_cache.application import PageCacheApp
from config.server import postgres
from core import files
from core.data_folder import PROJECT
from tests.config.serving import run, serving
from tests.factories import make_article
from tests.plugin import EMPTY_SITE

# Tests post more in a second than people in a day.
WITHOUT_RATE_LIMIT = """
from moderation.models import Rule
Rule.objects.get_or_create(kind=Rule.Kind.RATE, value="1000000/1000000")
"""

# Without the rest of the sample, which few tests need and all would wait for.
CREATE_ONE_STORY = """
from django.conf import settings
from config.server import sample
sample.create_sample_data(settings.HOME, with_newspaper=False)
"""


@contextmanager
def data_folder() -> Iterator[Path]:
    """Yield a data folder that the user of Postgres can enter, unlike pytest's folders."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="soundoff-home-", dir=memory if memory.is_dir() else "/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        shutil.rmtree(postgres.Server(folder).socket, ignore_errors=True)  # a killed server leaves its socket


@pytest.fixture(scope="session")
def prepared_home() -> Path:
    """Return the data folder of a site with the accounts and the sample story, to be copied.

    To copy it takes a tenth of a first start. In it, people may post more in a second than in a day.
    """

    def prepare(folder: Path) -> None:
        environment = environment_of(folder)
        run(environment, CREATE_ONE_STORY + WITHOUT_RATE_LIMIT)
        with serving(environment):
            pass
        shutil.rmtree(folder / "cache")

    return shared_home("one-story", prepare)


def shared_home(name: str, prepare: Callable[[Path], None]) -> Path:
    """Return a data folder, to be copied, that all workers of this run share. The first one prepares it.

    `prepare` gets the data folder of an empty site.
    """
    empty = Path(os.environ[EMPTY_SITE])
    prepared, unfinished = empty.with_name(name), empty.with_name(f"{name}.unfinished")
    with empty.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not prepared.exists():
            shutil.rmtree(unfinished, ignore_errors=True)
            copy_home(empty, unfinished)
            prepare(unfinished)
            unfinished.rename(prepared)
    return prepared


def copy_home(prepared: Path, folder: Path) -> None:
    subprocess.run(["cp", "-a", f"{prepared}/.", folder], check=True)


def copy_static_files(prepared: Path, folder: Path) -> None:
    """Copy the collected static files. To compress them takes a start three seconds of processor time."""
    subprocess.run(["cp", "-a", prepared / "static", prepared / "static.sha256", folder], check=True)


@pytest.fixture(scope="module")
def home(prepared_home: Path) -> Iterator[Path]:
    """Share a copy of the prepared data folder between the tests of a file."""
    with data_folder() as folder:
        copy_home(prepared_home, folder)
        yield folder


@pytest.fixture(scope="module")
def environment(home: Path) -> dict[str, str]:
    """Return the environment for processes that use the embedded server in `home`."""
    return environment_of(home)


def environment_of(home: Path) -> dict[str, str]:
    """Return the environment of a site with this data folder, and one web process to start sooner."""
    ours = ("DATABASE_", "SOUNDOFF_", "DJANGO_", "SECRET_KEY", "CI")
    base = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return base | {"SOUNDOFF_HOME": str(home), "WEB_PROCESSES": "1"}


def processes(home: Path) -> list[str]:
    """Return all processes with this data folder in their environment, arguments or current folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            traces = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
            if os.fsencode(home) in traces or (process / "cwd").readlink().is_relative_to(home):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
    return found


def holder(environment: dict[str, str]) -> subprocess.Popen[str]:
    """Start a process that holds a database until it is told to end. Return once it has one."""
    script = """
        from config.server import postgres
        with postgres.database_available():
            print("ready", flush=True)
            input()
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.fixture
def site(transactional_db: None, policy_without_moderation: None) -> Iterator[PageCacheApp]:
    files.storage().delete(INVALIDATED_AT_FILE)  # another test may have invalidated the copies
    made = PageCacheApp(WSGIHandler())
    yield made
    made.close()


@pytest.fixture
def other(transactional_db: None) -> Iterator[PageCacheApp]:
    made = PageCacheApp(WSGIHandler())
    yield made
    made.close()


@pytest.fixture
def article(transactional_db: None) -> Article:
    return make_article()


@pytest.fixture
def story(article: Article) -> str:
    return article.get_absolute_url()
