"""The first page of a discussion with the versions that it belongs to, read in one statement.

One statement sees one state of the database. So its rows and versions belong together without a transaction.
"""

from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple

from comments.models import Discussion
from comments.thread.pages import Order, ThreadPage, make_page, roots_query, rows_query
from comments.thread.reader import Reader
from comments.thread.rows import GENERIC_PLAN, CommentRecord
from comments.thread.story import (
    DISCUSSION_COLUMNS,
    DISCUSSION_SUMMARY,
    DISCUSSION_SUMMARY_JOINS,
    StoryPageData,
    build_discussion,
    make_picks,
)
from core.database.sql import fetch_prepared, list_columns

_DISCUSSION_FIELDS = Discussion._meta.concrete_fields


class ShellVersions(NamedTuple):
    """The versions of the site and the article from which the page around a discussion was made."""

    site: int
    article: int


class FirstPage(NamedTuple):
    """The first page of a discussion, as everybody may read it, with the state to which it belongs."""

    site_version: int
    article_version: int
    now: datetime
    summary: dict[str, Any]  # the columns of Discussion and of DISCUSSION_SUMMARY, as JSON has them
    page: ThreadPage

    @property
    def shell_versions(self) -> ShellVersions:
        return ShellVersions(self.site_version, self.article_version)

    def apply_to(self, story: StoryPageData) -> StoryPageData:
        """Return the story with this state of its discussion."""
        summary = self.summary
        values = [
            None if (value := summary[column]) is None else field.to_python(value)
            for column, field in zip(DISCUSSION_COLUMNS, _DISCUSSION_FIELDS, strict=True)
        ]
        days = map(date.fromisoformat, summary["days"] or [])
        return replace(
            story,
            discussion=build_discussion(story.article, values),
            days=list(zip(days, summary["counts"] or [], strict=True)),
            last_log_number=summary["seq"] or 0,
            picks=make_picks(summary["pick_ids"], summary["pick_names"], summary["pick_texts"]),
            is_restored=summary["is_restored"],
        )


def read_first_page(article: int, order: Order) -> FirstPage | None:
    """Return the first page of the discussion of an article; None if it is not published."""
    rows = fetch_prepared(_statement(order), {"discussion": article}, before=GENERIC_PLAN)
    if (state := rows[0][-1]) is None:
        return None
    records = [CommentRecord._make(row[:-1]) for row in rows if row[0] is not None]
    return FirstPage(
        state["site_version"],
        state["article_version"],
        datetime.fromisoformat(state["now"]),
        state,
        make_page(records, order),
    )


# A discussion is stored with its first comment; without one its columns are null.
_STATE = f"""
SELECT s.version AS site_version, a.version AS article_version, now() AS now,
       {list_columns({"d": DISCUSSION_COLUMNS})}, {DISCUSSION_SUMMARY}
FROM articles_site s CROSS JOIN articles_article a LEFT JOIN comments_discussion d ON d.article_id = a.id
{DISCUSSION_SUMMARY_JOINS}
WHERE s.id = 1 AND a.id = %(discussion)s AND a.published_at <= now()"""


def _statement(order: Order) -> str:
    """Return the statement. Its last column is the state as JSON, in the first row only.

    There is a row even if the page has none. The rows keep the order of `rows_query`, as they are joined to
    one row.
    """
    return f"""
WITH {roots_query(Reader(), order)}
SELECT page.*, CASE WHEN row_number() OVER () = 1 THEN (SELECT row_to_json(stored) FROM ({_STATE}) stored) END
FROM (SELECT) one LEFT JOIN LATERAL ({rows_query(Reader())}) page ON true"""
