"""The context of a submission: its person, rules, duplicates and site facts, read in one statement."""

from dataclasses import fields
from datetime import timedelta
from typing import Any, NamedTuple

from accounts.emails import EMAIL_IS_CONFIRMED
from comments.policy import Submission
from core.database.sql import fetch_prepared, list_columns, split_row
from moderation.checks.base import NONE_SENT, Context, Duplicate, SentComments
from moderation.features.site_facts import SITE_FACTS_SQL, SiteFacts
from moderation.features.text_reading import ParsedComment
from moderation.models import Sanction
from moderation.people.active_sanctions import (
    ACTIVE_SANCTIONS,
    parse_active_sanctions,
    refuse_paused_or_banned,
)
from moderation.rules import active_rules
from moderation.screening.duplicates import (
    DUPLICATE_SQL,
    INDEX_SETTINGS,
    duplicate_values,
    parse_duplicate,
)
from moderation.screening.origins import hash_address, hash_block
from moderation.screening.rate_limits import (
    SENT_COMMENTS_SQL,
    TRUSTED_COMMENTS,
    TRUSTED_DAYS,
    sender_values,
)
from moderation.spam_filter.active_model import ACTIVE_FILTER_SQL, ActiveFilter, can_be_used
from moderation.spam_filter.scoring import submission_data, submission_facts_values


def _comments_of_person(condition: str) -> str:
    """Return a query for the comments of a confirmed person that meet a condition.

    A guest's confirmation also counts for the account with that e-mail; the two are looked up separately,
    as each has its own index. Their ids are found first (ANY(ARRAY(…))): with a join, Postgres may read all
    comments of guests.
    """
    return f"""
  SELECT FROM comments_comment
  WHERE author_id = ANY(ARRAY(SELECT id FROM account)) AND {condition}
  UNION ALL
  SELECT FROM comments_comment
  WHERE guest_id = ANY(ARRAY(SELECT id FROM accounts_guest
                             WHERE lower(email) = %(email)s AND confirmed_at IS NOT NULL))
    AND {condition}"""


class _PersonRow(NamedTuple):
    """The row of PERSON_SQL."""

    sanctions: list[dict[str, Any]] | None
    has_confirmed_account: bool  # the account of the writer; false for a guest
    was_approved: bool  # a comment by a confirmed person with this e-mail
    is_trusted: bool
    active_filter: list[Any] | None  # an ActiveFilter without topics
    rules: list[int]
    topics: list[int]
    # Of SENT_COMMENTS_SQL:
    sent_by_person: list[Any]
    sent_from_address: list[Any] | None
    sent_from_block: list[Any] | None
    sent_to_discussion: list[Any] | None


# The facts about the person and the rules, as a _PersonRow. `account` is the user whose current confirmed
# e-mail is this one, as in accounts.emails.current_confirmed_emails().
PERSON_SQL = f"""
WITH account AS MATERIALIZED (
  SELECT u.id FROM accounts_user u JOIN account_emailaddress e ON {EMAIL_IS_CONFIRMED}
  WHERE lower(u.email) = %(email)s),
queried AS (
  SELECT %(author)s::bigint AS author, %(guest)s::bigint AS guest, %(browser)s::bigint AS browser,
         %(email)s::text AS email,
         EXISTS (SELECT FROM account WHERE id = %(author)s)
         OR EXISTS (SELECT FROM accounts_guest
                    WHERE id = %(guest)s AND confirmed_at IS NOT NULL) AS is_confirmed),
approved AS MATERIALIZED (
  SELECT EXISTS (SELECT FROM account WHERE id = %(author)s) AS has_confirmed_account,
         EXISTS ({_comments_of_person("state = 'published' AND state_reason = 'approved'")}) AS was_approved),
known AS MATERIALIZED (
  SELECT (has_confirmed_account OR %(guest_is_confirmed)s) AND was_approved AS is_known FROM approved)
SELECT (SELECT json_agg(sanctions) FROM ({ACTIVE_SANCTIONS}) sanctions),
       approved.*,
       EXISTS ({_comments_of_person("state = 'published' AND created_at <= %(trusted_since)s")}
               OFFSET {TRUSTED_COMMENTS} - 1 LIMIT 1)
       AND NOT EXISTS (
         {_comments_of_person("state IN ('rejected', 'spam') AND created_at > %(trusted_since)s")}),
       ({ACTIVE_FILTER_SQL}),
       ARRAY(SELECT id FROM moderation_rule WHERE is_active ORDER BY id),
       ARRAY(SELECT topic_id FROM articles_article_topics WHERE article_id = %(article)s),
       {SENT_COMMENTS_SQL}
FROM approved"""

