"""Flagged comments: those with a finding of a check that always opens a case, also old and imported ones.

A new comment's case is opened when it is posted or edited. An import calls `open_cases_for_flagged`. A
scheduled job calls `flag_old_comments`, for comments that were stored before the check existed.
"""

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.db.models import F

from comments.models import Comment, State
from comments.services.discussions import lock_discussions_of
from core.database.sql import decode_columns, encode_columns, execute, fetch_rows
from moderation.actions import cases
from moderation.actions.state_history import TEXT_IS_APPROVED
from moderation.checks import registry
from moderation.checks.results import CheckResult
from moderation.features.text_reading import CommentData, ParsedComment
from moderation.models import Finding

BATCH_SIZE = 2_000  # comments that are read at once

# Published comments without an open case, the earliest first, except those whose present text a person has
# approved. They are read by ranges of ids, as most of them are published; `among` may name some of them.
UNREVIEWED_SQL = f"""
SELECT c.id, c.revision, c.author_name, c.body FROM comments_comment c
WHERE c.id > %(after)s AND (%(among)s::bigint[] IS NULL OR c.id = ANY(%(among)s))
  AND c.state = 'published' AND c.erased_at IS NULL
  AND NOT EXISTS (SELECT FROM moderation_case k WHERE k.comment_id = c.id AND k.closed_at IS NULL)
  AND NOT {TEXT_IS_APPROVED}
ORDER BY c.id LIMIT %(limit)s"""

# The types of the columns of a finding, by field. To store model instances took three times as long.
FINDING_TYPES = {
    "comment_id": "bigint",
    "revision": "int",
    "check_name": "text",
    "strength": "float8",
    "holds": "boolean",
    "spans": "jsonb",
    "number": "int",
    **dict.fromkeys(("duplicate_of_id", "rule_id", "filter_id"), "bigint"),
}
_COLUMNS = {field.attname: str(field.column) for field in Finding._meta.concrete_fields}
INSERT_FINDINGS_SQL = f"""
INSERT INTO moderation_finding ({", ".join(_COLUMNS[name] for name in FINDING_TYPES)})
{decode_columns(FINDING_TYPES)}"""


def open_cases_for_flagged(ids: Sequence[int], *, skips_approved: bool = False) -> None:
    """Open a case for each of these comments that is published and has a finding that flags it.

    With `skips_approved`, those are left out whose present text a person has approved meanwhile.
    """
    flagged = Finding.objects.filter(
        comment__in=ids, revision=F("comment__revision"), check_name__in=registry.flagging_names()
    )
    found = set(flagged.values_list("comment", flat=True))
    if found and skips_approved:
        found = {row[0] for row in _unreviewed(among=list(found))}
    if found:
        cases.create_missing_cases(found, states=[State.PUBLISHED])


def flag_old_comments() -> int:
    """Look for slurs, threats and personal data in all comments, and open cases for those that have some.

    Reads BATCH_SIZE comments at once. Each batch is a separate transaction, so that the job may be stopped at
    any moment and run again. Returns the number of cases.
    """
    opened, after = 0, 0
    while rows := _unreviewed(after=after):
        after = rows[-1][0]
        found = {
            (pk, revision): results
            for pk, revision, name, body in rows
            if (results := _flagging_results(name, body))
        }
        if found:
            opened += _store(found)
    return opened


def _unreviewed(after: int = 0, among: list[int] | None = None) -> list[tuple[int, int, str, str]]:
    """Return the next rows of UNREVIEWED_SQL after this id: id, revision, author's name and text."""
    return fetch_rows(UNREVIEWED_SQL, {"after": after, "among": among, "limit": BATCH_SIZE})


def _flagging_results(name: str, body: str) -> list[CheckResult]:
    """Return the results of the checks of the text that always open a case."""
    parsed = ParsedComment(CommentData(body=body, author=name or None))
    return [result for result in registry.find_unweighted(parsed) if registry.is_flagged([result])]


@transaction.atomic(durable=True)
def _store(found: dict[tuple[int, int], list[CheckResult]]) -> int:
    """Store the results that are not stored yet, by comment and revision, and open the cases.

    The discussions are locked first, so a text that was edited, removed or approved since is seen.
    """
    ids = [pk for pk, _revision in found]
    lock_discussions_of(ids)
    unchanged = [pk for pk, revision, _name, _body in _unreviewed(among=ids) if (pk, revision) in found]
    ids_to_store = set(unchanged)
    store_findings({key: results for key, results in found.items() if key[0] in ids_to_store})
    cases.create_missing_cases(unchanged, states=[State.PUBLISHED])
    return len(unchanged)


@transaction.atomic(savepoint=False)
def store_findings(found: Mapping[tuple[int, int], Sequence[CheckResult]]) -> int:
    """Store the results, by comment and revision, that are not stored yet, and return how many there are.

    The discussions are locked first, as removal_counts demands. Then comments are left out whose text was
    edited, redacted, erased or restricted since it was checked.
    """
    ids = [pk for pk, _revision in found]
    lock_discussions_of(ids)
    rows = Comment.objects.not_erased_or_restricted().filter(pk__in=ids).order_by("pk")
    unchanged = [key for key in rows.values_list("pk", "revision") if key in found]
    checked = Finding.objects.filter(comment__in=[pk for pk, _revision in unchanged])
    stored = set(checked.values_list("comment", "revision", "check_name"))
    findings = [
        {"comment_id": pk, "revision": revision, **Finding.values_of(result)}
        for pk, revision in unchanged
        for result in found[pk, revision]
        if (pk, revision, result.check) not in stored
    ]
    if findings:
        columns = {name: [finding[name] for finding in findings] for name in FINDING_TYPES}
        execute(INSERT_FINDINGS_SQL, encode_columns(columns))
    return len(findings)
