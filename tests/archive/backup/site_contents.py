"""The contents of a site and of its backup, to compare before a backup and after a restore or a refusal."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from archive.backup import tables
from comments.models import Comment
from tests.helpers.data_folder import data_path


def put_media(name: str, data: bytes) -> Path:
    path = data_path("media") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def media() -> dict[str, bytes]:
    root = data_path("media")
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def pages(paths: list[str]) -> list[tuple[int, bytes]]:
    client = Client()
    return [(answer.status_code, answer.content) for answer in map(client.get, paths)]


def rows() -> dict[str, list[Any]]:
    """Return all rows of the database except sessions and the version of the site."""
    rows_by_table = {}
    with connection.cursor() as cursor:
        for name, columns in tables.table_columns().items():
            if name in tables.EXCLUDED_TABLES:
                continue
            names = ", ".join(
                f'"{column}"' for column in columns if (name, column) != ("articles_site", "version")
            )
            cursor.execute(f"SELECT {names} FROM {name} AS t ORDER BY t::text")
            rows_by_table[name] = cursor.fetchall()
    return rows_by_table


def empty_site() -> None:
    """Empty the site, as if nobody had used it."""
    call_command("flush", interactive=False, verbosity=0)
    assert not Comment.objects.exists()


def members_of(file: Path) -> list[zipfile.ZipInfo]:
    with zipfile.ZipFile(file) as archive:
        return archive.infolist()


def assert_untouched_by(file: Path, sentence: str) -> None:
    before = rows()
    with pytest.raises(CommandError, match=sentence):
        call_command("restore", str(file))
    assert rows() == before
    assert not data_path("media").exists()
