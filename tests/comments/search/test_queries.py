"""/stories/<slug>/find/ and /search/: full-text search of comments and stories, with highlights."""

import re
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from importlib import import_module
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from django.utils.http import urlencode

from accounts.models import EDITOR
from articles.models import Article, Topic
from articles.search import MAX_CONCURRENT, MAX_QUERY_LENGTH, search_slot
from articles.services import save_author, save_topic, set_article_authors
from comments.models import Comment, CommentText, Discussion, Reason, State
from comments.search import queries
from comments.services.discussions import change_discussion
from comments.services.editing import edit_comment
from comments.services.imports import ImportedComment, import_comments
from comments.views import searching
from comments.views.searching import SITE_PAGE_SIZE
from core.database.sql import fetch_value
from tests.comments.thread.test_story import hold, remove
from tests.factories import UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db

HIDDEN = Discussion.Status.HIDDEN


def find(client, article, q, status=200, **query) -> str:
    response = client.get(f"{article.get_absolute_url()}find/", {"q": q, **query})
    assert response.status_code == status
    return response.content.decode()


def look(client, q, status=200, **query) -> str:
    response = client.get("/search/", {"q": q, **query})
    assert response.status_code == status
    return response.content.decode()


def found(page: str) -> list[int]:
    """Return the ids of the comments that a page links to, in its order."""
    return [int(pk) for pk in re.findall(r'<h3><a href="[^"]*/comments/(\d+)/"', page)]


def stories(page: str) -> list[str]:
    return re.findall(r'<h3 dir="auto"><a href="/stories/([^"/]*)/">', page)


def marks(page: str) -> list[str]:
    return re.findall("<mark>(.*?)</mark>", page)


def bring_in(article: Article, *bodies: str) -> list[int]:
    """Import comments a minute apart. Imported comments may have any length."""
    article.source_key = f"test|{article.slug}"
    article.save()
    start = timezone.now() - timedelta(days=400)
    made = [
        ImportedComment(
            source_id=f"{n}", author_name="Ida", body=body, created_at=start + timedelta(minutes=n)
        )
        for n, body in enumerate(bodies)
    ]
    return import_comments(article=article, comments=made, actor=None, batch=uuid4()).created


# One discussion


def test_comments_with_a_word_are_listed_in_their_order_and_context(client):
    article = make_article()
    first = make_comment(article, "The *ferry* was late.")
    make_comment(article, "So was the bus.")
    answer = make_comment(article, "Which ferries?", parent=first)
    make_comment(make_article("Elsewhere"), "A ferry as well.")

    page = find(client, article, "Ferry")

    assert found(page) == [first.pk, answer.pk]
    assert "2 comments mention <bdi>“Ferry”</bdi>" in page
    assert marks(page) == ["ferry", "ferries"]
    assert '<p dir="auto">The <mark>ferry</mark> was late.</p>' in page
    assert f", replying to <bdi>{first.author_name}</bdi>" in page
    assert f'<time datetime="{first.created_at:%Y-%m-%dT%H:%M}' in page
    assert '<meta name="robots" content="noindex">' in page


def test_the_page_leads_to_the_comment_in_its_place(client):
    article = make_article()
    comment = make_comment(article, "The ferry was late.")
    (url,) = re.findall(r'<h3><a href="([^"]*)"', find(client, article, "ferry"))
    assert client.get(url)["Location"].endswith(f"#comment-{comment.pk}")


def test_only_reading_is_answered_and_nothing_is_kept(client):
    article = make_article()
    for url in (f"{article.get_absolute_url()}find/", "/search/"):
        assert client.post(url, {"q": "ferry"}).status_code == 405
        assert client.head(url, {"q": "ferry"}).status_code == 200
        response = client.get(url, {"q": "ferry"})
        assert response["Cache-Control"] == "private, no-cache"
        assert not response.cookies


