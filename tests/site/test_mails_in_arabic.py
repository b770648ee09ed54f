"""Every mail of a site in Arabic, as a mail server receives it. Mails to staff are wholly in English."""

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test.signals import template_rendered
from django.utils import timezone

from accounts import mails
from accounts.authentication import sign_up
from accounts.models import ADMINISTRATOR, MODERATOR, Guest, User
from archive.personal_data import erasure_links, files
from archive.tasks import notify_failed_backup
from articles.models import Site
from articles.newsletter import sending, subscriptions
from articles.site.invitations import invite
from comments.following.incoming import receive
from comments.following.mails import mail_followers, notify_followers
from comments.following.tokens import follow_token
from comments.models import Comment, Follow, LastUpdateSearch, Reason, State
from comments.services.states import change_states
from comments.tasks import mail_confirmation
from config.owner.views import compose_test_mail
from core.data_folder import PROJECT
from core.mail.tokens import incoming_email
from moderation import tasks
from moderation.actions.decisions import decide, undo
from moderation.models import Sanction
from moderation.notifications.waiting_alerts import alert_moderators
from moderation.people import sanctions
from moderation.people.profiles import Person
from moderation.reports import removal_requests
from moderation.reports.reporting import report_comment, report_illegal_content
from tests.articles.newsletter.conftest import draft_of, send
from tests.factories import GuestFactory, UserFactory, confirm_email, make_article, make_comment
from tests.helpers.mails import check_mail, html_of, text_of
from tests.helpers.servers.smtp import Inbox, receiving

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]

ARABIC, LATIN = re.compile("[\u0621-\u064a]"), re.compile("[A-Za-z]{2,}")
NO_WORDS = re.compile(r"\S+@\S+|https?://\S+|\bUTC\b")
SITE, TITLE = "المركب", "المركب يبقى"
FOR_STAFF = {
    "moderation/mail/illegal_content_report.txt",
    "moderation/mail/no_backup.txt",
    "moderation/mail/request.txt",
    "moderation/mail/waiting.txt",
    "owner/mail/test_mail.txt",
}


