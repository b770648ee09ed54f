"""Upgrade a site of two web servers under load, one server after the other, and count what failed.

The old version is the newest commit whose migrations are some of those of this one; a worktree of git is made
of it. HAProxy runs as deploy/haproxy.cfg says. Eight writers post and 32 readers read, each once a second,
while the new version upgrades the database and the servers are restarted. Somebody opens a form before each
step and sends it after it. `--comments` fills the site first, to see how long migrations of large tables lock
others out. Needs Debian's haproxy.
"""

import argparse
import http.client
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import psycopg2

from bench import runner, servers
from bench.cluster.haproxy import write_config
from bench.cluster.load import Client, Load, Outcome, longest_gap, run
from bench.cluster.seed import ANONYMOUS_READERS
from config.server import postgres
from config.server.processes import spawn
from core.data_folder import PROJECT

KEY = "only in this bench, and long enough to sign with it"
QUIET = 8.0  # seconds between two steps
WEBS = ("web1", "web2")
HEAD = "step | seconds | pages | no page | comments | failed posts | style sheets and scripts missing"

# Prints the session of an administrator, and the paths that need no arguments.
_TOUR = """
import json
from bench import fixture
from django.urls import get_resolver, reverse, NoReverseMatch
from accounts.models import ADMINISTRATOR, User
person = User.objects.create_user("ada@cluster.invalid", name="Ada", roles=(ADMINISTRATOR,))
def walk(patterns, spaces):
    for one in patterns:
        if hasattr(one, "url_patterns"):
            yield from walk(one.url_patterns, [*spaces, one.namespace] if one.namespace else spaces)
        elif one.name:
            try:
                yield reverse(":".join([*spaces, one.name]))
            except NoReverseMatch:
                pass
paths = sorted({*walk(get_resolver().url_patterns, [])})
print(json.dumps([fixture.session_cookie(person), paths]))
"""


# bench.large fills the site of the data folder. Here the comments go to the bench's own server.
_FILL = """
import os
from bench import fixture
from bench.large.fill import fill
from config.server import postgres
postgres.url = lambda role: os.environ["DATABASE_OWNER_URL"]
fill({comments}, {comments} // 500, {comments} // 10)
fixture.analyze()
"""
_LOCK_WAITS = """
SELECT relation::regclass::text, extract(epoch FROM clock_timestamp() - waitstart)::float FROM pg_locks
WHERE NOT granted AND relation IS NOT NULL AND waitstart IS NOT NULL"""
_STORED = """
import json
from comments.models import Comment
found = Comment.objects.filter(body__contains="upgrading-").values_list("body", flat=True)
print(json.dumps([body.split()[-1] for body in found]))
"""


