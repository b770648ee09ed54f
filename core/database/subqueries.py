"""Subqueries that several lists share."""

from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce


def count_subquery(rows: QuerySet[Any], field: str) -> Coalesce:
    """Return a subquery that counts the rows whose `field` is the object.

    It uses the index of the field, and joins no rows.
    """
    of_object = rows.filter(**{field: OuterRef("pk")}).order_by().values(field)
    return Coalesce(Subquery(of_object.annotate(n=Count("pk")).values("n")), 0)
