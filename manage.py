#!/usr/bin/env python
"""Runs Django's commands with a database: that of DATABASE_URL, or the embedded server."""

import logging
import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO
from urllib.parse import urlsplit

# Commands that need no database, or start it themselves (serve).
WITHOUT_DATABASE = {
    "serve",
    "help",
    "--help",
    "-h",
    "--version",
    "makemessages",
    "compilemessages",
    "collectstatic",
}
# Commands that change tables or delete log entries, so they need the owner's login, with an option if only
# that needs it.
OWNER_COMMANDS = {"migrate": "", "upgrade": "", "restore": "", "sample": "--remove"}


def main() -> None:
    """Run the command of the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        import django
        from django.core.management import execute_from_command_line

        from config.server import postgres
        from core.data_folder import StartupError
        from core.memory.garbage_collection import freeze_loaded_objects
    except ModuleNotFoundError as error:
        sys.exit(f"{error}. Run bin/setup, then .venv/bin/python manage.py.")

    def execute() -> None:
        # With these options, Django decides where the settings are when it reads the command line.
        if not any(argument.startswith(("--settings", "--pythonpath")) for argument in sys.argv):
            with freeze_loaded_objects():
                django.setup()
        with missing_tables_explained():
            execute_from_command_line(sys.argv)

    def execute_with_database() -> None:
        command = sys.argv[1] if len(sys.argv) > 1 else "help"
        if command in WITHOUT_DATABASE:
            execute()
            return
        with postgres.database_available():
            if OWNER_COMMANDS.get(command) in ("", *sys.argv[2:]):
                use_owner_login(postgres.url("owner"), postgres.url("web"))
            execute()

    try:
        try:
            execute_with_database()
        finally:
            print(end="", flush=True)  # here, since Python's own flush at the end prints an error
    except StartupError as error:
        if is_supervised():
            logging.getLogger(__name__).critical("%s", error)
            sys.exit(1)
        sys.exit(f"{error}")
    except BrokenPipeError:
        unread = [stream for stream in (sys.stdout, sys.stderr) if stream and has_no_reader(stream)]
        if not unread:  # some other connection has broken
            raise
        end_like_sigpipe(unread)
    except Exception:
        if not is_supervised():
            raise
        logging.getLogger(__name__).exception("%s failed.", " ".join(sys.argv[:2]))
        sys.exit(1)


@contextmanager
def missing_tables_explained() -> Iterator[None]:
    """Raise StartupError for a table or a column that is missing because a migration is."""
    from django.db import ProgrammingError
    from psycopg2.errors import UndefinedColumn, UndefinedTable

    try:
        yield
    except ProgrammingError as error:
        from core.data_folder import StartupError
        from core.database.migration_state import unapplied_migrations

        is_missing = isinstance(error.__cause__, (UndefinedTable, UndefinedColumn))
        if not is_missing or sys.argv[1] in OWNER_COMMANDS or not unapplied_migrations():
            raise
        raise StartupError(
            "The database lacks a table or a column of this version. Run manage.py upgrade."
        ) from error


def is_supervised() -> bool:
    """Return whether `serve` runs this command. Then its output is a log, maybe of JSON objects."""
    return "SOUNDOFF_SUPERVISED" in os.environ


def use_owner_login(owner_url: str, web_url: str) -> None:
    """Set DATABASE_URL to the login that may change tables, and DATABASE_WEB_USER to the web login."""
    if given := os.environ.get("DATABASE_URL"):
        owner_url, web_url = os.environ.get("DATABASE_OWNER_URL") or given, given
    os.environ.setdefault("DATABASE_WEB_USER", urlsplit(web_url).username or "")
    os.environ["DATABASE_URL"] = owner_url


def has_no_reader(stream: TextIO) -> bool:
    """Return whether the output goes to a pipe whose reader has ended, such as `head`."""
    poll = select.poll()
    poll.register(stream, 0)
    return any(event & select.POLLERR for _descriptor, event in poll.poll(0))


def end_like_sigpipe(unread: list[TextIO]) -> None:
    """End without a message and with the status of a process that SIGPIPE ended, as other programs do.

    Python ignores SIGPIPE, which would also end the process when the connection to a server breaks.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in unread:
        os.dup2(nowhere, stream.fileno())  # for what is still in the buffer
    sys.exit(128 + signal.SIGPIPE)


if __name__ == "__main__":
    main()
