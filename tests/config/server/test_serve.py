"""`manage.py serve` with all its processes, in a data folder and on its own port."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import psycopg2
import pytest

from config.management.commands.serve import UNPRIVILEGED_PORT_START, prepare_folders
from config.page_cache.application import THREADS
from config.page_cache.stamp_reader import MAX_CONNECTIONS
from config.server import postgres
from core.data_folder import PROJECT, unprivileged_user
from tests.config.conftest import copy_home, data_folder, environment_of, holder, processes
from tests.config.server.conftest import Serve, Site
from tests.config.serving import run
from tests.helpers.waiting import PATIENCE, until
from tests.plugin import EMPTY_SITE


@pytest.fixture
def query(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[tuple[Any, ...]]]:
    monkeypatch.setenv("SOUNDOFF_HOME", str(home))

    def run(statement: str) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(postgres.url("web"))
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    return run


@pytest.fixture
def change(
    environment: dict[str, str], query: Callable[[str], list[tuple[Any, ...]]]
) -> Callable[[str], None]:
    """Return a function that runs one statement while the site is stopped."""

    def run(statement: str) -> None:
        database = holder(environment)
        query(statement)
        database.communicate("\n", timeout=PATIENCE)

    return run


def browser() -> OpenerDirector:
    return build_opener(HTTPCookieProcessor(CookieJar()))


def submit(opener: OpenerDirector, url: str, fields: dict[str, str]) -> str:
    """Open the form at `url`, send it with its token, and return the final URL."""
    page = opener.open(url).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    answer = opener.open(url, urlencode(fields | {"csrfmiddlewaretoken": token[1]}).encode())
    return str(answer.geturl())


def accounts(home: Path) -> list[dict[str, str]]:
    return json.loads((home / "sample-accounts.json").read_text())["accounts"]  # type: ignore[no-any-return]


@pytest.fixture
def empty_home() -> Iterator[Path]:
    """Yield the data folder of an empty site. tests/test_fresh_machine.py starts without one."""
    with data_folder() as folder:
        copy_home(Path(os.environ[EMPTY_SITE]), folder)
        yield folder


def test_the_first_start_makes_a_site_with_a_sample(empty_home: Path, serve: Serve) -> None:
    home = empty_home
    site = serve(SOUNDOFF_HOME=str(home))
    site.wait_for("Ctrl-C stops it.")
    assert f"http://127.0.0.1:{site.port}" in site.printed
    assert f"mails are written to {home}/mail" in site.printed
    assert site.status("/") == site.status("/readyz") == 200
    assert site.status("/favicon.ico") == 302
    assert (home / "sample-accounts.json").stat().st_mode & 0o777 == 0o600
    assert [account["role"] for account in accounts(home)] == [
        "Reader",
        "Moderator",
        "Editor",
        "Administrator",
    ]
    for account in accounts(home):
        assert account["password"] in site.printed
        login = f"http://127.0.0.1:{site.port}/accounts/login/"
        fields = {"login": account["email"], "password": account["password"]}
        work = {"Reader": "", "Editor": "admin/"}.get(account["role"], "moderation/")
        assert submit(browser(), login, fields) == f"http://127.0.0.1:{site.port}/{work}"
    assert_only_named_files_are_compressed(home / "static")
    assert "Three things to try:" in site.printed
    story = "/stories/lamp-14/"
    assert f"http://127.0.0.1:{site.port}{story}" in site.printed
    assert site.status(story) == 200

    remove = [sys.executable, "manage.py", "sample", "--remove"]
    removed = subprocess.check_output(remove, cwd=PROJECT, env=environment_of(home), text=True)
    assert removed.startswith("Removed 9 stories, ")
    assert site.status(story) == 404, "it came from a cache"
    assert not any(path.is_file() for path in (home / "media").rglob("*"))
    created = subprocess.check_output(remove[:-1], cwd=PROJECT, env=environment_of(home), text=True)
    assert created.startswith("The sample was created.")
    assert site.status(story) == 200
    assert site.stop(signal.SIGINT) == 0
    assert processes(home) == []


def assert_only_named_files_are_compressed(folder: Path) -> None:
    """Check that pages get compressed files, and that fallback pages get the plain names."""
    named = json.loads((folder / "staticfiles.json").read_text())["paths"]["css/site.css"]
    for name, exists in ((named, True), ("css/site.css", False)):
        assert (folder / name).exists()
        assert {(folder / f"{name}.{kind}").exists() for kind in ("br", "gz")} == {exists}


def test_a_later_start(
    serve: Serve,
    query: Callable[[str], list[tuple[Any, ...]]],
    home: Path,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    """One test looks at all that a usual start does, because each takes ten seconds of processor time."""

    def connections() -> int:
        """Return the number of connections that have prepared or read a cache stamp."""
        rows = query("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%EXECUTE stamp%'")
        return int(rows[0][0]) - 1  # without this one

    def stories() -> int:
        """Return the number of stories, counted by another command."""
        program = "from articles.models import Article; print(Article.objects.count())"
        return int(run(environment, program))

    made, before = accounts(home), stories()
    restored = home / "media" / "ab" / "picture.avif"
    restored.parent.mkdir(parents=True)
    restored.touch()
    story, ahead = PROJECT / "archive" / "sample" / "story.txt", tmp_path / "ahead.txt"
    text = re.sub(r"\A.*", "March 3rd, 2099", story.read_text(encoding="utf-8"))
    ahead.write_text(text, encoding="utf-8")

    # It waits for a command that runs the database.
    other = holder(environment)
    site = serve(str(story), str(ahead), WEB_PROCESSES="2")
    site.wait_for("Waiting for another command")
    other.communicate("\n", timeout=PATIENCE)
    site.wait_for("Ctrl-C stops it.")

    # Files of a restore become the workers'.
    assert restored.stat().st_uid == (home / "media").stat().st_uid

    # The web processes have opened their connections before the first request.
    until(lambda: connections() == 2 * (THREADS + MAX_CONNECTIONS))
    assert site.status() == 200

    # It prints the accounts and creates nothing,
    assert "Preparing the database" not in site.printed
    assert accounts(home) == made
    assert all(account["password"] in site.printed for account in made)

    # but imports the given files.
    assert re.search(r"ahead.txt: 31 new comments of 31, 11 warnings .* Not published yet", site.printed)
    address = re.search(rf"story.txt: .*(http://127.0.0.1:{site.port}/stories/\S+)", site.printed)
    assert address
    assert site.status(address[1].partition(str(site.port))[2]) == 200

    # Another command uses the running server, and a second `serve` is refused.
    assert stories() == before + 1, "the sample has the story"
    assert site.status() == 200
    second = serve()
    assert second.process.wait(PATIENCE) == 1
    second.wait_for(f"Soundoff is already running with the data folder {home}.")

    assert_all_processes_count_wrong_passwords_together(site, query)
    assert site.stop() == 0


def assert_all_processes_count_wrong_passwords_together(
    site: Site, query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    url = f"http://127.0.0.1:{site.port}/accounts/login/"
    page = browser()
    submit(page, url, {"login": "eve@example.org", "password": "a guess"})
    query("UPDATE accounts_loginattempts SET wrong = 9, at = now()")  # half a minute
    token = re.search(r'value="(\w{64})"', page.open(url).read().decode())
    assert token
    fields = {"login": "eve@example.org", "password": "a guess", "csrfmiddlewaretoken": token[1]}
    for _ in range(4):  # of any process
        with pytest.raises(HTTPError) as refused:
            page.open(url, urlencode(fields).encode())
        assert refused.value.code == 429
        assert 0 < int(refused.value.headers["Retry-After"]) <= 30


def test_a_public_site_does_not_start_with_sample_accounts(
    serve: Serve,
    query: Callable[[str], list[tuple[Any, ...]]],
    change: Callable[[str], None],
    home: Path,
) -> None:
    local, name = {"HOST": "127.0.0.1", "SITE_URL": "http://localhost:8000"}, "http://soundoff.example"
    for reach in ({"HOST": "0.0.0.0"}, {"SITE_URL": name}):
        refused = serve(**local | reach)
        assert refused.process.wait(PATIENCE) == 1
        refused.wait_for("the sample accounts can still log in: administrator@example.org, ")
        assert processes(home) == []

    change("UPDATE accounts_user SET is_active = false")
    site = serve(HOST="0.0.0.0", SITE_URL=name)
    site.wait_for("Ctrl-C stops it.")
    query("UPDATE accounts_user SET is_active = true")
    assert not any(account["password"] in site.printed for account in accounts(home))


def test_killed_processes_are_started_again_and_leave_nothing(
    serve: Serve, home: Path, query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    site = serve()
    site.wait_for("Ctrl-C stops it.")
    for words in ("granian", "db_worker", "tick", "bin/postgres"):
        old = site.child(words)
        os.kill(old, signal.SIGKILL)
        until(lambda words=words, old=old: site.child(words) not in (0, old))  # type: ignore[misc]
        until(lambda: site.status() == 200)
    until(lambda: site.child("db_worker"))

    # The supervisor as well: no process stays, and nothing is lost.
    open_connection = socket.create_connection(("127.0.0.1", site.port))
    open_connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    query(
        "INSERT INTO articles_topic (name, slug, shown) VALUES ('Written just before', 'just-before', false)"
    )
    site.process.kill()
    site.printed += site.process.communicate()[0]
    assert "The database ended (-9); restarting it." in site.printed
    until(lambda: not processes(home))
    open_connection.close()
    site = serve()
    site.wait_for("Ctrl-C stops it.")
    assert query("DELETE FROM articles_topic WHERE slug = 'just-before' RETURNING 1") == [(1,)]
    assert site.stop() == 0


def test_a_web_server_that_is_killed_while_it_starts_leaves_no_worker(serve: Serve) -> None:
    def workers() -> list[str]:
        """Return the living processes of its process group, without itself."""
        fields = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields.append([stat.parent.name, *stat.read_text().rpartition(")")[2].split()])
            except (FileNotFoundError, ProcessLookupError):
                continue
        alive = [(own, leader) for own, state, _parent, leader, *_ in fields if state != "Z"]
        return [own for own, leader in alive if leader == str(web) and own != leader]

    site = serve()
    until(lambda: site.child("granian --interface"))
    web = site.child("granian --interface")
    until(workers)
    os.kill(web, signal.SIGKILL)
    until(lambda: not workers())


def test_the_error_names_a_port_in_use(serve: Serve) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        site = serve(PORT=str(port))
        assert site.process.wait(PATIENCE) == 1
        site.wait_for(f"Cannot listen on 127.0.0.1:{port}")


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user cannot listen there, which Linux says")
def test_root_does_not_start_a_web_server_that_may_not_listen(serve: Serve) -> None:
    if UNPRIVILEGED_PORT_START.exists() and int(UNPRIVILEGED_PORT_START.read_text()) <= 80:
        pytest.skip("every user may listen on port 80 here")
    site = serve(PORT="80")
    assert site.process.wait(PATIENCE) == 1
    site.wait_for("Only root may listen on port 80")


def test_the_error_names_a_missing_file(serve: Serve) -> None:
    site = serve("nowhere.txt")
    assert site.process.wait(PATIENCE) == 1
    site.wait_for("There is no file nowhere.txt.")


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's workers are the same user")
def test_files_of_root_are_given_to_the_workers(tmp_path: Path, settings: Any) -> None:
    settings.HOME = tmp_path
    (tmp_path / "media" / "ab").mkdir(parents=True)
    written = [tmp_path / "secret_key", tmp_path / "media" / "ab" / "picture.avif"]
    for path in written:
        path.touch()
    user = unprivileged_user()
    assert user
    prepare_folders(user, tmp_path)
    for path in (
        *written,
        written[1].parent,
        *(tmp_path / name for name in ("cache", "mail", "imports", "backups/nightly")),
    ):
        assert path.stat().st_uid == user.pw_uid, path
    assert (tmp_path / "backups").stat().st_uid == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user can give nothing away")
def test_links_are_not_followed_when_files_are_given(tmp_path: Path, settings: Any) -> None:
    settings.HOME = tmp_path
    others, ours = tmp_path / "others", tmp_path / "media"
    for folder in (others, ours):
        folder.mkdir()
    (others / "secret").touch()
    (ours / "hard").hardlink_to(others / "secret")
    (ours / "soft").symlink_to(others)
    user = unprivileged_user()
    assert user
    prepare_folders(user, tmp_path)
    assert [path.stat().st_uid for path in (others, others / "secret")] == [0, 0]


def test_a_real_site_gets_a_link_and_no_sample(serve: Serve, own_database: dict[str, str]) -> None:
    note = {"article": 1, "accounts": [{"role": "Reader", "email": "r@example.org", "password": "otter"}]}
    (Path(own_database["SOUNDOFF_HOME"]) / "sample-accounts.json").write_text(json.dumps(note))
    site = serve(str(PROJECT / "archive" / "sample" / "story.txt"), **own_database)
    site.wait_for("Ctrl-C stops it.")
    assert "Migrations applied: 1." in site.printed
    assert "example.org" not in site.printed
    link = re.search(r"http://localhost:8000(/setup/\S+)", site.printed)
    assert link
    url = f"http://localhost:{site.port}{link[1]}"
    fields = {
        "you-name": "Ada",
        "you-email": "ada@example.org",
        "you-password": "seven-green-herons",
        "name": "The Slip",
        "language": "en",
        "time_zone": "Africa/Cairo",
        "moderation": "conditional",
    }
    ada = browser()
    assert submit(ada, url, fields) == f"http://localhost:{site.port}/owner/mail/?first=1"
    page = ada.open(f"http://localhost:{site.port}/owner/status/").read().decode()
    assert "served without HTTPS" in page
    assert "could rewrite the audit log" not in page  # pages have a login that owns nothing
    assert "secret key" not in page
    assert f"in the data folder {own_database['SOUNDOFF_HOME']}" not in page
    with pytest.raises(HTTPError, match="404"):
        browser().open(url)
    assert site.stop() == 0

    site = serve(**own_database)
    site.wait_for("Ctrl-C stops it.")
    assert "/setup/" not in site.printed
    assert "otter" not in site.printed, "a file of another database names the first story of this one"
    assert site.stop() == 0


def test_an_upgrade_makes_a_backup_first(serve: Serve, home: Path, environment: dict[str, str]) -> None:
    owner = (home / "erasures.jsonl").stat()
    assert (owner.st_uid, owner.st_mode & 0o777) == ((home / "media").stat().st_uid, 0o600)
    argv = [sys.executable, "manage.py", "migrate", "-v0", "sessions", "zero"]
    subprocess.run(argv, cwd=PROJECT, env=environment, check=True)
    site = serve()
    site.wait_for("Ctrl-C stops it.")
    (made,) = (home / "backups").glob("upgrade-*.zip")
    assert f"{made}: " in site.printed
    assert "Migrations applied: 1." in site.printed
    assert site.status() == 200
    assert site.stop() == 0


def test_a_database_of_a_later_version_is_refused(serve: Serve, change: Callable[[str], None]) -> None:
    change("INSERT INTO django_migrations (app, name, applied) VALUES ('comments', '0999_next', now())")
    refused = serve()
    assert refused.process.wait(PATIENCE) == 1
    refused.wait_for("The site was not started, because its database could not be upgraded.")
    assert (
        "upgraded by a later version of Soundoff (comments.0999_next). Install that version again."
        in refused.printed
    )
    change("DELETE FROM django_migrations WHERE name = '0999_next'")
