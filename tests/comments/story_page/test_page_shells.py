"""The page of a story made from a cached shell: the same as the view makes, and never out of date."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import signing
from django.db import connection
from django.db.models import F
from django.middleware.csrf import get_token
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import guests
from accounts.models import EDITOR, MODERATOR, User
from articles.models import Article, Correction, Site, Topic
from articles.services import save_article
from comments.models import Comment, Discussion, Follow, Reason, State
from comments.services.discussions import change_discussion
from comments.services.recommendations import recommend
from comments.services.states import change_states
from comments.story_page import page_shells as page_shells_module
from comments.story_page.member_page import discussions, read_member_state
from comments.story_page.page_shells import page_shells
from comments.tasks import count_recommendations
from moderation.actions.quick_actions import set_editors_pick
from tests.articles.images.sample_images import make_image
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.clients import client_of
from tests.helpers.discussions import remove

pytestmark = pytest.mark.django_db

# The token, and the seconds that are left to undo a posting, are others in each response.
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="\w+"|data-seconds="\d+"')


@pytest.fixture
def member() -> User:
    return UserFactory.create(name="Ylva")


@pytest.fixture
def other() -> User:
    return UserFactory.create(name="Bo")


def read(client: Client, article: Article, query: str = "", **headers: str) -> str:
    response = client.get(f"{article.get_absolute_url()}{query}", headers=headers)
    assert response.status_code == 200
    return TOKEN.sub("TOKEN", response.content.decode())


def pressed_button(comment: Comment) -> str:
    return f'formaction="recommend/{comment.pk}/" aria-pressed="true"'


def have_own_comment(article: Article, member: User, other: User) -> None:
    make_comment(article, "Mine.", author=member, parent=make_comment(article, "Theirs.", author=other))


def have_old_comment(article: Article, member: User, other: User) -> None:
    have_own_comment(article, member, other)
    Comment.objects.update(created_at=timezone.now() - timedelta(days=3))


def recommend_uncounted(article: Article, member: User, other: User) -> None:
    recommend(comment=make_comment(article, author=other), user=member, is_given=True)


def recommend_counted(article: Article, member: User, other: User) -> None:
    recommend_uncounted(article, member, other)
    count_recommendations.call()


def withdraw_recommendation(article: Article, member: User, other: User) -> None:
    recommend_counted(article, member, other)
    recommend(comment=Comment.objects.get(), user=member, is_given=False)


def remove_others(article: Article, member: User, other: User) -> None:
    root = make_comment(article, author=other)
    make_comment(article, parent=root)
    remove(root)
    remove(make_comment(article), to=State.DELETED, reason=Reason.AUTHOR)


def remove_duplicate(article: Article, member: User, other: User) -> None:
    original = make_comment(article, "Twice.")
    copy = make_comment(article, "Twice.", parent=make_comment(article))
    make_comment(article, parent=copy)
    Comment.objects.filter(pk=copy.pk).update(duplicate_of=original)
    remove(copy, reason=Reason.DUPLICATE)


def remove_own(article: Article, member: User, other: User) -> None:
    remove(make_comment(article, author=member))


def pick(article: Article, member: User, other: User) -> None:
    set_editors_pick(comment=make_comment(article, author=other), is_pick=True, actor=UserFactory.create())


def wait_for_review(article: Article, member: User, other: User) -> None:
    make_comment(article)
    comment = make_comment(article, author=member)
    change_states(ids=[comment.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)


def have_everything_around_the_discussion(article: Article, member: User, other: User) -> None:
    make_comment(article)
    make_article("The last ferry again", body=article.body)
    article.lead_image = make_image()
    article.source_zone = "Asia/Tokyo"
    save_article(article=article)
    article.topics.add(Topic.objects.create(name="Harbour", slug="harbour"))
    Correction.objects.create(article=article, text="It left at nine.")
    Article.objects.filter(pk=article.pk).update(corrected_at=timezone.now())


def close(article: Article, member: User, other: User) -> None:
    have_own_comment(article, member, other)
    change_discussion(article=article, status=Discussion.Status.CLOSED)


def hide(article: Article, member: User, other: User) -> None:
    make_comment(article)
    change_discussion(article=article, status=Discussion.Status.HIDDEN)


def allow_members_only(article: Article, member: User, other: User) -> None:
    make_comment(article)
    change_discussion(article=article, members_only=True)


def have_no_comment(article: Article, member: User, other: User) -> None:
    pass


def have_unknown_rights(article: Article, member: User, other: User) -> None:
    make_comment(article)
    article.rights = Article.Rights.UNKNOWN
    save_article(article=article)


def follow_the_discussion(article: Article, member: User, _other: User) -> None:
    Follow.objects.create(user=member, article=article, kind="replies", delivery="daily")


SITUATIONS = [
    have_own_comment,
    have_old_comment,
    recommend_uncounted,
    recommend_counted,
    withdraw_recommendation,
    remove_others,
    remove_duplicate,
    remove_own,
    wait_for_review,
    have_everything_around_the_discussion,
    pick,
    close,
    hide,
    allow_members_only,
    have_no_comment,
    have_unknown_rights,
    follow_the_discussion,
]


@pytest.mark.parametrize("prepare", SITUATIONS)
def test_the_page_equals_the_one_that_the_view_makes(
    prepare: Callable[[Article, User, User], None],
    article: Article,
    member: User,
    other: User,
    settings: Any,
    tmp_path: Path,
) -> None:
    """The view makes every page that has a query string."""
    settings.HOME = tmp_path
    prepare(article, member, other)
    guest = Client()
    guest.cookies[guests.COOKIE] = signing.dumps(GuestFactory.create().pk, salt=guests.COOKIE)
    staff = [client_of(UserFactory.create(roles=(role,))) for role in (MODERATOR, EDITOR)]
    readers = {member: client_of(member), other: client_of(other), None: Client()}
    everybody = [*readers.items(), (None, guest), *((None, one) for one in staff)]
    some = {"theme": "dark", "order": "oldest"}
    # The language of the site and of `other`, who reads, and the cookies that they get for each round.
    for site_language, language, who, rounds in (
        ("en", "", everybody, ({}, some)),
        ("en", "ar", [(other, readers[other])], (some,)),
        ("ar", "en", everybody, (some,)),
    ):
        Site.objects.update(language=site_language, version=F("version") + 1)
        User.objects.filter(pk=other.pk).update(language=language)
        for reader, client in who:
            for cookies in rounds:
                client.cookies.load(cookies)
                expected = read(client, article, "?x=1")
                shown_in = language if language and reader == other else site_language
                assert ('dir="rtl"' in expected) == (shown_in == "ar")
                assert ('data-theme="dark"' in expected) == bool(cookies)
                for _ in range(2):  # first rendered, then from the cache
                    assert read(client, article) == expected


def test_a_page_takes_few_statements(article: Article, thread: object, member: User) -> None:
    """A member's page reads the session, the person, and their own data together with the versions."""
    for client, most in ((Client(), 1), (client_of(member), 3)):
        read(client, article)
        with CaptureQueriesContext(connection) as queries:
            read(client, article)
        assert len(queries) == most, [query["sql"] for query in queries]


