"""Parts of a site as servers of their own: `serve --only` with one database and one data folder."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import yaml

from core.data_folder import PROJECT
from tests.config.conftest import data_folder
from tests.config.server.conftest import Serve, Site
from tests.config.serving import run
from tests.helpers.servers.ports import free_port
from tests.helpers.waiting import PATIENCE, until

KEY = "the key of all servers in this file, which is long enough"


@pytest.fixture
def home(own_database: dict[str, str]) -> Path:
    return Path(own_database["SOUNDOFF_HOME"])


@pytest.fixture
def environment(own_database: dict[str, str]) -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "DJANGO_"))
    }
    return inherited | own_database | {"SECRET_KEY": KEY}


@pytest.fixture
def run_statement(own_database: dict[str, str]) -> Callable[[str], list[tuple[Any, ...]]]:
    def query(statement: str) -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(own_database["DATABASE_URL"])) as connection, connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            return cursor.fetchall()

    return query


def is_healthy(environment: dict[str, str]) -> bool:
    """Return the result of the health check that the containers of the worker and the scheduler have."""
    compose = yaml.safe_load((PROJECT / "deploy" / "compose.yml").read_text())
    _, program, *arguments = compose["services"]["worker"]["healthcheck"]["test"]
    assert program == "python"
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=PROJECT, env=environment, check=False).returncode == 0


def refusal(site: Site) -> str:
    """Return the output of a server that does not start."""
    assert site.process.wait(PATIENCE) == 1
    return site.printed + site.process.communicate()[0]


def test_parts_of_a_site_run_as_servers_of_their_own(
    serve: Serve, environment: dict[str, str], run_statement: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    """One test looks at all of it, because each start takes seconds of processor time."""

    def roles() -> list[str]:
        return [row[0] for row in run_statement("SELECT roles FROM config_runningserver ORDER BY roles")]

    # A worker does not upgrade the database itself.
    assert "Run manage.py upgrade on one machine" in refusal(serve("--only", "worker"))
    command = [sys.executable, "manage.py", "clearsessions"]  # whose table is missing
    done = subprocess.run(
        command, cwd=PROJECT, env=environment, stderr=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "The database lacks a table or a column of this version. Run manage.py upgrade.\n"
    subprocess.run([sys.executable, "manage.py", "upgrade"], cwd=PROJECT, env=environment, check=True)

    web, rest = serve("--only", "web"), serve("--only", "worker", "--only", "scheduler")
    web.wait_for("(web)")
    rest.wait_for("(worker, scheduler)")
    assert web.status() == 200
    assert rest.status() == 0, "it has no web server"
    assert web.child("db_worker") == web.child("tick") == rest.child("granian") == 0
    assert roles() == ["web", "worker scheduler"]
    assert is_healthy(environment)

    # The other server does the job that one of them queues.
    run(environment, "from comments.tasks import count_recommendations; count_recommendations.enqueue()")
    until(lambda: run_statement("SELECT status FROM django_tasks_database_dbtaskresult") == [("SUCCESSFUL",)])
    until(lambda: run_statement("SELECT 1 FROM moderation_jobrun WHERE finished_at IS NOT NULL"))

    # A server that contradicts the others does not start.
    with data_folder() as other:
        assert "Set the same FILES_URL" in refusal(serve("--only", "web", SOUNDOFF_HOME=str(other)))

    assert rest.stop() == 0
    assert roles() == ["web"]
    assert web.stop() == 0
    assert roles() == []
    assert not is_healthy(environment)


def test_a_part_of_a_site_needs_a_database_for_all(serve: Serve) -> None:
    embedded = {"DATABASE_URL": "", "DATABASE_OWNER_URL": ""}
    assert "set DATABASE_URL" in refusal(serve("--only", "web", **embedded))


def test_a_server_waits_for_a_database_that_starts_later(serve: Serve) -> None:
    url = f"postgres://soundoff@127.0.0.1:{free_port()}/soundoff"
    site = serve("--only", "worker", DATABASE_URL=url, DATABASE_OWNER_URL=url)
    site.wait_for("Waiting for the database: ")
    assert "refused" in site.printed
    assert site.stop() == 0
