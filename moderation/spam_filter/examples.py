"""Past decisions as examples for training and evaluation, in the order in which they were made."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Prefetch

from articles.models import Article, Topic
from comments.models import Reason
from core.database.sql import fetch_rows, stream_rows
from moderation.actions.state_history import (
    DECIDED_TEXT,
    DECIDED_TEXT_EXISTS,
    JOIN_DECIDED_TEXT,
    LAST_DECISIONS,
)
from moderation.checks import registry
from moderation.features.text_reading import CommentData, SignalResult

MAX_DECISIONS = 20_000  # latest decisions on which a version is trained
FETCH_SIZE = 1_000  # rows per fetch of a server-side cursor

# The most that one action, author or moderator can weigh.
MAX_ACTION_WEIGHT, MAX_AUTHOR_WEIGHT = 25.0, 10.0
MAX_MODERATOR_WEIGHT = 300.0  # or as much as all others together, if that is more
# An action also weighs at most a twentieth of all the rest, so that ordinary good comments do not become
# pending even if the whole action is wrong: a share of spam of one in twenty is below
# thresholds.MIN_THRESHOLD. MIN_ACTION_WEIGHT is allowed in any case.
MAX_ACTION_SHARE, MIN_ACTION_WEIGHT = 0.05, 5.0


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A current decision, with the comment as it read at the time."""

    transition: int  # id of the transition
    comment: int
    is_spam: bool  # else a person approved it
    topics: tuple[int, ...]  # of the article
    data: CommentData
    site_results: tuple[SignalResult, ...]  # of the signals that the filter learns on the site alone
    actor: int
    action_id: UUID | None
    author: str


# Comments removed for other reasons than spam are no examples. Undone decisions are left out, and so are
# restricted and erased comments, whose texts are gone.
_LAST = f"WITH d AS ({LAST_DECISIONS})"
_IS_DECIDED = (
    "(d.to_state = 'published' AND d.reason = 'approved' OR d.to_state = 'spam' AND d.reason = 'spam')"
)
_IS_OF_A_PERSON = """e.kind = 'state' AND e.actor_id IS NOT NULL
    AND (e.to_state = 'published' AND e.reason = 'approved' OR e.to_state = 'spam')"""
_DECIDED_BEFORE = f"""EXISTS (
  SELECT FROM comments_transition e
  WHERE e.comment_id = d.comment_id AND e.id <= %(transition)s AND {_IS_OF_A_PERSON})"""
_TEXT_JOIN = f"""{JOIN_DECIDED_TEXT}
WHERE {DECIDED_TEXT_EXISTS} AND c.state_reason <> '{Reason.RESTRICTED}' AND c.text_missing = ''"""
DECISIONS_SQL = f"""{_LAST},
chosen AS (
  SELECT d.* FROM d
  WHERE {_IS_DECIDED} AND (%(transition)s = 0 OR %(is_known)s = {_DECIDED_BEFORE})
  ORDER BY d.id DESC LIMIT %(limit)s)
SELECT d.id, c.id, d.to_state = 'spam', {DECIDED_TEXT}, c.author_name, c.created_at,
       c.discussion_id, d.actor_id, d.batch,
       coalesce('u' || c.author_id, 'g' || c.guest_id, 'n' || lower(c.author_name)),
       c.parent_id IS NOT NULL,
       (SELECT json_agg(json_build_array(f.check_name, f.strength)) FROM moderation_finding f
        WHERE f.comment_id = c.id AND f.revision = d.revision AND f.check_name = ANY(%(checks)s))
FROM chosen d {_TEXT_JOIN}
ORDER BY d.id"""
COUNT_SQL = f"""{_LAST}
SELECT count(*) FILTER (WHERE d.id > %(transition)s), count(*) FILTER (WHERE {_DECIDED_BEFORE}),
       max(d.id) FILTER (WHERE NOT {_DECIDED_BEFORE})
FROM d {_TEXT_JOIN} AND {_IS_DECIDED}"""


# The first decision by a person on each comment that was restricted or erased since.
REMOVED_SQL = f"""
SELECT min(e.id), s.id IS NOT NULL FROM comments_comment c
LEFT JOIN moderation_restriction s ON s.comment_id = c.id
JOIN comments_transition e ON e.comment_id = c.id AND {_IS_OF_A_PERSON}
WHERE s.id IS NOT NULL OR c.erased_at IS NOT NULL
GROUP BY c.id, s.id"""


@dataclass(frozen=True)
class RemovedExamples:
    """Transitions from which on a version may have been trained on comments restricted or erased since.

    `restricted` has one id for each restriction of a comment. Such an id never goes away.
    """

    restricted: Sequence[int]
    erased: Sequence[int]

    def counts_until(self, transition: int) -> dict[str, int]:
        """Return the number of restricted and erased comments that a version may have been trained on.

        `transition`: the last entry of the transition log that it was trained on.
        """
        return {
            "sealed": sum(n <= transition for n in self.restricted),
            "erased": sum(n <= transition for n in self.erased),
        }


