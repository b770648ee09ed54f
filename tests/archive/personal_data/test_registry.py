"""The registry of personal data is complete: each column of the database is named once."""

from collections import Counter

import pytest
from django.db import connection

from archive.personal_data.registry import NO_PERSONAL_DATA, REGISTRY

COLUMNS = """
SELECT table_name || '.' || column_name FROM information_schema.columns c
WHERE table_schema = 'public' AND EXISTS (
  SELECT FROM information_schema.tables t
  WHERE t.table_schema = 'public' AND t.table_name = c.table_name AND t.table_type = 'BASE TABLE')"""

TO_DO = "Name it in archive/personal_data/registry.py: in REGISTRY, or in NO_PERSONAL_DATA."


def named() -> Counter[str]:
    by_table = [NO_PERSONAL_DATA, *(kind.columns for kind in REGISTRY)]
    return Counter(
        f"{table}.{column}"
        for columns in by_table
        for table, names in columns.items()
        for column in names.split()
    )


@pytest.mark.django_db
def test_each_column_is_named() -> None:
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        stored = {name for (name,) in cursor.fetchall()}
        # This finds a column that is not named.
        cursor.execute("ALTER TABLE accounts_user ADD COLUMN phone text")
        cursor.execute(COLUMNS)
        assert {name for (name,) in cursor.fetchall()} - set(named()) == {"accounts_user.phone"}
    assert stored - set(named()) == set(), TO_DO
    assert set(named()) - stored == set(), "These columns are gone."


def test_no_column_is_named_twice() -> None:
    assert [name for name, count in named().items() if count > 1] == []


def test_names_e_mails_and_people_are_in_the_registry() -> None:
    words = ("email", "author_name", "password", "user_id", "guest_id", "author_id", "ip_hash", "by_id")
    unlikely = {"articles_site.contact_email", "articles_site.mail_name"}
    columns = {f"{table}.{column}" for table, names in NO_PERSONAL_DATA.items() for column in names.split()}
    assert {name for name in columns if name.endswith(words)} <= unlikely
