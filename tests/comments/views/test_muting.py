"""Muting a person: their comments are folded for the member, on every page, and nobody else notices."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from playwright.sync_api import expect

from comments.models import Comment, Mute, Reason, State
from comments.services import mutes
from comments.services.imports import ImportedComment, import_comments
from comments.services.mutes import mute_author
from comments.services.states import change_states
from comments.story_page.member_page import discussions
from moderation.actions.quick_actions import set_editors_pick
from moderation.erasure import purge
from moderation.people.profiles import Person
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.axe import faults
from tests.helpers.browser import log_in
from tests.helpers.clients import client_of, client_of_guest

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("policy_without_moderation")]

FOLDED = "Comment by a person you muted. Show"
LIST = "/account/muted/"


@pytest.fixture
def ylva():
    return UserFactory.create(name="Ylva")


@pytest.fixture
def bo():
    return UserFactory.create(name="Bo", has_page=True)


def url(comment: Comment) -> str:
    return f"/stories/{comment.discussion.article.slug}/mute/{comment.pk}/"


def read(client: Client, path: str) -> str:
    response = client.get(path, follow=True)
    assert response.status_code == 200, path
    return response.content.decode()


def is_folded(page: str, text: str) -> bool:
    """Return whether the text is on the page within a closed <details> of a muted person."""
    assert text in page
    folded = re.findall(f"<summary>{re.escape(FOLDED)}</summary>.*?</details>", page, re.DOTALL)
    return any(text in html for html in folded)


def import_two(article) -> list[Comment]:
    """Import two comments of one name and one of another."""
    at = timezone.now() - timedelta(days=3)
    named = [("Jim", "Imported one."), ("Jim", "Imported two."), ("Eben", "Imported three.")]
    import_comments(
        article=article,
        comments=[
            ImportedComment(source_id=str(n), number=n, author_name=name, body=body, created_at=at)
            for n, (name, body) in enumerate(named, 1)
        ],
        actor=None,
        action_id=uuid4(),
    )
    return list(Comment.objects.filter(discussion=article.pk).order_by("source_number"))


def test_a_member_mutes_another_and_takes_it_back(ylva, bo, article):
    theirs = make_comment(article, "The boat is late.", author=bo)
    make_comment(article, "An answer to it.", parent=theirs)
    client, story = client_of(ylva), article.get_absolute_url()
    assert f'href="mute/{theirs.pk}/">Mute</a>' in read(client, story)
    assert "Mute Bo" in read(client, url(theirs))
    assert not Mute.objects.exists()

    response = client.post(url(theirs), follow=True)
    page = response.content.decode()
    assert "You muted this person. They are not told." in page
    assert is_folded(page, "The boat is late.")
    assert not is_folded(page, "An answer to it.")
    assert f'href="mute/{theirs.pk}/">Unmute</a>' in page
    assert "Unmute Bo" in read(client, url(theirs))

    assert "Bo" in read(client, LIST)
    client.post(LIST, {"mute": Mute.objects.get().pk})
    assert "You have muted nobody." in read(client, LIST)
    assert not is_folded(read(client, story), "The boat is late.")


def test_unmuting_on_the_page_of_the_comment(ylva, bo, article):
    theirs = make_comment(article, "The boat is late.", author=bo)
    mute_author(comment=theirs, user=ylva)
    client = client_of(ylva)
    client.post(url(theirs), {"on": "0"})
    assert not Mute.objects.exists()


def test_a_person_is_muted_once(ylva, bo, article):
    first, second = (make_comment(article, f"Late {n}.", author=bo) for n in range(2))
    for comment in (first, second, first):
        client_of(ylva).post(url(comment))
    assert Mute.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        Mute.objects.create(user=ylva, muted_user=bo)


def test_guests_and_imported_names_are_muted_too(ylva, article):
    guest = GuestFactory.create(name="Gus")
    of_guest = make_comment(article, "From a guest.", guest=guest)
    imported = make_article("An import", source_key="cnn-1")
    first, second, other = import_two(imported)
    elsewhere = import_two(make_article("Another import", source_key="cnn-2"))[0]
    client = client_of(ylva)
    for comment in (of_guest, first):
        client.post(url(comment))
    assert is_folded(read(client, article.get_absolute_url()), "From a guest.")
    page = read(client, imported.get_absolute_url())
    assert [is_folded(page, c.body) for c in (first, second, other)] == [True, True, False]
    assert not is_folded(read(client, elsewhere.discussion.article.get_absolute_url()), "Imported one.")
    listed = read(client, LIST)
    assert "Gus" in listed
    assert "Jim" in listed
    client.post(url(second))  # the same name
    assert Mute.objects.count() == 2
    client.post(url(second), {"on": "0"})
    assert not is_folded(read(client, imported.get_absolute_url()), "Imported one.")


def test_muted_comments_are_folded_on_every_page_for_this_member_only(ylva, bo, article):
    root = make_comment(article, "Before.")
    theirs = make_comment(article, "The wharf is wet.", author=bo, parent=root)
    set_editors_pick(comment=theirs, is_pick=True, actor=UserFactory.create())
    make_article("The lead story", published_at=timezone.now() - timedelta(hours=1))
    other = UserFactory.create()
    mute_author(comment=theirs, user=ylva)
    story = article.get_absolute_url()
    pages = [
        f"{story}?order=newest",
        f"{story}comments/{root.pk}/?after={root.pk}",
        f"{story}find/?q=wharf",
        "/search/?q=wharf",
        f"/people/{bo.pk}/",
    ]
    folded = {path: FOLDED in read(client_of(ylva), path) for path in [story, *pages]}
    assert folded == dict.fromkeys([story, *pages], True)
    for client in (client_of(other), client_of(bo), client_of_guest(GuestFactory.create()), Client()):
        for path in [story, *pages]:
            assert FOLDED not in read(client, path), path
    # A pick outside of the thread is left out.
    for path in ("/", story):
        assert "pick-of" in read(client_of(other), path)
        assert "pick-of" not in read(client_of(ylva), path)


def test_a_page_of_members_stays_shared_where_nobody_muted_writes(ylva, bo, article):
    elsewhere = make_article("The kiosk")
    mute_author(comment=make_comment(elsewhere, "Muted there.", author=bo), user=ylva)
    make_comment(article, "Here is nobody muted.")
    for reader in (ylva, UserFactory.create()):
        client = client_of(reader)
        read(client, article.get_absolute_url())
        assert len(discussions) == 1
        with CaptureQueriesContext(connection) as queries:
            read(client, article.get_absolute_url())
        assert len(queries) == 3  # session, user, and one for all that is theirs


def test_it_takes_no_further_statement(ylva, bo, article):
    theirs = make_comment(article, "The boat is late.", author=bo)
    client, counts = client_of(ylva), []
    path = f"{article.get_absolute_url()}?order=newest"
    read(client, path)  # this request stores the visit
    for _muted in (False, True):
        with CaptureQueriesContext(connection) as queries:
            read(client, path)
        counts.append(len(queries))
        mute_author(comment=theirs, user=ylva)
    assert counts[0] == counts[1]


def test_only_members_can_mute(bo, article):
    theirs = make_comment(article, "The boat is late.", author=bo)
    guest = GuestFactory.create(confirmed_at=timezone.now())
    for client in (Client(), client_of_guest(guest)):
        assert "mute/" not in read(client, article.get_absolute_url())
        for path in (url(theirs), LIST):
            for response in (client.get(path), client.post(path)):
                assert (response.status_code, response["Location"]) == (302, f"/accounts/login/?next={path}")
    assert not Mute.objects.exists()


def test_comments_whose_author_cannot_be_muted(ylva, bo, article):
    own = make_comment(article, "Mine.", author=ylva)
    client = client_of(ylva)
    assert f"mute/{own.pk}/" not in read(client, article.get_absolute_url())
    assert "t mute yourself." in client.post(url(own), follow=True).content.decode()
    waiting = make_comment(article, "Not public.", author=bo)
    change_states(ids=[waiting.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    assert client.post(url(waiting)).status_code == 404
    assert client.post("/stories/the-ferry/mute/99999/").status_code == 404
    assert client.post("/stories/another/mute/1/").status_code == 404
    assert not Mute.objects.exists()


def test_the_number_of_muted_people_is_limited(ylva, bo, article, monkeypatch):
    monkeypatch.setattr(mutes, "MAX_MUTED", 1)
    for comment in (make_comment(article, "One."), make_comment(article, "Two.", author=bo)):
        page = client_of(ylva).post(url(comment), follow=True).content.decode()
    assert "You have muted 1 people." in page
    assert Mute.objects.count() == 1


def test_a_member_cannot_unmute_for_another_member(ylva, bo, article):
    mute_author(comment=make_comment(article, "One."), user=ylva)
    assert client_of(bo).post(LIST, {"mute": Mute.objects.get().pk}).status_code == 404
    assert client_of(bo).post(LIST).status_code == 404
    assert Mute.objects.count() == 1


def test_a_csrf_token_is_required(ylva, bo, article):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ylva)
    theirs = make_comment(article, "The boat is late.", author=bo)
    assert client.post(url(theirs)).status_code == 403
    assert client.post(LIST).status_code == 403


def test_an_erasure_removes_the_rows(ylva, bo, ada, article):
    guest = GuestFactory.create()
    mute_author(comment=make_comment(article, "One.", author=bo), user=ylva)
    mute_author(comment=make_comment(article, "Two.", guest=guest), user=ylva)
    mute_author(comment=make_comment(article, "Three.", author=ylva), user=bo)
    purge.erase_person(person=Person(guest=guest), actor=ada)
    assert Mute.objects.count() == 2
    purge.erase_person(person=Person(user=ylva), actor=ada)
    assert not Mute.objects.exists()


@pytest.mark.browser
@pytest.mark.parametrize("with_scripts", [True, False], ids=["scripts", "none"])
def test_muting_from_the_menu_by_keyboard_on_a_phone(browser, live_server, ylva, bo, article, with_scripts):
    theirs = make_comment(article, "The boat is late.", author=bo)
    make_comment(article, "An answer to it.", parent=theirs)
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, java_script_enabled=with_scripts, bypass_csp=True
    )
    log_in(context, live_server, ylva)
    page = context.new_page()
    page.goto(live_server.url + article.get_absolute_url())
    comment = page.locator(f"#comment-{theirs.pk}")
    comment.locator(".menu summary").focus()
    page.keyboard.press("Enter")
    comment.get_by_role("link", name="Mute").click()
    page.get_by_role("button", name="Mute").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("You muted this person.")).to_be_visible()
    expect(comment.get_by_text("The boat is late.")).to_be_hidden()
    expect(page.get_by_text("An answer to it.")).to_be_visible()
    if with_scripts:
        assert faults(page) == []
    comment.get_by_text(FOLDED).focus()
    page.keyboard.press("Enter")
    expect(comment.get_by_text("The boat is late.")).to_be_visible()
    page.goto(live_server.url + LIST)
    if with_scripts:
        assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Unmute").click()
    expect(page.get_by_text("You have muted nobody.")).to_be_visible()
    context.close()
