"""Tests that each form and import rejects a text that is too long with its length, and loses nothing."""

from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from accounts.models import ADMINISTRATOR
from archive.services import ArchiveImportError, ImportReport, import_page
from articles.models import (
    MAX_BODY_LENGTH,
    MAX_STANDFIRST_LENGTH,
    MAX_UNPUBLISHED_REASON_LENGTH,
    Article,
    Site,
    StandingPage,
)
from articles.models.editing import MAX_CORRECTION_LENGTH, MAX_NOTE_LENGTH
from articles.services import save_article
from comments.models import MAX_IMPORTED_BODY_LENGTH, Comment
from tests.archive.saved_pages import page
from tests.factories import UserFactory, make_article

pytestmark = pytest.mark.django_db

ADD = "/admin/articles/article/add/"
WIDE_LETTER = "\U0001f6f6"  # a letter of twelve bytes in a form


@pytest.fixture
def administrator(client):
    client.force_login(UserFactory.create(roles=(ADMINISTRATOR,)))
    return client


def fields(**typed: str) -> dict[str, str]:
    empty = {f"discussion-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS")}
    return {"title": "Boats", "slug": "", "rights": "ours", "stage": "draft"} | empty | typed


LIMITS = {
    "standfirst": MAX_STANDFIRST_LENGTH,
    "body": MAX_BODY_LENGTH,
    "new_note": MAX_NOTE_LENGTH,
    "title": 300,
    "byline": 200,
}


