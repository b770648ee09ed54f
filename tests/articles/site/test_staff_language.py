"""Pages for staff on a site in Arabic, into which they are not translated: wholly in English."""

import re

import pytest
from django.test import Client

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR, User
from articles.models import Article, Site
from comments.models import Comment, State
from comments.services.states import change_states
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.clients import client_of

pytestmark = pytest.mark.django_db

ARABIC = re.compile("[\u0621-\u064a]+")
FOR_STAFF = (
    "/moderation/",
    "/moderation/discussions/",
    "/moderation/dashboard/",
    "/moderation/log/",
    "/moderation/people/",
    "/admin/",
    "/admin/articles/article/",
    "/admin/articles/article/{pk}/change/",
    "/admin/articles/newsletter/",
    "/owner/mail/",
    "/owner/settings/",
    "/owner/status/",
)


@pytest.fixture
def article(db: None) -> Article:
    Site.objects.update(language="ar")
    return make_article("The slip closes")


@pytest.fixture
def ada(db: None) -> User:
    return UserFactory.create(name="Ada", roles=(ADMINISTRATOR, EDITOR, MODERATOR))


@pytest.mark.parametrize("url", FOR_STAFF)
def test_a_page_for_staff_is_in_one_language(article: Article, ada: User, url: str) -> None:
    page = client_of(ada).get(url.format(pk=article.pk)).content.decode()
    assert '<html lang="en" dir="ltr"' in page
    assert ARABIC.search(re.sub("<option.*?</option>", "", page)) is None  # languages have their own names


def test_staff_who_chose_arabic_get_english_staff_pages(article: Article, ada: User) -> None:
    Site.objects.update(language="en")
    User.objects.filter(pk=ada.pk).update(language="ar")
    browser = client_of(ada)
    assert '<html lang="en" dir="ltr"' in browser.get("/moderation/").content.decode()
    assert '<html lang="ar" dir="rtl"' in browser.get("/account/language/").content.decode()


def test_public_pages_of_staff_are_in_the_language_of_the_site(article: Article, ada: User) -> None:
    for url in ("/", article.get_absolute_url(), "/account/newsletter/"):
        assert '<html lang="ar" dir="rtl"' in client_of(ada).get(url).content.decode()
    assert '<html lang="ar" dir="rtl"' in Client().get("/accounts/login/").content.decode()


@pytest.mark.parametrize("url", ["/moderation/", "/owner/settings/", "/moderation/no-such-page/"])
def test_a_forbidden_or_missing_staff_page_is_in_the_language_of_the_site(article: Article, url: str) -> None:
    page = client_of(UserFactory.create(name="Ruth")).get(url)
    assert page.status_code == (404 if "no-such" in url else 403)
    assert '<html lang="ar" dir="rtl"' in page.text
    assert ARABIC.search(page.text.partition("<main")[2].partition("</main>")[0])


def test_a_preview_of_a_story_is_as_readers_see_it(article: Article, ada: User) -> None:
    typed = {"title": "The slip", "byline": "Emil", "body": "A story."}
    answer = client_of(ada).post("/admin/articles/article/render/", typed).json()
    assert (answer["lang"], answer["dir"]) == ("ar", "rtl")
    assert "بقلم Emil" in answer["html"]
    assert ARABIC.search(answer["count"]) is None


def test_the_preview_of_a_newsletter_and_its_subject_are_for_readers(article: Article, ada: User) -> None:
    browser = client_of(ada)
    page = browser.get("/admin/articles/newsletter/add/").content.decode()
    subject = re.search(r'name="subject" value="([^"]*)"', page)
    draft = browser.post("/admin/articles/newsletter/add/", {"subject": "x", "stories": [article.pk]})
    key = draft["Location"].split("/")[-3]
    mail = browser.get(f"/admin/articles/newsletter/{key}/mail/").content.decode()
    assert '<html lang="ar" dir="rtl">' in mail
    assert subject
    assert subject[1] == "أسبوع Soundoff"


def test_a_moderator_sees_the_message_in_the_language_of_the_author(article: Article, ada: User) -> None:
    jane = UserFactory.create(name="Jane", language="en")
    waiting: list[Comment] = [make_comment(article, author=jane), make_comment(article)]
    change_states(ids=[one.pk for one in waiting], to=State.PENDING, reason="screened", actor=None)
    browser = client_of(ada)
    for comment, is_arabic in zip(waiting, (False, True), strict=True):
        page = browser.get(f"/moderation/comments/{comment.pk}/").content.decode()
        messages = re.findall(r'<q class="before" dir="auto">(.*?)</q>', page)
        assert messages
        assert {bool(ARABIC.search(text)) for text in messages} == {is_arabic}
        assert "<span>off-topic</span>" in page
