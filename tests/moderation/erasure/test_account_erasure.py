"""The erasure of an account at the wish of the person: nothing of them is left in any place."""

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.core.mail import EmailMessage, get_connection, send_mail
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from accounts import mails
from accounts.models import ADMINISTRATOR, Guest, UndeliverableEmail, User
from archive.backup.restore import restore
from archive.backup.write import backup
from archive.personal_data import files
from articles.models import Site, Subscriber
from comments.integrity import check
from comments.models import (
    Comment,
    CommentDraft,
    CommentRevision,
    CommentSearchText,
    Discussion,
    Follow,
    Mute,
    Reason,
    Recommendation,
    State,
    Transition,
)
from comments.services.claims import claim_comments
from core import erasure_log
from moderation.actions.decisions import decide
from moderation.erasure import account_erasure, purge, restrictions
from moderation.models import (
    AccountErasure,
    Case,
    IllegalContentReport,
    Origin,
    RemovalRequest,
    Restriction,
)
from moderation.people.data_subject import DataSubject
from moderation.people.profiles import Person
from moderation.reports import removal_requests
from tests.factories import GuestFactory, UserFactory, confirm_email, make_article, make_comment
from tests.helpers.data_folder import data_path
from tests.moderation.erasure.traces import (
    EMAIL,
    NAME,
    SITE,
    WORDS,
    PersonalTraces,
    columns_with,
    run_erasures,
)

pytestmark = pytest.mark.usefixtures("stored_jobs")

QUOTED = {  # texts by other people
    "comments_comment.body",
    "comments_comment.body_html",
    "comments_commenttext.folded",
    "comments_commenttext.vector",
}


@pytest.mark.django_db
@pytest.mark.parametrize("deletes_comments", [False, True])
def test_nothing_is_left_in_any_column(deletes_comments: bool) -> None:
    traces = PersonalTraces(is_editor=True)
    before = columns_with(NAME, EMAIL, WORDS)
    places = {
        *("accounts_user.name", "accounts_user.email", "accounts_signup.email"),
        *("accounts_guest.name", "accounts_guest.email"),
        *("account_emailaddress.email", "articles_author.slug", "articles_autosave.typed"),
        *(
            "comments_comment.author_name",
            "comments_commentrevision.body",
            "comments_commenttext.author_name",
        ),
        *("django_admin_log.object_repr", "django_admin_log.change_message"),
        *("django_tasks_database_dbtaskresult.args_kwargs", "django_tasks_database_dbtaskresult.traceback"),
        *("moderation_appeal.text", "moderation_report.details", "moderation_sanction.message"),
        *("moderation_moderatornote.text", "moderation_illegalcontentreport.email"),
        *("moderation_removalrequest.email", "moderation_removalrequest.passage"),
        *("accounts_undeliverableemail.email", "accounts_undeliverableemail.answer"),
        *("mfa_authenticator.data", "usersessions_usersession.user_agent"),
        *("articles_subscriber.email", "articles_newsletterrecipient.reason", "comments_commentdraft.body"),
        "socialaccount_socialaccount.uid",
    }
    assert places <= before, places - before

    traces.erase(deletes_comments=deletes_comments)

    words = (NAME, EMAIL, WORDS) if deletes_comments else (NAME, EMAIL)
    assert columns_with(*words) == QUOTED
    texts = list(Comment.objects.filter(body__icontains=NAME).values_list("pk", flat=True))
    assert texts == [traces.olavs.pk]
    assert check() == {}
    user = User.objects.get(pk=traces.user.pk)
    assert (str(user), user.is_active, user.roles) == ("Deleted account", False, frozenset())
    assert not User.objects.get(pk=traces.other.pk).is_erased
    for rows in (
        Authenticator,
        SocialAccount,
        UserSession,
        UndeliverableEmail,
        Follow,
        Mute,
        CommentDraft,
        Subscriber,
    ):
        assert not rows.objects.exists(), rows
    # The decision on the person's report restores nothing.
    decide(ids=[traces.foreign.pk], to=State.REJECTED, reason=Reason.HATE, actor=traces.moderator)
    assert columns_with(*words) == QUOTED


