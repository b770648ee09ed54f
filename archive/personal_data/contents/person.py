"""The person: account, log-ins, names and e-mails as a guest, and newsletters."""

from collections.abc import Iterator

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.utils.translation import gettext as _

from accounts.models import RoleChange, SignUp, UndeliverableEmail, User
from accounts.services import sessions_of
from archive.personal_data.contents.sections import Record, Section, records
from articles.models import NewsletterRecipient, Subscription
from moderation.people.data_subject import DataSubject


def sections_of_account(subject: DataSubject, user: User) -> Iterator[Section]:
    """Yield the account with its e-mails, changes of roles and sign-ups that are not confirmed."""
    yield Section(
        "account",
        _("Account"),
        {
            "number": _("Number"),
            "name": _("Name"),
            "email": _("E-mail"),
            "joined_at": _("Joined"),
            "last_login_at": _("Last log-in"),
            "has_public_page": _("Public page"),
            "language": _("Language"),
            "roles": _("Roles"),
        },
        [
            {
                "number": user.pk,
                "name": user.name,
                "email": user.email,
                "joined_at": user.date_joined,
                "last_login_at": user.last_login,
                "has_public_page": user.has_page,
                "language": user.language,
                "roles": ", ".join(sorted(user.roles)),
            }
        ],
    )
    yield Section(
        "emails",
        _("E-mails of the account"),
        {"email": _("E-mail"), "is_confirmed": _("Confirmed"), "is_primary": _("Main e-mail")},
        records(
            EmailAddress.objects.filter(user=user),
            lambda row: {
                "email": row.email,
                "is_confirmed": row.verified,
                "is_primary": row.primary,
            },
        ),
    )
    yield Section(
        "role_changes",
        _("Changes of roles"),
        {"role": _("Role"), "is_granted": _("Given"), "at": _("Time")},
        records(
            RoleChange.objects.filter(user=user).select_related("role"),
            lambda row: {"role": row.role.name, "is_granted": row.is_granted, "at": row.at},
        ),
    )
    yield Section(
        "sign_ups",
        _("Sign-ups that are not confirmed"),
        {"name": _("Name"), "email": _("E-mail"), "at": _("Time")},
        records(
            subject.rows_by_email(SignUp.objects.all()),
            lambda row: {"name": row.name, "email": row.email, "at": row.created_at},
        ),
    )


def sections_of_log_ins(user: User) -> Iterator[Section]:
    """Yield sessions, devices, second factors and connected services, without their secret keys."""
    yield Section("sessions", _("Log-ins"), {"ends_at": _("Ends")}, _read_sessions(user))
    yield Section(
        "devices",
        _("Devices"),
        {
            "browser": _("Browser"),
            "ip_address": _("IP address"),
            "at": _("Log-in"),
        },
        records(
            UserSession.objects.filter(user=user),
            lambda row: {
                "browser": row.user_agent,
                "ip_address": row.ip,
                "at": row.created_at,
            },
        ),
    )
    yield Section(
        "second_factors",
        _("Second factors"),
        {"kind": _("Kind"), "name": _("Name"), "added_at": _("Added"), "last_used_at": _("Last used")},
        records(
            Authenticator.objects.filter(user=user),
            lambda row: {
                "kind": row.get_type_display(),
                "name": row.data.get("name", ""),  # of a passkey or security key
                "added_at": row.created_at,
                "last_used_at": row.last_used_at,
            },
        ),
    )
    yield Section(
        "connected_services",
        _("Other services by which you log in"),
        {"service": _("Service"), "number": _("Your number there"), "at": _("Connected")},
        records(
            SocialAccount.objects.filter(user=user),
            lambda row: {"service": row.provider, "number": row.uid, "at": row.date_joined},
        ),
    )


def sections_of_emails(subject: DataSubject) -> Iterator[Section]:
    """Yield the names and e-mails of guests, and e-mails to which nothing can be delivered."""
    yield Section(
        "guests",
        _("Names that you signed with as a guest"),
        {
            "name": _("Name"),
            "email": _("E-mail"),
            "first_seen_at": _("First seen"),
            "confirmed_at": _("E-mail confirmed"),
        },
        [
            {
                "name": guest.name,
                "email": guest.email,
                "first_seen_at": guest.created_at,
                "confirmed_at": guest.confirmed_at,
            }
            for guest in subject.guests
        ],
    )
    yield Section(
        "undeliverable_emails",
        _("E-mails to which we send no updates, because their mail server rejected a mail"),
        {"email": _("E-mail"), "answer": _("Answer of the mail server"), "at": _("Time")},
        records(
            UndeliverableEmail.objects.filter(email__in=subject.emails),
            lambda row: {"email": row.email, "answer": row.answer, "at": row.at},
        ),
    )


def sections_of_newsletters(subject: DataSubject) -> Iterator[Section]:
    """Yield the subscriptions of the confirmed e-mails, and the newsletters that were sent to them."""
    yield Section(
        "subscriptions",
        _("Subscriptions to the newsletter"),
        {
            "email": _("E-mail"),
            "of": _("Of"),
            "since": _("Since"),
            "confirmed_at": _("Confirmed"),
            "language": _("Language"),
        },
        records(
            Subscription.objects.filter(subscriber__email__in=subject.emails).select_related(
                "subscriber", "topic"
            ),
            lambda row: {
                "email": row.subscriber.email,
                "of": row.topic.name if row.topic else _("All stories"),
                "since": row.created_at,
                "confirmed_at": row.confirmed_at,
                "language": row.subscriber.language,
            },
        ),
    )
    yield Section(
        "newsletters",
        _("Newsletters that were sent to you"),
        {"subject": _("Subject"), "at": _("Sent"), "state": _("State"), "reason": _("Reason")},
        records(
            NewsletterRecipient.objects.filter(subscriber__email__in=subject.emails).select_related(
                "newsletter"
            ),
            lambda row: {
                "subject": row.newsletter.subject,
                "at": row.newsletter.sent_at,
                "state": row.get_state_display(),
                "reason": row.explanation,
            },
        ),
    )


def _read_sessions(user: User) -> Iterator[Record]:
    for session in sessions_of(user):
        yield {"ends_at": session.expire_date}