def test_what_not_everybody_may_read_is_not_found_by_anybody(client):
    article, author = make_article(), UserFactory.create()
    waiting, spam, removed, deleted, answered = (
        make_comment(article, "A secret word.", author=author) for _ in range(5)
    )
    make_comment(article, "Nothing.", parent=answered)
    hold(waiting)
    remove(spam, State.SPAM, Reason.SPAM)
    remove(removed)
    remove(deleted, State.DELETED, Reason.AUTHOR)
    remove(answered)
    for reader in (None, author, UserFactory.create(roles=("Moderator",))):
        if reader:
            client.force_login(reader)
        for page in (find(client, article, "secret"), look(client, "secret")):
            assert found(page) == []
            assert "A secret" not in page


def test_the_author_of_a_removed_parent_is_not_named(client):
    article = make_article()
    first = make_comment(article, "Loud.")
    answer = make_comment(article, "A calm word.", parent=first)
    remove(first)
    page = find(client, article, "calm")
    assert found(page) == [answer.pk]
    assert first.author_name not in page


@pytest.mark.parametrize(
    "fields", [{"published_at": None}, {"published_at": timezone.now() + timedelta(hours=1)}]
)
def test_an_unpublished_story_is_not_found(client, fields):
    article = make_article("Quarry", **fields)
    bring_in(article, "About the quarry.")
    find(client, article, "quarry", status=404)
    page = look(client, "quarry")
    assert (found(page), stories(page)) == ([], [])


def test_a_hidden_discussion_is_not_found_while_its_story_is(client):
    article = make_article("Quarry")
    make_comment(article, "About the quarry.")
    change_discussion(article=article, status=HIDDEN)
    find(client, article, "quarry", status=404)
    page = look(client, "quarry")
    assert (found(page), stories(page)) == ([], [article.slug])


def test_an_unknown_story_is_not_found(client):
    assert client.get("/stories/nothing/find/?q=a").status_code == 404


def test_an_edit_changes_what_is_found(client):
    article, author = make_article(), UserFactory.create()
    comment = make_comment(article, "The old ferry.", author=author)
    edit_comment(comment=comment, body="The new bridge.", user=author, guest=None)
    assert found(find(client, article, "ferry")) == []
    assert found(find(client, article, "bridge")) == [comment.pk]


def test_pages_follow_each_other_without_hole_or_repeat(client, monkeypatch):
    monkeypatch.setattr(searching, "PAGE_SIZE", 2)
    monkeypatch.setattr(searching, "SITE_PAGE_SIZE", 2)
    article = make_article()
    made = bring_in(article, *(f"Ferry number {n}." for n in range(5)))
    for url, expected in ((f"{article.get_absolute_url()}find/", made), ("/search/", made[::-1])):
        seen, query = [], "?q=ferry"
        while query:
            page = client.get(url + query).content.decode()
            assert "5 comments" in page
            seen += found(page)
            more = re.search(r'<a class="more" href="([^"]*)" [^>]*>More comments', page)
            query = more[1].replace("&amp;", "&") if more else ""
        assert seen == expected


def test_a_page_continues_after_a_comment_that_was_removed(client, monkeypatch):
    monkeypatch.setattr(searching, "PAGE_SIZE", 2)
    article = make_article()
    made = bring_in(article, *(f"Ferry number {n}." for n in range(4)))
    remove(Comment.objects.get(pk=made[1]))
    assert found(find(client, article, "ferry", after=made[1])) == made[2:]
    page = find(client, article, "ferry", after=made[3])
    assert "No more comments here." in page


def test_the_number_of_results_is_limited_and_the_page_says_so(client, monkeypatch):
    monkeypatch.setattr(queries, "MAX_RESULTS", 3)
    article = make_article("Ferry")
    made = bring_in(article, *(f"Ferry number {n}." for n in range(5)))
    page = find(client, article, "ferry")
    assert found(page) == made[:3]
    assert "More than 3 comments mention" in page
    page = look(client, "ferry")
    assert found(page) == made[:1:-1]
    assert "More than 3 comments" in page


# Words


