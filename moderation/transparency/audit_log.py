"""The whole log of decisions, to read, to filter and to take out. It has ids and codes, no comment's words.

Lines come newest first, in pages that start behind a line: the millionth costs what the first does.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from articles.models import NOT_PUBLISHED, Article
from articles.story_links import find_story
from comments import removal_reasons
from comments.models import Reason, State, Transition
from moderation.queue.filters import whole_number

PAGE = 50
CHUNK = 2_000  # lines that a statement reads for the file

# What can have happened, as it is asked for: the fields of a line.
WHAT: dict[str, tuple[Any, dict[str, Any]]] = {
    "approved": (_("approved or published"), {"to_state": State.PUBLISHED}),
    "removed": (_("removed"), {"to_state": State.REJECTED}),
    "spam": (_("marked as spam"), {"to_state": State.SPAM}),
    "waiting": (_("waiting for review"), {"to_state": State.PENDING}),
    "deleted": (_("deleted by its author"), {"to_state": State.DELETED}),
    "moved": (_("moved"), {"kind": Transition.Kind.MOVE}),
}

# Whose decision a line is: what only tells that somebody wrote, or took back, is neither's.
_BY = {
    "person": Q(actor__isnull=False) & ~Q(reason__in=[Reason.POSTED, Reason.SCREENED, Reason.AUTHOR]),
    "machine": (Q(actor=None) | Q(reason=Reason.SCREENED)) & ~Q(reason__in=[Reason.POSTED, Reason.AUTHOR]),
}
BOUNDS = [MinValueValidator(date(1970, 1, 1)), MaxValueValidator(date(2199, 12, 31))]


class LogForm(forms.Form):
    """What is looked for. All of it may be left out; days are the site's."""

    what = forms.ChoiceField(label=_("What"), required=False)
    reason = forms.ChoiceField(label=_("Reason"), required=False)
    by = forms.ChoiceField(
        label=_("By"),
        required=False,
        choices=[
            ("", _("anybody")),
            ("person", _("a moderator or an editor")),
            ("machine", _("the checks or the system")),
        ],
    )
    who = forms.CharField(label=_("Who"), required=False, max_length=200)
    article = forms.CharField(label=_("Story"), required=False, max_length=300)
    comment = forms.IntegerField(label=_("Comment"), required=False, min_value=1, max_value=2**62)
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput({"type": "date"}), validators=BOUNDS
    )
    until = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput({"type": "date"}), validators=BOUNDS
    )

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        for each in self.fields.values():
            chosen = isinstance(each, forms.ChoiceField)
            each.widget.attrs["class"] = "form-select" if chosen else "form-control"
        self.fields["who"].widget.attrs["placeholder"] = _("name")
        self.fields["article"].widget.attrs["placeholder"] = _("title or URL")
        what: Any = self.fields["what"]
        what.choices = [("", _("anything")), *((key, words) for key, (words, _fields) in WHAT.items())]
        reason: Any = self.fields["reason"]
        reason.choices = [("", _("any")), *((code, removal_reasons.label(code)) for code in _codes())]


def _codes() -> list[str]:
    return list(dict.fromkeys([*Reason.values, *removal_reasons.known()]))


def lines(asked: Mapping[str, Any], zone: tzinfo, user: User | None) -> QuerySet[Transition]:
    """The lines that this person asked for (LogForm.cleaned_data), newest first."""
    found = Transition.objects.order_by("-at", "-id")
    if what := asked.get("what"):
        found = found.filter(**WHAT[what][1])
    if reason := asked.get("reason"):
        found = found.filter(reason=reason)
    if by := asked.get("by"):
        found = found.filter(_BY[by])
    if who := asked.get("who"):
        found = found.filter(actor__in=list(_named(who).values_list("pk", flat=True)[:100]))
    if article := asked.get("article"):
        story = find_story(article)
        known = Article.objects.known_to(user)
        named = known.filter(pk=story.pk) if story else known.filter(title__icontains=article)
        found = found.filter(discussion__in=list(named.order_by().values_list("pk", flat=True)[:100]))
    if comment := asked.get("comment"):
        found = found.filter(comment=comment)
    if since := asked.get("since"):
        found = found.filter(at__gte=start_of(since, zone))
    if until := asked.get("until"):
        found = found.filter(at__lt=start_of(until + timedelta(days=1), zone))
    return found


