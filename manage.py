#!/usr/bin/env python
"""Django's commands, each with a database: the one of DATABASE_URL, or the embedded server."""

import os
import sys
from urllib.parse import urlsplit

# These need no database, or (serve) bring their own.
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
# These change tables, which is their owner's to do.
OWNERS = {"migrate", "upgrade", "restore"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.management import execute_from_command_line

        from config.server import postgres
        from core.data_folder import CannotStart
    except ModuleNotFoundError as error:
        sys.exit(f"{error}. Run bin/setup, then .venv/bin/python manage.py.")

    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    try:
        if command in WITHOUT_DATABASE:
            execute_from_command_line(sys.argv)
            return
        with postgres.available():
            if command in OWNERS:
                become_owner(postgres.url("owner"), postgres.url("web"))
            execute_from_command_line(sys.argv)
    except CannotStart as error:
        sys.exit(f"{error}")


def become_owner(owner_url: str, web_url: str) -> None:
    """Let settings name the login that may change tables, and tell migrations which login the pages use."""
    if web_given := os.environ.get("DATABASE_URL"):
        owner_url, web_url = os.environ.get("DATABASE_OWNER_URL") or web_given, web_given
    os.environ.setdefault("DATABASE_WEB_USER", urlsplit(web_url).username or "")
    os.environ["DATABASE_URL"] = owner_url


if __name__ == "__main__":
    main()