class Senders:
    """The senders of all mails, by their templates, and the people and the story that these are about."""

    def __init__(self) -> None:
        self.article = make_article(TITLE, standfirst="لم يتغيّر شيء.", body="قال المجلس كلمته.")
        self.member: User = confirm_email(UserFactory.create(name="منى", email="mona@example.org"))
        self.guest: Guest = GuestFactory.create(name="أحمد", confirmed_at=timezone.now())
        self.staff: User = confirm_email(
            UserFactory.create(name="Ada", email="ada@example.org", roles=(ADMINISTRATOR, MODERATOR))
        )
        self.comment = self.make_comment(author=self.member)
        site = Site.objects.get()
        stored = mails.MailSiteSettings(
            site.language, site.name, site.contact_email, site.accent, site.time_zone
        )
        self.site = asdict(stored)

    def make_comment(self, **fields: Any) -> Comment:
        return make_comment(self.article, "رأيت المركب صباحًا.", **fields)

    def decide(self, comment: Comment) -> str:
        act = decide(ids=[comment.pk], to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=self.staff)
        assert act.action
        return str(act.action.pk)

    # Comments

    def confirm_comment(self) -> None:
        mail_confirmation.func(GuestFactory.create(name="أحمد").pk)

    def updates(self) -> None:
        hour_ago = timezone.now() - timedelta(hours=1)
        LastUpdateSearch.objects.create(pk=1, until=hour_ago)
        Follow.objects.create(
            user=self.member,
            article=self.article,
            kind="comments",
            delivery="at_once",
            seen_at=hour_ago,
            mailed_at=hour_ago,
        )
        self.make_comment(guest=self.guest, parent=self.comment)
        with pytest.MonkeyPatch.context() as patch:
            at = timezone.now() + timedelta(minutes=2)
            patch.setattr("django.utils.timezone.now", lambda: at)
            notify_followers()
            mail_followers.func()

    def reply_by_mail(self) -> None:
        follow = Follow.objects.create(
            user=self.member, article=self.article, kind="comments", delivery="at_once"
        )
        message = EmailMessage()
        message["From"], message["To"] = self.member.email, incoming_email(follow_token(follow))
        message.set_content("Well said!")
        receive(message)

    # Newsletters

    def subscription(self) -> None:
        subscriptions.mail_confirmation.func("ann@example.org", None, "ar")

    def newsletter(self) -> None:
        subscriptions.subscribe("ann@example.org", {None}, "ar")
        draft = draft_of(self.article, self.staff, subject="أسبوع المركب")
        type(draft).objects.update(introduction="أهلا بكم،")
        send(draft)
        sending.send_newsletters.func()

    # Moderation

    def decision(self) -> None:
        tasks.notify_authors.func(self.decide(self.comment))

    def reports(self) -> None:
        report_comment(comment=self.comment, user=None, guest=self.guest, why="abuse", details="")
        tasks.notify_reporters.func(self.decide(self.comment))

    def illegal_content(self) -> None:
        report = report_illegal_content(comment=self.comment, why="سبب", email="ann@example.org")
        tasks.send_receipt.func(report.pk)
        tasks.notify_moderators.func(report.pk)
        tasks.notify_reporters.func(self.decide(self.comment))

    def removal_request(self) -> None:
        request = removal_requests.send_request(
            article=self.article,
            comment=None,
            requested_action="remove",
            passage="فقرة",
            reason="سبب",
            role="subject",
            name="منى",
            email="mona@example.org",
        )
        tasks.send_request_receipt.func(request.pk)
        tasks.notify_administrators.func(request.pk)
        removal_requests.answer(removal_request=request, outcome="refused", text="لا.", actor=self.staff)
        tasks.notify_request_outcome.func(request.pk)

    def sanction(self) -> None:
        person, reason = Person(user=self.member), Reason.INSULT
        acts = [
            sanctions.impose(person=person, kind=kind, reason=reason, actor=self.staff)
            for kind in ("warn", "review", "pause", "ban")
        ]
        made = list(Sanction.objects.values_list("pk", flat=True))
        for pk in made:
            assert sanctions.notify_of_sanction.func(pk) == 1
            assert sanctions.notify_sanction_upheld.func(pk) == 1
        sanctions.appeal(sanction=Sanction.objects.get(pk=made[0]), text="سبب")
        for act in acts:
            undo(action=act, actor=self.staff)
        assert sum(sanctions.notify_of_sanction.func(pk) for pk in made)

    def waiting(self) -> None:
        change_states(ids=[self.comment.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
        with pytest.MonkeyPatch.context() as patch:
            noon = (timezone.now() + timedelta(days=2)).replace(hour=12)
            patch.setattr("django.utils.timezone.now", lambda: noon)
            alert_moderators()

    # Data and accounts

    def personal_data(self) -> None:
        for person in (Person(user=self.member), Person(guest=self.guest)):
            row = files.request_file(person)
            assert row
            files.make_file.func(str(row.pk))
            erasure_links.mail_erasure_link.func(person.key, False)

    def invitation(self) -> None:
        user = UserFactory.create(name="ليلى", email="laila@example.org")
        user.set_unusable_password()
        user.save()
        invite.func(user.pk)

    def accounts(self) -> None:
        pk, email, at = self.member.pk, self.member.email, timezone.now().isoformat()
        for address in (email, "new@example.org"):
            pending = sign_up.create(name="منى", email=address, password="nine-quiet-otters")
            mails.mail_sign_up.func(pending.pk, self.site)
            mails.mail_reset.func(address, self.site)
        added = EmailAddress.objects.create(user=self.member, email="second@example.org")
        mails.mail_address.func(added.pk, self.site)
        mails.mail_wrong_passwords.func(email, self.site)
        mails.mail_wrong_codes.func(pk, self.site)
        mails.mail_new_device.func(pk, at, "", self.site)
        for change in mails.SECURITY_CHANGES:
            mails.mail_security_change.func(pk, change, email, "old@example.org", site=self.site)

    def staff_mails(self) -> None:
        notify_failed_backup.func("No space left on device")
        compose_test_mail(self.staff, "ada@example.org", Site.objects.get()).send()


ACCOUNTS = (
    "account_already_exists",
    "email_confirmation",
    "new_device",
    "password_reset_key",
    "security_change",
    "sign_up",
    "unknown_account",
    "wrong_codes",
    "wrong_passwords",
)
# The templates of the mails, by the method of Senders that sends them.
SENT = {
    "confirm_comment": {"comments/mail/confirm_email.txt"},
    "updates": {"comments/mail/updates.txt"},
    "reply_by_mail": {"comments/mail/reply_on_the_site.txt"},
    "subscription": {"articles/mail/confirm_subscription.txt"},
    "newsletter": {"articles/mail/newsletter.txt"},
    "decision": {"moderation/mail/decision.txt"},
    "reports": {"moderation/mail/outcome.txt"},
    "illegal_content": {
        "moderation/mail/illegal_content_outcome.txt",
        "moderation/mail/illegal_content_receipt.txt",
        "moderation/mail/illegal_content_report.txt",
    },
    "removal_request": {
        "moderation/mail/request.txt",
        "moderation/mail/request_outcome.txt",
        "moderation/mail/request_receipt.txt",
    },
    "sanction": {"moderation/mail/sanction.txt"},
    "waiting": {"moderation/mail/waiting.txt"},
    "personal_data": {"archive/personal_data/mail/erase.txt", "archive/personal_data/mail/file.txt"},
    "invitation": {"accounts/mail/invitation.txt"},
    "accounts": {f"account/email/{name}_message.txt" for name in ACCOUNTS},
    "staff_mails": {"moderation/mail/no_backup.txt", "owner/mail/test_mail.txt"},
}
NO_MAILS = ("mail/", "account/messages/", "mfa/", "socialaccount/")  # folders of other texts


@pytest.fixture
def inbox(settings: Any, tmp_path: Path) -> Iterator[Inbox]:
    settings.INCOMING_EMAIL = "comments@example.net"
    settings.HOME = tmp_path
    Site.objects.update(language="ar", name=SITE, contact_email="desk@example.org")
    with receiving(settings) as received:
        settings.MAIL_TRANSPORT = settings.EMAIL_BACKEND
        settings.EMAIL_BACKEND = "config.mail_backend.Backend"
        yield received


@pytest.mark.parametrize("sender", SENT)
def test_both_parts_are_in_the_language_of_the_recipient(inbox: Inbox, sender: str) -> None:
    rendered = set[str]()

    def note(template: Any, **_signal: Any) -> None:
        rendered.update({template.name} & _find_templates())

    send_mails: Callable[[], None] = getattr(Senders(), sender)
    template_rendered.connect(note)
    try:
        send_mails()
    finally:
        template_rendered.disconnect(note)
    assert rendered == SENT[sender]
    for message in inbox.mails:
        check_mail(message)
        html, words = html_of(message), f"{message['Subject']} {NO_WORDS.sub('', text_of(message))}"
        if message["To"] == "ada@example.org":
            assert '<html lang="en" dir="ltr">' in html
            assert ARABIC.search(words.replace(TITLE, "").replace(SITE, "")) is None, words
        else:
            assert '<html lang="ar" dir="rtl">' in html
            assert LATIN.search(words) is None, words
            assert ARABIC.search(str(message["Subject"]))
    to_staff = any(message["To"] == "ada@example.org" for message in inbox.mails)
    assert to_staff == bool(SENT[sender] & FOR_STAFF)


def test_no_mail_is_missing() -> None:
    assert set().union(*SENT.values()) == _find_templates()


def _find_templates() -> set[str]:
    """Return the templates of mails."""
    folder = PROJECT / "templates"
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*.txt")}
    return {
        name
        for name in names
        if not name.startswith(NO_MAILS) and "/_" not in name and not name.endswith("_subject.txt")
    }
