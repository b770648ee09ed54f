"""Conditions for queries about articles."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.lookups import IsNull


def has_any_article(links: QuerySet[Any], articles: QuerySet[Any]) -> IsNull:
    """Return the condition that one of these links leads to one of these articles.

    It has two subqueries, each of which stops at its first row. PostgreSQL would make a join of EXISTS, which
    reads every article: for 10,000 articles 20 ms on each page with the list of topics.
    """
    article = articles.filter(pk=OuterRef("article")).order_by().values("pk")[:1]
    first = links.filter(IsNull(Subquery(article), False)).order_by().values("pk")[:1]
    return IsNull(Subquery(first), False)