def _named(who: str) -> QuerySet[User]:
    """By name, or by number as "#12". Not by e-mail, which not every moderator may read."""
    if who.startswith("#") and (number := whole_number(who[1:])) is not None:
        return User.objects.filter(pk=number)
    return User.objects.filter(name__iexact=who)


def start_of(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone)


@dataclass(frozen=True)
class Part:
    """A page of lines, and behind which one the next starts (nothing: this is the last)."""

    rows: list[Transition] = field(default_factory=list)
    next: int | None = None


def part(found: QuerySet[Transition], before: int | None) -> Part:
    rows = list(_with_names(_behind(found, before))[: PAGE + 1])
    return Part(rows[:PAGE], rows[PAGE - 1].pk if len(rows) > PAGE else None)


def _behind(found: QuerySet[Transition], before: int | None) -> QuerySet[Transition]:
    if before is None:
        return found
    last = Transition.objects.filter(pk=before).values_list("at", flat=True).first()
    if last is None:
        return found.none()
    # Said twice: the first bound is what the index is entered at.
    return found.filter(at__lte=last).exclude(at=last, pk__gte=before)


def _with_names(found: QuerySet[Transition]) -> QuerySet[Transition]:
    named = found.select_related("actor", "discussion__article")
    return named.only(
        *("kind", "comment", "revision", "from_state", "to_state", "from_reason", "reason"),
        *("new_parent", "batch", "at", "seq"),
        *("actor__name", "discussion__article__title", "discussion__article__slug"),
        "discussion__article__published_at",
    )


COLUMNS = [
    *("line", "at", "kind", "comment", "revision", "from", "from_reason", "to", "reason"),
    *("under", "by", "act", "story", "url"),
]
FORMULA = tuple("=+-@\t\r\n＝＋－＠–")  # what a spreadsheet may take for the start of something to run


def as_csv(found: QuerySet[Transition], user: User | None) -> Iterator[bytes]:
    """The lines as a file that a spreadsheet opens, a few thousand at a time: UTF-8 with its mark, by which
    Excel knows it; times in UTC. Lines that are written meanwhile are not in it."""
    yield "\ufeff".encode() + _rows([COLUMNS])
    before = None
    newest = Transition.objects.order_by("-id").values_list("pk", flat=True).first() or 0
    people: dict[int, str] = {}
    stories: dict[int, tuple[str, str]] = {}
    while rows := list(_behind(found.filter(pk__lte=newest), before).values_list(*FIELDS)[:CHUNK]):
        _learn(rows, people, stories, user)
        yield _rows(_cells(row, people, stories) for row in rows)
        before = rows[-1][0]


# Not instances: of a million lines each would take as long as all else.
FIELDS = [
    *("pk", "at", "kind", "comment", "revision", "from_state", "from_reason", "to_state", "reason"),
    *("new_parent", "actor", "batch", "discussion"),
]


def _learn(
    rows: Iterable[tuple[Any, ...]],
    people: dict[int, str],
    stories: dict[int, tuple[str, str]],
    user: User | None,
) -> None:
    """Names by key, and titles with URLs, as far as they are new in these rows: two statements at most. Of a
    story whose title this person may not read there is no URL either."""
    actors = {row[-3] for row in rows} - people.keys() - {None}
    people |= {user.pk: str(user) for user in User.objects.only("name").filter(pk__in=actors)}
    told = {row[-1] for row in rows} - stories.keys()
    found = Article.objects.filter(pk__in=told)
    for pk, title, slug in found.known_to(user).values_list("pk", "title", "slug"):
        stories[pk] = title, f"{settings.SITE_URL}{reverse('story', args=[slug])}"
    for pk in told - stories.keys():
        stories[pk] = gettext(NOT_PUBLISHED), ""


def _cells(row: tuple[Any, ...], people: dict[int, str], stories: dict[int, tuple[str, str]]) -> list[object]:
    *told, parent, actor, act, story = row
    told[1] = told[1].isoformat(timespec="seconds")
    title, url = stories[story]
    by = people[actor] if actor else ""
    return [*told, parent or "", by, act or "", title, f"{url}comments/{told[3]}/" if url else ""]


def _rows(rows: Iterable[list[Any]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue().encode()


def safe(cell: object) -> str:
    """A cell that no spreadsheet runs: what starts like a formula gets an apostrophe before it."""
    text = str(cell).replace("\x00", "")
    return f"'{text}" if text.lstrip(" \u00a0\u200b\ufeff").startswith(FORMULA) else text
