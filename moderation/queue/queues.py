"""The queues: views of the open cases in the order in which they are due, and of all that came lately.

Which queue, which filters and how far along all stand in the query of a URL: `View.read` reads them,
`View.query` writes them. A page of a queue takes the same few statements whatever is in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.db import transaction
from django.db.models import Count, Min, Q, QuerySet, Value
from django.db.models.functions import Left
from django.http import Http404, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from articles.markup.markdown import first_words
from articles.models import Article, title_for
from comments.models import Comment, Reason, State
from moderation import similar
from moderation.actions import cases
from moderation.models import Case, Group
from moderation.people import sanctions
from moderation.policy import last_decisions
from moderation.queue import explanations as words
from moderation.queue import filters as queue_filters
from moderation.queue import second_opinions
from moderation.reports import reporting
from moderation.similar import pages as shown

EXCERPT_LENGTH = 480  # characters of the HTML, of which the first words are shown
PAGE_SIZE = 20  # of a queue, beside the open case
MAX_LIST_SIZE = 50_000  # comments in one list
OPEN_STATES = (State.PENDING, State.PUBLISHED)
MAX_COUNTED = 1_000  # of what a filter leaves; beyond it the page says "more than"

RECENT = "recent"
QUEUES: dict[str, tuple[Any, Q]] = {
    # … for somebody: also what is published and reported as illegal, which goes before everything else.
    "waiting": (gettext_lazy("Waiting"), Q(is_waiting=True) | Q(is_illegal=True)),
    "reported": (gettext_lazy("Reported"), Q(is_reported=True) | Q(is_illegal=True)),
    "new": (gettext_lazy("New people"), Q(is_waiting=True, is_new_person=True)),
    "second": (gettext_lazy("Second looks"), Q(is_second_look=True)),
    "published": (
        gettext_lazy("Published, to check"),
        Q(is_waiting=False, is_reported=False, is_illegal=False, is_second_look=False),
    ),
}


@dataclass(frozen=True)
class QueueSummary:
    """One line of the list of queues. `count` and `oldest` are empty for what is not counted."""

    label: str
    url: str
    count: int | None
    oldest: str  # "3 h"
    current: bool
    illegal: int = 0  # of these, reported as illegal
    published: int = 0  # of those, published ones
    people: int = 0  # of these, no comments but looks at what people are held to

    @property
    def illegal_in_words(self) -> str:
        words_ = ngettext("%(n)s reported as illegal", "%(n)s reported as illegal", self.illegal)
        return words_ % {"n": f"{self.illegal:,}"}


@dataclass(frozen=True)
class ActiveFilter:
    """One that is set."""

    label: str  # "Story"
    words: str
    without: str  # query of the page without it


@dataclass(frozen=True)
class QueueItem:
    """One row of a queue: a comment, and its case if it has one that is open."""

    comment: int
    case: int | None
    name: str
    excerpt: str
    title: str  # of the story
    state: str
    claimed_by: str  # a colleague who looks at it now, or nothing
    seen: str  # what a decision is made upon, as in desk.Card
    urgent: str  # "illegal", "reported", "look" or nothing


@dataclass(frozen=True)
class QueueView:
    """A queue as one looks at it: which, through which filters, behind which row."""

    queue: str
    user: User
    filters: tuple[ActiveFilter, ...]
    values: dict[str, str]
    where: Q  # over Comment for "recent", else over Case
    after: int | None  # a case, or for "recent" a comment

    @classmethod
    def read(cls, query: QueryDict, user: User) -> "QueueView":
        """Raises Http404 for what is no queue, and for a value that no filter can have."""
        queue = query.get("queue", "waiting")
        if queue not in (*QUEUES, RECENT):
            raise Http404
        values, told, where = queue_filters.parse_filters(query, user, of_cases=queue != RECENT)
        bare = cls(queue, user, (), {}, where, None)
        shown = tuple(
            ActiveFilter(
                label, said, replace(bare, values={k: v for k, v in values.items() if k != name}).query()
            )
            for name, (label, said) in told.items()
        )
        after = queue_filters.whole_number(query.get("after"))
        return replace(bare, filters=shown, values=values, after=after)

    def query(self) -> str:
        """Of the URL of its start; the waiting ones without a filter need none."""
        return self.inside() if self.values or self.queue != "waiting" else ""

    def inside(self, after: int | None = None) -> str:
        """Of the URL of one of its cases, or of what lies behind one."""
        further = {"after": after} if after else {}
        return f"?{urlencode({'queue': self.queue, **self.values, **further})}"

    @property
    def label(self) -> str:
        return _queue_label(self.queue)

    def rows(self) -> QuerySet[Any]:
        """All of the queue, first things first: Cases, or for "recent" Comments."""
        if self.queue == RECENT:
            return Comment.objects.moderated_by(self.user).filter(self.where).order_by("-pk")
        found = open_cases(self.user).filter(QUEUES[self.queue][1], self.where)
        return found.exclude(comment__state_reason=Reason.SEALED).order_by("due_at", "pk")

    def further(self) -> QuerySet[Any]:
        """The same, behind `after`. What that names may have left the queue: its time is still its place."""
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
        """How many a filter leaves, up to COUNTED and one more."""
        return int(self.rows().order_by()[: MAX_COUNTED + 1].count())

    def gather(self) -> Group | None:
        """A list of all that is here now, to decide on as one; None for nothing. What is gone already is left
        out, though another look at it is asked.

        At the edge, where it is seen first, stands that against which the least was found.
        """
        if self.queue == RECENT:
            chosen = self.rows().filter(state__in=OPEN_STATES).values_list("pk", Value(0.0))
        else:
            found = self.rows().filter(comment__state__in=OPEN_STATES)
            chosen = found.values_list("comment_id", "score")
        rows = dict(chosen[:MAX_LIST_SIZE])
        if not rows:
            return None
        seen = last_decisions(rows)
        codes = queue_filters.storable_values(self.values)
        typed = sorted(self.values.keys() - codes.keys())
        with transaction.atomic():
            group = Group.objects.create(
                kind=Group.Kind.QUEUE,
                run=uuid4(),
                size=len(rows),
                shared={"query": replace(self, values=codes).query(), "typed": typed},
            )
            similar.add_members(
                group, list(rows), list(rows.values()), [0] * len(rows), [seen.get(pk) for pk in rows]
            )
        return group

    def first_free(self) -> int | None:
        """The first case that no colleague is looking at, however many of the first ones somebody is."""
        free = self.further().exclude(cases.claimed_by_others(self.user))
        return free.values_list("comment", flat=True).first()

    def items(self) -> tuple[list[QueueItem], bool]:
        """The next LISTED, and whether more follow. Two statements."""
        prefix = "" if self.queue == RECENT else "comment__"
        of_comment = ("author_name", "state", "text_missing")
        fields = [f"{prefix}{name}" for name in of_comment]
        story = title_for(self.user, f"{prefix}discussion__article__")
        if self.queue == RECENT:
            found = self.further().annotate(start=Left("body_html", EXCERPT_LENGTH), story=story)
            columns = ("pk", "start", "story", *fields)
            rows = [(pk, None, *rest) for pk, *rest in found.values_list(*columns)[: PAGE_SIZE + 1]]
        else:
            flags = ("claimed_by", "claimed_by__name", "claimed_until", "is_illegal", "is_reported")
            found = self.further().annotate(start=Left("comment__body_html", EXCERPT_LENGTH), story=story)
            columns = ("comment_id", "pk", "start", "story", *fields, *flags, "is_second_look")
            rows = list(found.values_list(*columns)[: PAGE_SIZE + 1])
        more = len(rows) > PAGE_SIZE
        seen = last_decisions(row[0] for row in rows[:PAGE_SIZE])
        now = timezone.now()
        return [self._item(row, seen, now) for row in rows[:PAGE_SIZE]], more

    def _item(self, row: Sequence[Any], seen: dict[int, int], now: datetime) -> QueueItem:
        comment, case, start, title, name, state, missing, *flags = row
        who, who_name, until, illegal, reported, look = flags or (None, "", None, False, False, False)
        is_taken = who not in (None, self.user.pk) and until is not None and until > now
        return QueueItem(
            comment=comment,
            case=case,
            name=name,
            excerpt=first_words(start, 120) or str(Comment.Missing(missing).label if missing else ""),
            title=title,
            state=str(State(state).label) if case is None else "",
            claimed_by=who_name if is_taken else "",
            seen=f"{comment}.{seen.get(comment, 0)}",
            urgent="illegal" if illegal else "reported" if reported else "look" if look else "",
        )


def describe_source(group: Group, user: User) -> list[str]:
    """The queue that a list was made of, and the filters before it: Waiting · Story: The slip closes"""
    query = QueryDict(group.shared["query"].removeprefix("?"))
    queue = query.get("queue", "waiting")
    return [_queue_label(queue), *queue_filters.describe_filters(query, group.shared["typed"], user)]


def _queue_label(queue: str) -> str:
    return str(_("All recent") if queue == RECENT else QUEUES[queue][0])


def open_cases(user: User) -> QuerySet[Case]:
    """The questions that this person may answer."""
    found = Case.objects.open().exclude(reporting.not_for(user))
    if user.is_moderator:
        return found
    return found.filter(discussion__in=Article.objects.editable_by(user).values("pk"))


def summarize_queues(view: QueueView, base: str) -> list[QueueSummary]:
    """All queues, each with its size and the age of its oldest: five statements. `base`: the desk's URL.

    Second looks are also those that people ask for at a sanction, which stand under People.
    """
    numbers: dict[str, Any] = {}
    for key, (_label, where) in QUEUES.items():
        numbers |= {key: Count("pk", filter=where), f"{key}_oldest": Min("opened_at", filter=where)}
    is_illegal = Q(is_illegal=True)
    numbers["illegal"] = Count("pk", filter=is_illegal)
    numbers["illegal_published"] = Count("pk", filter=is_illegal & Q(is_waiting=False))
    found = open_cases(view.user).aggregate(**numbers)
    people = _count_sanction_appeals(view.user)
    if people["n"]:
        earliest = [at for at in (found["second_oldest"], people["oldest"]) if at]
        found |= {"second": found["second"] + people["n"], "second_oldest": min(earliest)}
    now = timezone.now()

    def line(key: str, label: Any, count: int | None, oldest: datetime | None) -> QueueSummary:
        url = base + (f"?queue={key}" if key != "waiting" else "")
        age = words.ago(now - oldest) if oldest else ""
        illegal = found["illegal"] if key in {"waiting", "reported"} else 0
        asking = people["n"] if key == "second" else 0
        published = found["illegal_published"] if key == "waiting" else 0
        return QueueSummary(str(label), url, count, age, key == view.queue, illegal, published, asking)

    lines = [line(key, label, found[key], found[f"{key}_oldest"]) for key, (label, _where) in QUEUES.items()]
    if alike := _similar_summary(view.user):
        lines.insert(3, alike)
        lines += _second_opinion_summary(view.user)
    return [*lines, line(RECENT, _("All recent"), None, None)]


def _count_sanction_appeals(user: User) -> dict[str, Any]:
    """How many sanctions this person may look at again, and since when the oldest is asked about."""
    if not user.is_moderator:
        return {"n": 0, "oldest": None}
    asked = sanctions.to_answer(user).order_by()
    return dict(asked.aggregate(n=Count("pk"), oldest=Min("asked_at")))


def _similar_summary(user: User) -> QueueSummary | None:
    """The groups of alike comments that nobody has looked at; they span stories, so editors have none."""
    if not user.is_moderator:
        return None
    found = shown.groups(user).order_by().aggregate(n=Count("pk"), oldest=Min("made_at"))
    oldest = words.ago(timezone.now() - found["oldest"]) if found["oldest"] else ""
    return QueueSummary(_("Similar comments"), reverse("moderation:similar"), found["n"], oldest, False)


def _second_opinion_summary(user: User) -> list[QueueSummary]:
    """What colleagues decided and somebody should look at who is not told how; a line if there is any."""
    found = second_opinions.open_for(user).order_by().aggregate(n=Count("pk"), oldest=Min("asked_at"))
    if not found["n"]:
        return []
    age = words.ago(timezone.now() - found["oldest"])
    return [QueueSummary(_("Second opinions"), reverse("moderation:opinions"), found["n"], age, False)]


def waiting_text(waiting: QueueSummary) -> str:
    """14 waiting, oldest 3 h; 1 reported as illegal · 14 waiting, oldest 3 h"""
    if not waiting.count:
        return _("Nothing is waiting.")
    if not (count := waiting.count - waiting.published):
        return waiting.illegal_in_words
    said = ngettext("%(n)s waiting, oldest %(oldest)s", "%(n)s waiting, oldest %(oldest)s", count)
    said %= {"n": f"{count:,}", "oldest": waiting.oldest}
    return f"{waiting.illegal_in_words} · {said}" if waiting.illegal else said