@pytest.mark.parametrize(
    ("asked", "body", "marked"),
    [
        ("cafe", "At the Café.", ["Café"]),
        ("CAFÉ", "at the cafe", ["cafe"]),
        ("cafe\u0301", "At the Caf\u00e9.", ["Caf\u00e9"]),
        ("cafe", "At the Cafe\u0301.", ["Cafe\u0301"]),
        ("احمد", "قال أحمد ذلك", ["أحمد"]),
        ("أحمد", "قال اَحْمَد ذلك", ["اَحْمَد"]),
        ("جدا", "كبير جداً\u200f هنا", ["جداً\u200f"]),
        ("ميناء", "في الميناء القديم", ["الميناء"]),
        ("الميناء", "ميناء قديم", ["ميناء"]),
        ("ميناء", "وصل إلى الميناء، وبالميناء وللميناء سفن.", ["الميناء", "وبالميناء", "وللميناء"]),
        ("-الميناء سفن", "سفن في ميناء", None),
        ("له", "الله", None),  # of a word with only two letters left, they are no article
        ("دة", "والدة", None),
        ("مسئول", "قال المسؤول", ["المسؤول"]),
        ("شئ", "كل شيء", ["شيء"]),
        ("في", "ولد فى مصر", ["فى"]),
        ("istanbul", "In İSTANBUL.", ["İSTANBUL"]),
        ("İSTANBUL", "in istanbul", ["istanbul"]),
        ("ığdır", "IĞDIR is far.", ["IĞDIR"]),
        ("елка", "Новогодняя Ёлка.", ["Ёлка"]),
        ("ёлка", "ЕЛКА", ["ЕЛКА"]),
        ("hidden", "a hid\u00adden\u200b word", ["hid\u00adden\u200b"]),
        ("2013", "في ٢٠١٣ كان", ["٢٠١٣"]),
        ("moderator", "Two moderators moderated.", ["moderators", "moderated"]),
        ("strasse", "In der Straße.", ["Straße"]),
        ("straße", "IN DER STRASSE", ["STRASSE"]),
        ("Ελλαδα", "Στην Ελλάδα.", ["Ελλάδα"]),
        ("don't panic", "Do not panic", ["panic"]),
        ("“old ferry”", "The old ferry and an old bus.", ["old", "ferry", "old"]),
        ('"old ferry"', "The ferry is old.", None),
        ("ferry -bus", "A ferry.", ["ferry"]),
        ("ferry -bus", "A ferry and a bus.", None),
        ("ferry or tram", "A tram.", ["tram"]),
        ("ferry tram", "A tram.", None),
        ("re-elected", "He was re-elected.", ["re", "elected"]),
        ("3.14", "It is 3.14, not 3.15.", ["3.14"]),
        ("example.org", "See example.org, he said.", ["example.org"]),
        ("a.*b", "Between a.*b and AxxB.", ["b"]),
        ("C++", "C++ or C.", ["C", "C"]),
        ("東京", "東京 へ", ["東京"]),
        ("привет", "Привет, мир", ["Привет"]),
        ("R&D", "Our R&D team <b>.", ["R", "D"]),
        ("amp", "This & that", None),
        ("lt", "1 < 2", None),
        ("strong", "**Bold** words", None),
    ],
)
def test_words_are_found_in_any_form_and_marked_as_written(client, asked, body, marked):
    article = make_article("Story")
    make_comment(article, body)
    for page in (find(client, article, asked), look(client, asked)):
        assert marks(page) == (marked or [])
        assert bool(found(page)) == (marked is not None)


