"""Tokens of mails to followers: of one follow, or of all follows of a person."""

from accounts.models import Guest, User
from comments.models import Follow, FollowQuerySet
from core.mail.tokens import MailToken

OF_FOLLOW, OF_USER, OF_GUEST = "f", "u", "g"
KINDS = OF_FOLLOW + OF_USER + OF_GUEST


def follow_token(follow: Follow) -> MailToken:
    """Return the token that stands for one follow."""
    return MailToken(OF_FOLLOW, follow.pk)


def follower_token(follow: Follow) -> MailToken:
    """Return the token that stands for all follows of its person."""
    return MailToken(OF_USER, follow.user_id) if follow.user_id else MailToken(OF_GUEST, follow.guest_id or 0)


def follows_of(token: MailToken) -> FollowQuerySet:
    """Return the follows that a token stands for."""
    column = {OF_FOLLOW: "pk", OF_USER: "user", OF_GUEST: "guest"}[token.kind]
    return Follow.objects.filter(**{column: token.pk})


def email_of(token: MailToken) -> str:
    """Return the e-mail of the person whom a token belongs to, or "" if there is none."""
    follow = follows_of(token).select_related("user", "guest").first()
    person: User | Guest | None = (follow.user or follow.guest) if follow else None
    return person.email if person else ""
