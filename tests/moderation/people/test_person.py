"""A person's profile for moderators: who sees what, and who may do what."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import urljoin

import pytest
from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from articles.models import Site
from comments.models import Comment, Reason, State
from comments.services.imports import ImportedComment, import_comments
from moderation.actions.decisions import decide, undo
from moderation.erasure import restrictions
from moderation.models import (
    Action,
    AddressReportCount,
    Appeal,
    ModeratorNote,
    Origin,
    Report,
    Restriction,
    Sanction,
)
from moderation.people import sanctions
from moderation.people.profiles import Person
from moderation.reports import reporting
from moderation.screening import origins
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.clients import client_of, client_with_role
from tests.helpers.html import repeated_ids

pytestmark = pytest.mark.django_db


def url(user) -> str:
    return f"/moderation/people/u{user.pk}/"


def test_a_moderator_sees_the_whole_profile(maria, reader):
    make_comment(make_article(), "A word that waits.", author=reader)
    text = client_of(maria).get(url(reader)).content.decode()
    for words in ("Ada", "ada@example.org", "1 waiting for review", "A word that waits.", "Pause until…"):
        assert words in text
    assert 'id="id_ban_submit"' in text  # each of its five forms has its own button
    assert repeated_ids(text) == []


def test_moderators_see_who_sent_a_notice_and_it_counts_as_a_report(maria, reader):
    comment = make_comment(make_article(), "A threat.", author=reader)
    decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    reporting.report_illegal_content(
        comment=comment, why="It is a threat.", name="Nia", email="nia@example.org"
    )
    maria_client = client_of(maria)
    assert "By <bdi>Nia</bdi>" in maria_client.get(f"/moderation/comments/{comment.pk}/").content.decode()
    assert "1 of illegal content" in maria_client.get(url(reader)).content.decode()


def test_not_e_mailed_is_shown_only_after_the_mail_would_be_sent(maria, reader):
    act = sanctions.impose(person=Person(user=reader), kind="warn", reason="insult", actor=maria)
    assert "e-mailed after a minute" in client_of(maria).get(url(reader)).content.decode()
    undo(action=act, actor=maria)
    assert "not e-mailed" in client_of(maria).get(url(reader)).content.decode()


def test_an_editor_finds_only_people_who_commented_under_their_articles(maria, reader):
    """Notes on other people and messages to them are not shown."""
    editor, article = UserFactory.create(roles=("Editor",)), make_article()
    article.editors.add(maria)
    named = make_article("A copy", source_key="cnn")
    named.editors.add(maria)
    action = Action.objects.create(kind=Action.Kind.IMPORT)
    row = ImportedComment(source_id="1", author_name="Adam", body="A word", created_at=timezone.now())
    (adam,) = import_comments(article=named, comments=[row], actor=None, action_id=action.pk).created
    guest = GuestFactory.create(name="Adalbert")
    for writer in ({"author": reader}, {"guest": guest}):
        make_comment(article, **writer)
    for who in (Person(user=reader), Person(guest=guest)):
        sanctions.impose(person=who, kind="warn", reason="insult", message="Ann Secret", actor=maria)
        ModeratorNote.objects.create(text="Is ill", by=maria, **who.as_fields)
    everybody = {f"/moderation/people/{key}/" for key in (f"u{reader.pk}", f"g{guest.pk}", f"i{adam}")}

    def found(client) -> set[str]:
        read = client.get("/moderation/people/", {"q": "ada"}).content.decode()
        return {path for path in everybody if path in read}

    assert found(client_of(maria)) == everybody
    assert found(client_of(editor)) == set()
    for path in everybody:
        assert client_of(editor).get(path).status_code == 404
    for story in (article, named):
        story.editors.add(editor)
    assert found(client_of(editor)) == everybody
    assert "Ada" not in client_of(editor).get("/moderation/people/").content.decode()
    read = client_of(editor).get(url(reader)).content.decode()
    assert "Is ill" in read
    assert "Ann Secret" in read


def test_only_moderators_see_sanctions_of_others_with_the_same_email(maria, reader):
    """An editor may not be allowed to see the profile of the other person."""
    editor, article = UserFactory.create(roles=("Editor",)), make_article()
    article.editors.add(editor)
    make_comment(article, author=reader)
    guest = GuestFactory.create(name="Zoe", email=reader.email, confirmed_at=timezone.now())
    sanctions.impose(
        person=Person(guest=guest), kind="review", reason="insult", message="Zoe Secret", actor=maria
    )
    for person, is_shown in ((maria, True), (editor, False)):
        read = client_of(person).get(url(reader)).content.decode()
        assert ("Zoe Secret" in read) == is_shown
        assert ("imposed on another account" in read) == is_shown


def test_an_editor_sees_no_email_and_only_public_or_own_comments(reader, maria):
    editor = UserFactory.create(roles=("Editor",))
    own = make_article("Hers")
    own.editors.add(editor)
    make_comment(own, "Under hers.", author=reader)
    article = make_article()
    article.editors.add(UserFactory.create(roles=("Editor",)))
    make_comment(article, "Still waiting.", author=reader)
    shown = make_comment(article, "Out already.", author=reader)
    decide(ids=[shown.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    draft = make_article("A draft", published_at=None)
    draft.editors.add(UserFactory.create(roles=("Editor",)))
    decided = make_comment(draft, "Under a draft.", author=reader)
    decide(ids=[decided.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    client = client_of(editor)
    text = client.get(url(reader)).content.decode()
    assert "Out already." in text
    assert "Under hers." in text
    assert f'href="{shown.get_absolute_url()}"' in text  # an editor may not open it in the queue
    for hidden in (
        "Under a draft.",
        f"/moderation/comments/{shown.pk}/",
        "ada@example.org",
        "Still waiting.",
        "Pause until…",
        "Restrict access to all",
    ):
        assert hidden not in text
    for query in ("ada@example", "Ada"):
        found = client.get("/moderation/people/", {"q": query}).content.decode()
        assert "ada@example.org" not in found.replace(f'value="{query}"', "")
        assert (url(reader) in found) == (query == "Ada")
    assert client.post(f"{url(reader)}ban/", {"reason": "insult"}).status_code == 403


def test_a_reader_and_a_stranger_see_nothing(reader):
    assert client_of(reader).get(url(reader)).status_code == 403
    assert Client().get(url(reader)).status_code == 302


@pytest.mark.parametrize("key", ["u0", "x7", "g99999999999999999999", "u1%00", "i5"])
def test_an_unknown_person_is_404(maria, key):
    assert client_of(maria).get(f"/moderation/people/{key}/").status_code == 404


def test_older_comments_are_on_another_page(maria, reader, monkeypatch):
    monkeypatch.setattr("moderation.people.views.PAGE_SIZE", 1)
    older, newer = (make_comment(make_article(), f"Word {n}", author=reader) for n in range(2))
    page = client_of(maria).get(url(reader))
    assert [row[0] for row in page.context["comments"]] == [newer]
    assert page.context["next_url"].startswith(f"{url(reader)}?before=")
    page = client_of(maria).get(page.context["next_url"])
    assert [row[0] for row in page.context["comments"]] == [older]


@pytest.mark.parametrize("query", ["q=%00", "q=" + "x" * 5_000, "q=%25_%27", "state=x", "before=1"])
def test_hostile_queries_do_no_harm(maria, reader, query):
    client = client_of(maria)
    assert client.get(f"/moderation/people/?{query}").status_code == 200
    assert client.get(f"{url(reader)}?{query}").status_code in {200, 404}


def test_a_pause_removes_recent_comments_and_can_be_ended(maria, reader):
    comment = make_comment(make_article(), author=reader)
    until = (timezone.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    client = client_of(maria)
    sent = {"reason": "insult", "message": "Enough.", "until": until, "days": "7"}
    answer = client.post(f"{url(reader)}pause/", sent, follow=True)
    assert "Paused, and comments of 7 days removed" in answer.content.decode()
    assert Comment.objects.get().state_reason == "insult"
    made = Sanction.objects.get()
    assert (made.kind, made.message, made.is_active) == ("pause", "Enough.", True)
    client.post(f"/moderation/sanctions/{made.pk}/end/")
    assert not Sanction.objects.active().exists()
    assert (
        Comment.objects.get(pk=comment.pk).state == State.REJECTED
    )  # ending a sanction does not restore comments


def test_a_pause_until_a_time_that_a_clock_change_repeats_is_refused(maria, reader, time_machine):
    Site.objects.update(time_zone="Europe/Oslo")
    time_machine.move_to("2030-10-20T12:00:00Z")
    sent = {"reason": "insult", "message": "Enough.", "until": "2030-10-27T02:30", "days": "0"}
    page = client_of(maria).post(f"{url(reader)}pause/", sent).content.decode()
    assert "27 October 2030, 02:30 comes twice in Oslo time, because the clocks go back." in page
    assert not Sanction.objects.exists()


@pytest.mark.parametrize(
    "until", ["", "2001-01-01T00:00", "0001-01-01T00:00", "9999-12-31T23:59", "tomorrow"]
)
def test_an_invalid_pause_keeps_the_input(maria, reader, until):
    answer = client_of(maria).post(
        f"{url(reader)}pause/", {"reason": "insult", "message": "My long words", "until": until, "days": "0"}
    )
    assert answer.status_code == 422
    assert "My long words" in answer.content.decode()
    assert not Sanction.objects.exists()


def test_all_links_of_a_refused_form_can_be_followed(maria, reader, monkeypatch):
    monkeypatch.setattr("moderation.people.views.PAGE_SIZE", 1)
    article, client = make_article(), client_of(maria)
    for n in range(2):
        make_comment(article, f"Comment {n}", author=reader)
    refused = client.post(f"{url(reader)}pause/", {"reason": "insult", "until": "", "days": "0"})
    links = re.findall(r'href="([^"]*#comments)"', refused.text)
    assert len(links) == 4  # twice the comments that wait, all and older ones
    pages = [client.get(urljoin(f"{url(reader)}pause/", unescape(link))) for link in links]
    assert [page.status_code for page in pages] == [200] * 4


def test_moderators_cannot_sanction_themselves_or_colleagues(maria):
    other = UserFactory.create(roles=("Editor",))
    for person in (maria, other):
        make_comment(make_article(), author=person)
        for act in ("ban", "child", "erase"):
            sent = {"reason": "insult", "days": "0"}
            assert client_of(maria).post(f"{url(person)}{act}/", sent).status_code == 403
        page = client_of(maria).get(url(person)).content.decode()
        assert "Restrict access to all their comments" not in page
    assert not Sanction.objects.exists()
    assert not Restriction.objects.exists()


def test_notes_on_a_person_and_a_comment_are_deleted_by_their_author(maria, reader):
    comment, client = make_comment(make_article(), author=reader), client_of(maria)
    client.post("/moderation/notes/", {"person": f"u{reader.pk}", "text": "On Ada."})
    client.post("/moderation/notes/", {"comment": comment.pk, "text": "On this.", "next": url(reader)})
    assert "On Ada." in client.get(url(reader)).content.decode()
    assert set(ModeratorNote.objects.values_list("text", "comment", "user")) == {
        ("On Ada.", None, reader.pk),
        ("On this.", comment.pk, None),
    }
    other = client_with_role("Moderator")
    pk = ModeratorNote.objects.get(text="On Ada.").pk
    assert other.post(f"/moderation/notes/{pk}/delete/").status_code == 404
    client.post(f"/moderation/notes/{pk}/delete/")
    assert not ModeratorNote.objects.filter(pk=pk).exists()


def test_the_same_note_within_a_minute_is_added_once(maria, reader, time_machine):
    comment, began = make_comment(make_article(), author=reader), timezone.now()
    for seconds in (0, 1, 70):
        time_machine.move_to(began + timedelta(seconds=seconds))
        for about in ({"person": f"u{reader.pk}"}, {"comment": comment.pk}):
            client_of(maria).post("/moderation/notes/", {**about, "text": "Asked why."})
    assert ModeratorNote.objects.count() == 4
    client_of(maria).post("/moderation/notes/", {"person": f"u{reader.pk}", "text": "Asked why twice."})
    client_with_role("Moderator").post(
        "/moderation/notes/", {"person": f"u{reader.pk}", "text": "Asked why."}
    )
    assert ModeratorNote.objects.count() == 6


def test_a_note_of_the_maximum_length_is_accepted(maria, reader):
    text = "x\r\n" * 2_500  # a browser counts 5,000 characters and sends 7,500
    client_of(maria).post("/moderation/notes/", {"person": f"u{reader.pk}", "text": text})
    assert ModeratorNote.objects.get().text == text.replace("\r", "").strip()
    words = "x\r\n" * 1_000
    client_of(maria).post(f"{url(reader)}ban/", {"reason": "insult", "message": words, "days": "0"})
    assert Sanction.objects.get().message == words.replace("\r", "").strip()


def test_a_note_that_is_too_long_is_shown_again(maria, reader):
    comment, client, text = make_comment(make_article(), author=reader), client_of(maria), "x" * 5_001 + "end"
    error = "This has 5,004 characters; the maximum is 5,000. Shorten it; your text is kept."
    on_profile = client.post("/moderation/notes/", {"person": f"u{reader.pk}", "text": text})
    assert on_profile.status_code == 422
    assert f"{text}</textarea>" in on_profile.text
    on_card = client.post("/moderation/notes/", {"comment": comment.pk, "text": text}, follow=True)
    assert f'Your note was not saved:<br><q dir="auto">{text}</q>' in on_card.text
    assert on_profile.text.count(error) == on_card.text.count(error) == 1
    assert not ModeratorNote.objects.exists()


def test_a_childs_comments_are_restricted_by_one_action(maria):
    child, article = GuestFactory.create(), make_article()
    for n in range(3):
        make_comment(article, f"I am {n + 9} and live in Elm Street", guest=child)
    client = client_of(maria)
    answer = client.post(f"/moderation/people/g{child.pk}/child/", follow=True)
    assert "Access to 3 comments is restricted." in answer.content.decode()
    assert "Elm Street" not in answer.content.decode()
    assert set(Restriction.objects.values_list("why", flat=True)) == {"child"}
    assert Restriction.objects.values("action").distinct().count() == 1


def test_an_administrator_blanks_a_child_once_no_comment_is_readable(maria, reader):
    admin, comment = UserFactory.create(roles=("Administrator",)), make_comment(make_article(), author=reader)
    path = f"{url(reader)}erase/"
    assert client_of(admin).post(path).status_code == 403  # one of her comments can still be read
    client_of(maria).post(f"{url(reader)}child/")
    assert client_of(maria).post(path).status_code == 403
    changed = {"name": "Ada of Elm Street", "groups": [], "is_active": "on"}
    assert client_of(admin).post(f"/admin/accounts/user/{reader.pk}/change/", changed).status_code == 302
    assert LogEntry.objects.get().object_repr == "Ada of Elm Street"
    session = client_of(reader)
    assert client_of(admin).post(path).status_code == 302
    assert LogEntry.objects.get().object_repr == "(name erased)"
    reader.refresh_from_db()
    assert (reader.name, reader.is_active, "ada" in reader.email) == ("", False, False)
    assert not EmailAddress.objects.exists()
    assert "You are not logged in" in session.get("/account/status/").content.decode()
    assert "@invalid" not in client_of(admin).get(url(reader)).content.decode()
    assert Comment.objects.get(pk=comment.pk).state == State.REJECTED


@pytest.mark.parametrize("is_legal_hold", [False, True])
def test_an_erased_person_has_no_name_except_under_a_legal_hold(maria, reader, is_legal_hold):
    admin, comment = UserFactory.create(roles=("Administrator",)), make_comment(make_article(), author=reader)
    decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    for about in ({"user": reader}, {"comment": comment}):
        ModeratorNote.objects.create(text="Ada of Elm Street", by=maria, **about)
    sanctions.impose(person=Person(user=reader), kind="ban", reason="insult", message="Ada!", actor=maria)
    sanctions.appeal(sanction=Sanction.objects.get(), text="I am Ada of Elm Street")
    restrictions.restrict(
        ids=[comment.pk], why=Restriction.Why.CHILD, actor=maria, is_legal_hold=is_legal_hold
    )
    assert client_of(admin).post(f"{url(reader)}erase/").status_code == 302
    own = Restriction.objects.get()
    assert (own.author_name, own.author_email) == (("Ada", "ada@example.org") if is_legal_hold else ("", ""))
    notes = [(comment.pk, "Ada of Elm Street")] if is_legal_hold else []
    notes.append((None, "Name and e-mail were deleted as a child’s personal data."))
    assert list(ModeratorNote.objects.order_by("pk").values_list("comment", "text")) == notes
    assert Sanction.objects.values_list("message", "appeal_text").get() == ("", "")
    # The name in the restriction is not restored.
    restrictions.lift(restriction=own, actor=admin)
    assert Comment.objects.values_list("author_name", "author_email").get() == ("Deleted account", "")
    read = Client().get(comment.get_absolute_url(), follow=True).content.decode()
    assert "<bdi>Deleted account</bdi>" in read
    assert "Ada" not in read


@pytest.mark.usefixtures("moderation_without_checks")
@pytest.mark.parametrize("is_legal_hold", [False, True])
def test_texts_of_an_erased_childs_appeals_and_reports_are_deleted(maria, reader, is_legal_hold):
    """A legal hold keeps her appeal about her own comment, and her report of a comment with a hold."""
    admin, article = UserFactory.create(roles=("Administrator",)), make_article()
    comment = make_comment(article, author=reader)
    other, reported = make_comment(article), make_comment(article)
    decide(ids=[comment.pk], to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=maria)
    comment.refresh_from_db()
    reporting.appeal_removal(comment=comment, user=reader, guest=None, text="I am 12, call my mother")
    for one in (other, reported):
        reporting.report_comment(comment=one, user=reader, guest=None, why="abuse", details="I am Ada, 12")
    reporting.report_comment(comment=other, user=maria, guest=None, why="abuse", details="Hers")
    restrictions.restrict(
        ids=[comment.pk, reported.pk], why=Restriction.Why.CHILD, actor=maria, is_legal_hold=is_legal_hold
    )
    assert client_of(admin).post(f"{url(reader)}erase/").status_code == 302
    assert Appeal.objects.get().text == ("I am 12, call my mother" if is_legal_hold else "")
    left = dict(Report.objects.filter(user=reader).values_list("comment", "details"))
    assert left == {other.pk: "", reported.pk: "I am Ada, 12" if is_legal_hold else ""}
    assert Report.objects.get(user=maria).details == "Hers"


@pytest.mark.parametrize("behind_proxy", [True, False])
def test_the_origin_is_a_hash_of_a_trusted_ip_address(settings, behind_proxy):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = int(behind_proxy)
    article, client = make_article(), Client()
    path = f"/stories/{article.slug}/reply/"
    nonce = client.get(path).context["form"].initial["nonce"]
    sent = {"body": "From somewhere", "nonce": nonce, "name": "Jo", "email": "jo@example.org"}
    client.post(path, sent, headers={"X-Forwarded-For": "198.51.100.7, 192.0.2.1"}, REMOTE_ADDR="203.0.113.9")
    expected = origins.hash_address("192.0.2.1" if behind_proxy else "203.0.113.9")
    assert bytes(Origin.objects.get().ip_hash) == expected


def test_an_ip_is_folded_before_it_is_hashed_and_forgotten_after_30_days():
    same = [{"192.0.2.1", "::ffff:192.0.2.1"}, {"2001:db8::1", "2001:db8::ffff:1", "2001:db8::2%eth0"}]
    for ips in same:
        assert len({origins.hash_address(ip) for ip in ips}) == 1
    assert origins.hash_address("2001:db8:0:1::1") != origins.hash_address("2001:db8::1")
    assert origins.hash_address("no address") is None
    for minutes in (-5, 0):
        comment = make_comment(make_article())
        at = timezone.now() - timedelta(days=30, minutes=minutes)
        Origin.objects.create(comment=comment, ip_hash=bytes(16), at=at)
    for ip in ("192.0.2.1", "192.0.2.1", "no address"):
        counted = origins.count_report(ip)
    assert counted == 1
    AddressReportCount.objects.filter(count=2).update(began_at=timezone.now() - timedelta(minutes=61))
    assert (origins.delete_expired(), Origin.objects.count(), AddressReportCount.objects.count()) == (1, 1, 1)


def test_the_number_of_statements_does_not_grow(maria, reader):
    article, guest = make_article(), GuestFactory.create(name="Ada 2")

    def write(n):
        for k in range(n):
            UserFactory.create(name="Ada's friend", roles=("Editor",))
            comment = make_comment(article, f"Words {n} {k}", author=reader)
            Origin.objects.create(comment=comment, ip_hash=bytes(15) + bytes([k]))
            warning = {"kind": "warn", "reason": "insult", "actor": maria, "message": f"{n} {k}"}
            sanctions.impose(person=Person(user=reader), **warning)
            sanctions.impose(person=Person(guest=guest), **warning)
            ModeratorNote.objects.create(user=reader, by=maria, text="A note")

    def count(client, path):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        return len(queries)

    pages = [
        (client_of(maria), url(reader)),
        (client_of(maria), "/moderation/people/"),
        (client_of(maria), "/moderation/people/?q=Ada"),
        (client_of(reader), "/account/status/"),
    ]
    write(1)
    for page in pages:
        count(*page)  # fills caches of the process
    little = [count(*page) for page in pages]
    write(9)
    assert [count(*page) for page in pages] == little