@pytest.mark.parametrize(("name", "most"), LIMITS.items())
def test_a_story_is_refused_with_the_count(administrator, name, most):
    text = "word " * (most // 5) + "boats."
    answer = administrator.post(ADD, fields(**{name: text}))
    assert f"This has {len(text):,} characters; the maximum is {most:,}." in answer.text
    assert text.strip() in answer.text
    assert not Article.objects.exists()


def test_no_field_of_the_form_cuts_pasted_text(administrator):
    assert "maxlength" not in administrator.get(ADD, follow=True).text
    assert "maxlength" not in administrator.get("/admin/articles/standingpage/add/", follow=True).text
    assert "maxlength" not in administrator.get("/admin/articles/topic/add/").text
    assert "maxlength" not in administrator.get("/admin/comments/removalreason/add/").text


def test_the_longest_story_of_the_widest_letters_gets_in(administrator):
    """A line break counts as one character, and all fields together fit into one request."""
    body = ("a\r\n\r\n" * 1_000 + WIDE_LETTER * MAX_BODY_LENGTH)[: MAX_BODY_LENGTH + 2_000]
    sent = fields(
        body=body, standfirst=WIDE_LETTER * MAX_STANDFIRST_LENGTH, new_note=WIDE_LETTER * MAX_NOTE_LENGTH
    )
    assert len(urlencode(sent)) < settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    answer = administrator.post(ADD, urlencode(sent), content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 302
    assert len(Article.objects.get().body) == MAX_BODY_LENGTH


def test_a_preview_of_a_text_that_is_too_long_shows_an_error(administrator):
    answer = administrator.post(
        "/admin/articles/article/render/", {"body": "a" * (MAX_BODY_LENGTH + 1)}
    ).json()
    assert answer["count"].startswith(
        f"This has {MAX_BODY_LENGTH + 1:,} characters; the maximum is {MAX_BODY_LENGTH:,}."
    )
    assert "aaa" not in answer["html"]
    answer = administrator.post(
        "/admin/articles/standingpage/render/", {"body": "a" * (MAX_BODY_LENGTH + 1)}
    ).json()
    assert "aaa" not in answer["html"]


def test_the_reason_for_unpublishing_is_kept_when_it_is_too_long(administrator):
    article, why = make_article(), "why " * (MAX_UNPUBLISHED_REASON_LENGTH // 4) + "so"
    url = f"/admin/articles/article/{article.pk}/publication/unpublish/"
    answer = administrator.post(url, {"_why": why, "seen": article.version})
    assert (
        f"This has {len(why):,} characters; the maximum is {MAX_UNPUBLISHED_REASON_LENGTH:,}." in answer.text
    )
    assert why in answer.text
    assert Article.objects.published().exists()


def test_a_standing_page_and_the_settings_are_refused_with_the_count(administrator):
    text = "a" * (MAX_BODY_LENGTH + 1)
    answer = administrator.post(
        "/admin/articles/standingpage/add/", {"title": "A", "slug": "a", "body": text}
    )
    assert f"This has {len(text):,} characters; the maximum is {MAX_BODY_LENGTH:,}." in answer.text
    assert text in answer.text


BY_SQL = [
    ("articles_article", "body", MAX_BODY_LENGTH),
    ("articles_article", "standfirst", MAX_STANDFIRST_LENGTH),
    ("articles_article", "unpublished_reason", MAX_UNPUBLISHED_REASON_LENGTH),
    ("articles_site", "rules", 20_000),
    ("articles_site", "privacy", 20_000),
    ("articles_standingpage", "body", MAX_BODY_LENGTH),
    ("articles_editornote", "body", MAX_NOTE_LENGTH),
    ("articles_correction", "text", MAX_CORRECTION_LENGTH),
    ("moderation_moderatornote", "text", 5_000),
    ("moderation_report", "details", 2_000),
    ("moderation_illegalcontentreport", "why", 5_000),
    ("moderation_appeal", "text", 2_000),
    ("moderation_sanction", "message", 2_000),
    ("moderation_sanction", "appeal_text", 2_000),
    ("moderation_removalrequest", "passage", 5_000),
]


@pytest.mark.parametrize(("table", "column", "most"), BY_SQL)
def test_the_database_knows_the_limit(table, column, most):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c' "
            "AND pg_get_constraintdef(oid) LIKE %s",
            [table, f"%length({column}) <= {most}%"],
        )
        assert cursor.fetchone() == (1,)


def test_a_longer_story_is_stored_by_nobody():
    article, site = make_article(), Site.objects.get()
    site.rules = "a" * 20_001
    StandingPage.objects.create(title="A", slug="a", body="a" * MAX_BODY_LENGTH)
    for row in (Article(title="A", slug="b", body="a" * (MAX_BODY_LENGTH + 1)), site):
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save()
    article.body = "".join(
        f"{chr(0x10000 + n % 50_000)}{chr(0x4E00 + n // 7)} " for n in range(MAX_BODY_LENGTH // 3)
    )
    save_article(article=article)  # the maximum number of words fits into Postgres' search vector


def test_an_import_keeps_a_long_comment_whole():
    assert take("a " * (MAX_IMPORTED_BODY_LENGTH // 2 - 1)).created_count == 1
    assert len(Comment.objects.get().body) > MAX_IMPORTED_BODY_LENGTH - 10


def test_an_import_with_a_longer_comment_is_refused_by_its_line():
    with pytest.raises(
        ArchiveImportError,
        match=r"^Line \d+: the comment that begins here has 100,00\d characters. The limit is 100,000",
    ):
        take("a " * (MAX_IMPORTED_BODY_LENGTH // 2) + "boats")
    assert not Comment.objects.exists()
    assert not Article.objects.exists()


def test_an_import_with_a_longer_story_is_refused():
    with pytest.raises(ArchiveImportError, match=r"^The story has 200,00\d characters. The limit is 200,000"):
        take_page("The council blames the price of diesel.", "boat " * (MAX_BODY_LENGTH // 5) + "sunk")
    assert not Article.objects.exists()


def take(body: str) -> ImportReport:
    return take_page("My mother lives over there.", body)


def take_page(text: str, other: str) -> ImportReport:
    data = page(1).replace(text.encode(), other.encode())
    return import_page(data=data, filename="story.txt")
