"""The file of personal data: its content, its readers, and how long it is kept."""

import gc
import json
import re
import tracemalloc
import zipfile
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import guests, undeliverable
from accounts.models import ADMINISTRATOR, EDITOR, Guest, SignUp, User
from archive.models import PersonalDataFile
from archive.personal_data import files
from articles.models import Article
from articles.publishing.services import unpublish_articles
from articles.services import set_article_authors
from comments.models import Comment, Reason, State
from comments.services.claims import claim_comments
from comments.services.editing import edit_comment
from comments.services.recommendations import recommend
from moderation.actions.decisions import decide
from moderation.erasure import restrictions
from moderation.models import (
    AccountErasure,
    Case,
    IllegalContentReport,
    ModeratorNote,
    Report,
    Restriction,
    Sanction,
)
from moderation.people import sanctions
from moderation.people.profiles import Person
from moderation.reports.removal_requests import send_request
from moderation.reports.reporting import appeal_removal, report_comment
from tests.archive.personal_data.conftest import PASSWORD, words
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.clients import client_of_guest
from tests.helpers.data_folder import data_path

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


def wait_a_day() -> None:
    """Make the files of people a day old, after which they can ask for new ones."""
    PersonalDataFile.objects.update(requested_at=timezone.now() - files.REQUEST_INTERVAL)


def make(person: Person) -> dict[str, Any]:
    """Ask for the file of this person and make it. Return data.json, with the page under "page"."""
    row = files.request_file(person)
    assert row
    files.make_file.func(str(row.pk))
    with zipfile.ZipFile(data_path(files.file_name(row.pk))) as archive:
        assert archive.namelist() == ["data.json", "index.html"]
        data: dict[str, Any] = json.loads(archive.read("data.json"))
        data["page"] = archive.read("index.html").decode()
    return data


