"""What the site stores about the person: account, log-ins, guest names, e-mails and newsletters."""

from collections.abc import Iterator
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.authentication.devices import describe_browser
from accounts.models import (
    ADMINISTRATOR,
    EDITOR,
    MODERATOR,
    READER,
    RoleChange,
    SignUp,
    UndeliverableEmail,
    User,
)
from accounts.services import sessions_of
from archive.personal_data.contents.sections import Section, make_section
from articles.models import NewsletterRecipient, Subscription
from articles.models.site import STORY_LANGUAGES
from moderation.people.data_subject import DataSubject

ROLE_LABELS = {
    READER: gettext_lazy("Reader"),
    MODERATOR: gettext_lazy("Moderator"),
    EDITOR: gettext_lazy("Editor"),
    ADMINISTRATOR: gettext_lazy("Administrator"),
}
SECOND_FACTOR_LABELS = {
    Authenticator.Type.TOTP: gettext_lazy("Authenticator app"),
    Authenticator.Type.WEBAUTHN: gettext_lazy("Security key or passkey"),
    Authenticator.Type.RECOVERY_CODES: gettext_lazy("Recovery codes"),
}


def sections_of_account(subject: DataSubject, user: User) -> Iterator[Section]:
    """Yield the account with its e-mails, changes of roles and sign-ups that are not confirmed."""
    yield make_section(
        "account",
        _("Account"),
        [user],
        {
            "number": (_("Number"), "pk"),
            "name": (_("Name"), "name"),
            "email": (_("E-mail"), "email"),
            "joined_at": (_("Joined"), "date_joined"),
            "last_login_at": (_("Last log-in"), "last_login"),
            "has_public_page": (_("Public page"), "has_page"),
            "language": (_("Language"), "language"),
            "roles": (_("Roles"), lambda row: ", ".join(sorted(row.roles))),
        },
        texts={"language": _language_name, "roles": _role_names},
    )
    yield make_section(
        "emails",
        _("E-mails of the account"),
        EmailAddress.objects.filter(user=user),
        {
            "email": (_("E-mail"), "email"),
            "is_confirmed": (_("Confirmed"), "verified"),
            "is_primary": (_("Primary"), "primary"),
        },
    )
    yield make_section(
        "role_changes",
        _("Changes of roles"),
        RoleChange.objects.filter(user=user).select_related("role"),
        {"role": (_("Role"), "role.name"), "is_granted": (_("Given"), "is_granted"), "at": (_("Time"), "at")},
        texts={"role": _role_names},
    )
    yield make_section(
        "sign_ups",
        _("Sign-ups that are not confirmed"),
        subject.rows_by_email(SignUp.objects.all()),
        {"name": (_("Name"), "name"), "email": (_("E-mail"), "email"), "at": (_("Time"), "created_at")},
    )


def sections_of_log_ins(user: User) -> Iterator[Section]:
    """Yield sessions, devices, second factors and connected services, without their secret keys."""
    yield make_section("sessions", _("Log-ins"), sessions_of(user), {"ends_at": (_("Ends"), "expire_date")})
    yield make_section(
        "devices",
        _("Devices"),
        UserSession.objects.filter(user=user),
        {
            "browser": (_("Browser"), "user_agent"),
            "ip_address": (_("IP address"), "ip"),
            "at": (_("Log-in"), "created_at"),
        },
        texts={"browser": describe_browser},
    )
    yield make_section(
        "second_factors",
        _("Second factors"),
        Authenticator.objects.filter(user=user),
        {
            "kind": (_("Kind"), "type"),
            "name": (_("Name"), lambda row: row.data.get("name", "")),  # of a passkey or security key
            "added_at": (_("Added"), "created_at"),
            "last_used_at": (_("Last used"), "last_used_at"),
        },
        texts={"kind": lambda code: str(SECOND_FACTOR_LABELS.get(code, code))},
    )
    providers: Any = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    service_names = {provider["provider_id"]: provider["name"] for provider in providers}
    yield make_section(
        "connected_services",
        _("Other services by which you log in"),
        SocialAccount.objects.filter(user=user),
        {
            "service": (_("Service"), "provider"),
            "number": (_("Your number there"), "uid"),
            "at": (_("Connected"), "date_joined"),
        },
        texts={"service": lambda code: service_names.get(code, code)},
    )


def sections_of_emails(subject: DataSubject) -> Iterator[Section]:
    """Yield the names and e-mails of guests, and e-mails to which nothing can be delivered."""
    yield make_section(
        "guests",
        _("Names that you signed with as a guest"),
        subject.guests,
        {
            "name": (_("Name"), "name"),
            "email": (_("E-mail"), "email"),
            "first_seen_at": (_("First seen"), "created_at"),
            "confirmed_at": (_("E-mail confirmed"), "confirmed_at"),
        },
    )
    yield make_section(
        "undeliverable_emails",
        _("E-mails to which we send no updates, because their mail server rejected a mail"),
        UndeliverableEmail.objects.filter(email__in=subject.emails),
        {
            "email": (_("E-mail"), "email"),
            "answer": (_("Answer of the mail server"), "server_response"),
            "at": (_("Time"), "at"),
        },
    )


def sections_of_newsletters(subject: DataSubject) -> Iterator[Section]:
    """Yield the subscriptions of the confirmed e-mails, and the newsletters that were sent to them."""
    yield make_section(
        "subscriptions",
        _("Subscriptions to the newsletter"),
        Subscription.objects.filter(subscriber__email__in=subject.emails).select_related(
            "subscriber", "topic"
        ),
        {
            "email": (_("E-mail"), "subscriber.email"),
            "of": (_("Of"), lambda row: row.topic.name if row.topic else _("All stories")),
            "since": (_("Since"), "created_at"),
            "confirmed_at": (_("Confirmed"), "confirmed_at"),
            "language": (_("Language"), "subscriber.language"),
        },
        texts={"language": _language_name},
    )
    yield make_section(
        "newsletters",
        _("Newsletters that were sent to you"),
        NewsletterRecipient.objects.filter(subscriber__email__in=subject.emails).select_related("newsletter"),
        {
            "subject": (_("Subject"), "newsletter.subject"),
            "at": (_("Sent"), "newsletter.sent_at"),
            "state": (_("State"), lambda row: row.get_state_display()),
            "reason": (_("Reason"), "explanation"),
        },
    )


def _language_name(code: str) -> str:
    return str(STORY_LANGUAGES.get(code, code))


def _role_names(names: str) -> str:
    return ", ".join(str(ROLE_LABELS.get(name, name)) for name in names.split(", "))