@pytest.mark.django_db
def test_comments_can_stay_without_the_name() -> None:
    traces = PersonalTraces()
    version = traces.answered.discussion.version
    transitions = Transition.objects.count()
    traces.erase(deletes_comments=False)
    assert Transition.objects.count() == transitions
    for comment in (traces.answered, traces.alone, traces.guest_comment, traces.removed):
        fresh = Comment.objects.get(pk=comment.pk)
        assert (fresh.author_name, fresh.author_email) == ("Deleted account", "")
        assert fresh.body
        assert CommentSearchText.objects.get(comment=fresh).author_name == "Deleted account"
    assert not CommentRevision.objects.exclude(body="").exists()
    assert not Origin.objects.filter(comment__in=[traces.answered, traces.alone]).exists()
    deleted = Comment.objects.get(pk=traces.deleted.pk)
    assert (deleted.body, deleted.author_name) == ("", "")  # readers could not see it any more
    assert Comment.objects.get(pk=traces.answered.pk).discussion.version > version
    assert Comment.objects.get(pk=traces.foreign.pk).author_name == "Somebody"
    assert Recommendation.objects.filter(comment=traces.olavs, is_given=True).exists()
    page = Client().get(traces.story.get_absolute_url()).content.decode()
    assert page.count("Deleted account") >= 3
    assert f"As {NAME} said" in page


@pytest.mark.django_db
def test_comments_can_be_deleted_with_the_account() -> None:
    traces = PersonalTraces()
    traces.erase(deletes_comments=True)
    for comment in (traces.answered, traces.alone, traces.guest_comment):
        fresh = Comment.objects.get(pk=comment.pk)
        assert (fresh.state, fresh.state_reason, fresh.body, fresh.author_name) == (
            *(State.DELETED, Reason.AUTHOR),
            *("", ""),
        )
    removed = Comment.objects.get(pk=traces.removed.pk)
    # The state stays that of the moderator's removal.
    assert (removed.state, removed.body) == (State.REJECTED, "")
    page = Client().get(traces.story.get_absolute_url()).content.decode()
    assert f'id="comment-{traces.answered.pk}"' in page  # a comment with replies leaves a placeholder
    assert f'id="comment-{traces.alone.pk}"' not in page
    assert WORDS not in page
    assert Comment.objects.get(pk=traces.answer.pk).body == "An answer."


@pytest.mark.django_db
def test_the_account_is_disabled_at_once(client: Client) -> None:
    traces = PersonalTraces()
    client.force_login(traces.user)
    account_erasure.start(person=Person(user=traces.user), deletes_comments=False)
    user = User.objects.get(pk=traces.user.pk)
    assert not user.is_active
    assert not user.has_usable_password()
    assert user.name  # the job has not run yet
    assert "Log in" in client.get("/").content.decode()
    # The second press changes nothing.
    account_erasure.start(person=Person(user=user), deletes_comments=False)
    assert set(AccountErasure.objects.values_list("deletes_comments", flat=True)) == {False}
    jobs = DBTaskResult.objects.filter(task_path=account_erasure.erase.module_path)
    assert jobs.count() == AccountErasure.objects.count() == 3  # the account and its guests


@pytest.mark.django_db
def test_the_sole_administrator_stays(ada: User) -> None:
    assert not account_erasure.start(person=Person(user=ada), deletes_comments=False)
    assert User.objects.get(pk=ada.pk).is_active
    inactive = UserFactory.create(roles=(ADMINISTRATOR,), is_active=False)
    assert account_erasure.is_sole_administrator(ada)
    User.objects.filter(pk=inactive.pk).update(is_active=True)
    assert account_erasure.start(person=Person(user=ada), deletes_comments=False)
    assert account_erasure.is_sole_administrator(inactive)


@pytest.mark.django_db
def test_decisions_of_staff_stay(maria: User, ada: User) -> None:
    comment = make_comment(make_article(), "Off.")
    action = decide(ids=[comment.pk], to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=maria).action
    assert action
    account_erasure.start(person=Person(user=maria), deletes_comments=True)
    run_erasures()
    client = Client()
    client.force_login(ada)
    page = client.get(f"/moderation/actions/{action.pk}/").content.decode()
    assert "Deleted account" in page
    assert Comment.objects.get(pk=comment.pk).state == State.REJECTED


