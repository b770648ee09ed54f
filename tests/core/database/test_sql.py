from contextlib import nullcontext
from datetime import UTC, datetime
from unittest.mock import ANY
from uuid import uuid4

import pytest
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Guest
from core.database.sql import (
    build_instance,
    column_names,
    decode_columns,
    encode_columns,
    execute_prepared,
    fetch_instances,
    fetch_rows,
    fetch_together,
    query_text,
    stream_rows,
)
from moderation.models import SimilarityScan
from tests.factories import GuestFactory

pytestmark = pytest.mark.django_db

SHARE = "SELECT %(part)s::int * 100 / %(whole)s::int || '%%', %(part)s::int %% 2"


def test_extra_columns_become_attributes():
    guest = GuestFactory.create(name="Jim")
    [found] = fetch_instances(Guest, "SELECT 7 AS luck, * FROM accounts_guest WHERE id = %s", [guest.pk])
    assert (found, found.name, found.luck) == (guest, "Jim", 7)
    assert not found._state.adding
    assert fetch_instances(Guest, "SELECT * FROM accounts_guest WHERE false") == []


def test_a_column_may_have_another_name_than_its_field():
    scan = SimilarityScan.objects.create()
    [found] = fetch_instances(SimilarityScan, "SELECT * FROM moderation_similarityscan")
    assert found.requested_at == scan.requested_at
    columns = column_names(SimilarityScan, without=["ended_at"])
    [row] = fetch_rows(f"SELECT {', '.join(columns)} FROM moderation_similarityscan")
    built = build_instance(SimilarityScan, columns, row)
    assert built.requested_at == scan.requested_at
    assert built.get_deferred_fields() == {"ended_at"}


def test_several_queries_are_one_statement(django_assert_num_queries):
    guest = GuestFactory.create(name="100 % Jim’s")
    with django_assert_num_queries(1):
        found = fetch_together(
            {
                "guests": Guest.objects.filter(name="100 % Jim’s").values("pk", "name", "created_at"),
                "nobody": Guest.objects.filter(pk__in=[]).values("pk"),
                "share": "SELECT %(part)s::int * 100 / 4 || '%%' AS share, n FROM generate_series(1, 2) n",
            },
            {"part": 1},
        )
    assert found["guests"] == [{"pk": guest.pk, "name": guest.name, "created_at": ANY}]
    assert datetime.fromisoformat(found["guests"][0]["created_at"]) == guest.created_at
    assert found["nobody"] == []
    assert found["share"] == [{"share": "25%", "n": 1}, {"share": "25%", "n": 2}]


def test_rows_come_in_batches():
    numbers = "SELECT n FROM generate_series(1, %(last)s) n"
    assert list(stream_rows(numbers, {"last": 5}, at_once=2)) == [[(1,), (2,)], [(3,), (4,)], [(5,)]]
    assert list(stream_rows(numbers, {"last": 0}, at_once=2)) == []
    first = next(rows := stream_rows(numbers, {"last": 5}, at_once=2))
    rows.close()  # no cursor stays open
    assert first == [(1,), (2,)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE NOT is_holdable AND name <> ''")
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\\N",
        "\\.",
        "\\\\",
        "a\tb\nc\rd\r\n",
        "\\t",
        "100 % %s",
        "'\"",
        "\x01\x7f\x85\xa0",
        "\N{LINE SEPARATOR}日本語😀",
    ],
)
def test_encoded_rows_are_read_as_they_are(text):
    types = {"id": "int", "words": "text", "is_true": "boolean", "at": "timestamptz", "batch": "uuid"}
    at, batch = datetime(2013, 6, 19, 16, 40, 0, 123456, tzinfo=UTC), uuid4()
    rows = [(1, text, True, at, batch), (None, f"x{text}x", False, None, None)]
    columns = dict(zip(types, zip(*rows, strict=True), strict=True))
    assert fetch_rows(decode_columns(types), encode_columns(columns)) == rows


def test_a_composed_query_may_have_percent_signs_and_no_rows():
    name = "100 % %% %(pk)s"
    guest = GuestFactory(name=name)
    queries = {
        "named": query_text(Guest.objects.filter(name=name).values("pk")),
        "none": query_text(Guest.objects.none().values("pk")),
    }
    assert fetch_together(queries, {"pk": 1}) == {"named": [{"pk": guest.pk}], "none": []}


def test_no_rows_are_encoded_as_no_rows():
    assert (
        fetch_rows(decode_columns({"id": "int", "words": "text"}), encode_columns({"id": [], "words": []}))
        == []
    )


def test_a_statement_is_prepared_once_and_executed_with_other_values():
    statement = f"{SHARE} /* once */"
    with CaptureQueriesContext(connection) as sent, connection.cursor() as cursor:
        for part, expected in [(1, ("25%", 1)), (2, ("50%", 0))]:
            execute_prepared(cursor, statement, {"part": part, "whole": 4})
            assert cursor.fetchone() == expected
        assert ["PREPARE" in query["sql"] for query in sent.captured_queries] == [True, False]
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%/* once */%%'")
        assert cursor.fetchone() == (1,)


def test_a_failed_statement_can_be_executed_again():
    with connection.cursor() as cursor:
        with pytest.raises(DataError), transaction.atomic():
            execute_prepared(cursor, SHARE, {"part": 3, "whole": 0})
        execute_prepared(cursor, SHARE, {"part": 3, "whole": 4}, before="SELECT 'another'; ")
        assert cursor.fetchone() == ("75%", 1)


@pytest.mark.parametrize("is_atomic", [True, False])
def test_statements_work_after_another_has_failed(transactional_db: None, is_atomic: bool):
    values = {"part": 1, "whole": 2}
    with connection.cursor() as cursor:
        execute_prepared(cursor, f"{SHARE} /* before */", values)
        with pytest.raises(DataError), transaction.atomic() if is_atomic else nullcontext():
            execute_prepared(cursor, f"{SHARE} /* failed */", values | {"whole": 0})
        for number in range(2):
            for name in ("failed", "before", "after"):
                execute_prepared(cursor, f"{SHARE} /* {name} */", values)
                assert cursor.fetchone() == ("50%", 1), (number, name)


def test_a_new_connection_prepares_again(transactional_db: None):
    for _ in range(2):
        with connection.cursor() as cursor:
            execute_prepared(cursor, SHARE, {"part": 1, "whole": 2})
            assert cursor.fetchone() == ("50%", 1)
        connection.close()
