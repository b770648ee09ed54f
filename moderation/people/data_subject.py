"""Data subjects: a person with everything under which the site knows them."""

from dataclasses import dataclass, replace
from typing import Any

from allauth.account.models import EmailAddress
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.emails import filter_by_email
from accounts.models import Guest, User
from comments.models import Comment, CommentClaim, State
from moderation.people.profiles import Person


@dataclass(frozen=True)
class DataSubject:
    """One person: an account or a guest, and the guests that are the same person.

    The guests have confirmed the same e-mail; for an erasure, those of `_claimed_guests` are added.

    `emails` are the confirmed ones, in lower case. An unconfirmed one may belong to somebody else.
    """

    user: User | None
    guests: list[Guest]
    emails: set[str]

    @classmethod
    def for_erasure(cls, person: Person) -> "DataSubject":
        """Return the data subject whose data an erasure deletes. A guest gets nothing of an account."""
        subject = cls._of_confirmed(person)
        if not person.user:
            return subject
        claimed = _claimed_guests(person.user).exclude(pk__in=[guest.pk for guest in subject.guests])
        return replace(subject, guests=[*subject.guests, *claimed.order_by("pk")])

    @classmethod
    def for_export(cls, person: Person) -> "DataSubject":
        """Return the data that this person's browser may read: for a guest, only data sent as this guest.

        The cookie of a guest does not prove that they own the e-mail: its owner may have confirmed it in
        another browser, for a comment of somebody who typed it. A member reads only the claimed comments of a
        guest without a confirmed e-mail, since these are the member's own now.
        """
        if person.user:
            return cls._of_confirmed(person)
        return cls(None, [person.guest] if person.guest else [], set())

    @classmethod
    def _of_confirmed(cls, person: Person) -> "DataSubject":
        """Return the person with the guests that have confirmed the same e-mail."""
        emails = set()
        if person.user:
            addresses = EmailAddress.objects.filter(user=person.user, verified=True)
            emails = {address.lower() for address in addresses.values_list("email", flat=True)}
        elif person.guest and person.guest.confirmed_at and person.guest.email:
            emails = {person.guest.email.lower()}
        same = filter_by_email(Guest.objects.confirmed(), emails)
        guests = {guest.pk: guest for guest in same.order_by("pk")}
        if person.guest:
            guests[person.guest.pk] = person.guest
        return cls(person.user, list(guests.values()), emails)

    def condition(self, user: str = "user", guest: str = "guest") -> Q:
        """Return a condition for the rows of this person. `user` and `guest` are paths of the row."""
        condition = Q(**{f"{guest}__in": self.guests})
        return condition | Q(**{user: self.user}) if self.user else condition

    def comments(self) -> Any:
        """Return all comments of this person."""
        return Comment.objects.filter(self.condition("author"))

    def rows_by_email(self, rows: Any) -> Any:
        """Return the rows whose column `email` has a confirmed e-mail of this person."""
        return filter_by_email(rows, self.emails)


def _claimed_guests(user: User) -> QuerySet[Guest]:
    """Return the guests with a comment that this user claimed and without any other comment.

    Other comments belong to another person as long as nobody claims them, and so does the name of their
    guest. Comments that the guest had deleted do not count, since they cannot be claimed.
    """
    claims = CommentClaim.objects.filter(user=user, guest=OuterRef("pk"))
    left = Comment.objects.filter(guest=OuterRef("pk"), erased_at=None).exclude(state=State.DELETED)
    return Guest.objects.filter(Exists(claims), ~Exists(left))