def test_a_comment_that_was_removed_is_gone_at_once(article: Article, member: User) -> None:
    clients = [Client(), client_of(member)]
    comment = make_comment(article, "A sentence to remove.")
    assert all("A sentence to remove." in read(client, article) for client in clients)
    remove(comment)
    assert not any("A sentence to remove." in read(client, article) for client in clients)


def test_members_see_their_own_buttons_only(article: Article, member: User, other: User) -> None:
    """Both pages are made from the same cached discussion."""
    mine = make_comment(article, "Mine.", author=member)
    theirs = make_comment(article, "Theirs.", author=other)
    recommend(comment=theirs, user=member, is_given=True)
    for _ in range(2):
        pages = {user: read(client_of(user), article) for user in (member, other)}
        assert f"/comments/{mine.pk}/edit/" in pages[member]
        assert f"/comments/{theirs.pk}/edit/" not in pages[member]
        assert pressed_button(theirs) in pages[member]
        assert f"/comments/{theirs.pk}/edit/" in pages[other]
        assert f"/comments/{mine.pk}/edit/" not in pages[other]
        assert pressed_button(theirs) not in pages[other]
        assert "Account of Ylva" in pages[member]
        assert "Ylva</span>" not in pages[other]
    assert len(discussions) == 1


def test_a_form_of_a_cached_page_is_accepted(article: Article, member: User) -> None:
    comment = make_comment(article)
    read(client_of(UserFactory.create()), article)  # the cached discussion is made for somebody else
    client = Client(enforce_csrf_checks=True)
    client.force_login(member)
    page = client.get(article.get_absolute_url()).content.decode()
    form = re.search(r'<form id="recommend" method="post">.*?value="(\w+)"', page)
    assert form
    url = f"{article.get_absolute_url()}recommend/{comment.pk}/"
    assert client.post(url, {"csrfmiddlewaretoken": form[1]}).status_code == 302
    assert pressed_button(comment) in read(client, article)


