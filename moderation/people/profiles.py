"""Who somebody is here and what is known of them: an account, else a guest, else a name that a source gave.

A page of cards asks the same few statements whatever its length.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import BooleanField, Case, Count, Exists, F, Min, OuterRef, Q, Value, When
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import READER, Guest, User
from articles.models import Article
from comments.models import Comment, Reason, State
from moderation.models import Note, Notice, Report, Sanction
from moderation.models.people import person_key
from moderation.people.active_sanctions import in_force
from moderation.queue import explanations
from moderation.screening import origins

SAME_PRESS = timedelta(minutes=1)  # in which the very same from the same moderator is a second click
FOUND = 30  # people of each sort that a search gives


@dataclass(frozen=True)
class Person:
    """Exactly one of the three. `comment` is any one of those that a source gave this name."""

    user: User | None = None
    guest: Guest | None = None
    comment: Comment | None = None

    @classmethod
    def of(cls, comment: Comment) -> "Person":
        if comment.author_id:
            return cls(user=comment.author)
        return cls(guest=comment.guest) if comment.guest_id else cls(comment=comment)

    @property
    def key(self) -> str:
        """As it stands in URLs: u12 · g7 · i123, where 123 is a comment."""
        one: Any = self.user or self.guest or self.comment
        return f"{'u' if self.user else 'g' if self.guest else 'i'}{one.pk}"

    @property
    def name(self) -> str:
        if self.comment:
            return self.comment.author_name or _("Somebody")
        return str(self.user or self.guest) or _("Somebody")

    @property
    def is_blank(self) -> bool:
        """Who it was has been forgotten."""
        return not self.comment and not (self.user or self.guest).name  # type: ignore[union-attr]

    @property
    def email(self) -> str:
        """Empty for a name that a source gave, and for who was blanked. Who may read it: may_read_emails."""
        if self.is_blank:
            return ""  # an account's is no e-mail then
        return (self.user or self.guest).email if self.user or self.guest else ""  # type: ignore[union-attr]

    @property
    def about(self) -> dict[str, Any]:
        """What a Note of this person has in its fields, and a Sanction: there is none of a name."""
        if self.comment:
            return {"comment": self.comment}
        return {"user": self.user, "guest": self.guest}

    def get_absolute_url(self) -> str:
        return url_of(self.key)

    def lock(self) -> None:
        """Until the transaction ends, before any discussion: of two acts about an account or a guest the
        second waits, and finds what the first one did."""
        if self.user:
            User.objects.select_for_update(no_key=True).get(pk=self.user.pk)
        elif self.guest:
            Guest.objects.select_for_update(no_key=True).get(pk=self.guest.pk)

    def comments(self) -> Any:
        """All that they wrote here."""
        if self.comment:
            return _named().filter(source=self.comment.source, author_name=self.comment.author_name)
        return Comment.objects.written_by(self.user, self.guest)


@dataclass(frozen=True)
class Record:
    """What is known of the writer of one comment; the numbers are without that comment."""

    url: str  # of the person's page on the desk
    since: datetime | None  # since when they are here
    states: Counter[str] = field(default_factory=Counter)  # comments by State
    against: int = 0  # reports of what they wrote, those of illegal content among them
    by: int = 0  # reports that they sent
    sanctions: list[Sanction] = field(default_factory=list)  # in force, also those that hold by their e-mail
    same_email: list[str] = field(default_factory=list)  # other names with the same proved e-mail
    same_name: int = 0  # others who signed as the comment's writer did; no claim that they are one person
    same_name_said: str = ""  # what they wrote: "2 published, 1 spam"
    ip: str = ""  # a short form of the hash of the comment's IP address, while that is kept
    same_ip: list[str] = field(default_factory=list)  # names of others who wrote from there, latest first
    people_at_ip: int = 0  # how many these are, as far as origins.ALIKE comments tell
    notes: list[Note] = field(default_factory=list)  # on the comment and on the person, the oldest first

    @property
    def is_first(self) -> bool:
        """Nothing else of theirs was ever here."""
        return not +self.states

    @property
    def said(self) -> str:
        """3 published, 1 removed; nothing if this is all."""
        return explanations.history(self.states)


KEY = re.compile(r"([ugi])([1-9][0-9]{0,17})", re.ASCII)


def find(key: str) -> Person | None:
    """u12: an account, g7: a guest, i123: whom a source named over comment 123."""
    if not (match := KEY.fullmatch(key)):
        return None
    kind, pk = match[1], int(match[2])
    if kind == "u":
        found = Person(user=User.objects.filter(pk=pk).first())
    elif kind == "g":
        found = Person(guest=Guest.objects.filter(pk=pk).first())
    else:
        found = Person(comment=_named().filter(pk=pk).select_related("discussion__article").first())
    return found if found.user or found.guest or found.comment else None


@dataclass(frozen=True)
class Shared:
    """An IP address that somebody wrote from in the last 30 days, by the short form of its hash."""

    ip: str
    others: list[tuple[str, str]]  # (URL, name) of other people who wrote from there


@dataclass(frozen=True)
class Facts:
    """What is known of one person, all of their comments included."""

    what: str  # "account" · "guest, e-mail confirmed" · "brought in from CNN"
    since: datetime | None
    states: list[tuple[str, str, int]]  # (state, its words, how many comments)
    against: int  # those of illegal content among them
    illegal: int
    by: int
    same_email: list[tuple[str, str]]  # (URL, name) of others with the same proved e-mail
    origins: list[Shared]  # that from which somebody wrote last first


def facts(person: Person, user: User) -> Facts:
    """As this moderator or editor may know it, who is told of others as in `records`."""
    stories = _own_stories(user)
    users = [person.user.pk] if person.user else []
    guests = [person.guest.pk] if person.guest else []
    named = [person.comment] if person.comment else []
    states, since = _states(users, guests, named)
    against, illegal, by = _reports(users, guests, [comment.pk for comment in named])
    theirs = person.comments().in_care_of(user).order_by("-created_at")
    latest = theirs.values_list("pk", flat=True)[: origins.ALIKE]
    by_ip = dict(origins.of(latest, stories).values())
    return Facts(
        what=_what(person),
        since=since.get(person.key),
        states=[(s.value, str(s.label), states[person.key][s]) for s in State if states[person.key][s]],
        against=against[person.key],
        illegal=illegal[person.key],
        by=by[person.key],
        same_email=[(url_of(key), name) for key, name in _same_email(users, guests, stories)[person.key]],
        origins=[
            Shared(
                origins.short(ip), [(url_of(key), name) for key, name in others.items() if key != person.key]
            )
            for ip, others in by_ip.items()
        ],
    )


def keep_note(*, text: str, by: User, **about: Any) -> Note:
    """Note something of a comment (`comment`) or of a person (Person.about). A second click gives the note of
    the first."""
    now = timezone.now()
    with transaction.atomic():
        Person(user=by).lock()
        same = Note.objects.filter(text=text, by=by, at__gt=now - SAME_PRESS, **about).first()
        return same or Note.objects.create(text=text, by=by, at=now, **about)


def notes(person: Person) -> list[Note]:
    """On the person, the oldest first; of a name that a source gave, on the comment."""
    return list(Note.objects.filter(**person.about).select_related("by"))


@dataclass(frozen=True)
class Found:
    """A person whom a search found."""

    person: Person
    what: str
    states: str  # "3 published, 1 removed"


def may_read(user: User, person: Person) -> bool:
    """What is known and noted of somebody, and what they were held to: moderators of everybody, editors of
    who wrote under articles that they may edit."""
    return user.is_moderator or person.comments().in_care_of(user).exists()


def search(asked: str, user: User) -> list[Found]:
    """Accounts, guests and names under a source of whom this person may read, by a part of their name or, who
    may read that, of their e-mail; at most FOUND of each."""
    wanted = Q(name__icontains=asked)
    if may_read_emails(user):
        wanted |= Q(email__icontains=asked)
    by_account, by_guest, names = Q(), Q(), _named()
    if not user.is_moderator:
        theirs = Comment.objects.in_care_of(user)
        by_account = Q(Exists(theirs.filter(author=OuterRef("pk"))))
        by_guest = Q(Exists(theirs.filter(guest=OuterRef("pk"), author=None)))
        names = names.in_care_of(user)
    users = list(User.objects.filter(wanted, by_account).order_by("-date_joined")[:FOUND])
    roles = defaultdict(set)
    for pk, role in User.objects.filter(pk__in=[user.pk for user in users]).values_list("pk", "groups__name"):
        roles[pk].add(role or READER)
    for user in users:
        user.roles = frozenset(roles[user.pk])  # else each asks for its own
    guests = list(Guest.objects.filter(wanted, by_guest).order_by("-created_at")[:FOUND])
    once = list(
        names.filter(author_name__icontains=asked)
        .select_related("discussion__article")
        .defer("body", "body_html", "discussion__article__body", "discussion__article__body_html")
        .order_by("source", "author_name", "pk")
        .distinct("source", "author_name")[:FOUND]
    )
    states, _since = _states([user.pk for user in users], [guest.pk for guest in guests], once)
    people = [
        *(Person(user=user) for user in users),
        *(Person(guest=guest) for guest in guests),
        *(Person(comment=comment) for comment in once),
    ]
    return [Found(person, _what(person), explanations.history(states[person.key])) for person in people]


def _what(person: Person) -> str:
    if person.user:
        return ", ".join([_("account"), *sorted(person.user.roles - {READER})])
    if person.guest:
        proved = person.guest.confirmed_at
        return _("guest, e-mail confirmed") if proved else _("guest, e-mail not confirmed")
    assert person.comment is not None
    source = person.comment.discussion.article.source_name
    return _("brought in from %(source)s") % {"source": source} if source else _("brought in")


def url_of(key: str) -> str:
    return reverse("moderation:person", args=[key])


def may_read_emails(user: User) -> bool:
    """As the admin allows it: moderators and administrators, not editors."""
    return user.has_perm("accounts.view_user") and user.has_perm("accounts.view_guest")


def records(comments: Sequence[Comment], user: User) -> dict[int, Record]:
    """By comment, what is known of its writer: twelve statements at most for any number of comments.

    An editor reads who else is behind a name, an e-mail or an IP address only of those who wrote under their
    own articles, for one more.
    """
    stories = _own_stories(user)
    keys = {c.pk: _key(c.author_id, c.guest_id, c.pk) for c in comments}
    users = {comment.author_id for comment in comments if comment.author_id}
    guests = {comment.guest_id for comment in comments if comment.guest_id and not comment.author_id}
    named = [comment for comment in comments if not (comment.author_id or comment.guest_id)]
    states, since = _states(users, guests, named)
    against, _illegal, by = _reports(users, guests, [comment.pk for comment in named])
    held = in_force(users, guests)
    same_email = _same_email(users, guests, stories)
    same_name = _same_name(keys, stories)
    whence = origins.of(keys, stories)
    notes = _notes(list(keys), users, guests)
    found = {}
    for comment in comments:
        key = keys[comment.pk]
        ip, others = whence.get(comment.pk, (b"", {}))
        alike = {other: name for other, name in others.items() if other != key}
        found[comment.pk] = Record(
            url=url_of(key),
            since=since.get(key),
            states=states[key] - Counter([comment.state]),
            against=against[key],
            by=by[key],
            sanctions=held.get(key, []),
            same_email=[name for _other, name in same_email[key]],
            same_name=same_name[comment.pk][0],
            same_name_said=explanations.history(same_name[comment.pk][1]),
            ip=origins.short(ip),
            same_ip=list(dict.fromkeys(alike.values())),
            people_at_ip=len(alike),
            notes=sorted(notes[f"#{comment.pk}"] + notes[key], key=lambda note: (note.at, note.pk)),
        )
    return found


def _key(user: int | None, guest: int | None, comment: int | None) -> str:
    return person_key(user, guest) if user or guest else f"i{comment}"


def _named() -> Any:
    """Comments under names that sources gave; of what is sealed or deleted for good none is left."""
    stand = Comment.objects.filter(author=None, guest=None, erased_at=None)
    return stand.exclude(state_reason=Reason.SEALED)


def _states(
    users: Iterable[int], guests: Iterable[int], named: Sequence[Comment]
) -> tuple[dict[str, Counter[str]], dict[str, datetime]]:
    """How many comments of each are in which state; and since when each is here."""
    states: dict[str, Counter[str]] = defaultdict(Counter)
    since: dict[str, datetime] = {}
    mine = Comment.objects.filter(Q(author__in=users) | Q(guest__in=guests, author=None)).order_by()
    counted = mine.values_list("author", "guest", "state").annotate(n=Count("pk"), first=Min("created_at"))
    for author, guest, state, n, first in counted:
        key = person_key(author, guest)
        states[key][state] += n
        since[key] = min(first, since.get(key, first))
    for pk, joined in User.objects.filter(pk__in=users).values_list("pk", "date_joined"):
        since[f"u{pk}"] = min(joined, since.get(f"u{pk}", joined))
    for pk, seen in Guest.objects.filter(pk__in=guests).values_list("pk", "created_at"):
        since[f"g{pk}"] = min(seen, since.get(f"g{pk}", seen))
    if named:
        _states_of_names(named, states, since)
    return states, since


def _states_of_names(
    named: Sequence[Comment], states: dict[str, Counter[str]], since: dict[str, datetime]
) -> None:
    by_name = defaultdict(list)
    for comment in named:
        by_name[comment.source, comment.author_name].append(f"i{comment.pk}")
    rows = (
        _named()
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
    users: Iterable[int], guests: Iterable[int], named: Sequence[int]
) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Reports of what each wrote (under an imported name: of that one comment), how many of these were of
    illegal content, and those that each sent."""
    against, illegal, by = Counter[str](), Counter[str](), Counter[str]()
    # One row a person, who may have written thousands that were reported.
    of_a_name = Case(When(comment__author=None, comment__guest=None, then=F("comment")))
    theirs = Q(comment__author__in=users) | Q(comment__guest__in=guests) | Q(comment__in=named)

    def counted(rows: Any, *, is_notice: bool) -> Any:
        kind = Value(is_notice, BooleanField())
        whose = rows.filter(theirs).order_by()
        columns = ("comment__author", "comment__guest", of_a_name, kind)
        return whose.values_list(*columns).annotate(n=Count("pk"))

    notices = counted(Notice.objects, is_notice=True)
    about = counted(Report.objects, is_notice=False).union(notices, all=True)
    for author, guest, comment, is_notice, n in about:
        against[_key(author, guest, comment)] += n
        illegal[_key(author, guest, comment)] += n if is_notice else 0
    sent = Report.objects.filter(Q(user__in=users) | Q(guest__in=guests)).order_by()
    for user, guest, n in sent.values_list("user", "guest").annotate(n=Count("pk")):
        by[person_key(user, guest)] += n
    return against, illegal, by


