"""The moderation queues: the open cases in the order in which they are due, and all comments, latest first.

The query of a URL holds the queue, its filters and the place in it: `QueuePage.read` parses it,
`QueuePage.query` builds it. The number of statements for a page does not depend on the number of its rows.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django import forms
from django.db import transaction
from django.db.models import Count, Min, Q, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from articles.markup.markdown import excerpt_source_length, make_excerpt
from articles.models import UNPUBLISHED_TITLE, Article
from comments.models import LAST_TRANSITION_ID, Comment, Reason, State, state_label
from core.database.sql import fetch_prepared, fetch_together, query_text
from core.query_forms import NumberField, QueryForm
from moderation import excerpts, explanations, similar
from moderation.actions import cases
from moderation.actions.state_history import (
    expected_transition_value,
    last_transition_ids,
)
from moderation.models import Case, CommentGroup
from moderation.models.cases import CASE_FLAGS
from moderation.people import sanctions
from moderation.queue import filters as queue_filters
from moderation.queue import second_opinions
from moderation.reports import reporting
from moderation.similar import pages as similar_pages

EXCERPT_SOURCE_LENGTH = excerpt_source_length(excerpts.MAX_LENGTH)
PAGE_SIZE = 20  # rows beside the open case
MAX_QUEUE_GROUP_SIZE = 50_000  # comments in one group
OPEN_STATES = (State.PENDING, State.PUBLISHED)
MAX_PENDING_COUNT = 100  # comments that the badge of the masthead counts; from there on it says "100+"
MAX_COUNTED = 1_000  # filtered rows that are counted; beyond it the page says "more than"
MAX_SUMMARIZED = 10_000  # cases of a queue that are counted; beyond it the list of queues says "10,000+"

# The names of the queues in URLs, which bookmarks hold.
PENDING, REPORTED, FIRST_TIME, APPEALS, FLAGGED = "waiting", "reported", "new", "second", "published"
RECENT = "recent"
QUEUES: dict[str, tuple[Any, Q]] = {
    # Includes published comments reported as illegal, which come first.
    PENDING: (gettext_lazy("Waiting for review"), Q(is_pending=True) | Q(is_reported_illegal=True)),
    REPORTED: (gettext_lazy("Reported"), Q(is_reported=True) | Q(is_reported_illegal=True)),
    FIRST_TIME: (gettext_lazy("First-time commenters"), Q(is_pending=True, is_new_person=True)),
    APPEALS: (gettext_lazy("Appeals"), Q(is_appealed=True)),
    FLAGGED: (
        gettext_lazy("Flagged after publication"),
        Q(is_pending=False, is_reported=False, is_reported_illegal=False, is_appealed=False),
    ),
}

# The number of open cases with each combination of flags, up to MAX_SUMMARIZED + 1, and when the oldest was
# opened, from an index with these columns (case_flags). One scan with a condition for each queue takes twice
# as long. Appeals for colleagues are counted too, because a condition on them would be another fifth of the
# time; `_count_cases` subtracts them.
COUNT_BY_FLAGS = f"""
SELECT {", ".join(f"{flag}.value AS {flag}" for flag in CASE_FLAGS)}, cases.n, ({{oldest}}) AS oldest
FROM {", ".join(f"(VALUES (false), (true)) {flag}(value)" for flag in CASE_FLAGS)},
     LATERAL (SELECT count(*) AS n FROM ({{cases}}) found) cases
WHERE cases.n > 0"""

# An id that no user has. The composed queries contain it, and it is replaced by the parameter `user`, so that
# all people with the same roles share one prepared statement.
PLACEHOLDER_USER_ID = 1 << 62

# The rows of a page by their keys: of cases, or for "recent" of comments, which are shown without a case.
_ITEMS = f"""
SELECT a.id, a.published_at, a.title, c.id, k.id, left(c.body_html, %(length)s::integer),
       {LAST_TRANSITION_ID},
       c.author_name, c.state, c.state_reason, c.text_missing, k.claimed_by_id, u.name, k.claimed_until,
       k.is_illegal, k.is_reported, k.is_appealed, k.opened_at
