"""Statements written in SQL, for what each request or each post asks, and for what is too much to hold.

Django takes 0.2 ms and more to compose a query and to make objects of what it answers, and Postgres as long
to parse and plan what reads a story, finds a repeat or inserts a reply as to do it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from django.db import connection, transaction
from django.db.models import Model

M = TypeVar("M", bound=Model)

_PARAMETER = re.compile(r"%\((\w+)\)s")
_prepared: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()  # names, by the driver's connection


def read(model: type[M], statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[M]:
    """Objects of the rows, which have all columns of the model; what else they have becomes an attribute."""
    names = [field.attname for field in model._meta.concrete_fields]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        columns = [column.name for column in cursor.description]
        rows = cursor.fetchall()
    found = []
    for row in rows:
        told = dict(zip(columns, row, strict=True))
        found.append(model.from_db("default", names, [told.pop(name) for name in names]))
        vars(found[-1]).update(told)
    return found


def stream(
    statement: str, values: Sequence[Any] | Mapping[str, Any] = (), *, at_once: int
) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a cursor on the server, so many at once. It lives as long as a transaction, which this
    holds until all are read."""
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(statement, values)
        while rows := cursor.fetchmany(at_once):
            yield rows


def execute_planned(cursor: Any, statement: str, values: Mapping[str, Any], *, before: str = "") -> None:
    """Execute a statement with named parameters, on Django's cursor, which each connection plans only once.

    Of those there should be few: each stays with its connection. `before` is sent along, as it is. Types of
    parameters are those that Postgres finds in the statement; where it can't, they need a cast.
    """
    name, prepare, run = _prepare_texts(statement)
    known = _prepared.setdefault(cursor.connection, set())
    if name not in known:  # apart from the statement: whether that fails or not, this then stays
        # Not five plans first; nor are they compiled, which takes longer than any of them. Django's cursor
        # would take percent signs for parameters.
        with cursor.db.wrap_database_errors:
            cursor.cursor.execute(f"SET plan_cache_mode = force_generic_plan; SET jit = off; {prepare}")
        known.add(name)
    cursor.execute(before + run, values)


@lru_cache(maxsize=256)
def _prepare_texts(statement: str) -> tuple[str, str, str]:
    """Its name, PREPARE and EXECUTE."""
    names = list(dict.fromkeys(_PARAMETER.findall(statement)))
    numbered = _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", statement).replace("%%", "%")
    name = f"s_{blake2b(statement.encode(), digest_size=8).hexdigest()}"
    run = ", ".join(f"%({name})s" for name in names)
    return name, f"PREPARE {name} AS {numbered}", f"EXECUTE {name} ({run})"
