"""A person who leaves traces in every place, and the search for them."""

import json
from uuid import uuid4

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from accounts import mails, undeliverable
from accounts.authentication import sign_up
from accounts.models import ADMINISTRATOR, EDITOR, User
from articles.models import Autosave
from articles.newsletter.subscriptions import mail_confirmation
from articles.services import set_article_authors
from comments.models import (
    Comment,
    Follow,
    Mute,
    Reason,
    State,
)
from comments.services.claims import claim_comments
from comments.services.drafts import save_draft
from comments.services.editing import edit_comment
from comments.services.recommendations import recommend
from comments.services.states import delete_comment
from moderation.actions.decisions import decide
from moderation.erasure import account_erasure
from moderation.models import (
    AccountErasure,
    Case,
    IllegalContentReport,
    ModeratorNote,
    Origin,
    Report,
    Sanction,
)
from moderation.people import sanctions
from moderation.people.profiles import Person
from moderation.reports import removal_requests
from moderation.reports.reporting import appeal_removal, report_comment
from tests.articles.newsletter.conftest import draft_of, send, subscribe
from tests.factories import GuestFactory, UserFactory, confirm_email, make_article, make_comment

# Words of the name, the e-mail and the person's own texts. Stemming does not change them.
NAME, EMAIL, WORDS = "Zyxbelnap", "zyxmoot", "zyxquorl"
SITE = {"language": "en", "name": "Soundoff", "contact_email": "", "accent": ""}


