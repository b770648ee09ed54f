"""Metadata of a story's page: JSON-LD, Open Graph, links to the feed and oEmbed."""

import json
import re
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from articles.models import Article
from comments.models import Discussion, Reason, State
from comments.services.discussions import change_discussion
from comments.services.states import change_states
from comments.thread.structured_data import COMMENT_LENGTH, MAX_COMMENTS
from tests.factories import GuestFactory, UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db

SCRIPT = re.compile(r'<script type="application/ld\+json">(.*?)</script>', re.DOTALL)
HOSTILE = "</script><!--<script>alert(1)</script> \u2028 & ]]>"


def read(client, article, query=""):
    response = client.get(f"{article.get_absolute_url()}{query}")
    assert response.status_code == 200
    return response.content.decode()


def data(page):
    found = SCRIPT.findall(page)
    assert len(found) == 1
    return json.loads(found[0])


def test_the_head_describes_the_story_and_its_comments(client):
    article = make_article(
        "The slip",
        standfirst="It was the last one.",
        byline="Ida Berg",
        source_name="An agency",
        source_url="https://agency.example/slip",
        rights=Article.Rights.LICENSED,
    )
    comment = make_comment(
        article, "I *learned* to row there.\n\nTwice & well.", guest=GuestFactory.create(name="Jim")
    )
    url = settings.SITE_URL + article.get_absolute_url()

    json_ld = data(read(client, article))

    assert json_ld.pop("comment") == [
        {
            "@type": "Comment",
            "url": f"#comment-{comment.pk}",
            "author": {"@type": "Person", "name": "Jim"},
            "dateCreated": f"{comment.created_at:%Y-%m-%dT%H:%M:%SZ}",
            "text": "I learned to row there. Twice & well.",
        }
    ]
    article.refresh_from_db()
    assert json_ld == {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "url": url,
        "headline": "The slip",
        "description": "It was the last one.",
        "datePublished": f"{article.published_at:%Y-%m-%dT%H:%M:%SZ}",
        "dateModified": f"{article.updated_at:%Y-%m-%dT%H:%M:%SZ}",
        "author": {"@type": "Person", "name": "Ida Berg"},
        "publisher": {"@type": "Organization", "name": "Soundoff", "url": f"{settings.SITE_URL}/"},
        "isBasedOn": "https://agency.example/slip",
        "commentCount": 1,
    }


def test_a_story_published_first_elsewhere_names_its_source(client):
    first = "https://gazette.example/2013/slip?a=1&b=2"
    article = make_article(canonical_url=first, rights=Article.Rights.LICENSED)
    page = read(client, article)
    assert '<link rel="canonical" href="https://gazette.example/2013/slip?a=1&amp;b=2">' in page
    json_ld = data(page)
    assert (json_ld["mainEntityOfPage"], json_ld["isBasedOn"]) == (first, first)
    assert json_ld["url"] == settings.SITE_URL + article.get_absolute_url()
    here = read(client, make_article("Ours"))
    assert f'<link rel="canonical" href="{settings.SITE_URL}/stories/ours/">' in here
    assert "mainEntityOfPage" not in data(here)


def test_the_head_has_the_data_for_link_previews(client):
    article = make_article(
        'A "quoted" <title>', published_at=datetime(2024, 5, 31, tzinfo=UTC), body="Some *words*."
    )
    page, url = read(client, article), settings.SITE_URL + article.get_absolute_url()
    for line in (
        f'<link rel="canonical" href="{url}">',
        '<meta name="description" property="og:description" content="Some words.">',
        '<meta property="og:type" content="article">',
        '<meta property="og:site_name" content="Soundoff">',
        '<meta property="og:title" content="A &#34;quoted&#34; &lt;title&gt;">',
        f'<meta property="og:url" content="{url}">',
        '<meta property="article:published_time" content="2024-05-31T00:00:00+00:00">',
        '<link rel="alternate" href="feed/" type="application/atom+xml" title="Comments">',
    ):
        assert line in page
    for kind in ("application/json", "text/xml"):
        href = re.search(rf'<link rel="alternate"\s+href="([^"]+)"\s+type="{kind}\+oembed">', page)[1]
        assert client.get(href.replace("&amp;", "&")).status_code == 200


