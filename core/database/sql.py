"""Helpers to run SQL: for statements of each request or post, and for results that do not fit into memory.

Django takes 0.2 ms and more to compose a query and to make objects of its rows. Postgres takes as long to
parse and plan the statements that read a story, find a duplicate or insert a reply as to execute them.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from hashlib import blake2b
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)

_PARAMETER = re.compile(r"%%|%\((\w+)\)s")  # or an escaped percent sign
# Names of prepared statements, by the driver's connection.
_prepared: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


def fetch_instances(
    model: type[M], statement: str, values: Sequence[Any] | Mapping[str, Any] = ()
) -> list[M]:
    """Return the rows as model instances. They have all columns of the model; others become attributes."""
    names = column_names(model)
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        columns = [column.name for column in cursor.description]
        rows = cursor.fetchall()
    instances = []
    for row in rows:
        data = dict(zip(columns, row, strict=True))
        instances.append(build_instance(model, names, [data.pop(name) for name in names]))
        vars(instances[-1]).update(data)
    return instances


def column_names(model: type[Model], *, without: Collection[str] = ()) -> list[str]:
    """Return the names of a model's columns in the model's order, except those in `without`."""
    names = [str(field.column) for field in model._meta.concrete_fields]
    return [name for name in names if name not in without]


def list_columns(tables: Mapping[str, Sequence[str]]) -> str:
    """Return the columns of several tables for a SELECT. `tables` has those of each by its alias."""
    return ", ".join(f"{alias}.{name}" for alias, names in tables.items() for name in names)


def split_row(
    row: Sequence[Any], tables: Mapping[str, Sequence[str]]
) -> tuple[dict[str, Sequence[Any]], Sequence[Any]]:
    """Return the values of each table of `list_columns` by its alias, and those of the other columns."""
    values, start = {}, 0
    for alias, names in tables.items():
        values[alias] = row[start : start + len(names)]
        start += len(names)
    return values, row[start:]


def build_instance(model: type[M], columns: Sequence[str], row: Sequence[Any]) -> M:
    """Return the instance of a row of these columns, which are in the model's order. Others are deferred."""
    # A column can have another name than its field: it keeps the one that the previous version uses.
    fields = {str(field.column): field.attname for field in model._meta.concrete_fields}
    return model.from_db("default", [fields[column] for column in columns], row)


def build_joined_instance(model: type[M], columns: Sequence[str], row: Sequence[Any]) -> M | None:
    """Return the instance of a row, or None for the empty row of an outer join."""
    return build_instance(model, columns, row) if row[columns.index("id")] is not None else None


def execute(statement: str, values: Sequence[Any] | Mapping[str, Any] | None = None) -> int:
    """Execute a statement, and return the number of rows that it changed."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def fetch_rows(
    statement: str, values: Sequence[Any] | Mapping[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    """Return the rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def fetch_column(statement: str, values: Sequence[Any] | Mapping[str, Any] | None = None) -> list[Any]:
    """Return the first column of the rows of a statement."""
    return [row[0] for row in fetch_rows(statement, values)]


def fetch_value(statement: str, values: Sequence[Any] | Mapping[str, Any] | None = None) -> Any:
    """Return the first column of the first row of a statement."""
    return fetch_rows(statement, values)[0][0]


@contextmanager
def lock_timeout(seconds: int) -> Iterator[None]:
    """Let statements within the block fail with OperationalError if they wait for a lock for so long.

    Not within a transaction that may fail: Postgres takes the change back with it.
    """
    earlier = fetch_value("SHOW lock_timeout")
    execute("SET lock_timeout = %s", [f"{seconds}s"])
    try:
        yield
    finally:
        with suppress(Exception):  # the connection may be lost
            execute("SET lock_timeout = %s", [earlier])


