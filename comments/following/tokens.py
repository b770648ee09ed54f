"""Tokens of mails to followers: of one follow, or of all follows of a person."""

from accounts.models import Guest, User
from comments.models import Follow, FollowQuerySet
from core.mail.tokens import MailToken

FOLLOW_TOKEN_KIND, USER_TOKEN_KIND, GUEST_TOKEN_KIND = "f", "u", "g"
TOKEN_KINDS = FOLLOW_TOKEN_KIND + USER_TOKEN_KIND + GUEST_TOKEN_KIND


def follow_token(follow: Follow) -> MailToken:
    """Return the token that stands for one follow."""
    return MailToken(FOLLOW_TOKEN_KIND, follow.pk)


def follower_token(follow: Follow) -> MailToken:
    """Return the token that stands for all follows of its person."""
    if follow.user_id:
        return MailToken(USER_TOKEN_KIND, follow.user_id)
    return MailToken(GUEST_TOKEN_KIND, follow.guest_id or 0)


def follows_of(token: MailToken) -> FollowQuerySet:
    """Return the follows that a token stands for."""
    column = {FOLLOW_TOKEN_KIND: "pk", USER_TOKEN_KIND: "user", GUEST_TOKEN_KIND: "guest"}[token.kind]
    return Follow.objects.filter(**{column: token.pk})


def person_of(token: MailToken) -> tuple[int | None, int | None]:
    """Return the id of the account and that of the guest for whose follows a token of all follows stands."""
    return (token.pk, None) if token.kind == USER_TOKEN_KIND else (None, token.pk)


def recipient_of(token: MailToken) -> User | Guest | None:
    """Return the person who got a token in a mail, or None if there is none any more."""
    if token.kind == FOLLOW_TOKEN_KIND:
        follow = follows_of(token).select_related("user", "guest").first()
        return (follow.user or follow.guest) if follow else None
    user, guest = person_of(token)
    return (User if user else Guest).objects.filter(pk=user or guest or 0).first()


def email_of(token: MailToken) -> str:
    """Return the e-mail of a token's person, or "" if there is none."""
    person = recipient_of(token)
    return person.email if person else ""
