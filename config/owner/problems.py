"""The problems of a site that the system status shows, each with what to do about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from django.conf import settings
from django.core.checks import CheckMessage, run_checks
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.emails import current_confirmed_emails
from accounts.models import User
from config.server import running_servers, sample
from core.database.migration_state import unapplied_migrations
from core.mail.failures import mail_server

# Django's checks for a site without HTTPS. The page shows one problem in place of all of them.
_HTTPS_CHECKS = {"security.W004", "security.W008", "security.W012", "security.W016"}

# Django's checks of settings that the owner can change: what is wrong, and what to do.
_DJANGO_CHECKS = {
    "security.W009": (
        gettext_lazy("SECRET_KEY is too easy to guess: with it, others could log in as anybody."),
        gettext_lazy(
            "Set SECRET_KEY to 50 or more random characters, or leave it out and the site makes one. Restart "
            "the site. Everybody has to log in again."
        ),
    ),
    "security.W018": (
        gettext_lazy("DEBUG is on: error pages show settings and data of the site to anybody."),
        gettext_lazy("Leave DEBUG out and restart the site."),
    ),
}


@dataclass(frozen=True)
class Problem:
    """A problem that needs attention. `is_serious`: attackers could harm the site or its readers."""

    message: str
    fix: str
    is_serious: bool = True


def find_problems(store_error: str) -> list[Problem]:
    """Return the problems that `manage.py check --deploy` finds, then those that only a running site knows.

    `store_error` says why the files of the site can't be read; "" if they can.
    """
    return list(
        chain(
            _https_problems(),
            _check_problems(),
            _store_problems(store_error),
            _server_problems(),
            _sample_problems(),
            _migration_problems(),
            _administrator_problems(),
            _mail_problems(),
        )
    )


def _https_problems() -> Iterator[Problem]:
    if not settings.HTTPS:
        yield Problem(
            _("The site is served without HTTPS: others can read passwords and cookies on the network."),
            _(
                "Put an HTTPS proxy in front of the site, as docs/operate.md shows, and set "
                "SITE_URL=https://… and BEHIND_PROXY (docs/operate.md)."
            ),
        )


def _check_problems() -> Iterator[Problem]:
    for check in run_checks(include_deployment_checks=True, databases=["default"]):
        if check.id not in _HTTPS_CHECKS and check.id not in settings.SILENCED_SYSTEM_CHECKS:
            yield _describe_check(check)


def _store_problems(store_error: str) -> Iterator[Problem]:
    if store_error:
        yield Problem(
            _("The files of the site can’t be read: %(why)s.") % {"why": store_error},
            _(
                "Until the store works again, no image is shown or stored, and no backup is made. Check "
                "FILES_URL."
            ),
        )


def _server_problems() -> Iterator[Problem]:
    if names := running_servers.differing_settings():
        yield Problem(
            _("The servers of this site have different values of %(names)s.") % {"names": ", ".join(names)},
            _("Set the same values on all machines (docs/scale.md)."),
        )


def _sample_problems() -> Iterator[Problem]:
    if emails := sample.active_emails():
        yield Problem(
            _("Accounts of the sample data can log in: %(emails)s.") % {"emails": ", ".join(emails)},
            _(
                "Deactivate them under People, or remove the whole sample with manage.py sample --remove, "
                "before others can reach the site."
            ),
        )


def _migration_problems() -> Iterator[Problem]:
    if names := unapplied_migrations():
        yield Problem(
            _("The database lacks migrations of this version: %(names)s.") % {"names": ", ".join(names[:5])},
            _("Run manage.py upgrade, or restart bin/serve."),
        )


def _administrator_problems() -> Iterator[Problem]:
    admins = User.objects.administrators().active()
    if unconfirmed := admins.exclude(pk__in=current_confirmed_emails().values("user")).count():
        yield Problem(
            ngettext(
                "The e-mail of %(n)s administrator is not confirmed: they get no notifications.",
                "The e-mails of %(n)s administrators are not confirmed: they get no notifications.",
                unconfirmed,
            )
            % {"n": unconfirmed},
            _("They can open E-mail in their account menu and send the confirmation mail again."),
            is_serious=False,
        )


def _mail_problems() -> Iterator[Problem]:
    if not mail_server():
        yield Problem(
            _("No mail server is set: nobody gets mails, not even to reset a password."),
            _("Set EMAIL_URL and restart the site. Then send a test e-mail."),
            is_serious=False,
        )


def _describe_check(check: CheckMessage) -> Problem:
    """Return a problem that a system check found. Checks of this project say what to do, Django's do not."""
    if check.id in _DJANGO_CHECKS:
        message, fix = _DJANGO_CHECKS[check.id]
        return Problem(str(message), str(fix))
    reporting = _("Run manage.py check --deploy to see the details, and report it as a fault of Soundoff.")
    return Problem(str(check.msg), str(check.hint or reporting))
