"""Fixtures for all tests. tests/plugin.py provides Postgres."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.core import mail
from django.core.cache import caches
from django.db import connection
from django.template.backends.jinja2 import Template as JinjaTemplate
from django.test import TransactionTestCase
from django.test.signals import template_rendered
from django.utils import timezone, translation
from hypothesis import HealthCheck
from playwright.sync_api import Browser, expect
from pytest_django import DjangoDbBlocker

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR, User
from comments.policy import policy
from comments.story_page.member_page import discussions
from comments.story_page.page_shells import page_shells
from comments.thread.rendering import trees
from config import urls  # noqa: F401  registers the pages of the admin, whose registry some tests read
from core.files import url as files_url
from core.memory.garbage_collection import freeze_existing_objects
from moderation.screening.rate_limits import DEFAULT_KNOWN_LIMIT, DEFAULT_NEW_LIMIT
from tests import isolation
from tests.factories import UserFactory, confirm_email
from tests.helpers.mails import check_mail
from tests.helpers.postgres.database import keep_rows, restore_rows, superuser
from tests.helpers.servers import buckets
from tests.helpers.waiting import BROWSER_PATIENCE, PATIENCE

# Playwright keeps an event loop running in the thread in which Django's live server is asked for rows.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

# A busy machine draws examples slowly.
hypothesis.settings.register_profile("gate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis.settings.load_profile("gate")

settings.STRICT = True

settings.PASSWORD_HASHERS = ["tests.helpers.passwords.LightArgon2PasswordHasher"]

# Static files are read from the source folder; only a served site hashes and compresses them.
settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
settings.WHITENOISE_AUTOREFRESH = True

# Debian's Chromium without windows takes half the processor time of the whole one.
CHROMIUM = next(
    filter(Path.exists, map(Path, ("/usr/bin/chromium-headless-shell", "/usr/bin/chromium"))),
    Path("/usr/bin/chromium"),
)
DATA = Path(os.environ.get("SOUNDOFF_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture
def own_folder(settings: Any, tmp_path: Path) -> None:
    """Give the test a data folder of its own."""
    settings.HOME = tmp_path


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Return the host and port of an S3-compatible server."""
    with buckets.server() as address:
        yield address


def use_store(settings: Any, url: str, *, is_quick: bool = False) -> None:
    """Keep the site's files in the bucket of this FILES_URL.

    Without `is_quick` every request has long time-outs, since a busy machine may not answer in a second.
    """
    settings.STORAGES = settings.STORAGES | {
        "default": files_url.storage_of(url),
        "quick": files_url.storage_of(url, is_quick=is_quick),
    }


@pytest.fixture
def bucket(s3_server: str, settings: Any, tmp_path: Path) -> str:
    """Keep the site's files in a new bucket, and return its FILES_URL. The data folder is empty."""
    settings.HOME = tmp_path / "home"
    settings.HOME.mkdir()
    settings.FILES_URL = buckets.create(s3_server)
    use_store(settings, settings.FILES_URL)
    return str(settings.FILES_URL)


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the folder of example data outside the project ($SOUNDOFF_DATA, default ../shared/data)."""
    if not DATA.is_dir():
        pytest.skip(f"no example data at {DATA}: set SOUNDOFF_DATA")
    return DATA


@contextmanager
def comment_policy(settings: Any, name: str) -> Iterator[None]:
    settings.COMMENT_POLICY = name
    policy.cache_clear()
    yield
    policy.cache_clear()


@pytest.fixture
def policy_without_moderation(settings: Any) -> Iterator[None]:
    """Use the policy without moderation."""
    with comment_policy(settings, "comments.policy.Policy"):
        yield


@pytest.fixture
def moderation_without_checks(settings: Any) -> Iterator[None]:
    """Use the moderation policy without its checks, for tests of later steps."""
    with comment_policy(settings, "tests.moderation.conftest.Publishing"):
        yield


@pytest.fixture
def checking_policy(settings: Any) -> Iterator[None]:
    """Use the moderation policy with all checks, as on a real site."""
    with comment_policy(settings, "moderation.policy.ModerationPolicy"):
        yield


# People, each with one meaning in all tests. Nobody is logged in.


@pytest.fixture
def maria(db: None) -> User:
    """Return a moderator."""
    return UserFactory.create(name="Maria", email="maria@example.org", roles=(MODERATOR,))


@pytest.fixture
def omar(db: None) -> User:
    """Return another moderator."""
    return UserFactory.create(name="Omar", email="omar@example.org", roles=(MODERATOR,))


@pytest.fixture
def emil(db: None) -> User:
    """Return an editor."""
    return UserFactory.create(name="Emil", email="emil@example.org", roles=(EDITOR,))


@pytest.fixture
def edda(db: None) -> User:
    """Return another editor."""
    return UserFactory.create(name="Edda", email="edda@example.org", roles=(EDITOR,))


@pytest.fixture
def ada(db: None) -> User:
    """Return an administrator."""
    return UserFactory.create(name="Ada", email="ada@example.org", roles=(ADMINISTRATOR,))


@pytest.fixture
def jane(db: None) -> User:
    """Return a reader with a confirmed e-mail."""
    return confirm_email(UserFactory.create(name="Jane", email="jane@example.org"))


@pytest.fixture
def ruth(db: None) -> User:
    """Return another reader with a confirmed e-mail."""
    return confirm_email(UserFactory.create(name="Ruth", email="ruth@example.org"))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, object]) -> dict[str, object]:
    """Launch Debian's Chromium in a container, without its background requests."""
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


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Copy the database that is migrated already (tests/plugin.py) to create that of the tests."""
    connection.settings_dict["TEST"] |= {"TEMPLATE": connection.settings_dict["NAME"], "MIGRATE": False}


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Allow TRUNCATE on append-only tables, and restore the rows of the migrations after tests that commit.

    UPDATE and DELETE stay forbidden there. The spam filter is off, except in tests that use the fixture
    `starter`. The connection stays open after tests that commit: a new one plans each statement again.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgname LIKE '%_no_truncate'")
        for table, name in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
        cursor.execute("UPDATE moderation_moderationsettings SET filter_id = NULL")
        keep_rows()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: restore_rows())
        patch.setattr(TransactionTestCase, "_should_reload_connections", lambda _case: False)
        yield


@pytest.fixture(scope="session")
def superuser_cursor() -> Iterator[Any]:
    """Yield a cursor of the database server's superuser."""
    with superuser() as cursor:
        yield cursor