@pytest.mark.django_db
def test_an_unconfirmed_e_mail_erases_no_guest() -> None:
    """Otherwise anybody could erase a guest by adding their e-mail to an account."""
    guest = GuestFactory.create(name="Gwen", email="gwen@example.org", confirmed_at=timezone.now())
    thief = confirm_email(UserFactory.create())
    EmailAddress.objects.create(user=thief, email="gwen@example.org", verified=False)
    account_erasure.start(person=Person(user=thief), deletes_comments=True)
    run_erasures()
    assert Guest.objects.get(pk=guest.pk).email == "gwen@example.org"


@pytest.mark.django_db
def test_a_guest_whose_comments_are_claimed_in_part_stays() -> None:
    """The comments that the user did not claim may be those of somebody who typed the e-mail."""
    story, user = make_article(), confirm_email(UserFactory.create(email="gustav@example.org"))
    guest = GuestFactory.create(name="Gustav Guest", email="gustav@example.org")
    own, foreign = make_comment(story, "Mine.", guest=guest), make_comment(story, "Not mine.", guest=guest)
    claim_comments(user=user, ids=[own.pk])
    person = Person(user=user)
    assert DataSubject.for_erasure(person).guests == DataSubject.for_export(person).guests == []
    account_erasure.start(person=person, deletes_comments=True)
    run_erasures()
    assert Comment.objects.get(pk=own.pk).body == ""
    fresh = Comment.objects.get(pk=foreign.pk)
    assert (fresh.body, fresh.author_name, fresh.state) == ("Not mine.", "Gustav Guest", State.PUBLISHED)
    guest.refresh_from_db()
    assert (guest.name, guest.is_active) == ("Gustav Guest", True)


@pytest.mark.django_db(transaction=True)
def test_a_claimed_guest_is_erased_and_logged() -> None:
    traces = PersonalTraces()
    person = Person(user=traces.user)
    assert traces.unconfirmed in DataSubject.for_erasure(person).guests
    assert traces.unconfirmed not in DataSubject.for_export(person).guests  # the e-mail is not confirmed
    account_erasure.start(person=person, deletes_comments=True)
    traces.unconfirmed.refresh_from_db()
    assert not traces.unconfirmed.is_active  # the cookie of the old browser is rejected at once
    logged = {(each.kind, each.id) for each in erasure_log.read(erasure_log.path())}
    assert ("guest", traces.unconfirmed.pk) in logged


@pytest.mark.django_db
def test_a_comment_reported_as_illegal_waits_for_the_decision() -> None:
    traces = PersonalTraces()
    illegal = traces.alone
    case = Case.objects.create(comment=illegal, discussion_id=traces.story.pk, is_reported_illegal=True)
    IllegalContentReport.objects.create(comment=illegal, case=case, why="A crime.", in_good_faith=True)
    traces.erase(deletes_comments=True)
    fresh = Comment.objects.get(pk=illegal.pk)
    assert (fresh.state, fresh.author_name) == (State.PUBLISHED, "Deleted account")
    assert fresh.body
    unfinished = AccountErasure.objects.get(finished_at=None)
    assert unfinished.user == traces.user
    assert account_erasure.restart_erasures() == 0  # a job would do nothing
    decide(ids=[illegal.pk], to=State.REJECTED, reason=Reason.HATE, actor=traces.moderator)
    assert account_erasure.restart_erasures() == 1
    assert account_erasure.restart_erasures() == 0  # its job waits already
    run_erasures()
    assert Comment.objects.get(pk=illegal.pk).body == ""
    assert not AccountErasure.objects.filter(finished_at=None).exists()


@pytest.mark.django_db
def test_a_comment_that_is_reported_as_illegal_just_before_the_lock_waits_too() -> None:
    traces = PersonalTraces()
    illegal = traces.alone
    Case.objects.create(comment=illegal, discussion_id=traces.story.pk, is_reported_illegal=True)
    account_erasure._delete([illegal.pk], None)  # chosen before the report
    fresh = Comment.objects.get(pk=illegal.pk)
    assert (fresh.state, fresh.body) == (State.PUBLISHED, illegal.body)


