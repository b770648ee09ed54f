"""Run Soundoff with `manage.py serve`, in a temporary folder on a port of its own.

Django is imported inside the functions, because its settings need the folder first.
"""

import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import uuid4

import psycopg2

from bench import machine
from bench.load import Target, request
from bench.threads import ThreadComment, article
from config.server import postgres
from config.server.processes import spawn

if TYPE_CHECKING:
    from accounts.models import User
    from articles.models import Article
    from comments.services.imports import ImportedComment

PROJECT = Path(__file__).resolve().parent.parent
COPIED = (
    "SOUNDOFF_BENCH_SITE"  # environment variable: the data folder of an empty site to copy, which saves time
)
NOT_COUNTED = re.compile(r"(BEGIN|COMMIT|ROLLBACK|SET|SHOW|DISCARD)[^;]*$", re.IGNORECASE)


@dataclass
class Soundoff:
    """A running site: its data folder, port, server process and threads."""

    folder: Path
    port: int
    process: int  # process id of `manage.py serve`
    slugs: dict[str, str] = field(default_factory=dict)
    ids: dict[str, list[int]] = field(default_factory=dict)  # ids of the comments, by the thread's name

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def target(self, name: str, path: str, **headers: str) -> Target:
        """Return the page as a target, requested as browsers do. Keyword arguments are additional headers."""
        url = f"http://{self.host}{path}"
        return Target(name, url, self.spent, {"Accept-Encoding": "gzip"} | headers)

    def story(self, thread: str) -> str:
        return f"/stories/{self.slugs[thread]}/"

    def spent(self, part: str = "") -> float:
        """Return the processor seconds of the web server and of the database, without our own connections."""
        parts = [
            pid for pid in machine.family([self.process])[1:] if _is_part(machine.command_line(pid), part)
        ]
        ours = [connection.info.backend_pid for connection in _connections]
        return machine.processor_seconds(parts, but=ours)

    def statements(self, ask: Callable[[], object]) -> list[str]:
        """Return the first line of each statement that the database receives while `ask` runs.

        Statements that are sent together count as one. Left out are the beginnings and ends of transactions
        and Django's check that its connection still works. The database's log is switched on for this.
        Of three runs the one with the fewest statements counts, because web server and jobs work in the
        background.
        """
        with _superuser() as cursor:
            cursor.execute("ALTER SYSTEM SET log_statement = 'all'")
            cursor.execute("ALTER SYSTEM SET log_line_prefix = '%u '")
            cursor.execute("SELECT pg_reload_conf()")
            time.sleep(0.3)
            found = min((self._logged_during(ask) for _ in range(3)), key=len)
            cursor.execute("ALTER SYSTEM RESET ALL")
            cursor.execute("SELECT pg_reload_conf()")
            time.sleep(0.3)
        return found

    def _logged_during(self, ask: Callable[[], object]) -> list[str]:
        log = self.folder / "postgres.log"
        before = log.stat().st_size
        ask()
        time.sleep(0.02)
        text = log.read_bytes()[before:].decode(errors="replace")
        found = re.findall(r"^soundoff_web LOG:  (?:statement|execute [^:]+): (.*)", text, re.MULTILINE)
        return [line for line in found if not NOT_COUNTED.match(line) and "django_tasks" not in line]


_connections: list[Any] = []  # psycopg2 connections of the bench, not of the site


def connect(role: postgres.Role = "web") -> Any:
    """Return a new database connection, whose time does not count for the site."""
    connection = psycopg2.connect(postgres.url(role))
    connection.autocommit = True
    _connections.append(connection)
    return connection


@contextmanager
def running(folder: Path) -> Iterator[Soundoff]:
    """Serve the site, and set up this process to write to its database with the project's own functions."""
    port = machine.free_port()
    if copied := os.environ.get(COPIED):
        subprocess.run(["cp", "-a", copied, folder], check=True)
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "EMAIL_URL", "SITE_URL", "DEBUG", "HOST"):
        os.environ.pop(name, None)
    os.environ |= {"SOUNDOFF_HOME": str(folder), "PORT": str(port)}
    with (folder.with_suffix(".log")).open("wb") as log:
        argv = [sys.executable, "manage.py", "serve"]
        process = spawn(argv, death_signal=signal.SIGTERM, cwd=PROJECT, output=log)
        try:
            _wait(process, port)
            _set_up()
            yield Soundoff(folder, port, process.pid)
        except BaseException:
            output = folder.with_suffix(".log").read_text().rpartition("Ctrl-C stops it.")[2]
            sys.stderr.write(output[-2000:])
            raise
        finally:
            process.terminate()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    # Seconds, long because the machine may be busy. A process that ends is noticed at once.
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError("The site did not start.")
        try:
            machine.wait_for_port(port, 1)
        except OSError:
            continue
        return
    raise RuntimeError("The site did not answer.")