@pytest.fixture
def transactional_db(
    transactional_db: None, superuser_cursor: Any, request: pytest.FixtureRequest
) -> Iterator[None]:
    """Close open pages before the clean-up, because it and their requests would wait for each other."""
    browser = request.getfixturevalue("browser") if "browser" in request.fixturenames else None
    yield
    for context in browser.contexts if browser else ():  # an open page continues to send requests
        context.close()
    isolation.leave_no_transaction(request.node, superuser_cursor)


@pytest.fixture(scope="session", autouse=True)
def _rate_limits_off() -> Iterator[None]:
    """Switch the rate limits off, because tests post more in a second than people in a day."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("moderation.screening.rate_limits.DEFAULT_NEW_LIMIT", 100_000)
        patch.setattr("moderation.screening.rate_limits.DEFAULT_KNOWN_LIMIT", 100_000)
        yield


@pytest.fixture(scope="session", autouse=True)
def _slow_searches_allowed() -> Iterator[None]:
    """Allow slow searches on a busy machine. tests/comments/search/test_cost.py has its own limit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("articles.search.MAX_SECONDS", PATIENCE)
        yield


@pytest.fixture(scope="session", autouse=True)
def _contexts_of_jinja_templates() -> Iterator[None]:
    """Let `response.context` of the test client have the contexts of Jinja templates, as of Django's."""
    render = JinjaTemplate.render

    def render_and_send(self: JinjaTemplate, context: Any = None, request: Any = None) -> Any:
        template_rendered.send(self, template=self, context=context or {})
        return render(self, context, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JinjaTemplate, "render", render_and_send)
        yield


@pytest.fixture(scope="session")
def browser(browser: Browser) -> Browser:
    """Set long time-outs in the browser: they only guard against hanging."""
    expect.set_options(timeout=BROWSER_PATIENCE * 1000)
    browser.on("context", lambda context: context.set_default_timeout(BROWSER_PATIENCE * 1000))
    return browser


@pytest.fixture
def jobs_run_at_once(settings: Any) -> None:
    """Run each job when it is enqueued, instead of storing it for the worker."""
    settings.TASKS = {"default": {"BACKEND": "tests.helpers.jobs.ImmediateJobs"}}


@pytest.fixture
def rate_limits_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch the rate limits on, as on a real site."""
    monkeypatch.setattr("moderation.screening.rate_limits.DEFAULT_NEW_LIMIT", DEFAULT_NEW_LIMIT)
    monkeypatch.setattr("moderation.screening.rate_limits.DEFAULT_KNOWN_LIMIT", DEFAULT_KNOWN_LIMIT)


@pytest.fixture(autouse=True)
def _marked_as_transactional(request: pytest.FixtureRequest) -> None:
    """Use our transactional_db for tests with the mark django_db, because it waits for open requests."""
    mark = request.node.get_closest_marker("django_db")
    if mark and mark.kwargs.get("transaction"):
        request.getfixturevalue("transactional_db")


@pytest.fixture(autouse=True)
def _clear_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clear the cache of the process (the usual review time), and those of removal reasons and story pages.

    Each test starts with the same versions, by which these are cached.
    """
    caches["process"].clear()
    monkeypatch.setattr("comments.removal_reasons._cache", None)
    page_shells.clear()
    discussions.clear()
    trees.clear()


@pytest.fixture(autouse=True)
def _default_locale() -> None:
    """Begin with the default language and time zone: a request leaves those of its page active."""
    translation.deactivate()
    timezone.deactivate()


@pytest.fixture(autouse=True)
def _mails_are_complete() -> Iterator[None]:
    """Check each mail that a test has sent: both of its parts have the same words."""
    yield
    for message in getattr(mail, "outbox", []):
        check_mail(message)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest tests first and browser tests last, so that no worker ends alone with a long one.

    Without Chromium browser tests are skipped; in the gate's own run (CI=1) they fail.
    """
    items.sort(key=lambda item: (not _is_long(item), item.get_closest_marker("browser") is not None))
    if CHROMIUM.exists() or os.environ.get("CI"):
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=f"no {CHROMIUM}"))


def pytest_collection_finish() -> None:
    """Exclude all objects made so far from garbage collection, which took 5 % of the tests' time."""
    freeze_existing_objects()
    gc.enable()


def _is_long(item: pytest.Item) -> bool:
    """Return whether the test has a longer time limit than usual, since it takes a minute."""
    limit = item.get_closest_marker("timeout")
    return limit is not None and limit.args[0] > float(item.config.getini("timeout"))