@pytest.mark.django_db
def test_restricted_texts_and_open_requests_stay() -> None:
    traces = PersonalTraces()
    restrictions.restrict(ids=[traces.secret.pk], why=Restriction.Why.COURT, actor=traces.moderator)
    request = removal_requests.send_request(
        article=traces.story,
        comment=None,
        requested_action="remove",
        passage="May",
        reason="It was June.",
        role="subject",
        name=NAME,
        email=f"{EMAIL}@example.org",
    )
    traces.erase(deletes_comments=True)
    restriction = Restriction.objects.get()
    assert (restriction.author_name, restriction.author_email) == ("", "")
    assert restriction.texts.exists()
    assert RemovalRequest.objects.get(pk=request.pk).email


@pytest.mark.django_db
def test_a_restricted_comment_is_deleted_when_the_restriction_is_lifted() -> None:
    traces = PersonalTraces()
    restrictions.restrict(ids=[traces.secret.pk], why=Restriction.Why.COURT, actor=traces.moderator)
    traces.erase(deletes_comments=True)
    assert AccountErasure.objects.get(finished_at=None).user == traces.user
    assert account_erasure.restart_erasures() == 0  # a job would do nothing
    restrictions.lift(restriction=Restriction.objects.get(), actor=traces.administrator)
    assert account_erasure.restart_erasures() == 1
    run_erasures()
    secret = Comment.objects.get(pk=traces.secret.pk)
    assert (secret.state, secret.body, secret.author_name) == (State.DELETED, "", "")
    assert not AccountErasure.objects.filter(finished_at=None).exists()


@pytest.mark.django_db
def test_the_name_is_replaced_in_the_language_of_the_site() -> None:
    """Also if a person decides it who reads the site in another language."""
    traces = PersonalTraces()
    Site.objects.update(language="ar")
    restrictions.restrict(ids=[traces.secret.pk], why=Restriction.Why.COURT, actor=traces.moderator)
    traces.erase(deletes_comments=False)
    restrictions.lift(restriction=Restriction.objects.get(), actor=traces.administrator)
    names = Comment.objects.filter(pk__in=[traces.alone.pk, traces.secret.pk]).values_list("author_name")
    assert set(names) == {("حساب محذوف",)}
    # These comments have the name already, so a second erasure does not change their pages.
    version = Discussion.objects.get().version
    purge.erase_person(person=Person(user=User.objects.get(pk=traces.user.pk)), actor=traces.administrator)
    assert Discussion.objects.get().version == version


@pytest.mark.django_db
def test_the_wish_to_delete_the_comments_replaces_the_wish_to_keep_them() -> None:
    traces = PersonalTraces()
    person = Person(user=traces.user)
    account_erasure.start(person=person, deletes_comments=False)
    account_erasure.start(person=person, deletes_comments=True)
    assert set(AccountErasure.objects.values_list("deletes_comments", flat=True)) == {True}
    account_erasure.start(person=person, deletes_comments=False)
    assert set(AccountErasure.objects.values_list("deletes_comments", flat=True)) == {True}
    run_erasures()
    assert columns_with(WORDS) == set()
    assert not AccountErasure.objects.filter(finished_at=None).exists()


@pytest.mark.django_db
def test_jobs_about_similar_e_mails_stay() -> None:
    ann = confirm_email(UserFactory.create(name="Ann", email="ann@example.org"))
    others = ["joann@example.org", "o'ann@example.org", "jo.ann@example.org", "ann@example.org.uk"]
    for email in [*others, "ann@example.org", "ANN@example.org"]:
        mails.mail_reset.enqueue(email, site=SITE)
    for email in [*others[:1], *others[2:], "<ann@example.org>", "ann@example.org."]:
        failed = mails.mail_reset.enqueue("someone@example.org", site=SITE)
        rows = DBTaskResult.objects.filter(pk=failed.id)
        rows.update(status=TaskResultStatus.FAILED, traceback=f"550 {email} is unknown")
    account_erasure.start(person=Person(user=ann), deletes_comments=False)
    run_erasures()
    jobs = DBTaskResult.objects.filter(task_path=mails.mail_reset.module_path)
    assert {job.args_kwargs["args"][0] for job in jobs.filter(traceback="")} == set(others)
    assert {job.traceback.split()[1] for job in jobs.exclude(traceback="")} == {*others[:1], *others[2:]}


