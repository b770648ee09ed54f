"""The audit log: every transition, with filters, pages and a CSV export. It has ids and codes, no texts.

Entries are ordered newest first. A page starts after a given entry, so that late pages are as fast as the
first.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta, tzinfo
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from articles.article_links import find_article
from articles.models import UNPUBLISHED_TITLE, Article
from comments import removal_reasons
from comments.models import AUTHOR_DELETION_REASONS, UNDONE_REASONS, Reason, State, Transition
from core.dates.days import start_of_day
from core.paging import PageCursor, older_than
from core.query_forms import parse_whole_number

PAGE_SIZE = 50
BATCH_SIZE = 2_000  # entries per statement for the CSV file

# Choices of the filter by event: the label, and the fields of the transition.
EVENTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "approved": (_("approved or published"), {"to_state": State.PUBLISHED}),
    "removed": (_("removed"), {"to_state": State.REJECTED}),
    "spam": (_("marked as spam"), {"to_state": State.SPAM}),
    "waiting": (_("waiting for review"), {"to_state": State.PENDING}),
    "deleted": (_("deleted by its author"), {"to_state": State.DELETED, "reason": Reason.AUTHOR}),
    "undone": (_("posting or import undone"), {"to_state": State.DELETED, "reason__in": UNDONE_REASONS}),
    "moved": (_("moved"), {"kind": Transition.Kind.MOVE}),
}

_AUTHOR_REASONS = [Reason.POSTED, *AUTHOR_DELETION_REASONS]
# Choices of the filter by decider: "person", or "machine" (automatic checks or a job, no person). Posting and
# deleting one's own comment are decisions of neither.
_CONDITION_BY_DECIDER = {
    "person": Q(actor__isnull=False) & ~Q(reason__in=[Reason.SCREENED, *_AUTHOR_REASONS]),
    "machine": (Q(actor=None) | Q(reason=Reason.SCREENED)) & ~Q(reason__in=_AUTHOR_REASONS),
}
_OUT_OF_BOUNDS = _("Enter a day between 1970 and 2199.")
BOUNDS = [
    MinValueValidator(date(1970, 1, 1), _OUT_OF_BOUNDS),
    MaxValueValidator(date(2199, 12, 31), _OUT_OF_BOUNDS),
]


class AuditLogForm(forms.Form):
    """The filters of the audit log. All are optional; days are in the site's time zone."""

    what = forms.ChoiceField(label=_("Event"), required=False)
    reason = forms.ChoiceField(label=_("Reason"), required=False)
    by = forms.ChoiceField(
        label=_("By"),
        required=False,
        choices=[
            ("", _("anyone")),
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
        for form_field in self.fields.values():
            chosen = isinstance(form_field, forms.ChoiceField)
            form_field.widget.attrs["class"] = "form-select" if chosen else "form-control"
        self.fields["who"].widget.attrs["placeholder"] = _("name")
        self.fields["article"].widget.attrs["placeholder"] = _("title or URL")
        what: Any = self.fields["what"]
        what.choices = [("", _("any")), *((key, label) for key, (label, _fields) in EVENTS.items())]
        reason: Any = self.fields["reason"]
        codes = dict.fromkeys([*Reason.values, *removal_reasons.all_reasons()])
        reason.choices = [("", _("any")), *((code, removal_reasons.label(code)) for code in codes)]


def filtered_entries(filters: Mapping[str, Any], zone: tzinfo, user: User | None) -> QuerySet[Transition]:
    """Return the entries that match the filters (AuditLogForm.cleaned_data), newest first."""
    entries = Transition.objects.order_by("-at", "-id")
    if what := filters.get("what"):
        entries = entries.filter(**EVENTS[what][1])
    if reason := filters.get("reason"):
        entries = entries.filter(reason=reason)
    if by := filters.get("by"):
        entries = entries.filter(_CONDITION_BY_DECIDER[by])
    if who := filters.get("who"):
        entries = entries.filter(actor__in=list(_accounts(who).values_list("pk", flat=True)[:100]))
    if text := filters.get("article"):
        article = find_article(text)
        visible_articles = Article.objects.with_title_visible_to(user)
        titled = visible_articles.filter(title__icontains=text)
        matching = visible_articles.filter(pk=article.pk) if article else titled
        entries = entries.filter(discussion__in=list(matching.order_by().values_list("pk", flat=True)[:100]))
    if comment := filters.get("comment"):
        entries = entries.filter(comment=comment)
    if since := filters.get("since"):
        entries = entries.filter(at__gte=start_of_day(since, zone))
    if until := filters.get("until"):
        entries = entries.filter(at__lt=start_of_day(until + timedelta(days=1), zone))
    return entries


def _accounts(who: str) -> QuerySet[User]:
    """Return accounts by name or by number ("#12"), not by e-mail, which not every moderator may read."""
    if who.startswith("#") and (number := parse_whole_number(who[1:])) is not None:
        return User.objects.filter(pk=number)
    return User.objects.filter(name__iexact=who)


def with_names(entries: QuerySet[Transition]) -> QuerySet[Transition]:
    """Return the entries with the names and titles that a page shows, and without other columns."""
    named = entries.select_related("actor", "discussion__article")
    return named.only(
        *("kind", "comment", "revision", "from_state", "to_state", "from_reason", "reason"),
        *("new_parent", "action_id", "at", "seq"),
        *("actor__name", "discussion__article__title", "discussion__article__slug"),
        "discussion__article__published_at",
    )


COLUMNS = [
    *("line", "at", "kind", "comment", "revision", "from", "from_reason", "to", "reason"),
    *("under", "by", "act", "story", "url"),
]
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠–")  # characters that may start a formula in a spreadsheet


def as_csv(entries: QuerySet[Transition], user: User | None) -> Iterator[bytes]:
    """Yield the entries as parts of a CSV file. Times are in UTC.

    It is UTF-8 with a byte order mark, which Excel needs. Entries that are added meanwhile are left out.
    """
    yield "\ufeff".encode() + _csv_lines([COLUMNS])
    before: PageCursor | None = None
    newest = Transition.objects.order_by("-id").values_list("pk", flat=True).first() or 0
    people: dict[int, str] = {}
    articles_by_id: dict[int, tuple[str, str]] = {}
    stored = entries.filter(pk__lte=newest)
    while rows := list(older_than(stored, "at", before).values_list(*FIELDS)[:BATCH_SIZE]):
        _load_names(rows, people, articles_by_id, user)
        yield _csv_lines(_cells(row, people, articles_by_id) for row in rows)
        pk, at, *_values = rows[-1]
        before = PageCursor(at, pk)


# Tuples instead of model instances, which would double the time for a million entries.
FIELDS = [
    *("pk", "at", "kind", "comment", "revision", "from_state", "from_reason", "to_state", "reason"),
    *("new_parent", "actor", "action_id", "discussion"),
]


def _load_names(
    rows: Iterable[tuple[Any, ...]],
    people: dict[int, str],
    articles_by_id: dict[int, tuple[str, str]],
    user: User | None,
) -> None:
    """Add the names of people and the titles and URLs of articles that are new in these rows.

    It takes at most two statements. An article whose title `user` may not read gets no URL either.
    """
    actors = {row[-3] for row in rows} - people.keys() - {None}
    people |= {user.pk: str(user) for user in User.objects.only("name").filter(pk__in=actors)}
    new_articles = {row[-1] for row in rows} - articles_by_id.keys()
    found = Article.objects.filter(pk__in=new_articles)
    for pk, title, slug in found.with_title_visible_to(user).values_list("pk", "title", "slug"):
        articles_by_id[pk] = title, f"{settings.SITE_URL}{reverse('story', args=[slug])}"
    for pk in new_articles - articles_by_id.keys():
        articles_by_id[pk] = gettext(UNPUBLISHED_TITLE), ""


def _cells(
    row: tuple[Any, ...], people: dict[int, str], articles_by_id: dict[int, tuple[str, str]]
) -> list[object]:
    *cells, parent, actor, action, article = row
    cells[1] = cells[1].isoformat(timespec="seconds")
    title, article_url = articles_by_id[article]
    by = people[actor] if actor else ""
    return [
        *cells,
        parent or "",
        by,
        action or "",
        title,
        f"{article_url}comments/{cells[3]}/" if article_url else "",
    ]


def _csv_lines(rows: Iterable[list[Any]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([csv_cell(cell) for cell in row] for row in rows)
    return out.getvalue().encode()


def csv_cell(cell: object) -> str:
    """Return a cell that no spreadsheet evaluates: text that starts like a formula gets an apostrophe."""
    text = str(cell).replace("\x00", "")
    return f"'{text}" if text.lstrip(" \u00a0\u200b\ufeff").startswith(FORMULA_STARTS) else text