def fetch_together(
    queries: Mapping[str, str | QuerySet[Any, Any]], values: Mapping[str, Any] | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of several queries by their names, read in one statement.

    A query is SQL with parameters of `values`, or a queryset of `values()`. Its columns must have different
    names. The rows come as JSON, so a time is text in ISO format. If all queries are SQL, the statement is
    prepared: use a small, fixed number of different ones.
    """
    with connection.cursor() as cursor:
        if all(isinstance(query, str) for query in queries.values()):
            execute_prepared(cursor, _join_queries(map(str, queries.values())), values or {})
        else:
            cursor.execute(_join_queries(_fill_in(cursor, query, values) for query in queries.values()))
        return {name: rows or [] for name, rows in zip(queries, cursor.fetchone(), strict=True)}


def _join_queries(texts: Iterable[str]) -> str:
    """Return one statement with the rows of each of these queries as JSON."""
    parts = ", ".join(f"(SELECT json_agg(part) FROM ({text}) part)" for text in texts)
    return f"SELECT {parts}"


def _fill_in(cursor: Any, query: str | QuerySet[Any, Any], values: Mapping[str, Any] | None) -> str:
    """Return a query with its values in it."""
    try:
        parts = (query, values) if isinstance(query, str) else query.query.sql_with_params()
    except EmptyResultSet:  # such as for an empty list of ids
        return "SELECT WHERE false"
    return bytes(cursor.mogrify(*parts)).decode()


def query_text(query: QuerySet[Any, Any]) -> str:
    """Return a queryset with its values in it, as SQL for `fetch_together`."""
    with connection.cursor() as cursor:
        return _fill_in(cursor, query, None).replace("%", "%%")


def stream_rows(
    statement: str, values: Sequence[Any] | Mapping[str, Any] = (), *, at_once: int
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of a statement in lists of `at_once`, from a cursor on the server.

    The transaction stays open until all rows are read.
    """
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(statement, values)
        while rows := cursor.fetchmany(at_once):
            yield rows


def encode_columns(columns: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """Return the values of columns as parameters of the query that `decode_columns` returns.

    Values that JSON does not know are stored as their `str()`, which must be in the notation of Postgres.
    """
    return {name: json.dumps(values, ensure_ascii=False, default=str) for name, values in columns.items()}


def decode_columns(types: Mapping[str, str]) -> str:
    """Return a query for rows that `encode_columns` has encoded. `types` are those of its columns, by name.

    Arrays instead of JSON take twice as long. COPY takes two thirds of the time, but does not work in a web
    process (config/page_cache/stamp_reader.py).
    """
    read = ", ".join(f"json_array_elements_text(%({name})s)" for name in types)
    cast = ", ".join(f"{name}::{sql_type}" for name, sql_type in types.items())
    return f"SELECT {cast} FROM ROWS FROM ({read}) AS encoded ({', '.join(types)})"


def execute_prepared(cursor: Any, statement: str, values: Mapping[str, Any], *, before: str = "") -> None:
    """Execute a statement with named parameters as a prepared statement, on Django's cursor.

    Each connection plans it only once and keeps it: use a small, fixed number of different ones. `before` is
    SQL that is sent with it. Postgres infers the types of the parameters; where it can't, they need a cast.
    """
    name, prepare, execute = _prepare_texts(statement)
    prepared = _prepared.get(cursor.connection)
    if prepared is not None and name in prepared:
        cursor.execute(before + execute, values)
        return
    # PREPARE is sent with EXECUTE, without a round trip of its own. If that fails, it is unknown whether the
    # statement was prepared. Then the connection is not in `_prepared`, and the next statement begins anew.
    _prepared.pop(cursor.connection, None)
    if prepared is None:
        prepare = f"DEALLOCATE ALL; {prepare}"
    cursor.execute(prepare + before + execute, values)
    _prepared[cursor.connection] = {name, *(prepared or ())}


def fetch_prepared(statement: str, values: Mapping[str, Any], *, before: str = "") -> list[tuple[Any, ...]]:
    """Return the rows of a statement that `execute_prepared` executes."""
    with connection.cursor() as cursor:
        execute_prepared(cursor, statement, values, before=before)
        return list(cursor.fetchall())


@lru_cache(maxsize=256)
def _prepare_texts(statement: str) -> tuple[str, str, str]:
    """Return the name of the prepared statement, its PREPARE with settings, and its EXECUTE.

    The settings: the generic plan at once, without five custom plans first, and without JIT compilation,
    which takes longer than any of these statements. The rollback of a transaction that prepared a statement
    takes back the settings until another one is prepared, and keeps the statement, which then takes longer.
    """
    names = list(dict.fromkeys(filter(None, _PARAMETER.findall(statement))))
    numbered = _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}" if found[1] else "%", statement)
    name = f"s_{blake2b(statement.encode(), digest_size=8).hexdigest()}"
    values = ", ".join(f"%({name})s" for name in names)
    settings = "SET plan_cache_mode = force_generic_plan; SET jit = off"
    prepare = f"{settings}; PREPARE {name} AS {numbered}; ".replace("%", "%%")
    return name, prepare, f"EXECUTE {name} ({values})" if names else f"EXECUTE {name}"