def store_examples(jim: User, maria: User, omar: User) -> tuple[Comment, Comment]:
    """Store an example of everything about Jim. Return his comment, and Maria's to which it replies."""
    story = make_article("The slip <closes>")
    maria_words = make_comment(story, "Maria's words.", author=maria)
    shown = make_comment(story, "It was <b>closed</b> in May.", author=jim, parent=maria_words)
    shown = edit_comment(comment=shown, body="It was closed in June.", user=jim, guest=None)
    removed = make_comment(story, "You are a fool.", author=jim)
    decide(ids=[removed.pk], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    appeal_removal(comment=Comment.objects.get(pk=removed.pk), user=jim, guest=None, text="It was a joke.")
    recommend(comment=maria_words, user=jim, guest=None, is_given=True)
    report_comment(comment=maria_words, user=jim, guest=None, why=Report.Why.OTHER, details="She is my aunt.")
    send_request(
        article=story,
        comment=None,
        requested_action="correct",
        passage="May",
        reason="It was June.",
        role="subject",
        name="Jim Quill",
        email="Jim@example.org",
    )
    case = Report.objects.get().case
    IllegalContentReport.objects.create(
        comment=maria_words, case=case, why="It is a crime.", email="JIM@example.org", in_good_faith=True
    )
    sanctions.impose(
        person=Person(user=jim),
        kind=Sanction.Kind.PAUSE,
        reason="insult",
        message="Third time.",
        until=timezone.now() + timedelta(days=7),
        actor=maria,
    )
    ModeratorNote.objects.create(user=jim, text="Looks like Tim.", by=omar)
    guest = GuestFactory.create(name="Jimbo", email="jim@example.org", confirmed_at=timezone.now())
    make_comment(story, "As a guest.", guest=guest)
    other = GuestFactory.create(name="Not him", email="jim@example.org")
    make_comment(story, "By somebody who typed his e-mail.", guest=other)
    return shown, maria_words


def test_the_file_has_everything_of_a_member(jim: User, maria: User, omar: User) -> None:
    shown, maria_words = store_examples(jim, maria, omar)
    client = Client()
    client.force_login(jim)

    data = make(Person(user=jim))

    assert data["format"] == "soundoff-personal-data-1"
    assert data["account"][0]["email"] == "jim@example.org"
    assert data["emails"] == [{"email": "jim@example.org", "is_confirmed": True, "is_primary": True}]
    assert len(data["sessions"]) == 1
    assert [guest["name"] for guest in data["guests"]] == ["Jimbo"]
    assert [row["role"] for row in data["role_changes"]] == ["Reader"]
    first, second, third = data["comments"]
    assert (first["text"], first["state"]) == ("It was closed in June.", "Published")
    assert first["replies_to"] == maria_words.pk
    assert [text["text"] for text in first["earlier_texts"]] == ["It was <b>closed</b> in May."]
    assert first["url"].endswith(f"/comments/{shown.pk}/")
    assert second["state"] == "Removed by a moderator"
    assert second["decision"].startswith("Your comment was removed.")
    assert third["text"] == "As a guest."
    assert [row["url"] for row in data["recommendations"]] == [data["reports"][0]["url"]]
    assert data["reports"][0]["details"] == "She is my aunt."
    assert data["reports"][0]["outcome"] == "Not reviewed yet."
    assert data["illegal_content_reports"][0]["why"] == "It is a crime."
    assert [row["text"] for row in data["appeals"]] == ["It was a joke."]
    assert data["removal_requests"][0]["reason"] == "It was June."
    assert "Third time." in data["sanctions"][0]["notice"]
    everything = json.dumps(data)
    for text in ("Maria's words.", "Looks like Tim.", "By somebody who typed", "Maria"):
        assert text not in everything, text
    page = data["page"]
    assert "It was &lt;b&gt;closed&lt;/b&gt; in May." in page
    assert "The slip &lt;closes&gt;" in page
    assert "prefers-color-scheme: dark" in page
    assert "src=" not in page
    assert "<script" not in page


def test_a_redacted_text_has_no_earlier_texts_and_a_restricted_one_no_text(jim: User, ada: User) -> None:
    story = make_article()
    secret, redacted = (make_comment(story, words, author=jim) for words in ("My secret.", "Old words."))
    restrictions.restrict(ids=[secret.pk], why=Restriction.Why.COURT, actor=ada)
    edit_comment(comment=redacted, body="New words.", user=jim, guest=None)
    Comment.objects.filter(pk=redacted.pk).update(is_redacted=True)
    found = make(Person(user=jim))["comments"]
    assert [(row["text"], row["earlier_texts"]) for row in found] == [("", []), ("New words.", [])]


def test_the_file_has_no_url_and_new_title_of_an_unpublished_story(
    jim: User, maria: User, omar: User
) -> None:
    store_examples(jim, maria, omar)
    unpublish_articles(ids=Article.objects.values_list("pk", flat=True))
    Article.objects.update(title="The mayor resigns", slug="the-mayor-resigns")
    data = make(Person(user=jim))
    sections = ("comments", "recommendations", "reports", "illegal_content_reports", "appeals")
    for section in sections:
        assert {row["url"] for row in data[section]} == {""}, section
        assert all(row["number"] for row in data[section])
    assert "mayor" not in json.dumps(data)


def test_the_file_of_a_staff_member_has_their_actions(emil: User) -> None:
    story = make_article("The slip closes")
    set_article_authors(article=story, people=[emil])
    emil.set_roles([EDITOR, ADMINISTRATOR])
    data = make(Person(user=emil))
    assert data["author_page"][0]["slug"] == "emil"
    assert [row["role"] for row in data["role_changes"]] == ["Editor", "Administrator"]
    assert data["comments"] == []
    assert "Nothing is stored." in data["page"]


def test_a_guest_gets_nothing_of_the_account_with_the_same_e_mail(jim: User) -> None:
    story = make_article()
    guest = GuestFactory.create(name="Jimbo", email=jim.email, confirmed_at=timezone.now())
    make_comment(story, "By the account.", author=jim)
    make_comment(story, "By the guest.", guest=guest)
    data = make(Person(guest=guest))
    assert "account" not in data
    assert [row["text"] for row in data["comments"]] == ["By the guest."]


def test_a_guest_gets_nothing_of_other_guests_with_the_same_e_mail(gwen: Guest) -> None:
    """Eve typed Gwen's e-mail, and Gwen confirmed it, perhaps because she took the comment for hers."""
    story = make_article()
    gwens = make_comment(story, "Secret words of Gwen.", guest=gwen)
    case = Case.objects.create(comment=gwens, discussion_id=story.pk, is_reported_illegal=True)
    IllegalContentReport.objects.create(
        comment=gwens, case=case, why="A crime.", name="Gwen", email=gwen.email, in_good_faith=True
    )
    send_request(
        article=story,
        comment=None,
        requested_action="correct",
        passage="May",
        reason="It was June.",
        role="subject",
        name="Gwen",
        email=gwen.email,
    )
    eve = GuestFactory.create(name="Eve", email=gwen.email)
    make_comment(story, "By Eve.", guest=eve)
    Client().post(f"/guests/confirm/{guests.make_confirmation_token(eve)}/")
    browser = client_of_guest(eve)
    assert "As a guest you get what you sent as Eve" in words(browser.get("/account/data/"))
    browser.post("/account/data/")
    row = PersonalDataFile.objects.get()
    files.make_file.func(str(row.pk))
    assert browser.get("/account/data/file/").status_code == 200
    with zipfile.ZipFile(data_path(files.file_name(row.pk))) as archive:
        data = json.loads(archive.read("data.json"))
    assert [own["name"] for own in data["guests"]] == ["Eve"]
    assert [own["text"] for own in data["comments"]] == ["By Eve."]
    assert data["illegal_content_reports"] == data["removal_requests"] == []
    browser.post("/account/data/erase/", {"comments": "delete"})  # it only mails a link to Gwen
    assert not AccountErasure.objects.exists()


def test_the_file_has_claims_devices_keys_sign_ups_and_rejected_e_mails(jim: User) -> None:
    guest = GuestFactory.create(name="Jimbo", email="jim@example.org", confirmed_at=timezone.now())
    comment = make_comment(make_article(), "As a guest.", guest=guest)
    claim_comments(user=jim, ids=[comment.pk])
    Client().post("/accounts/login/", {"login": "jim@example.org", "password": PASSWORD})
    key = Authenticator.Type.WEBAUTHN
    Authenticator.objects.create(user=jim, type=key, data={"name": "Blue key", "credential": {"secret": "s"}})
    SignUp.objects.create(name="Jim again", email="Jim@example.org", password="hash of a password")
    undeliverable.add("jim@example.org", "552 Mailbox full")
    undeliverable.add("other@example.org", "550 No such user")
    data = make(Person(user=jim))
    assert [row["url"] for row in data["claims"]] == [settings.SITE_URL + comment.get_absolute_url()]
    assert [set(row) for row in data["devices"]] == [{"browser", "ip_address", "at"}]
    assert [(row["kind"], row["name"]) for row in data["second_factors"]] == [("webauthn", "Blue key")]
    assert [row["name"] for row in data["sign_ups"]] == ["Jim again"]
    assert [row["answer"] for row in data["undeliverable_emails"]] == ["552 Mailbox full"]
    assert "hash of a password" not in data["page"]
    assert '"secret"' not in json.dumps(data)


def test_the_page_shows_words_and_the_data_has_codes(jim: User, monkeypatch: pytest.MonkeyPatch) -> None:
    User.objects.filter(pk=jim.pk).update(language="ar")
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    login = {"login": "jim@example.org", "password": PASSWORD}
    Client(HTTP_USER_AGENT=agent).post("/accounts/login/", login)
    for kind in Authenticator.Type:
        Authenticator.objects.create(user=jim, type=kind, data={})
    SocialAccount.objects.create(user=jim, provider="example", uid="7")
    providers = [{"provider_id": "example", "name": "Work"}]
    monkeypatch.setitem(settings.SOCIALACCOUNT_PROVIDERS, "openid_connect", {"APPS": providers})
    data = make(Person(user=User.objects.get(pk=jim.pk)))
    assert data["connected_services"][0]["service"] == "example"
    assert (data["account"][0]["language"], data["account"][0]["roles"]) == ("ar", "Reader")
    assert [row["browser"] for row in data["devices"]] == [agent]
    assert {row["kind"] for row in data["second_factors"]} == set(Authenticator.Type)
    shown = re.findall(r"<dd[^>]*>([^<]*)</dd>", data["page"])
    assert {"العربيّة", "قارئ", "تطبيق المصادقة", "مفتاح أمان أو مفتاح مرور", "رموز الاسترداد"} <= set(shown)
    assert any("Firefox" in text for text in shown)
    assert "Work" in shown
    assert {"ar", "Reader", agent, "example", *Authenticator.Type}.isdisjoint(shown)


def test_only_a_confirmed_e_mail_gets_a_mail_about_the_file(jim: User) -> None:
    make(Person(user=jim))
    (sent,) = mail.outbox
    assert sent.to == ["jim@example.org"]
    assert sent.subject == "Your data is ready"
    assert "/account/data/file/" in sent.body
    assert "You have to be logged in." in sent.body
    mail.outbox.clear()
    make(Person(user=UserFactory.create()))
    assert mail.outbox == []  # to no e-mail that is not confirmed


def test_a_file_is_readable_by_the_site_only(jim: User) -> None:
    make(Person(user=jim))
    path = data_path(files.file_name(PersonalDataFile.objects.get().pk))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_one_request_at_a_time(jim: User) -> None:
    first = files.request_file(Person(user=jim))
    assert first
    assert files.request_file(Person(user=jim)) is None
    files.make_file.func(str(first.pk))
    assert files.make_file.func(str(first.pk)) == 0  # a job that runs again
    assert files.request_file(Person(user=jim)) is None
    wait_a_day()
    second = files.request_file(Person(user=jim))
    assert second
    assert PersonalDataFile.objects.get() == second
    PersonalDataFile.objects.update(requested_at=timezone.now() - timedelta(hours=2))
    assert files.current_file(Person(user=jim)) is None  # its job was lost
    assert files.request_file(Person(user=jim))


def test_a_new_file_replaces_the_old_one(jim: User, django_capture_on_commit_callbacks: Any) -> None:
    make(Person(user=jim))
    old = data_path(files.file_name(PersonalDataFile.objects.get().pk))
    wait_a_day()
    with django_capture_on_commit_callbacks(execute=True):
        assert files.request_file(Person(user=jim))
    assert not old.exists()


def test_files_are_deleted_after_a_week(jim: User) -> None:
    make(Person(user=jim))
    row = PersonalDataFile.objects.get()
    stray = data_path(files.file_name(uuid4()))
    stray.write_bytes(b"of a database that was restored")
    assert files.delete_expired() == 1
    assert data_path(files.file_name(row.pk)).exists()
    PersonalDataFile.objects.update(ready_at=timezone.now() - timedelta(days=7, seconds=1))
    assert files.current_file(Person(user=jim)) is None
    assert files.delete_expired() == 1
    assert not data_path(files.file_name(row.pk)).exists()
    assert not PersonalDataFile.objects.exists()


def test_many_comments_take_no_more_memory(jim: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The peak with 160 comments is about that with 40."""
    monkeypatch.setattr("archive.personal_data.contents.sections.BATCH_SIZE", 10)
    story = make_article()

    def peak() -> int:
        wait_a_day()
        row = files.request_file(Person(user=jim))
        assert row
        gc.collect()  # what other tests have left
        tracemalloc.start()
        files.make_file.func(str(row.pk))
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    def add(count: int) -> None:
        for number in range(count):
            make_comment(story, f"{number} {'boat ' * 1_500}", author=jim)

    add(40)
    peak()
    few = peak()
    add(120)
    assert peak() < 1.3 * few
