"""Profiles: what is known about a person, who is an account, a guest or the author name of an import.

The number of statements does not grow with the number of people.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import BooleanField, Case, Count, Exists, F, Min, OuterRef, Q, Value, When
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import READER, Guest, User
from articles.models import Article
from comments.models import Comment, Reason, State
from core.database.sql import fetch_rows
from moderation.models import IllegalContentReport, ModeratorNote, Report, Sanction
from moderation.models.people import person_key
from moderation.people.active_sanctions import active_by_person
from moderation.queue import explanations
from moderation.screening import origins

DOUBLE_CLICK = timedelta(minutes=1)  # the same input by the same moderator within it is a second click
SEARCH_MOST = 30  # accounts, guests and imported names, each


@dataclass(frozen=True)
class Person:
    """An account, a guest, or an imported name. Exactly one field is set.

    `comment` stands for an imported name: it is any one of the comments under that name.
    """

    user: User | None = None
    guest: Guest | None = None
    comment: Comment | None = None

    @classmethod
    def of(cls, comment: Comment) -> "Person":
        """Return the author of a comment."""
        if comment.author_id:
            return cls(user=comment.author)
        return cls(guest=comment.guest) if comment.guest_id else cls(comment=comment)

    @property
    def key(self) -> str:
        """Return the key for URLs: u12 for an account, g7 for a guest, i123 for the name of comment 123."""
        row: Any = self.user or self.guest or self.comment
        return f"{'u' if self.user else 'g' if self.guest else 'i'}{row.pk}"

    @property
    def name(self) -> str:
        if self.comment:
            return self.comment.author_name or _("Anonymous")
        return str(self.user or self.guest) or _("Anonymous")

    @property
    def is_blank(self) -> bool:
        """Return whether the name and e-mail of this account or guest were deleted."""
        row = self.user or self.guest
        return row is not None and not row.name

    @property
    def email(self) -> str:
        """Return the e-mail; empty for imported names and blanked people. See can_read_emails."""
        row = self.user or self.guest
        return row.email if row and row.name else ""  # a blanked account has a placeholder

    @property
    def as_fields(self) -> dict[str, Any]:
        """Return the person as fields of a ModeratorNote or Sanction. An imported name has no sanction."""
        if self.comment:
            return {"comment": self.comment}
        return {"user": self.user, "guest": self.guest}

    def get_absolute_url(self) -> str:
        return person_url(self.key)

    def lock(self) -> None:
        """Lock the account or guest until the transaction ends. Discussions are locked after it, not before.

        Of two actions on one person, the second waits and then sees the result of the first.
        """
        if self.user:
            User.objects.select_for_update(no_key=True).get(pk=self.user.pk)
        elif self.guest:
            Guest.objects.select_for_update(no_key=True).get(pk=self.guest.pk)

    def comments(self) -> Any:
        """Return all comments of this person."""
        if self.comment:
            imported = _imported_comments()
            return imported.filter(source=self.comment.source, author_name=self.comment.author_name)
        return Comment.objects.written_by(self.user, self.guest)


@dataclass(frozen=True)
class AuthorRecord:
    """The author of one comment, as moderators know them. The numbers leave out that comment."""

    url: str  # of the person's profile
    since: datetime | None  # when they joined or first commented
    states: Counter[str] = field(default_factory=Counter)  # number of comments by State
    reports_received: int = 0  # reports of their comments, including those of illegal content
    reports_sent: int = 0
    sanctions: list[Sanction] = field(default_factory=list)  # active ones, also through the same e-mail
    same_email: list[str] = field(default_factory=list)  # names of others with the same confirmed e-mail
    same_name: int = 0  # number of other people with the same name; they may be different persons
    same_name_states: str = ""  # the comments of these others: "2 published, 1 spam"
    ip: str = ""  # a short form of the hash of the comment's IP address, while it is kept
    same_ip: list[str] = field(default_factory=list)  # names of others at that address, the latest first
    people_at_ip: int = 0  # number of these others, among the last origins.MAX_COMMENTS_PER_ADDRESS comments
    notes: list[ModeratorNote] = field(
        default_factory=list
    )  # on the comment and on the person, the oldest first

    @property
    def is_first(self) -> bool:
        """Return whether the person has no other comment."""
        return not +self.states

    @property
    def states_text(self) -> str:
        """Return the other comments in words, such as "3 published, 1 removed"; empty if there are none."""
        return explanations.describe_state_counts(self.states)


PERSON_KEY = re.compile(r"([ugi])([1-9][0-9]{0,17})", re.ASCII)


def find_person(key: str) -> Person | None:
    """Return the person with this key, which is an account (u12), a guest (g7) or an imported name (i123)."""
    if not (match := PERSON_KEY.fullmatch(key)):
        return None
    kind, pk = match[1], int(match[2])
    if kind == "u":
        found = Person(user=User.objects.filter(pk=pk).first())
    elif kind == "g":
        found = Person(guest=Guest.objects.filter(pk=pk).first())
    else:
        found = Person(
            comment=_imported_comments().filter(pk=pk).select_related("discussion__article").first()
        )
    return found if found.user or found.guest or found.comment else None


@dataclass(frozen=True)
class SharedAddress:
    """An IP address that a person commented from in the last 30 days."""

    ip: str  # a short form of its hash
    others: list[tuple[str, str]]  # (URL, name) of other people at this address


@dataclass(frozen=True)
class PersonFacts:
    """Facts about one person, from all of their comments."""

    description: str  # "account" · "guest, e-mail confirmed" · "imported from CNN"
    since: datetime | None
    states: list[tuple[str, str, int]]  # (state, its label, number of comments)
    reports_received: int  # including those of illegal content
    illegal_reports: int
    reports_sent: int
    same_email: list[tuple[str, str]]  # (URL, name) of others with the same confirmed e-mail
    addresses: list[SharedAddress]  # the one used last first


def person_facts(person: Person, user: User) -> PersonFacts:
    """Return what this moderator or editor may know about a person.

    Editors see fewer others, as in `author_records`.
    """
    stories = _visible_stories(user)
    users = [person.user.pk] if person.user else []
    guests = [person.guest.pk] if person.guest else []
    imported = [person.comment] if person.comment else []
    states, since = _states(users, guests, imported)
    received, illegal, sent = _reports(users, guests, [comment.pk for comment in imported])
    theirs = person.comments().moderated_by(user, include_restricted=True).order_by("-created_at")
    latest = theirs.values_list("pk", flat=True)[: origins.MAX_COMMENTS_PER_ADDRESS]
    by_ip = dict(origins.people_by_address(latest, stories).values())
    return PersonFacts(
        description=_describe(person),
        since=since.get(person.key),
        states=[(s.value, str(s.label), states[person.key][s]) for s in State if states[person.key][s]],
        reports_received=received[person.key],
        illegal_reports=illegal[person.key],
        reports_sent=sent[person.key],
        same_email=[(person_url(key), name) for key, name in _same_email(users, guests, stories)[person.key]],
        addresses=[
            SharedAddress(
                origins.shorten_hash(ip),
                [(person_url(key), name) for key, name in others.items() if key != person.key],
            )
            for ip, others in by_ip.items()
        ],
    )


def add_note(*, text: str, by: User, **about: Any) -> ModeratorNote:
    """Add a note on a comment (`comment`) or on a person (Person.as_fields). A double click adds one note."""
    now = timezone.now()
    with transaction.atomic():
        Person(user=by).lock()
        same = ModeratorNote.objects.filter(text=text, by=by, at__gt=now - DOUBLE_CLICK, **about).first()
        return same or ModeratorNote.objects.create(text=text, by=by, at=now, **about)


def notes_on(person: Person) -> list[ModeratorNote]:
    """Return the notes on a person, the oldest first; for an imported name, those on the comment."""
    return list(ModeratorNote.objects.filter(**person.as_fields).select_related("by"))


@dataclass(frozen=True)
class SearchResult:
    """A person that a search found."""

    person: Person
    description: str  # as in PersonFacts
    states: str  # "3 published, 1 removed"


def can_read_profile(user: User, person: Person) -> bool:
    """Return whether `user` may see this person's profile.

    Moderators may see every profile, editors those of people who commented under articles that they may edit.
    """
    return user.is_moderator or person.comments().moderated_by(user, include_restricted=True).exists()


def search(query: str, user: User) -> list[SearchResult]:
    """Return accounts, guests and imported names that contain `query`, at most SEARCH_MOST of each.

    Only people whose profile `user` may see are found. E-mails are searched if `user` may read them.
    """
    matches = Q(name__icontains=query)
    if can_read_emails(user):
        matches |= Q(email__icontains=query)
    by_account, by_guest, names = Q(), Q(), _imported_comments()
    if not user.is_moderator:
        theirs = Comment.objects.moderated_by(user, include_restricted=True)
        by_account = Q(Exists(theirs.filter(author=OuterRef("pk"))))
        by_guest = Q(Exists(theirs.filter(guest=OuterRef("pk"), author=None)))
        names = names.moderated_by(user, include_restricted=True)
    users = list(User.objects.filter(matches, by_account).order_by("-date_joined")[:SEARCH_MOST])
    roles = defaultdict(set)
    for pk, role in User.objects.filter(pk__in=[user.pk for user in users]).values_list("pk", "groups__name"):
        roles[pk].add(role or READER)
    for user in users:
        user.roles = frozenset(roles[user.pk])  # avoids a query for each account
    guests = list(Guest.objects.filter(matches, by_guest).order_by("-created_at")[:SEARCH_MOST])
    imported = list(
        names.filter(author_name__icontains=query)
        .select_related("discussion__article")
        .defer("body", "body_html", "discussion__article__body", "discussion__article__body_html")
        .order_by("source", "author_name", "pk")
        .distinct("source", "author_name")[:SEARCH_MOST]
    )
    states, _since = _states([user.pk for user in users], [guest.pk for guest in guests], imported)
    people = [
        *(Person(user=user) for user in users),
        *(Person(guest=guest) for guest in guests),
        *(Person(comment=comment) for comment in imported),
    ]
    return [
        SearchResult(person, _describe(person), explanations.describe_state_counts(states[person.key]))
        for person in people
    ]


def _describe(person: Person) -> str:
    """Return what kind of person it is, with the roles of an account and the source of an imported name."""
    if person.user:
        return ", ".join([_("account"), *sorted(person.user.roles - {READER})])
    if person.guest:
        confirmed = person.guest.confirmed_at
        return _("guest, e-mail confirmed") if confirmed else _("guest, e-mail not confirmed")
    assert person.comment is not None
    source = person.comment.discussion.article.source_name
    return _("imported from %(source)s") % {"source": source} if source else _("imported")


def person_url(key: str) -> str:
    return reverse("moderation:person", args=[key])


def can_read_emails(user: User) -> bool:
    """Return whether `user` may read e-mails, as in the admin: moderators and administrators, not editors."""
    return user.has_perm("accounts.view_user") and user.has_perm("accounts.view_guest")


def author_records(comments: Sequence[Comment], user: User) -> dict[int, AuthorRecord]:
    """Return what is known about the author of each comment, by comment id, in at most twelve statements.

    An editor sees other people with the same name, e-mail or IP address only if these commented under the
    editor's own articles, which takes one more statement.
    """
    stories = _visible_stories(user)
    keys = {c.pk: _key(c.author_id, c.guest_id, c.pk) for c in comments}
    users = {comment.author_id for comment in comments if comment.author_id}
    guests = {comment.guest_id for comment in comments if comment.guest_id and not comment.author_id}
    imported = [comment for comment in comments if not (comment.author_id or comment.guest_id)]
    states, since = _states(users, guests, imported)
    received, _illegal, sent = _reports(users, guests, [comment.pk for comment in imported])
    sanctions = active_by_person(users, guests)
    same_email = _same_email(users, guests, stories)
    same_name = _same_name(keys, stories)
    addresses = origins.people_by_address(keys, stories)
    notes = _notes(list(keys), users, guests)
    found = {}
    for comment in comments:
        key = keys[comment.pk]
        ip, people_there = addresses.get(comment.pk, (b"", {}))
        others = {other: name for other, name in people_there.items() if other != key}
        found[comment.pk] = AuthorRecord(
            url=person_url(key),
            since=since.get(key),
            states=states[key] - Counter([comment.state]),
            reports_received=received[key],
            reports_sent=sent[key],
            sanctions=sanctions.get(key, []),
            same_email=[name for _other, name in same_email[key]],
            same_name=same_name[comment.pk][0],
            same_name_states=explanations.describe_state_counts(same_name[comment.pk][1]),
            ip=origins.shorten_hash(ip),
            same_ip=list(dict.fromkeys(others.values())),
            people_at_ip=len(others),
            notes=sorted(notes[f"#{comment.pk}"] + notes[key], key=lambda note: (note.at, note.pk)),
        )
    return found


def _key(user: int | None, guest: int | None, comment: int | None) -> str:
    return person_key(user, guest) if user or guest else f"i{comment}"


def _imported_comments() -> Any:
    """Return the comments under imported names, without restricted and permanently deleted ones."""
    imported = Comment.objects.filter(author=None, guest=None, erased_at=None)
    return imported.exclude(state_reason=Reason.RESTRICTED)


def _states(
    users: Iterable[int], guests: Iterable[int], imported: Sequence[Comment]
) -> tuple[dict[str, Counter[str]], dict[str, datetime]]:
    """Return by person key the number of comments by state, and when the person joined or first commented."""
    states: dict[str, Counter[str]] = defaultdict(Counter)
    since: dict[str, datetime] = {}
    comments = Comment.objects.filter(Q(author__in=users) | Q(guest__in=guests, author=None)).order_by()
    counted = comments.values_list("author", "guest", "state").annotate(
        n=Count("pk"), first=Min("created_at")
    )
    for author, guest, state, n, first in counted:
        key = person_key(author, guest)
        states[key][state] += n
        since[key] = min(first, since.get(key, first))
    for pk, joined in User.objects.filter(pk__in=users).values_list("pk", "date_joined"):
        since[f"u{pk}"] = min(joined, since.get(f"u{pk}", joined))
    for pk, seen in Guest.objects.filter(pk__in=guests).values_list("pk", "created_at"):
        since[f"g{pk}"] = min(seen, since.get(f"g{pk}", seen))
    if imported:
        _add_states_of_imported(imported, states, since)
    return states, since


def _add_states_of_imported(
    imported: Sequence[Comment], states: dict[str, Counter[str]], since: dict[str, datetime]
) -> None:
    by_name = defaultdict(list)
    for comment in imported:
        by_name[comment.source, comment.author_name].append(f"i{comment.pk}")
    rows = (
        _imported_comments()
        .filter(
            source__in={source for source, _name in by_name},
            author_name__in={name for _source, name in by_name},
        )
        .order_by()
    )
    counted = rows.values_list("source", "author_name", "state")
    for source, name, state, n, first in counted.annotate(n=Count("pk"), first=Min("created_at")):
        for key in by_name.get((source, name), []):
            states[key][state] += n
            since[key] = min(first, since.get(key, first))


def _reports(
    users: Iterable[int], guests: Iterable[int], imported: Sequence[int]
) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Return by person key: reports received, how many of these are of illegal content, and reports sent.

    For an imported name, only reports of that one comment are counted.
    """
    received, illegal, sent = Counter[str](), Counter[str](), Counter[str]()
    # Grouped in the database, since thousands of one person's comments may be reported.
    imported_comment = Case(When(comment__author=None, comment__guest=None, then=F("comment")))
    theirs = Q(comment__author__in=users) | Q(comment__guest__in=guests) | Q(comment__in=imported)

    def counted(rows: Any, *, is_illegal: bool) -> Any:
        kind = Value(is_illegal, BooleanField())
        reports = rows.filter(theirs).order_by()
        columns = ("comment__author", "comment__guest", imported_comment, kind)
        return reports.values_list(*columns).annotate(n=Count("pk"))

    of_illegal_content = counted(IllegalContentReport.objects, is_illegal=True)
    both = counted(Report.objects, is_illegal=False).union(of_illegal_content, all=True)
    for author, guest, comment, is_illegal, n in both:
        received[_key(author, guest, comment)] += n
        illegal[_key(author, guest, comment)] += n if is_illegal else 0
    own = Report.objects.filter(Q(user__in=users) | Q(guest__in=guests)).order_by()
    for user, guest, n in own.values_list("user", "guest").annotate(n=Count("pk")):
        sent[person_key(user, guest)] += n
    return received, illegal, sent


