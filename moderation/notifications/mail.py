"""How the moderation mails: to whom, and what every mail has."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.template.loader import render_to_string

from accounts.models import Guest, User
from articles.models import Site
from moderation.models import proofs


def current_site() -> Site:
    return Site.objects.first() or Site()


def mail(template: str, subject: str, to: str, *, site: Site, **context: Any) -> EmailMessage:
    """One of templates/moderation/mail/, which read `site` and `url` besides."""
    context |= {"site": site, "url": settings.SITE_URL}
    return EmailMessage(subject, render_to_string(f"moderation/mail/{template}.txt", context), to=[to])


def send(mails: Iterable[EmailMessage]) -> int:
    """Over one connection; for none of them without one. Returns how many were sent."""
    some = list(mails)
    return (get_connection().send_messages(some) or 0) if some else 0


def are_read(user: str = "user", guest: str = "guest") -> Q:
    """Over what has these two paths: it has somebody whose e-mail is proved, and who may log in."""
    proved = Q(Exists(proofs().filter(user=OuterRef(user))), **{f"{user}__is_active": True})
    return proved | Q(**{f"{guest}__in": Guest.objects.confirmed().exclude(email="")})


def administrators() -> QuerySet[User]:
    """As moderators."""
    return User.objects.administrators().active().filter(Exists(proofs().filter(user=OuterRef("pk"))))


def moderators() -> QuerySet[User]:
    """Whose e-mail is proved and who may log in."""
    return User.objects.moderators().active().filter(Exists(proofs().filter(user=OuterRef("pk"))))
