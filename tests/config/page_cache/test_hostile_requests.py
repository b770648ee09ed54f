"""The page cache with requests that are invalid or are meant to fill its memory."""

import pytest

from articles.models import Article
from comments.thread.pages import REPLIES_PER_TREE
from config.page_cache.application import PageCacheApp
from tests.factories import make_article, make_comment
from tests.helpers.wsgi_requests import send_request

ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


@pytest.mark.parametrize(
    "query",
    [
        "page=-1",
        "utm_source=x&page=9223372036854775808",
        "x" * 10_000,
        "a=" + "%00" * 100,
        "%ff=%fe",
        "&&&==;;",
        "&".join(f"k{n}={n}" for n in range(5_000)),
    ],
)
def test_unknown_query_parameters_are_ignored_by_the_cache(
    site: PageCacheApp, story: str, query: str
) -> None:
    page = send_request(site, story)
    assert send_request(site, f"{story}?{query}").body == page.body
    assert len(site.entries) == 1


@pytest.mark.parametrize(
    "query",
    [
        "order=up",
        "order=",
        "order=" + "x" * 10_000,
        "order=%00",
        "order=%ff%fe",
        "order=newest&order=../",
        "replies=",
        "replies=restored",
        "order=oldest&replies=x",
        "after=-1",
        "after=9223372036854775808.9223372036854775808",
        "from=x",
        "after=" + "9" * 10_000,
    ],
)
def test_invalid_values_are_not_cached(site: PageCacheApp, story: str, query: str) -> None:
    assert send_request(site, f"{story}?{query}").status in {200, 404}
    assert len(site.entries) == 0


def test_a_comment_has_one_url(site: PageCacheApp, article: Article) -> None:
    """Other spellings ("007", or digits of another script) would each get a cache entry of their own."""
    root = make_comment(article)
    replies = [make_comment(article, parent=root) for _ in range(REPLIES_PER_TREE + 1)]
    for key in (str(replies[-1].pk), f"0{replies[-1].pk}", str(replies[-1].pk).translate(ARABIC)):
        found = send_request(site, f"{article.get_absolute_url()}comments/{key}/").status
        assert found == (200 if key == str(replies[-1].pk) else 404), key
    assert len(site.entries) == 1


def test_random_bytes_break_nothing(site: PageCacheApp) -> None:
    ways = ["/stories/\xff\xfe/", "/\x00", "/stories/" + "x" * 9_000 + "/", "//", "", "/stories/..%2f/"]
    for path in ways:
        assert send_request(site, path).status in {200, 301, 400, 404}, path
    junk = "\xff\x00=;=;;" * 500
    for header in ("Cookie", "Accept_Encoding", "If_None_Match", "Authorization"):
        assert send_request(site, "/", **{header: junk}).status == 200, header
    assert send_request(site, "/", Host=junk).status == 400


def test_memory_is_bounded(site: PageCacheApp, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        make_article(f"Story {number}", body="Words " * 2_000)
    sizes = []
    for found in Article.objects.all():
        send_request(site, found.get_absolute_url())
        sizes.append(site.entries.size)
    assert site.entries.size == sum(entry.size for _key, entry in site.entries.items())
    monkeypatch.setattr(site.entries, "max_size", sizes[2])
    send_request(site, "/")
    assert site.entries.size <= sizes[2]
    assert [key.path for key, _entry in site.entries.items()][-1] == "/"
    assert site.entries.size == sum(entry.size for _key, entry in site.entries.items())


def test_unknown_orders_are_not_cached(site: PageCacheApp, story: str) -> None:
    for n in range(5):
        assert send_request(site, f"/?order=x{n}").status == 200
        assert send_request(site, f"{story}?order=x{n}").status == 404
        assert send_request(site, story, Cookie=f"order=x{n}; theme=x{n}").status == 200
    assert len(site.entries) == 2
