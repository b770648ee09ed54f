"""Our own site as `manage.py serve` runs it, in a temporary folder on a port of its own.

Django is imported inside the functions: its settings need the folder first.
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
from bench.threads import Said, article
from config.server import postgres
from config.server.processes import spawn

if TYPE_CHECKING:
    from accounts.models import User
    from articles.models import Article
    from comments.imports import Imported

PROJECT = Path(__file__).resolve().parent.parent
COPIED = "SOUNDOFF_BENCH_SITE"  # names the data folder of an empty site, for who starts many of them
NOT_COUNTED = re.compile(r"(BEGIN|COMMIT|ROLLBACK|SET|SHOW|DISCARD)[^;]*$", re.IGNORECASE)


@dataclass
class Soundoff:
    folder: Path
    port: int
    process: int  # of `manage.py serve`
    slugs: dict[str, str] = field(default_factory=dict)
    ids: dict[str, list[int]] = field(default_factory=dict)  # of the comments of a thread, by its name

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def target(self, name: str, path: str, **headers: str) -> Target:
        """A page, asked for as browsers do; keyword arguments are further headers."""
        url = f"http://{self.host}{path}"
        return Target(name, url, self.spent, {"Accept-Encoding": "gzip"} | headers)

    def story(self, thread: str) -> str:
        return f"/stories/{self.slugs[thread]}/"

    def spent(self, part: str = "") -> float:
        """Processor seconds of the web server and the database, but for our own connections to it."""
        parts = [
            pid for pid in machine.family([self.process])[1:] if _is_part(machine.command_line(pid), part)
        ]
        ours = [connection.info.backend_pid for connection in _connections]
        return machine.processor_seconds(parts, but=ours)

    def statements(self, ask: Callable[[], object]) -> list[str]:
        """The first line of each statement that the database sees while `ask` runs; those that are sent
        together count as one. The beginnings and ends of transactions are left out, and Django's question
        whether its connection still stands. The database's log tells, which is switched on for this moment.
        Of three times the one with the fewest: web server and jobs look after themselves meanwhile."""
        with _superuser() as cursor:
            cursor.execute("ALTER SYSTEM SET log_statement = 'all'")
            cursor.execute("ALTER SYSTEM SET log_line_prefix = '%u '")
            cursor.execute("SELECT pg_reload_conf()")
            time.sleep(0.3)
            found = min((self._said_during(ask) for _ in range(3)), key=len)
            cursor.execute("ALTER SYSTEM RESET ALL")
            cursor.execute("SELECT pg_reload_conf()")
            time.sleep(0.3)
        return found

    def _said_during(self, ask: Callable[[], object]) -> list[str]:
        log = self.folder / "postgres.log"
        before = log.stat().st_size
        ask()
        time.sleep(0.02)
        said = log.read_bytes()[before:].decode(errors="replace")
        found = re.findall(r"^soundoff_web LOG:  (?:statement|execute [^:]+): (.*)", said, re.MULTILINE)
        return [line for line in found if not NOT_COUNTED.match(line) and "django_tasks" not in line]


_connections: list[Any] = []  # psycopg2's, made by us and not by the site


def connect(role: postgres.Role = "web") -> Any:
    connection = psycopg2.connect(postgres.url(role))
    connection.autocommit = True
    _connections.append(connection)
    return connection


@contextmanager
def running(folder: Path) -> Iterator[Soundoff]:
    """The site, served, and this process set up to write to its database with the project's own verbs."""
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
            said = folder.with_suffix(".log").read_text().rpartition("Ctrl-C stops it.")[2]
            sys.stderr.write(said[-2000:])
            raise
        finally:
            process.terminate()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 600  # on a busy machine, too; a process that ends is told at once
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


def add_thread(site: Soundoff, name: str, said: Sequence[Said], *, days: int) -> None:
    """A story that was published so many days ago, with this thread, of the same length but one day."""
    from django.utils import timezone

    from articles.models import Article
    from comments.imports import Imported

    began = timezone.now() - timedelta(days=days)
    comments = [
        Imported(str(place), row.name, row.body, moment(began, days - 1, row.at), row.parent)
        for place, row in enumerate(said)
    ]
    story, site.ids[name] = add_story(f"A thread of {name}", comments, published_at=began, body=article())
    # A story of ours: those that were brought in are kept out of feeds, and their discussions closed.
    Article.objects.filter(pk=story.pk).update(source_key="")
    site.slugs[name] = story.slug


def add_story(
    title: str, comments: "Sequence[Imported]", *, published_at: datetime, body: str = ""
) -> tuple["Article", list[int]]:
    """A story that was brought in with these comments, whenever they were written, and their ids."""
    from articles.models import Article, free_slug
    from articles.services import save_article
    from comments.imports import import_comments

    story = Article(title=title, slug=free_slug(title), body=body, published_at=published_at)
    story.source_key = uuid4().hex
    made = import_comments(article=save_article(article=story), comments=comments, actor=None, batch=uuid4())
    return story, made.created


def moment(began: datetime, days: float, at: float) -> datetime:
    """`at`: 0 to 1, of these days."""
    return began + timedelta(days=days * at)


