"""Check that a guest's name can't be confused with the staff or with others in the discussion."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR, Guest
from accounts.names import STAFF_NAME_TAKEN, looks_like_any

NAMES_COMPARED = 500  # latest comments of the discussion with whose author names a name is compared

NAME_TAKEN = _(
    "Someone else in this discussion uses this name or one that looks like it. Choose another name, or add "
    "something to yours."
)


class NameInDiscussion(NamedTuple):
    """A name under comments of the discussion, and who uses it."""

    name: str
    guest_id: int | None
    email: str
    is_member: bool


@dataclass(frozen=True)
class NamesInUse:
    """The names that a guest's name is compared with: of the staff, and of a discussion."""

    staff: Sequence[str] = ()
    discussion: Sequence[NameInDiscussion] = ()

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> Self:
        """Return the names in a row that NAMES_IN_USE_SQL has read."""
        staff, *columns = row
        return cls(
            staff or [], [NameInDiscussion(*name) for name in zip(*(c or [] for c in columns), strict=True)]
        )


# One row with arrays. `{article}` is the SQL of the article's id. Equal names of one person are returned
# once: of 500 comments Python then gets about a third as rows.
NAMES_IN_USE_SQL = f"""
SELECT (SELECT array_agg(u.name) FROM accounts_user u
        WHERE u.is_active AND u.name <> ''
          AND EXISTS (SELECT FROM accounts_user_groups membership
                      JOIN auth_group role ON role.id = membership.group_id
                      WHERE membership.user_id = u.id AND role.name = ANY(%(staff_roles)s::text[]))),
       array_agg(author_name), array_agg(guest_id), array_agg(author_email), array_agg(is_member)
FROM (SELECT DISTINCT author_name, guest_id, author_email, is_member
      FROM (SELECT author_name, guest_id, author_email, author_id IS NOT NULL AS is_member
            FROM comments_comment
            WHERE discussion_id = {{article}} AND state = 'published'
            ORDER BY created_at DESC, id DESC LIMIT {NAMES_COMPARED}) latest) n"""
NAMES_IN_USE_VALUES = {"staff_roles": [ADMINISTRATOR, EDITOR, MODERATOR]}


def check_guest_name(name: str, email: str, *, names: NamesInUse, guest: Guest | None) -> None:
    """Raise ValidationError if readers could take this guest for someone else.

    `guest` is the guest of the browser's cookie. Comments with the same e-mail address are the same person's,
    from another browser: nobody else knows the address, as it is not published.
    """
    if looks_like_any(name, names.staff):
        raise ValidationError(STAFF_NAME_TAKEN, code="staff")
    own_emails = {address.casefold() for address in (email, guest.email if guest else "") if address}
    guest_id = guest.pk if guest else None
    others = {
        other.name
        for other in names.discussion
        if not (guest_id and other.guest_id == guest_id)
        and (other.is_member or other.email.casefold() not in own_emails)
    }
    if looks_like_any(name, others):
        raise ValidationError(NAME_TAKEN, code="taken")