FROM unnest(%(keys)s::bigint[]) WITH ORDINALITY page(key, place)
{{tables}}
JOIN articles_article a ON a.id = c.discussion_id
LEFT JOIN accounts_user u ON u.id = k.claimed_by_id
WHERE c.state_reason <> '{Reason.RESTRICTED}' ORDER BY page.place"""
CASE_ITEMS = _ITEMS.format(
    tables="JOIN moderation_case k ON k.id = page.key JOIN comments_comment c ON c.id = k.comment_id"
)
RECENT_ITEMS = _ITEMS.format(
    tables="JOIN comments_comment c ON c.id = page.key LEFT JOIN moderation_case k ON false"
)


@dataclass(frozen=True)
class QueueSummary:
    """One entry in the list of queues. `count` is None and `oldest` empty for a queue that is not counted.

    A `count` above MAX_SUMMARIZED is not exact, since each combination of flags is counted up to there.
    """

    key: str  # a key of QUEUES, RECENT, "similar" or "opinions"
    label: str
    url: str
    count: int | None
    oldest: str  # "3 h"
    illegal: int = 0  # cases reported as illegal
    illegal_published: int = 0  # published cases among them
    sanction_appeals: int = 0  # appeals against sanctions, which are no comments

    @property
    def has_cases(self) -> bool:
        """Return whether there are open cases. True for a queue that is not counted."""
        return self.count != self.sanction_appeals

    @property
    def count_text(self) -> str:
        return _format_count(self.count or 0)

    @property
    def illegal_text(self) -> str:
        text = ngettext("%(n)s reported as illegal", "%(n)s reported as illegal", self.illegal)
        return text % {"n": _format_count(self.illegal)}

    @property
    def pending_count(self) -> int:
        """Return the number of cases that are not published ones reported as illegal. Only for PENDING."""
        return (self.count or 0) - self.illegal_published


@dataclass(frozen=True)
class AppliedFilter:
    """A filter of the list that is applied."""

    label: str  # "Story"
    value: str  # in words
    query_without: str  # query of the page without this filter


@dataclass(frozen=True)
class QueueItem:
    """One row of a queue: a comment and its open case, if it has one."""

    comment: int
    case: int | None
    name: str
    excerpt: str
    title: str  # of the story
    state: str
    claimed_by: str  # a colleague who has it open, or ""
    expected_transition: str  # as in card.Card
    age: str  # of the case: "3 h"
    flag: str  # "illegal", "reported", "appeal" or ""


class QueueQuery(QueryForm):
    """The query string of a queue, without its filters: which queue, and the last row of the page before."""

    queue = forms.ChoiceField(choices=[(name, "") for name in (*QUEUES, RECENT)], initial=PENDING)
    after = NumberField()
    must_be_valid = frozenset({"queue"})


@dataclass(frozen=True)
class QueuePage:
    """A page of a queue for one person: which queue, its filters, and the row after which it starts."""

    queue: str
    user: User
    filters: tuple[AppliedFilter, ...]
    values: dict[str, str]
    where: Q  # a condition over Comment for "recent", else over Case
    after: int | None  # id of a case, or for "recent" of a comment
    # The open cases that only colleagues may decide, if they were read (summary_queries): then Postgres need
    # not plan a join of seven tables, which takes longer than to read a page of the queue.
    for_colleagues: Collection[int] | None = None

    @classmethod
    def read(cls, query: QueryDict, user: User) -> "QueuePage":
        """Parse the query of a URL. Raises Http404 for an unknown queue or an invalid filter value."""
        parameters = QueueQuery.read(query)
        queue = parameters["queue"]
        values, described, where = queue_filters.parse_filters(query, user, of_cases=queue != RECENT)
        unfiltered = cls(queue, user, (), {}, where, None)
        active = tuple(
            AppliedFilter(
                label,
                value,
                replace(unfiltered, values={k: v for k, v in values.items() if k != name}).query(),
            )
            for name, (label, value) in described.items()
        )
        return replace(unfiltered, filters=active, values=values, after=parameters["after"])

    def query(self) -> str:
        """Return the query of the first page; the default queue without filters needs none."""
        return self.query_after() if self.values or self.queue != PENDING else ""

    def query_after(self, after: int | None = None) -> str:
        """Return the query for a case of this queue, or for the page after a row."""
        place = {"after": after} if after else {}
        return f"?{urlencode({'queue': self.queue, **self.values, **place})}"

    @property
    def label(self) -> str:
        return _queue_label(self.queue)

    def rows(self) -> QuerySet[Any]:
        """Return the whole queue in order: Cases, or Comments for "recent"."""
        if self.queue == RECENT:
            return Comment.objects.moderatable_by(self.user).filter(self.where).order_by("-pk")
        # A restriction closes the case of its comment. A condition on the comment would join each case with
        # its comment.
        rows = cases_to_decide(self.user, self.for_colleagues).filter(QUEUES[self.queue][1], self.where)
        return rows.order_by("due_at", "pk")

    def rows_after(self) -> QuerySet[Any]:
        """Return the rows after `after`. That case may have left the queue, but its due time remains."""
        rows = self.rows()
        if self.after is None:
            return rows
        if self.queue == RECENT:
            return rows.filter(pk__lt=self.after)
        last = Case.objects.filter(pk=self.after).values_list("due_at", flat=True).first()
        if last is None:
            return rows
        return rows.filter(Q(due_at__gt=last) | Q(due_at=last, pk__gt=self.after), due_at__gte=last)

    def count(self) -> int:
        """Return the number of filtered rows, also those before `after`, counted up to MAX_COUNTED + 1."""
        return int(self.rows().order_by()[: MAX_COUNTED + 1].count())

    def create_group(self) -> CommentGroup | None:
        """Store all comments of this queue as a group to decide on together, or return None if it is empty.

        Removed comments are left out, also those with an appeal. The comments with the lowest scores come
        first, as the most likely mistakes in a removal.
        """
        if self.queue == RECENT:
            scored = self.rows().filter(state__in=OPEN_STATES).values_list("pk", Value(0.0))
        else:
            open_rows = self.rows().filter(comment__state__in=OPEN_STATES)
            scored = open_rows.values_list("comment_id", "score")
        rows = dict(scored[:MAX_QUEUE_GROUP_SIZE])
        if not rows:
            return None
        last = last_transition_ids(rows)
        codes = queue_filters.storable_values(self.values)
        typed = sorted(self.values.keys() - codes.keys())
        with transaction.atomic():
            group = CommentGroup.objects.create(
                kind=CommentGroup.Kind.QUEUE,
                scan_id=uuid4(),
                size=len(rows),
                details={"query": replace(self, values=codes).query(), "typed": typed},
            )
            similar.add_members(
                group, list(rows), list(rows.values()), [0] * len(rows), [last.get(pk) for pk in rows]
            )
        return group

    def first_unclaimed(self) -> int | None:
        """Return the comment of the first case that no colleague has claimed."""
        unclaimed = self.rows_after().exclude(cases.claimed_by_others(self.user))
        return unclaimed.values_list("comment", flat=True).first()

    def items(self) -> tuple[list[QueueItem], int]:
        """Return the rows of one page, and the number of these and all later rows.

        The number is counted up to PAGE_SIZE + 1, and with filters up to MAX_COUNTED + 1: for fewer rows
        Postgres would read the cases in the order in which they are due, which takes long if few match.

        Runs two statements, and one more if stories of the page are not published.
        """
        limit = (MAX_COUNTED if self.values else PAGE_SIZE) + 1
        keys = list(self.rows_after().values_list("pk", flat=True)[:limit])
        if not keys:
            return [], 0
        statement = RECENT_ITEMS if self.queue == RECENT else CASE_ITEMS
        rows = fetch_prepared(statement, {"keys": keys[:PAGE_SIZE], "length": EXCERPT_SOURCE_LENGTH})
        now = timezone.now()
        hidden = {article for article, published_at, *_rest in rows if not published_at or published_at > now}
        if hidden:
            visible_articles = Article.objects.with_title_visible_to(self.user).filter(pk__in=hidden)
            hidden.difference_update(visible_articles.values_list("pk", flat=True))
        items = [
            self._item(row, now, _(UNPUBLISHED_TITLE) if article in hidden else title)
            for article, _published_at, title, *row in rows
        ]
        return items, len(keys)

    def _item(self, row: Sequence[Any], now: datetime, title: str) -> QueueItem:
        """Return the item of one row that `items` selected."""
        comment, case, start, last, name, state, reason, missing, *flags = row
        claimed_by, claimed_name, until, illegal, reported, appeal, opened_at = flags
        is_claimed = claimed_by not in (None, self.user.pk) and until is not None and until > now
        return QueueItem(
            comment=comment,
            case=case,
            name=name,
            excerpt=make_excerpt(start, excerpts.MAX_LENGTH)
            or str(Comment.Missing(missing).label if missing else ""),
            title=title,
            state=state_label(state, reason) if case is None else "",
            claimed_by=claimed_name if is_claimed else "",
            age=explanations.format_elapsed(now - opened_at) if opened_at else "",
            expected_transition=expected_transition_value(comment, last),
            flag="illegal" if illegal else "reported" if reported else "appeal" if appeal else "",
        )


def describe_query(group: CommentGroup, user: User) -> list[str]:
    """Return the queue and filters of a group: Waiting for review · Story: The slip closes."""
    query = QueryDict(group.details["query"].removeprefix("?"))
    queue = query.get("queue", PENDING)
    return [_queue_label(queue), *queue_filters.describe_filters(query, group.details["typed"], user)]


def _queue_label(queue: str) -> str:
    return str(_("All comments") if queue == RECENT else QUEUES[queue][0])


def cases_to_decide(user: User, for_colleagues: Collection[int] | None = None) -> QuerySet[Case]:
    """Return the open cases that this person may decide.

    `for_colleagues`: the ids of the appeals for colleagues (summary_queries), if they were read.
    """
    found = _open_cases(user)
    if for_colleagues is None:
        return found.exclude(reporting.appeals_for_colleagues(user))
    return found.exclude(pk__in=for_colleagues)


def _open_cases(user: User) -> QuerySet[Case]:
    """Return the open cases that this person or colleagues with the same rights may decide."""
    found = Case.objects.open()
    if user.is_moderator:
        return found
    return found.filter(discussion__in=Article.objects.editable_by(user).values("pk"))


def pending_cases(user: User) -> QuerySet[Case]:
    """Return the pending cases for this person to decide, MAX_PENDING_COUNT at most, for the masthead."""
    return cases_to_decide(user).filter(is_pending=True).order_by()[:MAX_PENDING_COUNT]


def summarize_queues(user: User, base: str) -> list[QueueSummary]:
    """Return all queues, each with its size and the age of its oldest case.

    Runs one statement, and one more if a sanction is appealed. `base` is the URL of the queue page. Appeals
    include those against sanctions, shown under People.
    """
    return parse_summaries(fetch_together(summary_queries(user.roles), {"user": user.pk}), user, base)


@lru_cache(maxsize=16)
def summary_queries(roles: frozenset[str]) -> Mapping[str, str]:
    """Return the queries for the numbers of all queues of a person with these roles, whose id is `user`.

    `parse_summaries` reads their rows. Django takes 3 ms to compose them. Only moderators have queues other
    than those of cases: these span stories.
    """
    user = User(pk=PLACEHOLDER_USER_ID)
    user.roles = roles
    same_flags = {flag: RawSQL(f"{flag}.value", []) for flag in CASE_FLAGS}  # noqa: S611  # constants
    counted = _open_cases(user).filter(**same_flags).values("pk")[: MAX_SUMMARIZED + 1]
    oldest = cases_to_decide(user).filter(**same_flags).order_by("opened_at").values("opened_at")[:1]
    for_colleagues = _open_cases(user).filter(reporting.appeals_for_colleagues(user))
    queries = {
        "cases": COUNT_BY_FLAGS.format(cases=query_text(counted), oldest=query_text(oldest)),
        "for_colleagues": query_text(for_colleagues.values("pk", *CASE_FLAGS)),
    }
    if user.is_moderator:
        queries |= {
            "sanction_appeals": query_text(sanctions.open_appeals().values("pk")[:1]),
            "similar": _count_and_oldest(similar_pages.open_groups(user), "made_at"),
            "opinions": _count_and_oldest(second_opinions.open_questions(user), "requested_at"),
        }
    return {name: query.replace(str(PLACEHOLDER_USER_ID), "%(user)s") for name, query in queries.items()}


def _count_and_oldest(rows: QuerySet[Any], time: str) -> str:
    """Return the SQL for one row with the number of these rows and the earliest time."""
    found = rows.order_by().annotate(all=Value(1)).values("all").annotate(n=Count("*"), oldest=Min(time))
    return query_text(found.values("n", "oldest"))


def parse_summaries(found: Mapping[str, list[dict[str, Any]]], user: User, base: str) -> list[QueueSummary]:
    """Return the summaries of all queues from the rows of `summary_queries`."""
    numbers = {key: _count_cases(where, found) for key, (_label, where) in QUEUES.items()}
    illegal, _oldest = _count_cases(Q(is_reported_illegal=True), found)
    illegal_published, _oldest = _count_cases(Q(is_reported_illegal=True, is_pending=False), found)
    # Appeals against sanctions are rare, and Django takes long to compose the query of those to answer.
    appealed = _times_of_sanction_appeals(user) if found.get("sanction_appeals") else []
    if appealed:
        count, oldest = numbers[APPEALS]
        times = filter(None, [*appealed, oldest])
        numbers[APPEALS] = count + len(appealed), min(times, key=datetime.fromisoformat)
    now = timezone.now()

    def summary(key: str, label: Any, url: str, count: int | None, oldest: str | None) -> QueueSummary:
        age = explanations.format_elapsed(now - datetime.fromisoformat(oldest)) if oldest else ""
        return QueueSummary(
            key,
            str(label),
            url,
            count,
            age,
            illegal=illegal if key in {PENDING, REPORTED} else 0,
            illegal_published=illegal_published if key == PENDING else 0,
            sanction_appeals=len(appealed) if key == APPEALS else 0,
        )

    summaries = [
        summary(key, label, f"{base}?queue={key}", *numbers[key]) for key, (label, _where) in QUEUES.items()
    ]
    for row in found.get("similar", []):
        # The link opens the largest group, as that of a queue opens its first case.
        url = reverse("moderation:similar") + "?first=on"
        summaries.insert(3, summary("similar", _("Similar comments"), url, row["n"], row["oldest"]))
    for row in found.get("opinions", []):
        if row["n"]:
            url = reverse("moderation:opinions")
            summaries.append(summary("opinions", _("Second opinions"), url, row["n"], row["oldest"]))
    return [*summaries, summary(RECENT, _("All comments"), f"{base}?queue={RECENT}", None, None)]


def _count_cases(where: Q, found: Mapping[str, list[dict[str, Any]]]) -> tuple[int, str | None]:
    """Return the number of cases whose flags fulfil a condition, and when the oldest was opened.

    It is above MAX_SUMMARIZED if one combination of flags was not counted to the end.
    """
    rows = [row for row in found["cases"] if _is_fulfilled(where, row)]
    for_colleagues = sum(_is_fulfilled(where, case) for case in found["for_colleagues"])
    oldest = min(filter(None, (row["oldest"] for row in rows)), key=datetime.fromisoformat, default=None)
    count = sum(row["n"] for row in rows) - for_colleagues
    is_cut = any(row["n"] > MAX_SUMMARIZED for row in rows)
    return max(count, MAX_SUMMARIZED + 1) if is_cut else count, oldest


def _is_fulfilled(where: Q, flags: Mapping[str, Any]) -> bool:
    """Return whether these flags of a case fulfil a condition. Raises ValueError for a negated one."""
    if where.negated:
        raise ValueError(f"This condition is negated: {where}.")
    children: list[Any] = where.children
    parts = (
        _is_fulfilled(child, flags) if isinstance(child, Q) else flags[child[0]] is child[1]
        for child in children
    )
    return any(parts) if where.connector == Q.OR else all(parts)


def _times_of_sanction_appeals(user: User) -> list[str]:
    """Return the times of the appeals against sanctions that this person may answer. Runs one statement."""
    appeals = sanctions.appeals_to_answer(user).order_by()
    return [at.isoformat() for at in appeals.values_list("appealed_at", flat=True)]


def first_queue(summaries: Sequence[QueueSummary]) -> str:
    """Return the first queue that is not empty, or PENDING if all are empty."""
    return next((summary.key for summary in summaries if summary.key in QUEUES and summary.count), PENDING)


def pending_text(pending: QueueSummary) -> str:
    """Return the heading of the queue page: 1 reported as illegal · 14 waiting, oldest 3 h."""
    if not pending.count:
        return _("All caught up")
    if not (count := pending.pending_count):
        return pending.illegal_text
    text = ngettext("%(n)s waiting, oldest %(oldest)s", "%(n)s waiting, oldest %(oldest)s", count)
    text %= {"n": _format_count(count), "oldest": pending.oldest}
    return f"{pending.illegal_text} · {text}" if pending.illegal else text


def _format_count(count: int) -> str:
    """Return the number of cases of a queue: 1,234 or 10,000+."""
    return f"{count:,}" if count <= MAX_SUMMARIZED else f"{MAX_SUMMARIZED:,}+"