def add_stories(count: int) -> None:
    """Stories without comments, one an hour, each under one of five topics: for lists to be full."""
    from django.utils import timezone

    from articles.models import Article, Topic, free_slug
    from articles.services import save_article

    topics = [Topic.objects.create(name=f"Topic {n}", slug=f"topic-{n}") for n in range(5)]
    for n in range(count):
        title = f"A short story, number {n}"
        story = save_article(
            article=Article(
                title=title,
                slug=free_slug(title),
                standfirst="Two sentences that say what this is about. This is the second of them.",
                body=article(),
                published_at=timezone.now() - timedelta(hours=n + 1),
            )
        )
        story.topics.add(topics[n % 5])


def tidy() -> None:
    """What autovacuum does within minutes: without statistics a plan is a guess."""
    with connect("owner").cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def add_writers(count: int) -> list["Writer"]:
    """Guests who confirmed their e-mail and of whom somebody approved a comment: they publish at once."""
    from django.core import signing
    from django.utils import timezone

    from accounts import guests
    from accounts.models import Guest
    from articles.models import Article, free_slug
    from articles.services import save_article
    from comments.models import Reason, State
    from comments.services import post_comment
    from moderation.actions.decisions import decide
    from moderation.models import Rule

    Rule.objects.create(kind=Rule.Kind.RATE, value="1000000/1000000")  # they write faster than people
    title = "Where the writers began"
    story = save_article(article=Article(title=title, slug=free_slug(title), published_at=timezone.now()))
    writers = []
    for n in range(count):
        guest = Guest.objects.create(
            name=f"Writer {n}", email=f"writer{n}@example.org", confirmed_at=timezone.now()
        )
        first = post_comment(
            article=story, body=f"My first word here, number {n}.", nonce=uuid4(), guest=guest
        )
        decide(ids=[first.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=moderator())
        writers.append(Writer(guest.name, guest.email, signing.dumps(guest.pk, salt=guests.COOKIE)))
    return writers


@dataclass(frozen=True)
class Writer:
    name: str
    email: str
    cookie: str

    def reply(self, site: Soundoff, thread: str, parent: int, body: str) -> bytes:
        """The request that sends the form of a reply."""
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
    """The cookie of somebody who has an account and is logged in."""
    from accounts.models import User

    return f"sessionid={session(User.objects.create_user('member@example.org', None, name='Member'))}"


def moderator() -> "User":
    """The same at each call."""
    from accounts.models import MODERATOR, User

    person = User.objects.filter(email="moderator@example.org").first()
    return person or User.objects.create_user("moderator@example.org", name="Maria", roles=(MODERATOR,))


def session(user: "User") -> str:
    """The value of the cookie `sessionid` with which this person is logged in."""
    from django.test import Client

    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


@contextmanager
def floor(page: Path) -> Iterator[Target]:
    """bench/floor.py serving this file, by the server that serves the site and with as many threads."""
    from config.management.commands.serve import WEB_PROCESSES, WEB_THREADS

    port = machine.free_port()
    argv: list[str | Path] = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "bench.floor:application"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", str(WEB_PROCESSES)),
        *("--blocking-threads", str(WEB_THREADS), "--no-ws", "--log-level", "warning"),
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
    """Processor milliseconds for the first page of a thread, without its frame: the query, by the database
    and by us, and the HTML."""
    from django.contrib.auth.models import AnonymousUser
    from django.db import connection
    from django.test import RequestFactory
    from django.utils import timezone

    from articles.site.current_site import read_site
    from comments.models import Discussion
    from comments.thread.reading import Order, Reader, read_page
    from comments.views.reading import render_thread

    discussion = Discussion.objects.select_related("article").get(article__slug=site.slugs[thread])
    request = RequestFactory().get(site.story(thread))
    request.user, request.now, request.site = AnonymousUser(), timezone.now(), read_site()  # type: ignore[attr-defined]
    connection.ensure_connection()
    database = [connection.connection.info.backend_pid]

    def make() -> None:
        page = read_page(discussion.article, Reader(), Order.NEWEST)
        render_thread(request, discussion.article, discussion, page.rows, Reader())

    for _ in range(5):
        make()
    ours, theirs = time.process_time(), machine.processor_seconds(database)
    for _ in range(times):
        make()
    spent = time.process_time() - ours + machine.processor_seconds(database) - theirs
    return 1000 * spent / times


def bump(site: Soundoff, thread: str) -> Callable[[], None]:
    """A change to a thread, as cheap as can be: what a comment does to its discussion's version."""
    cursor = connect().cursor()
    cursor.execute("SET synchronous_commit = off")
    cursor.execute("SELECT id FROM articles_article WHERE slug = %s", [site.slugs[thread]])
    (key,) = cursor.fetchone()
    return lambda: cursor.execute(
        "UPDATE comments_discussion SET version = version + 1 WHERE article_id = %s", [key]
    )


def bump_site() -> Callable[[], None]:
    """A change that every page may show."""
    cursor = connect().cursor()
    cursor.execute("SET synchronous_commit = off")
    return lambda: cursor.execute("UPDATE articles_site SET version = version + 1")