def removed_examples() -> RemovedExamples:
    """Return the restricted and erased comments on which people had decided."""
    rows = fetch_rows(REMOVED_SQL)
    return RemovedExamples(
        [transition for transition, is_restricted in rows if is_restricted],
        [transition for transition, is_restricted in rows if not is_restricted],
    )


class DecisionCounts(NamedTuple):
    """Counts of the current decisions before and after an entry of the transition log."""

    new: int  # decisions after it
    kept: int  # decisions on comments that had a decision by then
    latest: int | None  # id of the latest decision on a comment that had none by then


def count_decisions(*, after: int) -> DecisionCounts:
    """Count the current decisions before and after this transition."""
    return DecisionCounts(*fetch_rows(COUNT_SQL, {"transition": after})[0])


def current_decisions(*, after: int = 0, until: int = 0, limit: int = MAX_DECISIONS) -> Iterator[Decision]:
    """Yield the current decisions, the earliest first.

    With `after` or `until`, a transition id: only decisions on comments that had no decision (`after`) or
    a decision (`until`) by then. A version trained until then never saw the former, even if they were
    decided again since.
    """
    values: dict[str, Any] = {
        "transition": after or until,
        "is_known": not after,
        "limit": limit,
        "checks": list(registry.start_weights()),
    }
    articles = dict[int, ArticleData]()  # each article's text is read once
    for rows in stream_rows(DECISIONS_SQL, values, at_once=FETCH_SIZE):
        articles |= _articles({row[6] for row in rows} - set(articles))
        yield from (_decision(row, articles[row[6]]) for row in rows)


ArticleData = tuple[str, str, datetime | None, tuple[int, ...]]  # title, text, date of publication, topics


def _decision(row: tuple[Any, ...], article: ArticleData) -> Decision:
    transition, pk, is_spam, body, name, written, _article, actor, action_id, author, is_reply, found = row
    title, text, published, topics = article
    return Decision(
        transition=transition,
        comment=pk,
        is_spam=is_spam,
        topics=topics,
        data=CommentData(
            body=body,
            author=name or None,
            article_title=title,
            article_text=text,
            article_date=published,
            comment_date=written,
            is_reply=is_reply,
        ),
        site_results=tuple(SignalResult(strength, signal=check) for check, strength in found or ()),
        actor=actor,
        action_id=action_id,
        author=author,
    )


def _articles(ids: Collection[int]) -> dict[int, ArticleData]:
    if not ids:
        return {}
    rows = Article.objects.only("title", "standfirst", "body", "published_at").filter(pk__in=ids)
    return {
        article.pk: (
            article.title,
            article.full_text,
            article.published_at,
            tuple(sorted(topic.pk for topic in article.topics.all())),
        )
        for article in rows.prefetch_related(Prefetch("topics", Topic.objects.only("pk")))
    }


def example_weights(decided: Sequence[Decision], max_action_weight: float = MAX_ACTION_WEIGHT) -> list[float]:
    """Return the weight of each decision, 0 to 1.

    No action, author or moderator outweighs the rest. A single moderator is not limited, as there is nobody
    else to outweigh.
    """
    actions = Counter(d.action_id for d in decided if d.action_id)
    authors = Counter(d.author for d in decided)
    shares = [
        min(
            1.0,
            max_action_weight / actions[d.action_id] if d.action_id else 1.0,
            MAX_AUTHOR_WEIGHT / authors[d.author],
        )
        for d in decided
    ]
    persons = [d.actor for d in decided]
    if len(set(persons)) > 1:
        shares = _limit_group_weights(shares, persons, lambda rest: max(MAX_MODERATOR_WEIGHT, rest))
    return _limit_group_weights(
        shares, [d.action_id for d in decided], lambda rest: max(MIN_ACTION_WEIGHT, MAX_ACTION_SHARE * rest)
    )


def _limit_group_weights(
    shares: Sequence[float], of: Sequence[Hashable], max_weight_of: Callable[[float], float]
) -> list[float]:
    """Return the weights, reduced so that no group has more than `max_weight_of` the weight of the rest.

    `of` has the group of each weight, or None.
    """
    sums: defaultdict[Hashable, float] = defaultdict(float)
    for one, share in zip(of, shares, strict=True):
        sums[one] += share
    total = sum(shares)
    parts = {
        one: min(1.0, max_weight_of(total - sum_) / sum_)
        for one, sum_ in sums.items()
        if one is not None and sum_
    }
    return [share * parts.get(one, 1.0) for one, share in zip(of, shares, strict=True)]
