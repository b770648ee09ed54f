"""Mails of the moderation: many at once, and those to the staff."""

from collections.abc import Iterable
from typing import Any

from django.core.mail import EmailMessage, get_connection
from django.db.models import Exists, OuterRef

from accounts.emails import current_confirmed_emails
from accounts.models import UserQuerySet
from articles.site.current_site import read_site
from core.mail.composition import compose_mail


def send_mails(mails: Iterable[EmailMessage]) -> int:
    """Send mails over one connection, which is not opened if there are none.

    Returns the number of sent mails.
    """
    messages = list(mails)
    return (get_connection().send_messages(messages) or 0) if messages else 0


def mail_staff(people: UserQuerySet, template: str, subject: str, **context: Any) -> int:
    """Send the same mail to each of these people who is active and has a confirmed e-mail.

    Returns the number of sent mails.
    """
    site, confirmed = read_site(), current_confirmed_emails().filter(user=OuterRef("pk"))
    emails = people.active().filter(Exists(confirmed)).values_list("email", flat=True)
    return send_mails(compose_mail(template, subject, email, site=site, **context) for email in emails)