def test_a_new_role_applies_at_once(article: Article, thread: object, member: User) -> None:
    client = client_of(member)
    assert "to-queue" not in read(client, article)
    member.set_roles([MODERATOR])
    assert "to-queue" in read(client, article)
    member.set_roles([])
    assert "to-queue" not in read(client, article)


def test_a_member_without_access_is_a_stranger(article: Article, thread: object, member: User) -> None:
    client = client_of(member)
    assert "Account of Ylva" in read(client, article)
    User.objects.filter(pk=member.pk).update(is_active=False)
    assert "Account of Ylva" not in read(client, article)


def test_changes_of_the_site_and_the_story_are_shown_at_once(
    article: Article, thread: object, member: User
) -> None:
    clients = [Client(), client_of(member)]
    for client in clients:
        read(client, article)
    Site.objects.update(name="Another name", version=1000)
    article.refresh_from_db()
    article.title = "Another title"
    save_article(article=article)
    for client in clients:
        assert "Another name" in read(client, article)
        assert "Another title" in read(client, article)


def test_the_next_publication_ends_a_shell(article: Article, thread: object) -> None:
    """It may be a related story, and without it nothing was written."""
    make_article("Soon", published_at=timezone.now() + timedelta(hours=1))
    read(Client(), article)
    ((_key, shell),) = page_shells.items()
    versions = (shell.site.version, shell.story.article.version)
    now = timezone.now()
    assert shell.is_current(versions, now)
    assert not shell.is_current(versions, now + timedelta(hours=2))


def test_a_discussion_closes_by_the_clock(article: Article, thread: object, member: User) -> None:
    change_discussion(article=article, closes_at=timezone.now() + timedelta(hours=1))
    assert "Add to the discussion" in read(client_of(member), article)
    ((_key, cached),) = discussions.items()
    state = read_member_state(member, article.slug, cached)
    assert cached.is_current(state)
    assert not cached.is_current(state._replace(now=state.now + timedelta(hours=2)))


def test_a_link_to_another_discussion_is_not_kept(article: Article, thread: Any, member: User) -> None:
    """The version of the discussion with the original would have to be compared as well."""
    elsewhere = make_comment(make_article("Elsewhere"))
    Comment.objects.filter(pk=thread.Marit.pk).update(duplicate_of=elsewhere)
    remove(thread.Marit, reason=Reason.DUPLICATE)
    client = client_of(member)
    assert f"/comments/{elsewhere.pk}/" in read(client, article)
    remove(elsewhere)
    assert f"/comments/{elsewhere.pk}/" not in read(client, article)
    assert len(discussions) == 0


def test_a_shell_with_a_token_is_refused(article: Article, thread: object, monkeypatch: Any) -> None:
    """A form outside of the regions would send the token of one reader to all."""
    monkeypatch.setattr(
        page_shells_module,
        "render_to_string",
        lambda _name, _context, request, using: get_token(request),
    )
    with pytest.raises(AssertionError, match="sets a cookie"):
        Client().get(article.get_absolute_url())


def test_a_message_is_shown_once(article: Article, thread: object, member: User) -> None:
    client, comment = client_of(member), make_comment(article, author=member)
    read(client, article)
    Comment.objects.filter(pk=comment.pk).update(created_at=timezone.now() - timedelta(hours=1))
    client.get(reverse("comment-edit", args=[comment.pk]))
    assert "A comment can be changed for 15 minutes only." in read(client, article)
    assert "A comment can be changed for 15 minutes only." not in read(client, article)