def _set_up() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    from django.db import connection

    connection.ensure_connection()
    _connections.append(connection.connection)


def _is_part(command: str, part: str) -> bool:
    is_web, is_database = "granian" in command, "/postgres " in command or command.startswith("postgres:")
    return {"": is_web or is_database, "web": is_web, "database": is_database}[part]


@contextmanager
def _superuser() -> Iterator[Any]:
    url = postgres.url("web").replace("soundoff_web@", "postgres@")
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        yield cursor
    connection.close()


def add_thread(site: Soundoff, name: str, rows: Sequence[ThreadComment], *, days: int) -> None:
    """Create a story published `days` days ago, with this thread, written over the first `days` - 1 days."""
    from django.utils import timezone

    from articles.models import Article
    from comments.services.imports import ImportedComment

    began = timezone.now() - timedelta(days=days)
    comments = [
        ImportedComment(str(place), row.name, row.body, moment(began, days - 1, row.at), row.parent)
        for place, row in enumerate(rows)
    ]
    story, site.ids[name] = add_story(f"A thread of {name}", comments, published_at=began, body=article())
    # Without a source key it is no imported story, which would be out of feeds and closed.
    Article.objects.filter(pk=story.pk).update(source_key="")
    site.slugs[name] = story.slug


def add_story(
    title: str, comments: "Sequence[ImportedComment]", *, published_at: datetime, body: str = ""
) -> tuple["Article", list[int]]:
    """Import a story with these comments at their own times. Return the story and the comments' ids."""
    from articles.models import Article, unique_slug
    from articles.services import save_article
    from comments.services.imports import import_comments

    story = Article(title=title, slug=unique_slug(title), body=body, published_at=published_at)
    story.source_key = uuid4().hex
    made = import_comments(article=save_article(article=story), comments=comments, actor=None, batch=uuid4())
    return story, made.created


def moment(began: datetime, days: float, at: float) -> datetime:
    """Return the time at this fraction (0 to 1) of the days."""
    return began + timedelta(days=days * at)


def add_stories(count: int) -> None:
    """Create stories without comments, one for each hour, each under one of five topics."""
    from django.utils import timezone

    from articles.models import Article, Topic, unique_slug
    from articles.services import save_article

    topics = [Topic.objects.create(name=f"Topic {n}", slug=f"topic-{n}") for n in range(5)]
    for n in range(count):
        title = f"A short story, number {n}"
        story = save_article(
            article=Article(
                title=title,
                slug=unique_slug(title),
                standfirst="Two sentences that say what this is about. This is the second of them.",
                body=article(),
                published_at=timezone.now() - timedelta(hours=n + 1),
            )
        )
        story.topics.add(topics[n % 5])