def test_a_story_of_unknown_rights_has_only_its_title(client):
    article = make_article(rights=Article.Rights.UNKNOWN, body="Not ours to give.")
    make_comment(article)
    head = read(client, article).partition("</head>")[0]
    assert '<meta name="robots" content="noindex">' in head
    assert '<meta property="og:title" content="The slip closes">' in head
    for absent in ("ld+json", "oembed", "Not ours", "og:description"):
        assert absent not in head
    assert 'href="feed/"' not in head


def test_nothing_that_people_write_ends_the_script(client):
    article = make_article(HOSTILE, standfirst=HOSTILE, byline=HOSTILE, source_name=HOSTILE)
    make_comment(article, HOSTILE, guest=GuestFactory.create(name=HOSTILE[:79]))
    page = read(client, article)
    raw = SCRIPT.search(page)[1]
    assert not set("<>&\u2028\u2029") & set(raw)
    json_ld = data(page)
    assert json_ld["headline"] == HOSTILE
    assert "</script><!--<script>alert(1)</script>" in json_ld["comment"][0]["text"]


def test_only_public_comments_and_at_most_ten(client):
    article = make_article()
    member = UserFactory.create(roles=("Moderator",))
    comments = [
        make_comment(article, f"Comment {n}. " + "Long words. " * 40, author=member)
        for n in range(MAX_COMMENTS + 4)
    ]
    newest = comments[-1]
    change_states(ids=[newest.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    change_states(ids=[comments[-2].pk], to=State.REJECTED, reason=Reason.INSULT, actor=None)
    for reader in (None, member):
        if reader:
            client.force_login(reader)  # sees what waits on the page, which is not for machines
        json_ld = data(read(client, article))
        assert json_ld["commentCount"] == MAX_COMMENTS + 2
        assert [c["text"].partition(".")[0] for c in json_ld["comment"]] == [
            f"Comment {n}" for n in reversed(range(2, MAX_COMMENTS + 2))
        ]
        assert all(len(c["text"]) <= COMMENT_LENGTH and c["text"].endswith("…") for c in json_ld["comment"])


def test_a_hidden_discussion_is_left_out(client):
    article = make_article()
    make_comment(article)
    change_discussion(article=article, status=Discussion.Status.HIDDEN)
    json_ld = data(read(client, article))
    assert not {"comment", "commentCount"} & json_ld.keys()


def test_the_host_that_was_asked_is_in_no_page(client, settings):
    settings.ALLOWED_HOSTS, settings.SITE_URL = ["*"], "https://news.example"
    article = make_article()
    page = client.get(article.get_absolute_url(), headers={"host": "other.example"}).content.decode()
    assert "other.example" not in page
    assert page.count(f"https://news.example{article.get_absolute_url()}") >= 3


def test_structured_data_needs_no_query(client):
    counts = []
    for rights in (Article.Rights.UNKNOWN, Article.Rights.OURS):
        article = make_article(rights=rights)
        make_comment(article)
        with CaptureQueriesContext(connection) as queries:
            read(client, article)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 5


def test_structured_data_stays_small(client):
    """The head is a small part of the page of a story with 74 comments, however long they are."""
    article = make_article("A headline of some length about the slip in the harbour", standfirst="x" * 200)
    before = len(read(client, article).encode())
    author = UserFactory.create(name="Somebody with a name")
    for _ in range(MAX_COMMENTS):
        make_comment(article, "Long words. " * 800, author=author)
    json_ld = SCRIPT.search(read(client, article))[1].encode()
    assert len(json_ld) < 4_500
    assert before < 8_000
