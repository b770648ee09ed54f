"""The context of a submission: its person, rules, duplicates and site facts, read in one statement."""

from datetime import timedelta

from accounts.emails import EMAIL_IS_CONFIRMED
from comments.policy import Submission
from core.database.sql import fetch_prepared
from moderation.checks.base import NONE_SENT, Context, SentComments
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


# The facts about the person and the rules. `account` is accounts.emails.confirmed_emails() for one e-mail.
PERSON_SQL = f"""
WITH account AS MATERIALIZED (
  SELECT u.id FROM accounts_user u JOIN account_emailaddress e ON {EMAIL_IS_CONFIRMED}
  WHERE lower(u.email) = %(email)s),
queried AS (
  SELECT %(author)s::bigint AS author, %(guest)s::bigint AS guest, %(browser)s::bigint AS browser,
         %(email)s::text AS email,
         EXISTS (SELECT FROM account WHERE id = %(author)s)
         OR EXISTS (SELECT FROM accounts_guest
                    WHERE id = %(guest)s AND confirmed_at IS NOT NULL) AS is_proved),
approved AS MATERIALIZED (
  SELECT EXISTS (SELECT FROM account WHERE id = %(author)s) AS has_account,
         EXISTS ({_comments_of_person("state = 'published' AND state_reason = 'approved'")}) AS was_approved),
known AS MATERIALIZED (SELECT (has_account OR %(is_proved)s) AND was_approved AS is_known FROM approved)
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
# database. The three parts one after the other took a tenth more of the time of a reply. `person` has
# PERSON_COLUMNS columns, `duplicate` DUPLICATE_COLUMNS or no row.
PERSON_COLUMNS = 11
DUPLICATE_COLUMNS = 6
SUBMISSION_FACTS_SQL = f"""
WITH person AS MATERIALIZED ({PERSON_SQL}),
duplicate (original, exact, similarity, is_own, is_published_in_discussion, is_own_waiting)
  AS MATERIALIZED ({DUPLICATE_SQL} LIMIT 1),
facts AS MATERIALIZED ({SITE_FACTS_SQL})
SELECT person.*, duplicate.*, facts.* FROM person CROSS JOIN facts LEFT JOIN duplicate ON true"""


def load_context(submission: Submission) -> tuple[Context, ActiveFilter | None, ParsedComment, SiteFacts]:
    """Return the context of the checks, the active filter if usable, the parsed comment and the site's facts.

    Raises ValidationError if the person is paused or banned.
    """
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
    rows, is_proved, was_approved, is_trusted, filter_row, rule_ids, topics, *sent = row[:PERSON_COLUMNS]
    duplicate = parse_duplicate(row[PERSON_COLUMNS : PERSON_COLUMNS + DUPLICATE_COLUMNS])
    facts = SiteFacts(*row[PERSON_COLUMNS + DUPLICATE_COLUMNS :])
    sanctions = parse_active_sanctions(rows)
    refuse_paused_or_banned(sanctions)
    if submission.guest:
        is_proved = submission.guest.confirmed_at is not None
    by_person, from_address, from_block, to_discussion = (
        SentComments(*counted) if counted else NONE_SENT for counted in sent
    )
    person_is_premoderated = any(sanction.kind == Sanction.Kind.REVIEW for sanction in sanctions)
    context = Context(
        site_is_premoderated=submission.discussion.site.review_everything,
        person_is_confirmed=is_proved and not may_moderate,
        has_approved_comment=is_proved and was_approved and not may_moderate,
        may_moderate=may_moderate,
        person_is_premoderated=person_is_premoderated,
        person_is_trusted=is_trusted and not person_is_premoderated,
        duplicate=duplicate,
        rules=active_rules.compiled_rules(rule_ids).for_article(submission.discussion.article.pk, topics),
        sent_by_person=by_person,
        sent_from_address=from_address,
        sent_from_block=from_block,
        sent_to_discussion=to_discussion,
    )
    if not filter_row or not can_be_used(filter_row[0]):
        return context, None, parsed, facts
    return context, ActiveFilter(*filter_row)._replace(topics=tuple(sorted(topics))), parsed, facts