def tidy() -> None:
    """Analyze the tables as autovacuum would within minutes: without statistics the planner guesses."""
    with connect("owner").cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def add_writers(count: int) -> list["Writer"]:
    """Create guests with a confirmed e-mail and an approved comment. Their comments are published at once."""
    from django.core import signing
    from django.utils import timezone

    from accounts import guests
    from accounts.models import Guest
    from articles.models import Article, unique_slug
    from articles.services import save_article
    from comments.models import Reason, State
    from comments.policy import Draft
    from comments.services.discussions import ensure_discussion
    from comments.services.posting import post_comment
    from moderation.actions.decisions import decide
    from moderation.models import Rule

    Rule.objects.create(kind=Rule.Kind.RATE, value="1000000/1000000")  # the benches post faster than people
    title = "Where the writers began"
    story = save_article(article=Article(title=title, slug=unique_slug(title), published_at=timezone.now()))
    discussion = ensure_discussion(story)
    writers = []
    for n in range(count):
        guest = Guest.objects.create(
            name=f"Writer {n}", email=f"writer{n}@example.org", confirmed_at=timezone.now()
        )
        body = f"My first word here, number {n}."
        draft = Draft(discussion=discussion, guest=guest, name=guest.name, body=body)
        first = post_comment(draft, nonce=uuid4())
        decide(ids=[first.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=moderator())
        writers.append(Writer(guest.name, guest.email, signing.dumps(guest.pk, salt=guests.COOKIE)))
    return writers


@dataclass(frozen=True)
class Writer:
    """A guest who posts comments."""

    name: str
    email: str
    cookie: str

    def reply(self, site: Soundoff, thread: str, parent: int, body: str) -> bytes:
        """Return the request that posts the form of a reply."""
        token = secrets.token_hex(16)
        fields = {
            "csrfmiddlewaretoken": token,
            "name": self.name,
            "email": self.email,
            "body": body,
            "nonce": str(uuid4()),
        }
        return request(
            "POST",
            f"{site.story(thread)}reply/{parent}/",
            site.host,
            {"Cookie": f"guest={self.cookie}; csrftoken={token}", "Origin": f"http://{site.host}"},
            urlencode(fields).encode(),
        )


def member_cookie() -> str:
    """Return the session cookie of a member."""
    from accounts.models import User

    return f"sessionid={session(User.objects.create_user('member@example.org', None, name='Member'))}"


def moderator() -> "User":
    """Return the moderator, the same at each call."""
    from accounts.models import MODERATOR, User

    person = User.objects.filter(email="moderator@example.org").first()
    return person or User.objects.create_user("moderator@example.org", name="Maria", roles=(MODERATOR,))


def session(user: "User") -> str:
    """Return the value of the cookie `sessionid` for this person's session."""
    from django.test import Client

    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


@contextmanager
def floor(page: Path) -> Iterator[Target]:
    """Serve this file with bench/floor.py, with the site's server and the same number of threads."""
    from config.management.commands.serve import WEB_PROCESSES
    from config.page_cache.application import THREADS

    port = machine.free_port()
    argv: list[str | Path] = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "bench.floor:application"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", str(WEB_PROCESSES)),
        *("--blocking-threads", str(THREADS), "--no-ws", "--log-level", "warning"),
    ]
    process = spawn(
        argv, death_signal=signal.SIGTERM, cwd=PROJECT, env=os.environ | {"FLOOR_BYTES": str(page)}
    )
    try:
        machine.wait_for_port(port)
        yield Target(
            "a constant Django view",
            f"http://127.0.0.1:{port}/",
            lambda: machine.processor_seconds([process.pid]),
        )
    finally:
        process.terminate()
        process.wait()


def query_and_html(site: Soundoff, thread: str, times: int) -> float:
    """Return the processor milliseconds for the first page of a thread without its frame.

    Measured separately for the query (by the database and by our process) and the HTML.
    """
    from django.contrib.auth.models import AnonymousUser
    from django.db import connection
    from django.test import RequestFactory
    from django.utils import timezone

    from articles.site.current_site import read_site
    from comments.thread.pages import Order, read_page
    from comments.thread.reader import Reader
    from comments.thread.story import read_story
    from comments.views.reading import render_thread

    story = read_story(site.slugs[thread], timezone.now())
    assert story is not None
    request = RequestFactory().get(site.story(thread))
    request.user, request.now, request.site = AnonymousUser(), timezone.now(), read_site()  # type: ignore[attr-defined]
    connection.ensure_connection()
    database = [connection.connection.info.backend_pid]

    def make() -> None:
        page = read_page(story.article, Reader(), Order.NEWEST)
        render_thread(request, story, page.rows, Reader())

    for _ in range(5):
        make()
    ours, theirs = time.process_time(), machine.processor_seconds(database)
    for _ in range(times):
        make()
    spent = time.process_time() - ours + machine.processor_seconds(database) - theirs
    return 1000 * spent / times


def bump(site: Soundoff, thread: str) -> Callable[[], None]:
    """Increase the discussion's version, the cheapest change of a thread."""
    cursor = connect().cursor()
    cursor.execute("SET synchronous_commit = off")
    cursor.execute("SELECT id FROM articles_article WHERE slug = %s", [site.slugs[thread]])
    (key,) = cursor.fetchone()
    return lambda: cursor.execute(
        "UPDATE comments_discussion SET version = version + 1 WHERE article_id = %s", [key]
    )


def bump_site() -> Callable[[], None]:
    """Increase the site's version, which affects every page."""
    cursor = connect().cursor()
    cursor.execute("SET synchronous_commit = off")
    return lambda: cursor.execute("UPDATE articles_site SET version = version + 1")