def test_stored_texts_are_found_as_new_ones_are(client):
    """A migration has changed the function that folds texts, and makes the stored vectors again."""
    first = import_module("articles.migrations.0001_search_function")
    now = import_module("articles.migrations.0030_search_arabic")
    comments = import_module("comments.migrations.0038_search_arabic")
    with connection.cursor() as cursor:
        cursor.execute(first.FOLD.replace("CREATE", "CREATE OR REPLACE"))
        article = make_article("إغلاق الميناء")
        stored = make_comment(article, "بالميناء سفن")
        cursor.execute(now.FOLD)
        assert found(look(client, "ميناء")) == []
        cursor.execute(now.REBUILD_VECTORS)
        cursor.execute(comments.REBUILD_VECTORS)
    page = look(client, "ميناء")
    assert found(page) == [stored.pk]
    assert marks(page) == ["الميناء", "بالميناء"]


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "</title><b>", "\"'><img src=x onerror=y>", "&lt;b"]
)
def test_no_markup_gets_through(client, hostile):
    article = make_article(f"Ferry {hostile}", standfirst=f"Ferry {hostile}", body=f"Ferry {hostile}")
    bring_in(article, f"Ferry {hostile} ferry")
    make_comment(article, f"A ferry {hostile} `ferry {hostile}` [ferry](http://example.org/?{hostile})")
    for asked in ("ferry", f"ferry {hostile}", hostile, f'"{hostile}"'):
        for page in (find(client, article, asked), look(client, asked)):
            body = page[page.index("<main") : page.index("</main>")]
            for tag in ("<script", "<img", "<b>", "onerror=y>", "</title>"):
                assert tag not in body
            assert page.count("</title>") == 1


def test_an_address_behind_a_link_is_not_shown(client):
    article = make_article()
    comment = make_comment(article, "See [the ferry](https://hidden.example/slipway).")
    page = find(client, article, "hidden.example")
    assert "hidden.example/slipway" not in page
    assert found(page) in ([], [comment.pk])
    assert "See the <mark>ferry</mark>." in find(client, article, "ferry")


def test_what_somebody_quotes_is_shown_as_a_quotation(client):
    article = make_article()
    make_comment(article, "> The ferry is late.\n\nNo, it is on time.")
    page = find(client, article, "ferry")
    assert (
        '<blockquote><p dir="auto">The <mark>ferry</mark> is late.</p></blockquote><p dir="auto">No' in page
    )


def test_of_a_long_comment_the_words_around_are_shown(client):
    article = make_article()
    far = "Something else. " * 200
    make_comment(article, f"{far} He took the ferry to town. {far}")
    page = find(client, article, "ferry")
    (text,) = re.findall(r'<p dir="auto">(.*?)</p>', page)
    assert re.match(r"… .*took the <mark>ferry</mark> to town\..* …$", text)
    assert len(text) < 300


def test_the_places_with_most_of_the_words_are_shown(client):
    article = make_article()
    far = "Nothing at all here. " * 20
    make_comment(
        article, f"Ferry 1. {far} Ferry 2. {far} Ferry 3. {far} Ferries in the harbour. {far} A bus. {far}"
    )
    texts = re.findall(r'<p dir="auto">(.*?)</p>', find(client, article, "ferry harbour bus"))
    assert len(texts) == 3
    assert "<mark>Ferry</mark> 1." in texts[0]
    assert "<mark>Ferries</mark> in the <mark>harbour</mark>" in texts[1]
    assert "<mark>bus</mark>" in texts[2]


@pytest.mark.parametrize(
    "body",
    ["word " * 30_000, "漢" * 150_000, "?!… " * 40_000, "x" * 150_000, "<p>&amp;" * 20_000, "\u0301" * 3000],
    ids=["words", "CJK", "signs", "one word", "markup", "accents"],
)
def test_a_text_of_any_length_and_kind_is_read(client, body):
    article = make_article()
    (pk,) = bring_in(article, f"Ferry here. {body}")
    page = find(client, article, "ferry")
    assert found(page) == [pk]
    assert marks(page) == ["Ferry"]
    assert len(page) < 10_000
    assert CommentText.objects.get(pk=pk).vector


def test_comments_of_signs_alone_are_no_hindrance(client):
    article = make_article()
    make_comment(article, "?!")
    make_comment(article, "。。。")
    assert found(find(client, article, "ferry")) == []


