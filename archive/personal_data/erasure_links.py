"""Mailed links that erase an account, for guests and for accounts without a password."""

from dataclasses import dataclass
from datetime import timedelta

from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django_tasks import task
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from accounts.authentication.second_factors import has_second_factor
from articles.site.current_site import read_site
from articles.site.languages import in_language_of
from core.mail.composition import compose_mail
from moderation.people.profiles import Person, find_person

LINK_MAX_AGE = timedelta(days=1)
MAIL_INTERVAL = timedelta(hours=1)  # between two mails to a person, so that nobody floods a mailbox
SALT = "archive.erase"


@dataclass(frozen=True)
class ErasureLink:
    """The erasure that a mailed link asks for: a person, and whether their comments are deleted as well."""

    person: Person
    deletes_comments: bool


def send(person: Person, *, deletes_comments: bool) -> bool:
    """Queue the mail with the link. Returns False if the person got one within MAIL_INTERVAL."""
    jobs = DBTaskResult.objects.filter(
        task_path=mail_erasure_link.module_path,
        args_kwargs__args__0=person.key,
        enqueued_at__gt=timezone.now() - MAIL_INTERVAL,
    )
    with transaction.atomic():
        person.lock()
        if jobs.exclude(status=TaskResultStatus.FAILED).exists():
            return False
        mail_erasure_link.enqueue(person.key, deletes_comments)
    return True


def make_token(person: Person, *, deletes_comments: bool) -> str:
    """Return the token for the link. It is valid as long as the person has this e-mail."""
    return signing.dumps([person.key, person.email, deletes_comments], salt=SALT)


def read(token: str) -> ErasureLink | None:
    """Return the erasure that the link with this token asks for; None if it is forged, expired or used."""
    try:
        key, email, deletes_comments = signing.loads(token, salt=SALT, max_age=LINK_MAX_AGE)
    except signing.BadSignature:
        return None
    person = find_person(key)
    if person is None or person.email != email:
        return None
    if person.user and (not person.user.is_active or has_second_factor(person.user)):
        return None
    if person.guest and not person.guest.is_active:
        return None
    return ErasureLink(person, deletes_comments)


@task()
def mail_erasure_link(key: str, deletes_comments: bool) -> int:
    """Mail the link, and return the number of mails. Its token is made here, so that no table stores it."""
    person = find_person(key)
    if person is None or not person.email:
        return 0
    path = reverse("erase-account-confirm", args=[make_token(person, deletes_comments=deletes_comments)])
    is_guest = person.user is None
    template, site = "archive/personal_data/mail/erase.txt", read_site()
    with in_language_of(person.user, site):
        subject = _("Erase your data") if is_guest else _("Erase your account")
        mail = compose_mail(template, subject, person.email, site=site, path=path, is_guest=is_guest)
    return mail.send()