def _visible_stories(user: User) -> list[int] | None:
    """Return the stories that limit which other people an editor sees; None for moderators: no limit."""
    if user.is_moderator:
        return None
    return list(Article.objects.editable_by(user).values_list("pk", flat=True))


SAME_EMAIL = """
WITH confirmed AS (
  SELECT 'u' || u.id AS key, lower(u.email) AS email FROM accounts_user u
  JOIN account_emailaddress e ON e.user_id = u.id AND e.verified AND upper(e.email) = upper(u.email)
  WHERE u.id = ANY(%(users)s)
  UNION
  SELECT 'g' || id, lower(email) FROM accounts_guest WHERE id = ANY(%(guests)s) AND confirmed_at IS NOT NULL)
SELECT p.key, 'g' || g.id, g.name FROM confirmed p JOIN accounts_guest g ON lower(g.email) = p.email
WHERE g.confirmed_at IS NOT NULL AND 'g' || g.id <> p.key AND (%(stories)s::bigint[] IS NULL
  OR EXISTS (SELECT FROM comments_comment c
             WHERE c.guest_id = g.id AND c.discussion_id = ANY(%(stories)s::bigint[])))
UNION
SELECT p.key, 'u' || u.id, u.name FROM confirmed p JOIN accounts_user u ON lower(u.email) = p.email
JOIN account_emailaddress e ON e.user_id = u.id AND e.verified AND upper(e.email) = upper(u.email)
WHERE 'u' || u.id <> p.key AND (%(stories)s::bigint[] IS NULL
  OR EXISTS (SELECT FROM comments_comment c
             WHERE c.author_id = u.id AND c.discussion_id = ANY(%(stories)s::bigint[])))
ORDER BY 1, 3"""