def _own_stories(user: User) -> list[int] | None:
    """None: everything is this person's to know."""
    if user.is_moderator:
        return None
    return list(Article.objects.editable_by(user).values_list("pk", flat=True))


SAME_EMAIL = """
WITH proved AS (
  SELECT 'u' || u.id AS key, lower(u.email) AS email FROM accounts_user u
  JOIN account_emailaddress e ON e.user_id = u.id AND e.verified AND upper(e.email) = upper(u.email)
  WHERE u.id = ANY(%(users)s)
  UNION
  SELECT 'g' || id, lower(email) FROM accounts_guest WHERE id = ANY(%(guests)s) AND confirmed_at IS NOT NULL)
SELECT p.key, 'g' || g.id, g.name FROM proved p JOIN accounts_guest g ON lower(g.email) = p.email
WHERE g.confirmed_at IS NOT NULL AND 'g' || g.id <> p.key AND (%(stories)s::bigint[] IS NULL
  OR EXISTS (SELECT FROM comments_comment c
             WHERE c.guest_id = g.id AND c.discussion_id = ANY(%(stories)s::bigint[])))
UNION
SELECT p.key, 'u' || u.id, u.name FROM proved p JOIN accounts_user u ON lower(u.email) = p.email
JOIN account_emailaddress e ON e.user_id = u.id AND e.verified AND upper(e.email) = upper(u.email)
WHERE 'u' || u.id <> p.key AND (%(stories)s::bigint[] IS NULL
  OR EXISTS (SELECT FROM comments_comment c
             WHERE c.author_id = u.id AND c.discussion_id = ANY(%(stories)s::bigint[])))
ORDER BY 1, 3"""