# One statement for all that is known about a submission: a new comment waits for each round trip to the
# database. The three parts one after the other took a tenth more of the time of a reply.
_TABLES = {
    "person": _PersonRow._fields,
    "duplicate": [field.name for field in fields(Duplicate)],
    "facts": [field.name for field in fields(SiteFacts)],
}
_PERSON_COLUMNS, _DUPLICATE_COLUMNS, _FACTS_COLUMNS = map(", ".join, _TABLES.values())
SUBMISSION_FACTS_SQL = f"""
WITH person ({_PERSON_COLUMNS}) AS MATERIALIZED ({PERSON_SQL}),
duplicate ({_DUPLICATE_COLUMNS}) AS MATERIALIZED ({DUPLICATE_SQL} LIMIT 1),
facts ({_FACTS_COLUMNS}) AS MATERIALIZED ({SITE_FACTS_SQL})
SELECT {list_columns(_TABLES)} FROM person CROSS JOIN facts LEFT JOIN duplicate ON true"""


class SubmissionFacts(NamedTuple):
    """All that is known about a submission before it is checked."""

    context: Context
    active_filter: ActiveFilter | None  # None also if its model can't be loaded
    parsed: ParsedComment
    site_facts: SiteFacts


def load_submission_facts(submission: Submission) -> SubmissionFacts:
    """Return the facts about a submission. Raises ValidationError if the person is paused or banned."""
    may_moderate = submission.author is not None and submission.discussion.can_be_moderated_by(
        submission.author
    )
    person = submission.author or submission.guest
    ip_hash = hash_address(submission.ip)
    parsed = ParsedComment(submission_data(submission))
    exclude = submission.comment.pk if submission.comment else None
    values = {
        **duplicate_values(submission.body, exclude),
        **submission_facts_values(submission, parsed, ip_hash),
        "email": person.email.lower() if person else "",
        "browser": submission.browser_guest.pk if submission.browser_guest else None,
        **sender_values(submission),
        "block_hash": hash_block(submission.ip),
        "trusted_since": submission.at - timedelta(days=TRUSTED_DAYS),
    }
    [row] = fetch_prepared(SUBMISSION_FACTS_SQL, values, before=INDEX_SETTINGS)
    columns, _others = split_row(row, _TABLES)
    person_row = _PersonRow(*columns["person"])
    sanctions = parse_active_sanctions(person_row.sanctions)
    refuse_paused_or_banned(sanctions)
    is_confirmed = values["guest_is_confirmed"] if submission.guest else person_row.has_confirmed_account
    person_is_premoderated = any(sanction.kind == Sanction.Kind.REVIEW for sanction in sanctions)
    context = Context(
        site_is_premoderated=submission.discussion.site.review_everything,
        person_is_confirmed=is_confirmed and not may_moderate,
        has_approved_comment=is_confirmed and person_row.was_approved and not may_moderate,
        may_moderate=may_moderate,
        person_is_premoderated=person_is_premoderated,
        person_is_trusted=person_row.is_trusted and not person_is_premoderated,
        duplicate=parse_duplicate(columns["duplicate"]),
        rules=active_rules.compiled_rules(person_row.rules).for_article(
            submission.discussion.article.pk, person_row.topics
        ),
        sent_by_person=_parse_sent(person_row.sent_by_person),
        sent_from_address=_parse_sent(person_row.sent_from_address),
        sent_from_block=_parse_sent(person_row.sent_from_block),
        sent_to_discussion=_parse_sent(person_row.sent_to_discussion),
    )
    active_filter = None
    if person_row.active_filter and can_be_used(person_row.active_filter[0]):
        active_filter = ActiveFilter(*person_row.active_filter)._replace(
            topics=tuple(sorted(person_row.topics))
        )
    return SubmissionFacts(context, active_filter, parsed, SiteFacts(*columns["facts"]))


def _parse_sent(counted: list[Any] | None) -> SentComments:
    return SentComments(*counted) if counted else NONE_SENT
