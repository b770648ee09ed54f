"""Snapshots of the tables that an import writes, to detect any change."""

from django.db import connection

TABLES = [
    "archive_import",
    "articles_article",
    "articles_article_topics",
    "articles_site",
    "articles_topic",
    "comments_comment",
    "comments_commenttext",
    "comments_discussion",
    "comments_transition",
    "django_tasks_database_dbtaskresult",
    "moderation_batch",
    "moderation_finding",
]


def snapshot() -> dict[str, list[tuple[str, str]]]:
    """Return the rows by table as (transaction, values), so that rewrites with equal values show."""
    with connection.cursor() as cursor:
        rows = {}
        for table in TABLES:
            cursor.execute(f"SELECT xmin::text, to_jsonb(t)::text FROM {table} t ORDER BY 2")
            rows[table] = cursor.fetchall()
    return rows