# What cannot be looked for


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("the of", "too common"),
        ("?!", "too common"),
        ("-ferry", "A minus only excludes words."),
        ("ferry or -bus", "A minus only excludes words."),
        ("x" * 10_000, f"This search has 10,000 characters. The limit is {MAX_QUERY_LENGTH}."),
        ("zyzzyva", "zyzzyva”</bdi>."),
    ],
)
def test_a_sentence_says_why_there_is_nothing(client, asked, sentence):
    article = make_article()
    make_comment(article, "A ferry.")
    for page in (find(client, article, asked), look(client, asked)):
        assert sentence in page
        assert asked in page
        assert found(page) == []


@pytest.mark.parametrize("asked", ["", " ", "\x00", "\u3000"])
def test_without_a_query_there_is_an_empty_form(client, asked):
    article = make_article()
    make_comment(article, "A ferry.")
    for page in (find(client, article, asked), look(client, asked)):
        assert 'type="search"' in page
        assert 'class="empty"' not in page
        assert found(page) == []


@pytest.mark.parametrize(
    "asked",
    ["'", '"', '"""', "\\", "\\'", "a'b\\c", "!", "& | ! ( )", "a:*", "a <-> b", ":", "'':A", "%s %(q)s %",
     "-", "--", "or or or", "\ud800", "\u202eferry", "ferry\x00", "ﷺ", "½", "😀", "{{ q }}",
     "a" * MAX_QUERY_LENGTH,
     "😀" * MAX_QUERY_LENGTH, "a'" * 100, "- " * 100, "-a " * 66, "\u3316" * MAX_QUERY_LENGTH, '"' * 199, "http://[::1",
     "(" * 200],
)  # fmt: skip
def test_nonsense_is_answered(client, asked):
    article = make_article()
    make_comment(article, "A ferry. 'a'b\\c' ½ ﷺ 😀")
    query = urlencode({"q": asked.encode(errors="surrogatepass")})
    for url in (f"{article.get_absolute_url()}find/", "/search/"):
        assert client.get(f"{url}?{query}").status_code == 200


@pytest.mark.parametrize("after", ["-1", "x", "1" * 19, "²", "1.5", "9" * 10_000, "1\x00"])
def test_a_bad_cursor_is_404(client, after):
    find(client, make_article(), "ferry", after=after, status=404)
    look(client, "ferry", after=after, **{"in": "comments"}, status=404)
    look(client, "ferry", after=after)  # the first page of both kinds has no cursor


@pytest.mark.parametrize(
    "query",
    [{"topic": "no\x00"}, {"topic": "nothing"}, {"topic": "x" * 10_000}, {"in": "x"}],
)
def test_an_unknown_filter_is_404(client, query):
    look(client, "ferry", status=404, **query)


@pytest.mark.parametrize("year", ["x", "0", "99999", "-201", "٢٠١٣", "no\x00", "x" * 10_000])
def test_an_invalid_year_is_explained_beside_the_form(client, year):
    page = look(client, "ferry", year=year)
    assert "A year has four digits, such as 2013." in page
    assert 'value="ferry"' in page


@pytest.mark.parametrize(
    "query", [{"year": "1000"}, {"year": "2999"}, {"page": "-1"}, {"in": "stories", "after": "9"}]
)
def test_other_filters_are_accepted(client, query):
    look(client, "ferry", **query)


def test_a_slow_search_is_stopped_with_a_message(client, monkeypatch):
    article = make_article()
    monkeypatch.setattr("articles.search.MAX_SECONDS", "0.01")
    slow_join = f"{queries.REPLIED_TO_JOIN} CROSS JOIN pg_sleep(5)"
    monkeypatch.setattr(queries, "REPLIED_TO_JOIN", slow_join)
    make_comment(article, "A ferry.")
    assert "This search takes too long." in find(client, article, "ferry")
    assert "This search takes too long." in look(client, "ferry")