@dataclass
class Site:
    """A site of two web servers and a worker, whose processes may be of different versions."""

    folder: Path
    old: Path  # the folder of the program
    environment: dict[str, str]
    owner_url: str
    ports: dict[str, int]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.ports['web-balancer']}"

    def start(self, name: str, program: Path) -> None:
        """Start a server, and wait until it is ready."""
        roles = ["web"] if name in WEBS else ["worker", "scheduler"]
        argv = [sys.executable, "manage.py", "serve", *(word for role in roles for word in ("--only", role))]
        home = {"SOUNDOFF_HOME": str(self.folder / name), "PORT": str(self.ports.get(name, 1))}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = spawn(
                argv, death_signal=signal.SIGTERM, cwd=program, env=self.environment | home, output=log
            )
        while name in WEBS and not _answers(self.ports[name], "/readyz"):
            if self.running[name].poll() is not None:
                raise RuntimeError((self.folder / f"{name}.log").read_text()[-2000:])
            time.sleep(0.1)

    def stop(self, name: str) -> None:
        """Stop a server, which finishes the requests that it has."""
        self.running[name].terminate()
        self.running[name].wait()

    def stop_all(self) -> None:
        for name in self.running:
            self.stop(name)

    def manage(self, program: Path, *arguments: str) -> str:
        """Run a command with the owner's login, and return its output."""
        own = {"SOUNDOFF_HOME": str(self.folder / "commands"), "DATABASE_OWNER_URL": self.owner_url}
        argv = [sys.executable, *(["manage.py"] if arguments[0] != "-m" else []), *arguments]
        done = subprocess.run(
            argv, cwd=program, env=self.environment | own, stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{argv[1:3]} failed:\n{done.stdout[:2000]}")
        return done.stdout

    def balance(self, command: str) -> str:
        """Send a command to HAProxy, and return its answer."""
        with socket.socket(socket.AF_UNIX) as admin:
            admin.connect(str(self.folder / "admin.sock"))
            admin.sendall(command.encode() + b"\n")
            return admin.makefile().read()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.cluster.upgrading", description=__doc__)
    parser.add_argument("--old", help="the commit of the old version; found unless given")
    parser.add_argument("--seconds", type=int, default=150, help="of the load; more than the upgrade takes")
    parser.add_argument("--comments", type=int, default=0, help="that the site has before, of 500 a story")
    parser.add_argument("--not-drained", action="store_true", help="stop servers that HAProxy still uses")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/measured.md")
    options = parser.parse_args()
    results = _results(
        options.old or _old_version(),
        comments=options.comments,
        is_drained=not options.not_drained,
        seconds=options.seconds,
    )
    runner.publish("upgrading", results, write=options.write)


def _results(commit: str, *, comments: int, is_drained: bool, seconds: int) -> Iterator[str]:
    missing = _migrations("HEAD") - _migrations(commit)
    yield f"From {commit[:8]} to {_git('rev-parse', '--short=8', 'HEAD').strip()}, {len(missing)} migrations."
    yield ""
    with site(commit) as running:
        if comments:
            running.manage(running.old, "shell", "-v0", "-c", _FILL.format(comments=comments))
            yield f"The site has {comments:,} comments before."
            yield ""
        yield from measure(running, is_drained=is_drained, seconds=seconds)


def _old_version() -> str:
    """Return the newest commit that has some of our migrations and no others."""
    ours = _migrations("HEAD")
    for commit in _git("rev-list", "--first-parent", "HEAD").split():
        if _migrations(commit) < ours:
            return commit
    raise RuntimeError("Every earlier version has other migrations.")


def _migrations(commit: str) -> set[str]:
    files = _git("ls-tree", "-r", "--name-only", commit).splitlines()
    return {file for file in files if re.search(r"/migrations/\d", file)}


def _git(*arguments: str) -> str:
    return subprocess.check_output(["git", *arguments], cwd=PROJECT, text=True)


@contextmanager
def site(commit: str) -> Iterator[Site]:
    """Run a site of the old version, with the content of the cluster's bench."""
    with ExitStack() as stack:
        folder = stack.enter_context(servers.temporary_folder())
        old = folder / "old"
        _git("worktree", "add", "--detach", str(old), commit)
        stack.callback(_git, "worktree", "remove", "--force", str(old))
        ports = {name: servers.free_port() for name in ("web-balancer", "store", *WEBS)}
        owner = stack.enter_context(postgres.temporary_server())
        environment = {
            "PATH": os.environ["PATH"],
            "SITE_URL": f"http://127.0.0.1:{ports['web-balancer']}",
            "BEHIND_PROXY": "1",
            "SECRET_KEY": KEY,
            "EMAIL_URL": "dummy://",
            "FILES_URL": f"s3://key:secret@127.0.0.1:{ports['store']}/soundoff",
            "DATABASE_URL": owner.replace("soundoff_owner", "soundoff_web"),
        }
        running = Site(folder, old, environment, owner, ports)
        stack.callback(running.stop_all)
        stack.enter_context(_store(folder, ports["store"]))
        running.manage(old, "upgrade")
        for name in (*WEBS, "worker"):
            running.start(name, old)
        stack.enter_context(_haproxy(running))
        yield running


@contextmanager
def _store(folder: Path, port: int) -> Iterator[None]:
    argv: list[str | Path] = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with servers.process(argv, folder / "store.log", port):
        import boto3

        access = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
        boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", **access).create_bucket(Bucket="soundoff")
        yield


@contextmanager
def _haproxy(site: Site) -> Iterator[None]:
    """Run HAProxy with the documented file, at the addresses of this bench."""
    webs = {name: f"127.0.0.1:{site.ports[name]}" for name in WEBS}
    path = write_config("haproxy.cfg", site.folder, site.address, webs)
    with servers.process(
        ["haproxy", "-db", "-f", path], site.folder / "haproxy.log", site.ports["web-balancer"]
    ):
        yield


class Form(HTMLParser):
    """The fields of a reply that a browser sends: no buttons, and no boxes that are not ticked."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.is_inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self.is_inside = "/reply/" in (found.get("action") or "")
        is_sent = tag in {"input", "textarea"} and found.get("type") not in {"checkbox", "radio", "submit"}
        if self.is_inside and is_sent and (name := found.get("name")):
            self.fields[name] = found.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        self.is_inside = self.is_inside and tag != "form"


@dataclass
class Person:
    """A guest who opens a form, and sends it after the next step of the upgrade."""

    host: str
    path: str
    writer: Sequence[str]
    fields: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    def open(self) -> None:
        self.cookies = {"guest": self.writer[2]}
        page = self._request("GET")[1]
        self.fields = Form(page).fields
        assert {"body", "nonce", "csrfmiddlewaretoken"} <= self.fields.keys(), self.fields

    def send(self, text: str) -> int:
        """Send the form, and return the status: 302 if the comment was posted."""
        name, email, _cookie = self.writer
        return self._request("POST", self.fields | {"name": name, "email": email, "body": text})[0]

    def _request(self, method: str, fields: dict[str, str] | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.host, timeout=30)
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Origin": f"http://{self.host}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        connection.request(method, self.path, urlencode(fields) if fields else None, headers)
        response = connection.getresponse()
        for cookie in response.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        page = response.read().decode()
        connection.close()
        return response.status, page


class Upgrade:
    """The steps of an upgrade with the time of each, and what the clients got meanwhile."""

    def __init__(self, site: Site, load: Load, tour: tuple[str, list[str]]) -> None:
        self.site = site
        self.load = load
        self.began = time.monotonic()
        self.steps: list[tuple[str, float]] = []
        self.person = Person(site.address, f"{load.story}reply/{load.comments[0]}/", load.writers[0])
        self.forms: list[tuple[str, int]] = []  # the status of each form that was sent after a step
        self.cookie, self.paths = tour
        self.errors: Counter[str] = Counter()  # of the tours, by step and path
        self.missing_at: list[float] = []  # style sheets and scripts
        self.longest_waits: dict[str, float] = {}  # seconds for which somebody waited for a lock, by table
        self.is_over = threading.Event()

    def now(self) -> float:
        return time.monotonic() - self.began

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Do a step. Before it a form is opened, after it the form is sent, and then it is quiet."""
        self.person.open()
        self.steps.append((name, self.now()))
        runner.report(f"{self.now():.0f} s: {name}")
        yield
        self.forms.append((name, self.person.send(f"{name.capitalize()}. {secrets.token_hex(16)}")))
        time.sleep(QUIET)

    def visit_all_pages(self, web: str, when: str) -> None:
        """Request each page that needs no arguments as an administrator from one server. Note errors."""
        client = Client(replace(self.load, servers=[f"127.0.0.1:{self.site.ports[web]}"]))
        for path in self.paths:
            status, _page = client.request("GET", path, {"Cookie": self.cookie})
            if not status.isdigit() or int(status) >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
                self.errors[f"{when}: {path} {status}"] += 1

    def load_pages(self) -> None:
        """Load the page with its style sheets and scripts, again and again. Note which are missing."""
        client = Client(self.load)
        while not self.is_over.wait(0.2):
            _status, page = client.request("GET", self.load.story, {})
            for path in {*re.findall(r'(?:src|href)="(/static/[^"]+)"', page.decode())}:
                status, _file = client.request("GET", path, {})
                if status != "200":
                    self.missing_at.append(self.now())

    def watch_locks(self) -> None:
        """Note the longest time for which a statement waits for the lock of a table."""
        with closing(psycopg2.connect(self.site.owner_url)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            while not self.is_over.wait(0.02):
                cursor.execute(_LOCK_WAITS)
                for table, seconds in cursor.fetchall():
                    self.longest_waits[table] = max(seconds, self.longest_waits.get(table, 0))

    def restart(self, name: str, *, is_drained: bool) -> None:
        """Restart a server with the new version."""
        if is_drained and name in WEBS:
            self.site.balance(f"set server web/{name} state drain")
            while int(self._state(name)["scur"]):
                time.sleep(0.1)
        self.site.stop(name)
        self.site.start(name, PROJECT)
        if name in WEBS:
            self.site.balance(f"set server web/{name} state ready")
            while not self._state(name)["status"].startswith("UP"):
                time.sleep(0.1)

    def _state(self, name: str) -> dict[str, str]:
        """Return HAProxy's statistics of a server."""
        head, *rows = self.site.balance("show stat").removeprefix("# ").strip().splitlines()
        found = [dict(zip(head.split(","), row.split(","), strict=True)) for row in rows]
        return next(row for row in found if (row["pxname"], row["svname"]) == ("web", name))


def measure(site: Site, *, is_drained: bool, seconds: int) -> Iterator[str]:
    """Upgrade the site under load, and yield lines with what was read and posted in each step."""
    seeded = json.loads(site.manage(site.old, "-m", "bench.cluster.seed").splitlines()[-1])
    load = Load(
        host=site.address,
        story=seeded["story"],
        comments=seeded["comments"][1:101],
        writers=[tuple(writer) for writer in seeded["writers"]],
        members=seeded["members"] * (ANONYMOUS_READERS // 3),
        anonymous_readers=ANONYMOUS_READERS,
        seconds=seconds,
        mark="upgrading",
    )
    tour = json.loads(site.manage(site.old, "shell", "-v0", "-c", _TOUR).splitlines()[-1])
    with ThreadPoolExecutor() as pool, ExitStack() as at_the_end:
        upgrade = Upgrade(site, load, tour)
        at_the_end.callback(upgrade.is_over.set)  # after an error too, or else the pool waits forever
        outcome_later = pool.submit(run, load, upgrade.is_over)
        pages, locks = pool.submit(upgrade.load_pages), pool.submit(upgrade.watch_locks)
        with upgrade.step("the old version"):
            upgrade.visit_all_pages("web1", "before")
        with upgrade.step("the database is upgraded"):
            site.manage(PROJECT, "upgrade")
        with upgrade.step("old servers with the new database"):
            upgrade.visit_all_pages("web1", "an old server with the new database")
        for name in ("worker", *WEBS):
            with upgrade.step(f"{name} is restarted"):
                upgrade.restart(name, is_drained=is_drained)
        upgrade.steps.append(("the new version", upgrade.now()))
        assert upgrade.now() < seconds, "The load ended before the upgrade did: set --seconds."
        outcome = outcome_later.result()
        upgrade.is_over.set()
        pages.result()
        locks.result()
    yield from runner.rows(HEAD, _rows(upgrade, outcome, seconds))
    yield ""
    yield from _summary(site, upgrade, outcome, seconds)


def _rows(upgrade: Upgrade, outcome: Outcome, seconds: float) -> Iterator[str]:
    ends = [*(at for _name, at in upgrade.steps[1:]), seconds]
    for (name, begin), end in zip(upgrade.steps, ends, strict=True):
        counts = [
            sum(begin <= at < end for at in times)
            for times in (
                outcome.read_at,
                outcome.no_page_at,
                outcome.posted_at,
                outcome.not_posted_at,
                upgrade.missing_at,
            )
        ]
        yield " | ".join([name, f"{end - begin:.0f}", *map(str, counts)])


def _summary(site: Site, upgrade: Upgrade, outcome: Outcome, seconds: float) -> Iterator[str]:
    stored = Counter(json.loads(site.manage(PROJECT, "shell", "-v0", "-c", _STORED).splitlines()[-1]))
    lost = sum(stored[mark] == 0 for mark in outcome.acknowledged)
    twice = sum(count - 1 for count in stored.values())
    yield f"Readers got {dict(outcome.answers)}, posts {dict(outcome.posts)}."
    yield f"{len(outcome.acknowledged)} comments were acknowledged: {lost} lost, {twice} posted twice."
    yield (
        f"Longest time without a page {longest_gap(outcome.read_at, seconds):.1f} s, without a comment "
        f"{longest_gap(outcome.posted_at, seconds):.1f} s."
    )
    waits = {table: f"{wait:.2f} s" for table, wait in upgrade.longest_waits.items()}
    yield f"Longest wait for the lock of a table: {waits or 'none seen'}."
    yield f"Forms opened before a step and sent after it: {dict(upgrade.forms)}."
    yield f"{len(upgrade.paths)} pages, errors: {dict(upgrade.errors) or 'none'}."
    yield site.manage(PROJECT, "check_integrity").strip().splitlines()[-1]


def _answers(port: int, path: str) -> bool:
    """Return whether a server answers a request with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    main()
