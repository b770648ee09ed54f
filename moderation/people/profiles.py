"""Profiles: what is known about a person, who is an account, a guest or the author name of an import.

The number of statements does not grow with the number of people.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import READER, Guest, User
from comments.models import Comment, Reason, State, moderatable_article_ids
from core.database.sql import fetch_together
from moderation import explanations
from moderation.models import ModeratorNote
from moderation.models.people import parse_person_key
from moderation.people.person_queries import (
    PersonNumbers,
    number_queries,
    parse_numbers,
    parse_states,
    state_queries,
)
from moderation.screening import origins

DOUBLE_CLICK = timedelta(minutes=1)  # the same input by the same moderator within it is a second click
MAX_SEARCH_RESULTS = 30  # accounts, guests and imported names, each


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
    def is_erased(self) -> bool:
        """Return whether the name and e-mail of this account or guest were deleted."""
        if self.user:
            return self.user.is_erased
        return self.guest is not None and not self.guest.name

    @property
    def email(self) -> str:
        """Return the e-mail address; "" for imported names and erased people."""
        row = self.user or self.guest
        return row.email if row and row.name else ""  # an erased account has a placeholder

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

    def query_values(self, user: User) -> dict[str, Any]:
        """Return the parameters of person_queries for this person, as this moderator or editor may ask."""
        return {
            "users": [self.user.pk] if self.user else [],
            "guests": [self.guest.pk] if self.guest else [],
            "imported": [self.comment.pk] if self.comment else [],
            "article_ids": moderatable_article_ids(user),
        }

    def comments(self) -> Any:
        """Return all comments of this person."""
        if self.comment:
            imported = _imported_comments()
            return imported.filter(source=self.comment.source, author_name=self.comment.author_name)
        return Comment.objects.written_by(self.user, self.guest)

    def notes(self) -> Any:
        """Return the notes on this person; of an imported name, those on all of its comments."""
        about = {"comment__in": self.comments()} if self.comment else self.as_fields
        return ModeratorNote.objects.filter(**about).select_related("by")


def find_person(key: str) -> Person | None:
    """Return the person with this key, which is an account (u12), a guest (g7) or an imported name (i123)."""
    if not (parsed := parse_person_key(key)):
        return None
    kind, pk = parsed
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

    short_ip_hash: str
    others: list[tuple[str, str]]  # (URL, name) of other people at this address


@dataclass(frozen=True)
class PersonFacts:
    """Facts about one person, from all of their comments."""

    description: str  # "account" · "guest, e-mail confirmed" · "imported from CNN"
    numbers: PersonNumbers
    states: list[tuple[str, str, int]]  # (state, its label, number of comments without restricted ones)
    restricted: int  # comments with restricted access
    same_email: list[tuple[str, str]]  # (URL, name) of others with the same confirmed e-mail
    addresses: list[SharedAddress]  # the one used last first


def person_facts(person: Person, user: User) -> PersonFacts:
    """Return the facts about a person that this moderator or editor may know.

    Editors see fewer others, as in author_records.record_queries.
    """
    values = person.query_values(user)
    numbers = parse_numbers(fetch_together(number_queries(values["imported"]), values))
    theirs = person.comments().moderatable_by(user, include_restricted=True).order_by("-created_at")
    latest = theirs.values_list("pk", flat=True)[: origins.MAX_COMMENTS_SEARCHED_PER_IP]
    people_by_hash = dict(origins.people_by_address(latest, values["article_ids"]).values())
    return PersonFacts(
        description=_describe(person),
        numbers=numbers,
        states=[(s.value, str(s.label), numbers.states[s]) for s in State if numbers.states[s]],
        restricted=numbers.states[Reason.RESTRICTED],
        same_email=[(person_url(key), name) for key, name in numbers.same_email],
        addresses=[
            SharedAddress(
                origins.shorten_hash(ip_hash),
                [(person_url(key), name) for key, name in others.items() if key != person.key],
            )
            for ip_hash, others in people_by_hash.items()
        ],
    )


def add_note(*, text: str, by: User, **about: Any) -> ModeratorNote:
    """Add a note on a comment (`comment`) or on a person (Person.as_fields). A double click adds one note."""
    now = timezone.now()
    with transaction.atomic():
        Person(user=by).lock()
        same = ModeratorNote.objects.filter(text=text, by=by, at__gt=now - DOUBLE_CLICK, **about).first()
        return same or ModeratorNote.objects.create(text=text, by=by, at=now, **about)


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
    return user.is_moderator or person.comments().moderatable_by(user, include_restricted=True).exists()


def search(query: str, user: User) -> list[SearchResult]:
    """Return accounts, guests and imported names that contain `query`, at most MAX_SEARCH_RESULTS of each.

    Only people whose profile `user` may see are found. E-mails are searched if `user` may read them.
    """
    matches = Q(name__icontains=query)
    if user.can_view_email_addresses:
        matches |= Q(email__icontains=query)
    by_account, by_guest, names = Q(), Q(), _imported_comments()
    if not user.is_moderator:
        theirs = Comment.objects.moderatable_by(user, include_restricted=True)
        by_account = Q(Exists(theirs.filter(author=OuterRef("pk"))))
        by_guest = Q(Exists(theirs.filter(guest=OuterRef("pk"), author=None)))
        names = names.moderatable_by(user, include_restricted=True)
    users = list(User.objects.filter(matches, by_account).order_by("-date_joined")[:MAX_SEARCH_RESULTS])
    roles = defaultdict(set)
    ids = [account.pk for account in users]
    for pk, role in User.objects.filter(pk__in=ids).values_list("pk", "groups__name"):
        roles[pk].add(role or READER)
    for account in users:
        account.roles = frozenset(roles[account.pk])  # avoids a query for each account
    guests = list(Guest.objects.filter(matches, by_guest).order_by("-created_at")[:MAX_SEARCH_RESULTS])
    imported = list(
        names.filter(author_name__icontains=query)
        .with_story()
        .defer("body", "body_html")
        .order_by("source", "author_name", "pk")
        .distinct("source", "author_name")[:MAX_SEARCH_RESULTS]
    )
    values = {
        "users": ids,
        "guests": [guest.pk for guest in guests],
        "imported": [comment.pk for comment in imported],
    }
    states, _since = parse_states(fetch_together(state_queries(values["imported"]), values))
    people = [
        *(Person(user=account) for account in users),
        *(Person(guest=guest) for guest in guests),
        *(Person(comment=comment) for comment in imported),
    ]
    return [
        SearchResult(person, _describe(person), explanations.describe_state_counts(states[person.key]))
        for person in people
    ]


def _describe(person: Person) -> str:
    """Return the kind of a person, with the roles of an account and the source of an imported name."""
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


def _imported_comments() -> Any:
    """Return the comments under imported names, without restricted and permanently deleted ones."""
    return Comment.objects.not_erased_or_restricted().filter(author=None, guest=None)