def test_searches_leave_room_for_readers(client):
    article = make_article()
    make_comment(article, body="The ferry was late.")
    with ExitStack() as searches:
        for _ in range(MAX_CONCURRENT):
            searches.enter_context(search_slot())
        assert "Too many searches are running." in find(client, article, "ferry", 429)
        assert client.get(article.get_absolute_url()).status_code == 200
    assert found(find(client, article, "ferry")), "their turns are over"


# The whole site


def test_stories_come_by_rank_and_before_comments(client):
    make_comment(make_article("Slow boats"), "The ferry again.")
    body = make_article("Boats", body="Some words. " * 50 + "The ferry sails.")
    title = make_article("The last ferry")
    lead = make_article("Boat", standfirst="About a ferry.")
    page = look(client, "ferry")
    assert stories(page) == [title.slug, lead.slug, body.slug]
    assert "3 stories" in page
    assert "1 comment\n" in page
    assert page.index("3 stories") < page.index("1 comment\n")
    assert f'<a href="/stories/{title.slug}/">The last <mark>ferry</mark></a>' in page
    assert '<meta name="robots" content="noindex">' in page


def test_a_comment_is_shown_with_its_story(client):
    article = make_article("Slow boats")
    make_comment(article, "The ferry again.")
    assert f'<a href="{article.get_absolute_url()}">Slow boats</a>' in look(client, "ferry")


def test_the_story_of_unknown_rights_is_found_on_the_site(client):
    article = make_article("The last ferry", rights=Article.Rights.UNKNOWN)
    assert stories(look(client, "ferry")) == [article.slug]


def test_a_topic_and_a_year_narrow_both(client):
    harbour = Topic.objects.create(name="Harbour", slug="harbour")
    old = make_article("An old ferry", published_at=datetime(2013, 6, 19, tzinfo=UTC))
    old.topics.add(harbour)
    new = make_article("A new ferry")
    Article.objects.filter(pk=new.pk).update(published_at=datetime(2024, 6, 19, tzinfo=UTC))
    (pk,) = bring_in(old, "The ferry.")
    said_old, said_new = Comment.objects.get(pk=pk), make_comment(new, "The ferry.")
    Comment.objects.filter(pk=said_old.pk).update(created_at=datetime(2014, 1, 1, tzinfo=UTC))
    Comment.objects.filter(pk=said_new.pk).update(created_at=datetime(2024, 7, 1, tzinfo=UTC))

    for query, expected in (
        ({}, ({old.slug, new.slug}, [said_new.pk, said_old.pk])),
        ({"topic": "harbour"}, ({old.slug}, [said_old.pk])),
        ({"year": "2013"}, ({old.slug}, [])),
        ({"year": "2014"}, (set(), [said_old.pk])),
        ({"year": "2024"}, ({new.slug}, [said_new.pk])),
        ({"year": "2024", "topic": "harbour"}, (set(), [])),
        ({"year": "", "topic": ""}, ({old.slug, new.slug}, [said_new.pk, said_old.pk])),
    ):
        page = look(client, "ferry", **query)
        assert (set(stories(page)), found(page)) == expected, query
    assert "Search everything" in look(client, "ferry", year="2024", topic="harbour")
    assert '<option value="harbour" selected>' in look(client, "ferry", topic="harbour")