class PersonalTraces:
    """The traces of a person who has done everything that leaves one, among those of other people."""

    def __init__(self, *, is_editor: bool = False) -> None:
        self._create_people()
        self._write_comments()
        self._recommend_and_report()
        self._add_moderation_records()
        self._leave_traces_in_mails_and_logs()
        self._log_in_and_add_keys()
        self._follow_and_subscribe()
        self._draft_and_mute()
        if is_editor:
            self._make_editor()

    def _create_people(self) -> None:
        self.moderator = UserFactory.create(name="Mo", roles=("Moderator",))
        self.administrator = UserFactory.create(name="Ada", roles=(ADMINISTRATOR,))
        self.other = UserFactory.create(name="Olav")
        self.story = make_article("The slip closes")
        self.user = user = confirm_email(
            UserFactory.create(name=f"{NAME} Quill", email=f"{EMAIL}@example.org", password="long enough")
        )
        EmailAddress.objects.create(user=user, email=f"{EMAIL}-2@example.org", verified=True)
        Client().force_login(user)
        self.guest = GuestFactory.create(
            name=f"{NAME} Q.", email=f"{EMAIL.upper()}@example.org", confirmed_at=timezone.now()
        )

    def _write_comments(self) -> None:
        story, user = self.story, self.user
        unconfirmed = GuestFactory.create(name="Somebody", email=f"{EMAIL}@example.org")
        self.foreign = make_comment(story, "Not by that person.", guest=unconfirmed)
        self.olavs = make_comment(story, f"As {NAME} said: yes.", author=self.other)
        self.answered = make_comment(story, f"{WORDS} answered.", author=user, parent=self.olavs)
        self.answered = edit_comment(
            comment=self.answered, body=f"{WORDS} answered, edited.", user=user, guest=None
        )
        self.answer = make_comment(story, "An answer.", author=self.other, parent=self.answered)
        self.alone = make_comment(story, f"{WORDS} alone.", author=user)
        self.guest_comment = make_comment(story, f"{WORDS} as a guest.", guest=self.guest)
        self._claim_comments()
        self.removed = make_comment(story, f"{WORDS} is an insult.", author=user)
        decide(ids=[self.removed.pk], to=State.REJECTED, reason=Reason.INSULT, actor=self.moderator)
        appeal_removal(
            comment=Comment.objects.get(pk=self.removed.pk), user=user, guest=None, text=f"{WORDS} please."
        )
        self.deleted = make_comment(story, f"{WORDS} deleted.", author=user)
        assert delete_comment(comment=self.deleted, user=user, guest=None)
        self.secret = make_comment(story, f"{WORDS} is secret.", author=user)

    def _claim_comments(self) -> None:
        """Claim the comment of a guest who never opened the mailed link, and who deleted another one."""
        self.unconfirmed = GuestFactory.create(name=f"{NAME} Guest", email=f"{EMAIL}@example.org")
        self.claimed = make_comment(self.story, f"{WORDS} claimed.", guest=self.unconfirmed)
        deleted = make_comment(self.story, f"{WORDS} not claimed.", guest=self.unconfirmed)
        assert delete_comment(comment=deleted, user=None, guest=self.unconfirmed)
        assert claim_comments(user=self.user, ids=[self.claimed.pk]) == 1

    def _recommend_and_report(self) -> None:
        recommend(comment=self.olavs, user=self.user, guest=None, is_given=True)
        report_comment(
            comment=self.olavs, user=self.user, guest=None, why=Report.Why.OTHER, details=f"{WORDS} details."
        )
        for comment in (self.alone, self.answered):
            Origin.objects.get_or_create(comment=comment, defaults={"ip_hash": b"0" * 16})

    def _add_moderation_records(self) -> None:
        """Add a note, a warning, an answered removal request and a report of illegal content."""
        ModeratorNote.objects.create(user=self.user, text=f"{NAME} again.", by=self.moderator)
        sanctions.impose(
            person=Person(user=self.user),
            kind=Sanction.Kind.WARN,
            reason="insult",
            message=f"Dear {NAME}.",
            until=None,
            actor=self.moderator,
        )
        request = removal_requests.send_request(
            article=self.story,
            comment=None,
            requested_action="correct",
            passage=WORDS,
            reason=WORDS,
            role="subject",
            name=NAME,
            email=f"{EMAIL}@example.org",
        )
        removal_requests.answer(
            removal_request=request, outcome="done", text="Done.", actor=self.administrator
        )
        case = Case.objects.create(
            comment=self.foreign, discussion_id=self.story.pk, is_reported_illegal=True
        )
        IllegalContentReport.objects.create(
            comment=self.foreign,
            case=case,
            why="A crime.",
            name=NAME,
            email=f"{EMAIL}@example.org",
            in_good_faith=True,
        )

    def _leave_traces_in_mails_and_logs(self) -> None:
        sign_up.create(name=NAME, email=f"{EMAIL}@example.org", password="long enough")
        mails.mail_reset.enqueue(f"{EMAIL}@example.org", site=SITE)
        failed = mails.mail_wrong_passwords.enqueue(f"{EMAIL}@example.org", site=SITE)
        DBTaskResult.objects.filter(pk=failed.id).update(
            status=TaskResultStatus.FAILED, traceback=f"550 {EMAIL}@example.org is unknown"
        )
        LogEntry.objects.create(
            user=self.administrator,
            content_type=ContentType.objects.get_for_model(User),
            object_id=str(self.user.pk),
            object_repr=f"{NAME} Quill",
            action_flag=CHANGE,
            change_message=json.dumps([{"changed": {"object": f"{NAME} Quill"}}]),
        )
        undeliverable.add(f"{EMAIL}@example.org", f"550 No such user {EMAIL}")

    def _log_in_and_add_keys(self) -> None:
        login = {"login": self.user.email, "password": "long enough"}
        Client(headers={"User-Agent": f"{NAME} browser"}).post("/accounts/login/", login)
        Authenticator.objects.create(
            user=self.user, type=Authenticator.Type.WEBAUTHN, data={"name": f"Key of {NAME}"}
        )
        SocialAccount.objects.create(user=self.user, provider="oidc", uid=EMAIL)

    def _follow_and_subscribe(self) -> None:
        for person in ({"user": self.user}, {"guest": self.guest}):
            Follow.objects.create(**person, article=self.story, kind="replies", delivery="at_once")
        subscribe(f"{EMAIL}@example.org")
        newsletter = draft_of(self.story, self.administrator)
        send(newsletter)
        newsletter.recipients.update(
            state="failed", failure_details=f"550 5.1.1 <{EMAIL}>: Recipient address rejected"
        )
        mail_confirmation.enqueue(f"{EMAIL}@example.org", None)

    def _draft_and_mute(self) -> None:
        save_draft(
            user=self.user, article=self.story, parent=None, body=f"{WORDS} as a draft.", nonce=uuid4()
        )
        Mute.objects.create(user=self.user, muted_user=self.other)
        Mute.objects.create(user=self.other, muted_user=self.user)
        Mute.objects.create(user=self.other, muted_guest=self.guest)

    def _make_editor(self) -> None:
        self.user.set_roles([EDITOR])
        set_article_authors(article=self.story, people=[self.user])
        Autosave.objects.create(nonce=uuid4(), editor=self.user, fields={"title": [WORDS]})

    def erase(self, *, deletes_comments: bool) -> None:
        """Erase the person as the page does, and run the jobs of the erasure."""
        person = Person(user=User.objects.get(pk=self.user.pk))
        assert account_erasure.start(person=person, deletes_comments=deletes_comments)
        run_erasures()


def run_erasures() -> None:
    for pk in AccountErasure.objects.filter(finished_at=None).values_list("pk", flat=True):
        account_erasure.erase.func(pk)
    DBTaskResult.objects.filter(task_path=account_erasure.erase.module_path).delete()


def columns_with(*words: str) -> set[str]:
    """Return the columns, as "table.column", in which one of these words is, in any case."""
    pattern = "|".join(words)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns c "
            "WHERE table_schema = 'public' AND EXISTS (SELECT FROM information_schema.tables t "
            "WHERE t.table_name = c.table_name AND t.table_type = 'BASE TABLE')"
        )
        columns = cursor.fetchall()
        found = set()
        for table, column, data_type in columns:
            text = f'"{column}"::text'
            if data_type == "bytea":
                text = f"encode(\"{column}\", 'escape')"
            cursor.execute(f'SELECT EXISTS (SELECT FROM "{table}" WHERE {text} ~* %s)', [pattern])
            if cursor.fetchone()[0]:
                found.add(f"{table}.{column}")
    return found