def _same_email(
    users: Iterable[int], guests: Iterable[int], stories: list[int] | None
) -> dict[str, list[tuple[str, str]]]:
    """By key, the others with the same proved e-mail (who wrote under one of these stories): (key, name)."""
    others: dict[str, list[tuple[str, str]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(SAME_EMAIL, {"users": list(users), "guests": list(guests), "stories": stories})
        for key, other, name in cursor.fetchall():
            others[key].append((other, name or _("Somebody")))
    return others


# The names of comments have no index, which each change of a state would enter anew; those of accounts and
# guests have one.
SAME_NAME = """
WITH signed AS MATERIALIZED (
  SELECT id, author_name, author_id, guest_id FROM comments_comment
  WHERE id = ANY(%(ids)s) AND author_name <> ''),
found AS (
  SELECT s.id, 'u' || u.id AS who, c.state, c.discussion_id
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
SELECT id, state, count(*), (SELECT count(DISTINCT o.who) FROM seen o WHERE o.id = f.id)
FROM seen f GROUP BY id, state"""


def _same_name(comments: Iterable[int], stories: list[int] | None) -> dict[int, tuple[int, dict[str, int]]]:
    """By comment: how many other accounts and guests have its very name (and wrote under one of these
    stories), and how many comments of theirs are in which state."""
    found: dict[int, tuple[int, dict[str, int]]] = defaultdict(lambda: (0, {}))
    with connection.cursor() as cursor:
        cursor.execute(SAME_NAME, {"ids": list(comments), "stories": stories})
        for comment, state, n, others in cursor.fetchall():
            found[comment] = (others, found[comment][1] | {state: n})
    return found


def _notes(ids: Sequence[int], users: Iterable[int], guests: Iterable[int]) -> dict[str, list[Note]]:
    """By "#<comment>" and by the key of a person."""
    notes: dict[str, list[Note]] = defaultdict(list)
    about = Note.objects.filter(Q(comment__in=ids) | Q(user__in=users) | Q(guest__in=guests))
    for note in about.select_related("by"):
        key = f"#{note.comment_id}" if note.comment_id else person_key(note.user_id, note.guest_id)
        notes[key].append(note)
    return notes