@pytest.mark.django_db
def test_many_comments_take_several_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_erasure, "BATCH_SIZE", 2)
    monkeypatch.setattr(account_erasure, "RUN_SECONDS", -1)
    traces = PersonalTraces()
    assert account_erasure.start(person=Person(user=traces.user), deletes_comments=True)
    erasure = AccountErasure.objects.get(user=traces.user)
    runs = 0
    while not account_erasure.erase.func(erasure.pk):
        runs += 1
        assert runs < 10
    assert runs == 3
    assert account_erasure.erase.func(erasure.pk)  # a job that runs again
    assert not Comment.objects.filter(author=traces.user).exclude(body="").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("deletes_comments", [False, True])
def test_a_restore_of_an_older_backup_erases_again(tmp_path: Path, deletes_comments: bool) -> None:
    traces, file = PersonalTraces(is_editor=True), tmp_path / "site.zip"
    backup(file)
    traces.erase(deletes_comments=deletes_comments)
    log = erasure_log.path().read_text()
    assert not re.search(f"{NAME}|{EMAIL}|{WORDS}", log, re.IGNORECASE)

    call_command("flush", interactive=False, verbosity=0)
    restore(file)
    run_erasures()

    words = (NAME, EMAIL, WORDS) if deletes_comments else (NAME, EMAIL)
    assert columns_with(*words) == QUOTED
    assert check() == {}
    assert not User.objects.get(pk=traces.user.pk).is_active
    # A later backup has nothing either.
    later = tmp_path / "later.zip"
    backup(later)
    with zipfile.ZipFile(later) as archive:
        assert archive.namelist()
    call_command("flush", interactive=False, verbosity=0)
    restore(later)
    assert columns_with(*words) == QUOTED


@pytest.mark.django_db(transaction=True)
def test_a_restore_in_the_middle_of_an_erasure_completes_it(tmp_path: Path) -> None:
    """The job had deleted no comment yet, so the log of erasures lists the person only."""
    traces, file = PersonalTraces(), tmp_path / "site.zip"
    backup(file)
    account_erasure.start(person=Person(user=traces.user), deletes_comments=True)
    call_command("flush", interactive=False, verbosity=0)
    restore(file)
    assert Comment.objects.filter(body__contains=WORDS).count() > 3
    assert account_erasure.restart_erasures() == 3
    run_erasures()
    assert columns_with(NAME, EMAIL, WORDS) == QUOTED


@pytest.mark.django_db(transaction=True)
def test_a_restore_keeps_the_later_wish_to_delete_the_comments(tmp_path: Path) -> None:
    traces, file = PersonalTraces(), tmp_path / "site.zip"
    account_erasure.start(person=Person(user=traces.user), deletes_comments=False)
    backup(file)
    account_erasure.start(person=Person(user=traces.user), deletes_comments=True)
    call_command("flush", interactive=False, verbosity=0)
    restore(file)
    run_erasures()
    assert columns_with(NAME, EMAIL, WORDS) == QUOTED


@pytest.mark.django_db
def test_the_file_of_personal_data_is_deleted_too() -> None:
    traces = PersonalTraces()
    row = files.request_file(Person(user=traces.user))
    assert row
    files.make_file.func(str(row.pk))
    traces.erase(deletes_comments=False)
    assert files.delete_expired() >= 1
    assert not data_path(files.file_name(row.pk)).exists()


@pytest.mark.django_db(transaction=True)
def test_mails_that_were_written_to_files_are_deleted(tmp_path: Path, settings: Any) -> None:
    settings.EMAIL_BACKEND = "config.mail_backend.Backend"
    settings.MAIL_TRANSPORT = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    traces = PersonalTraces()
    long = "A long line, so that the text is encoded: éß " * 20
    sent = {
        "to them": ("Hello.", traces.user.email.upper()),
        "about them": (f"{long}{NAME} Quill\nreplied to you.", "olav@example.org"),
        "to another": (f"{long}{NAME}ish words.", "olav@example.org"),
    }
    connection = get_connection()
    connection.send_messages(
        [EmailMessage(subject, text, to=[to], connection=connection) for subject, (text, to) in sent.items()]
    )
    send_mail("alone", f"Dear {NAME} Quill", None, ["olav@example.org"])
    assert len(list((tmp_path / "mail").iterdir())) >= 2
    traces.erase(deletes_comments=False)
    written = b"".join(path.read_bytes() for path in (tmp_path / "mail").iterdir())
    assert re.findall(rb"Subject: (.+)", written) == [b"to another"]