def test_an_author_narrows_both_and_the_url_keeps_it(client):
    ida = UserFactory.create(name="Ida Berg", roles=(EDITOR,))
    hers, other = make_article("Her ferry"), make_article("Another ferry")
    set_article_authors(article=hers, people=[ida])
    said, _elsewhere = make_comment(hers, "The ferry."), make_comment(other, "The ferry.")
    drafts = UserFactory.create(name="Olav", roles=(EDITOR,))
    set_article_authors(article=make_article("A ferry to come", published_at=None), people=[drafts])
    for n in range(SITE_PAGE_SIZE + 1):
        set_article_authors(article=make_article(f"Ferry {n}"), people=[ida])

    page = look(client, "ferry", author="ida-berg")
    assert found(page) == [said.pk]
    assert other.slug not in stories(page)
    assert '<option value="ida-berg" selected>Ida Berg</option>' in page
    assert "Olav" not in page  # nothing to read by him
    page = look(client, "ferry", author="ida-berg", **{"in": "stories"})
    more = re.search(r'class="more" href="([^"]+)"', page)[1].replace("&amp;", "&")
    assert "author=ida-berg" in more
    rest = client.get(f"/search/{more}").content.decode()
    assert len(stories(page)) + len(stories(rest)) == SITE_PAGE_SIZE + 2
    assert other.slug not in stories(rest)
    for wrong in ("olav", "nobody"):
        assert client.get("/search/", {"q": "ferry", "author": wrong}).status_code == 404


def test_a_topic_and_an_author_are_found_by_the_names_that_they_had(client):
    ida = UserFactory.create(name="Ida Berg", roles=(EDITOR,))
    topic = Topic.objects.create(name="Harbour", slug="harbour")
    story = make_article("Her ferry")
    story.topics.add(topic)
    set_article_authors(article=story, people=[ida])
    author = ida.author
    topic.slug, author.slug = "port", "ida-lund"
    save_topic(topic=topic)
    save_author(author=author)
    page = look(client, "ferry", topic="harbour", author="ida-berg")
    assert stories(page) == [story.slug]
    assert '<option value="port" selected>' in page
    assert '<option value="ida-lund" selected>' in page
    look(client, "ferry", topic="ida-berg", status=404)
    Topic.objects.update(shown=False)
    look(client, "ferry", topic="harbour", status=404)


def test_a_topic_that_is_not_shown_cannot_be_chosen(client):
    hidden = Topic.objects.create(name="Secret", slug="secret", shown=False)
    make_article("The last ferry").topics.add(hidden)
    look(client, "ferry", topic="secret", status=404)


def test_stories_go_on_by_rank(client, monkeypatch):
    monkeypatch.setattr(searching, "STORIES_SHOWN_FIRST", 2)
    monkeypatch.setattr(searching, "SITE_PAGE_SIZE", 2)
    made = [make_article(f"Ferry {n}", published_at=timezone.now() - timedelta(days=n + 1)) for n in range(5)]
    seen, query = [], "?q=ferry"
    while query:
        page = client.get(f"/search/{query}").content.decode()
        assert "5 stories" in page
        seen += stories(page)
        more = re.search(r'<a class="more" href="([^"]*)" [^>]*>More stories', page)
        query = more[1].replace("&amp;", "&") if more else ""
    assert seen == [article.slug for article in made]
    assert "Back to the first page of results" in page


# Cost


def test_the_statements_do_not_grow_with_what_is_found(client, django_assert_num_queries):
    few, many = make_article("Ferry"), make_article("Many ferries")
    make_comment(few, "A lonely ferry.")
    root = make_comment(many, "A ferry.")
    for _ in range(25):
        make_comment(many, "Another ferry.", parent=root)
    for n in range(8):
        make_article(f"Ferry number {n}")
    # Three of these begin and end the search and limit its time.
    for article in (few, many):
        with django_assert_num_queries(9):
            find(client, article, "ferry")
    for asked in ("lonely", "ferry"):
        with django_assert_num_queries(11):
            look(client, asked)
    with django_assert_num_queries(4):
        look(client, "")


def test_an_index_finds_a_rare_word(client):
    bring_in(make_article(), *(f"Common words, number {n}." for n in range(300)), "A zyzzyva.")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE comments_commenttext; SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT comment_id FROM comments_commenttext WHERE vector @@ 'zyzzyva'::tsquery"
        )
        assert "commenttext_vector" in str(cursor.fetchall())


def test_folding_ascii_only_changes_the_case():
    """articles.search.match_words relies on it."""
    text = "".join(map(chr, range(1, 128)))
    assert fetch_value("SELECT search_fold(%(text)s) = lower(%(text)s)", {"text": text})