def _same_email(
    users: Iterable[int], guests: Iterable[int], stories: list[int] | None
) -> dict[str, list[tuple[str, str]]]:
    """Return by person key the others with the same confirmed e-mail, as (key, name).

    With `stories` only those who commented under one of them are returned.
    """
    others: dict[str, list[tuple[str, str]]] = defaultdict(list)
    values = {"users": list(users), "guests": list(guests), "stories": stories}
    for key, other, name in fetch_rows(SAME_EMAIL, values):
        others[key].append((other, name or _("Anonymous")))
    return others


# It goes through the indexed names of accounts and guests. The names of comments have no index, since every
# change of a state would have to update it.
SAME_NAME = """
WITH signed AS MATERIALIZED (
  SELECT id, author_name, author_id, guest_id FROM comments_comment
  WHERE id = ANY(%(ids)s) AND author_name <> ''),
found AS (
  SELECT s.id, 'u' || u.id AS person, c.state, c.discussion_id
  FROM signed s JOIN accounts_user u ON u.name = s.author_name AND u.id IS DISTINCT FROM s.author_id
  JOIN comments_comment c ON c.author_id = u.id
  WHERE c.erased_at IS NULL AND c.state_reason <> 'sealed'
  UNION ALL
  SELECT s.id, 'g' || g.id, c.state, c.discussion_id
  FROM signed s JOIN accounts_guest g ON g.name = s.author_name AND g.id IS DISTINCT FROM s.guest_id
  JOIN comments_comment c ON c.guest_id = g.id
  WHERE c.erased_at IS NULL AND c.state_reason <> 'sealed'),
seen AS (
  SELECT * FROM found
  WHERE %(stories)s::bigint[] IS NULL OR discussion_id = ANY(%(stories)s::bigint[]))
SELECT id, state, count(*), (SELECT count(DISTINCT o.person) FROM seen o WHERE o.id = f.id)
FROM seen f GROUP BY id, state"""


def _same_name(comments: Iterable[int], stories: list[int] | None) -> dict[int, tuple[int, dict[str, int]]]:
    """Return by comment the number of other people with the same name, and their comments by state.

    With `stories` only those who commented under one of them count.
    """
    found: dict[int, tuple[int, dict[str, int]]] = defaultdict(lambda: (0, {}))
    for comment, state, n, others in fetch_rows(SAME_NAME, {"ids": list(comments), "stories": stories}):
        found[comment] = (others, found[comment][1] | {state: n})
    return found


def _notes(ids: Sequence[int], users: Iterable[int], guests: Iterable[int]) -> dict[str, list[ModeratorNote]]:
    """Return the notes on these comments and people, by "#<comment>" and by person key."""
    notes: dict[str, list[ModeratorNote]] = defaultdict(list)
    rows = ModeratorNote.objects.filter(Q(comment__in=ids) | Q(user__in=users) | Q(guest__in=guests))
    for note in rows.select_related("by"):
        key = f"#{note.comment_id}" if note.comment_id else person_key(note.user_id, note.guest_id)
        notes[key].append(note)
    return notes
