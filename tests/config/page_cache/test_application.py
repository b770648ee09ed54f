"""The page cache in the whole WSGI application, on a real Postgres.

Two instances of it stand for two processes, which share only the database.
"""

import gzip
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import brotli
import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, connections
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR
from articles.models import Article, Topic
from articles.redirects import add_redirect
from articles.services import save_article
from comments.integrity import check, repair
from comments.models import Comment, InferredParent, Reason, State
from comments.services.discussions import change_discussion
from comments.services.editing import edit_comment
from comments.services.moves import move_comment
from comments.services.recommendations import recommend
from comments.services.states import change_states, delete_comment, rename_author, set_comment_field
from comments.tasks import count_recommendations
from comments.thread.pages import REPLIES_PER_TREE
from config.page_cache.application import PageCacheApp
from config.page_cache.stamp_reader import StampReader, _AsyncConnection
from moderation.actions.decisions import undo
from moderation.reply_structure.proposals import accept
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.wsgi_requests import HOST, Reply, send_request, send_through_event_loop

ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


def is_kept(reply: Reply) -> bool:
    return "ETag" in reply.headers


@contextmanager
def statements() -> Iterator[list[str]]:
    """Record Django's queries, without those that begin and end the transaction."""
    asked: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield asked
    asked += [q["sql"] for q in captured if q["sql"] not in {"BEGIN", "COMMIT"}]


# What one request costs


def test_an_unchanged_page_costs_one_query_and_no_django(site: PageCacheApp, story: str) -> None:
    with statements() as first:
        made = send_request(site, story)
    with statements() as second:
        again = send_request(site, story)
    assert (made.status, again.status) == (200, 200)
    assert made.body == again.body
    assert len(first) <= 5, first
    assert second == []


def test_a_page_with_a_new_comment_costs_two_statements_with_that_of_the_event_loop(
    site: PageCacheApp, story: str, article: Article, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamps: list[str] = []
    in_thread, in_loop = StampReader._ask, _AsyncConnection.execute
    own = threading.current_thread()

    def note_in_thread(reader: StampReader, query: str) -> Any:
        if threading.current_thread() is own:  # not the thread that checks cached pages
            stamps.append(query)
        return in_thread(reader, query)

    def note_in_loop(reading: _AsyncConnection, query: str, answer: Any) -> None:
        stamps.append(query)
        in_loop(reading, query, answer)

    make_comment(article)
    send_through_event_loop(site, story)
    make_comment(article)
    monkeypatch.setattr(StampReader, "_ask", note_in_thread)
    monkeypatch.setattr(_AsyncConnection, "execute", note_in_loop)
    with statements() as asked:
        reply = send_through_event_loop(site, story)
    assert reply.status == 200
    assert len(stamps) == 1, stamps
    assert len(asked) == 1, asked


def test_a_database_that_is_lost_after_the_event_loop_asked_it_is_noticed(
    site: PageCacheApp, story: str, article: Article
) -> None:
    send_through_event_loop(site, story)
    Article.objects.filter(pk=article.pk).update(version=F("version") + 1)

    def lose_database() -> None:
        site.stamp_reader.lost_at = time.monotonic()

    with statements() as asked:
        assert send_through_event_loop(site, story, before_thread=lose_database).status == 503
    assert asked == []


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/feed/",
        "/archive/",
        "{story}",
        "{story}?order=oldest",
        "{story}?replies=saved",
        "{story}version/",
    ],
)
def test_which_pages_are_cached(site: PageCacheApp, story: str, path: str) -> None:
    path = path.format(story=story)
    assert is_kept(send_request(site, path))
    with statements() as asked:
        assert send_request(site, path).status == 200
    assert asked == []


def test_personal_pages_are_not_cached(site: PageCacheApp, story: str) -> None:
    for path in ("/accounts/login/", f"{story}reply/", "/nothing/", f"{story}?order=up", "/search/?q=boat"):
        assert not is_kept(send_request(site, path)), path
    for cookie in ("sessionid=x", "a=b;guest=x", "theme=dark; messages=x"):
        reply = send_request(site, story, Cookie=cookie)
        assert reply.headers["Cache-Control"] == "private, no-cache", cookie
        assert not is_kept(reply)
    assert not is_kept(send_request(site, story, Authorization="Basic eDp4"))
    assert len(site.entries) == 0


def test_the_front_page_is_cached_and_still_redirects_old_urls(site: PageCacheApp) -> None:
    article = make_article("Here")
    add_redirect(old="/?p=12", to="/stories/here/")
    assert send_request(site, "/").status == 200
    assert send_request(site, "/?utm_source=x").headers["ETag"] == send_request(site, "/").headers["ETag"]
    reply = send_request(site, "/?p=12")
    assert (reply.status, reply.headers["Location"]) == (301, "/stories/here/")
    assert send_request(site, "/?p=13").status == 200
    old = article.get_absolute_url()
    assert send_request(site, old).status == 200
    article.slug = "there"
    save_article(article=article)
    assert send_request(site, old).headers["Location"] == "/stories/there/"
    assert send_request(site, "/?p=12").headers["Location"] == "/stories/there/"


# HTTP


def test_headers(site: PageCacheApp, story: str) -> None:
    reply = send_request(site, story)
    assert reply.headers["Cache-Control"] == "public, no-cache"
    assert reply.headers["Vary"] == "Accept-Encoding, Accept-Language, Cookie"
    assert reply.headers["Content-Length"] == str(len(reply.body))
    assert "default-src 'self'" in reply.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in reply.headers


def test_each_encoding_has_an_etag(site: PageCacheApp, story: str) -> None:
    plain = send_request(site, story)
    for name, unpack in (("gzip", gzip.decompress), ("br", brotli.decompress)):
        packed = send_request(site, story, Accept_Encoding=name)
        assert packed.headers["Content-Encoding"] == name
        assert unpack(packed.body) == plain.body
        assert packed.headers["ETag"] == f'W/{plain.headers["ETag"][:-1]}-{name}"'
        assert packed.headers["Content-Length"] == str(len(packed.body))
    none = ("", "gzip;q=0", "zstd", "identity, gzip;q=0.5", "*;q=0", "gzip; q=0.000, *;q=0", "x" * 5000)
    for refused in none:
        assert "Content-Encoding" not in send_request(site, story, Accept_Encoding=refused).headers, refused
    for accepted in ("GZIP", "identity;q=0, gzip", "br;q=0, gzip;q=0.5", "br;q=0.5, *"):
        assert send_request(site, story, Accept_Encoding=accepted).headers["Content-Encoding"] == "gzip", (
            accepted
        )
    for accepted in ("*", "gzip, deflate, br, zstd", "BR"):
        assert send_request(site, story, Accept_Encoding=accepted).headers["Content-Encoding"] == "br", (
            accepted
        )


def test_each_encoding_is_compressed_better_by_the_next_sweep(site: PageCacheApp, story: str) -> None:
    plain = send_request(site, story).body
    for name, unpack in (("br", brotli.decompress), ("gzip", gzip.decompress)):
        fast = send_request(site, story, Accept_Encoding=name)
        site.sweep()
        better = send_request(site, story, Accept_Encoding=name)
        assert len(better.body) < len(fast.body)
        assert unpack(better.body) == unpack(fast.body) == plain
        assert better.headers["ETag"] == fast.headers["ETag"]


def test_a_matching_etag_gets_304(site: PageCacheApp, story: str) -> None:
    etag = send_request(site, story).headers["ETag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        reply = send_request(site, story, If_None_Match=known)
        assert (reply.status, reply.body) == (304, b""), known
        assert reply.headers == {
            "ETag": etag,
            "Cache-Control": "public, no-cache",
            "Vary": "Accept-Encoding, Accept-Language, Cookie",
        }
    assert send_request(site, story, If_None_Match=etag, Accept_Encoding="gzip").status == 200
    assert send_request(site, story, If_None_Match='"other"').status == 200


def test_head_has_the_length_and_no_body(site: PageCacheApp, story: str) -> None:
    for path in (story, "/accounts/login/"):
        whole, head = send_request(site, path), send_request(site, path, "HEAD")
        assert head.body == b""
        assert head.status == 200
        assert head.headers["Content-Length"] == str(len(whole.body))
    assert send_request(site, story, "HEAD").headers == send_request(site, story).headers


def test_uncached_pages_are_compressed_as_well(site: PageCacheApp) -> None:
    plain, packed = (
        send_request(site, "/accounts/login/"),
        send_request(site, "/accounts/login/", Accept_Encoding="gzip"),
    )
    assert "Log in" in plain.text
    assert "Log in" in packed.text
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert packed.headers["Content-Length"] == str(len(packed.body))
    assert "csrftoken" in packed.headers["Set-Cookie"]
    assert "Content-Encoding" not in send_request(site, "/readyz", Accept_Encoding="gzip").headers


def test_theme_and_order_are_part_of_the_key(site: PageCacheApp, article: Article) -> None:
    story = article.get_absolute_url()
    for words in ("Early words.", "Late words."):
        make_comment(article, words)
    plain = send_request(site, story, Cookie="_ga=1; theme=blue; order=up")
    dark = send_request(site, story, Cookie="theme=dark")
    oldest = send_request(site, story, Cookie="order=oldest; x=y")
    assert plain.body == send_request(site, story).body
    assert len({plain.body, dark.body, oldest.body}) == 3
    assert oldest.text.index("Early words.") < oldest.text.index("Late words.")
    assert len(site.entries) == 3
    assert send_request(site, "/", Cookie="order=oldest").body == send_request(site, "/").body
    count = len(site.entries)
    asked = send_request(site, f"{story}?order=oldest", Cookie="order=newest")
    assert asked.body == send_request(site, f"{story}?order=oldest").body
    assert len(site.entries) == count + 1


def test_requests_for_other_hosts_go_to_django(site: PageCacheApp, story: str) -> None:
    assert is_kept(send_request(site, story, Host=f"localhost:{settings.PORT}"))
    assert not is_kept(send_request(site, story, Host="localhost:1"))
    assert send_request(site, story, Host="evil.example").status == 400
    # Its URLs are the site's.
    assert HOST in send_request(site, story, Host=f"localhost:{settings.PORT}").text


# Hostile requests


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
    for header in ("Cookie", "Accept_Language", "Accept_Encoding", "If_None_Match", "Authorization"):
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


# Never stale


class Scene:
    """A story with a thread, and everything that changes what an anonymous reader sees."""

    def __init__(self) -> None:
        self.editor = UserFactory.create(name="Edda", roles=(EDITOR,))
        self.admin = Client()
        self.admin.force_login(UserFactory.create(name="Ada", roles=(ADMINISTRATOR,)))
        self.topic = Topic.objects.create(name="Boats", slug="boats")
        self.article = make_article("The slip closes")
        self.article.topics.add(self.topic)
        self.first = make_comment(self.article, "First words.", author=self.editor)
        self.second = make_comment(self.article, "Second words.")
        self.answer = make_comment(self.article, "An answer.", parent=self.second)
        self.reader = UserFactory.create(name="Ruth")

    def repeat(self) -> None:
        """Remove the second comment as a duplicate of one on another story."""
        self.original = make_comment(make_article("Another story"), "Second words.")
        self.decide(self.second, State.REJECTED, Reason.DUPLICATE)
        set_comment_field(field="duplicate_of", values={self.second.pk: self.original.pk})

    def accept(self) -> None:
        """Move the answer to the first comment, as somebody accepts its proposed parent."""
        InferredParent.objects.create(
            comment=self.answer,
            discussion_id=self.article.pk,
            imported_parent=self.second,
            parent=self.first,
            confidence=1,
            reason="name",
        )
        self.accepted = accept(article=self.article, actor=self.editor)

    def decide(self, comment: Comment, to: State, reason: Reason) -> None:
        change_states(ids=[comment.pk], to=to, reason=reason, actor=None)

    def post_form(self, path: str, **changed: Any) -> None:
        """Send the admin's form with its current values and these changes."""
        context = self.admin.get(path).context
        form = context["adminform"].form if "adminform" in context else context["form"]
        values = {name: form[name].value() for name in form.fields}
        page = self.admin.get(path).text
        for name, value in re.findall(
            r'name="([\w-]+-(?:TOTAL|INITIAL|MIN_NUM|MAX_NUM)_FORMS|[\w-]+-\d+-[\w]+)"[^>]*value="([^"]*)"',
            page,
        ):
            values.setdefault(name, value)
        at = values.pop("published_at", None)
        if at:
            values |= {"published_at_0": f"{at:%Y-%m-%d}", "published_at_1": f"{at:%H:%M:%S}"}
        values |= {"discussion-0-status": "open", "discussion-0-moderation": "post"}
        values |= changed
        sent = {name: value for name, value in values.items() if value is not None}
        response = self.admin.post(path, sent)
        assert response.status_code == 302, response.context["errors"]

    def save_article_form(self, **changed: Any) -> None:
        self.post_form(f"/admin/articles/article/{self.article.pk}/change/", **changed)


Write = Callable[[Scene], Any]
CHANGES: dict[str, tuple[str, Write, str]] = {
    # what happens: the page, the write, what is on one of the two pages only
    "a comment": ("story", lambda s: make_comment(s.article, "Third words."), "Third words."),
    "a comment, seen in the list": ("/", lambda s: make_comment(s.article, "Third words."), "4 comments"),
    "a comment, asked about": ("version", lambda s: make_comment(s.article, "Third words."), ""),
    "an answer on its own page": (
        "comment",
        lambda s: make_comment(s.article, "Deeper.", parent=s.answer),
        "Deeper.",
    ),
    "an edit": (
        "story",
        lambda s: edit_comment(comment=s.first, body="Better words.", user=s.editor, guest=None),
        "Better words.",
    ),
    "its author takes it back": (
        "story",
        lambda s: delete_comment(comment=s.first, user=s.editor, guest=None),
        "First words.",
    ),
    "a removal": ("story", lambda s: s.decide(s.second, State.REJECTED, Reason.INSULT), "Second words."),
    "what a repeat repeats is removed": (
        "story",
        lambda s: s.decide(s.original, State.SPAM, Reason.SPAM),
        "Duplicate of",
    ),
    "what a repeat repeats is published": (
        "story",
        lambda s: s.decide(s.original, State.PUBLISHED, Reason.APPROVED),
        "Duplicate of",
    ),
    "the discussion of what a repeat repeats is hidden": (
        "story",
        lambda s: change_discussion(article=s.original.discussion.article, status="hidden"),
        "Duplicate of",
    ),
    "a move": ("story", lambda s: move_comment(comment=s.answer, parent=s.first, actor=None), ""),
    "restored replies": ("story", lambda s: s.accept(), "As saved"),
    "restored replies, as they were saved": ("saved", lambda s: s.accept(), "As saved"),
    "restored replies undone": ("story", lambda s: undo(batch=s.accepted, actor=s.editor), "As saved"),
    "a corrected name": ("story", lambda s: rename_author(comment=s.second, name="Jim"), "Jim"),
    "a recommendation": (
        "story",
        lambda s: (
            recommend(comment=s.second, user=s.reader, given=True),
            count_recommendations.call(),
        ),
        "",
    ),
    "closing": ("story", lambda s: change_discussion(article=s.article, status="closed"), "Closed"),
    "hiding": ("story", lambda s: change_discussion(article=s.article, status="hidden"), "is hidden"),
    "closing in the admin": (
        "story",
        lambda s: s.save_article_form(**{"discussion-0-status": "closed"}),
        "Closed",
    ),
    "another title": ("story", lambda s: s.save_article_form(title="The slip opens"), "The slip opens"),
    "another title, seen in the list": (
        "/",
        lambda s: s.save_article_form(title="The slip opens"),
        "The slip opens",
    ),
    "a story without its topic": ("story", lambda s: s.save_article_form(topics=[]), "Boats"),
    "an editor's badge": (
        "story",
        lambda s: s.save_article_form(editors=[s.editor.pk]),
        "",
    ),
    "a role's badge": (
        "story",
        lambda s: s.post_form(
            f"/admin/accounts/user/{s.editor.pk}/change/",
            groups=list(s.editor.groups.model.objects.filter(name=MODERATOR).values_list("pk", flat=True)),
        ),
        "",
    ),
    "a draft again": (
        "/",
        lambda s: s.admin.post(
            f"/admin/articles/article/{s.article.pk}/publication/unpublish/",
            {"seen": Article.objects.get(pk=s.article.pk).version},
        ),
        "The slip closes",
    ),
    "a topic's name": (
        "story",
        lambda s: s.post_form(f"/admin/articles/topic/{s.topic.pk}/change/", name="Ships"),
        "Ships",
    ),
    "a topic taken off the pages": (
        "story",
        lambda s: s.post_form(f"/admin/articles/topic/{s.topic.pk}/change/", shown=""),
        "Boats",
    ),
    "a topic deleted": (
        "/",
        lambda s: s.admin.post(f"/admin/articles/topic/{s.topic.pk}/delete/", {"post": "yes"}),
        "Boats",
    ),
    "a story": ("/", lambda s: make_article("The slip opens"), "The slip opens"),
    "a story in its topic": ("topic", lambda s: s.save_article_form(topics=[]), "The slip closes"),
    "the site's name": (
        "/",
        lambda s: s.post_form("/owner/settings/", name="The Slip"),
        "The Slip",
    ),
    "a repair": (
        "story",
        lambda s: (
            Comment.objects.filter(pk=s.first.pk).update(body_html="<p>Broken.</p>"),
            repair(check()),
        ),
        "",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_no_change_is_missed(site: PageCacheApp, other: PageCacheApp, name: str) -> None:
    where, write, words = CHANGES[name]
    scene = Scene()
    if where == "comment":  # near its start it is read in the story
        for number in range(25):
            scene.answer = make_comment(scene.article, f"Number {number}.", parent=scene.second)
    if name == "restored replies undone":
        scene.accept()
    if "repeat" in name:
        scene.repeat()
    if name == "what a repeat repeats is published":
        scene.decide(scene.original, State.PENDING, Reason.SCREENED)
    if name == "a repair":
        Comment.objects.filter(pk=scene.first.pk).update(body_html="<p>Wrong.</p>")
    story = scene.article.get_absolute_url()
    path = {
        "story": story,
        "saved": f"{story}?replies=saved",
        "version": f"{story}version/",
        "comment": f"{story}comments/{scene.answer.pk}/",
        "topic": "/topics/boats/",
    }.get(where, where)
    before = [send_request(one, path) for one in (site, other)]
    assert before[0].status == 200
    write(scene)
    for one, earlier in zip((site, other), before, strict=True):
        later = send_request(one, path)
        assert later.body != earlier.body
        assert not words or (words in later.text) != (words in earlier.text)
        fresh = PageCacheApp(WSGIHandler())
        assert later.body == send_request(fresh, path).body
        fresh.close()


def test_an_unpublished_story_is_not_found(site: PageCacheApp, other: PageCacheApp) -> None:
    scene = Scene()
    alone = make_article("Alone")
    for one in (site, other):
        assert send_request(one, alone.get_absolute_url()).status == 200
    scene.admin.post(f"/admin/articles/article/{alone.pk}/delete/", {"post": "yes"})
    for one in (site, other):
        assert send_request(one, alone.get_absolute_url()).status == 404
        assert "Alone" not in send_request(one, "/").text


def test_another_process_writes(site: PageCacheApp, article: Article) -> None:
    assert "From elsewhere." not in send_request(site, article.get_absolute_url()).text
    script = f"""
        import django; django.setup()
        from django.conf import settings
        settings.COMMENT_POLICY = "comments.policy.Policy"
        from tests.factories import make_comment
        from articles.models import Article
        make_comment(Article.objects.get(pk={article.pk}), "From elsewhere.")
    """
    url = re.sub(r"/[^/?]*(\?|$)", rf"/{connection.settings_dict['NAME']}\1", os.environ["DATABASE_URL"])
    env = os.environ | {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    subprocess.run(
        [sys.executable, "-c", "\n".join(map(str.strip, script.splitlines()))], env=env, check=True
    )
    assert "From elsewhere." in send_request(site, article.get_absolute_url()).text


def test_removing_an_unseen_flood_keeps_the_cached_page(site: PageCacheApp, article: Article) -> None:
    held = make_comment(article)
    change_states(ids=[held.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    send_request(site, article.get_absolute_url())
    change_states(ids=[held.pk], to=State.SPAM, reason=Reason.SPAM, actor=None)
    with statements() as asked:
        send_request(site, article.get_absolute_url())
    assert asked == []


# Moments at which nothing is written


def moments_to_come() -> Iterator[datetime]:
    """Yield a time in the near future, and again later ones until the loop's body ends before that time."""
    lead = timedelta(seconds=1.2)
    while True:
        soon = timezone.now() + lead
        yield soon
        if timezone.now() < soon:
            return
        lead *= 3


def test_a_scheduled_story_appears_on_time(site: PageCacheApp, article: Article) -> None:
    for soon in moments_to_come():
        later = make_article(f"The slip opens at {soon:%X.%f}", published_at=soon)
        front_page, status = send_request(site, "/").text, send_request(site, later.get_absolute_url()).status
        with statements() as asked:
            send_request(site, "/")
    assert later.title not in front_page
    assert status == 404
    assert asked == []
    time.sleep(max(0, (soon - timezone.now()).total_seconds()) + 0.01)
    assert later.title in send_request(site, "/").text
    assert later.title in send_request(site, "/feed/").text
    assert send_request(site, later.get_absolute_url()).status == 200


def test_a_discussion_closes_on_time(site: PageCacheApp, article: Article) -> None:
    for soon in moments_to_come():
        change_discussion(article=article, closes_at=soon)
        page = send_request(site, article.get_absolute_url()).text
    assert "Closed" not in page
    time.sleep(max(0, (soon - timezone.now()).total_seconds()) + 0.01)
    assert "Closed" in send_request(site, article.get_absolute_url()).text


# Many at once


def in_threads(work: Callable[[], None], count: int) -> None:
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed


def test_readers_see_every_acknowledged_comment(
    site: PageCacheApp, other: PageCacheApp, article: Article
) -> None:
    acknowledged, done = 0, threading.Event()

    def read() -> None:
        while not done.is_set():
            for one in (site, other):
                known = acknowledged
                page = send_request(one, article.get_absolute_url()).text
                seen = max((int(n) for n in re.findall(r"Number (\d+)\.", page)), default=0)
                assert seen >= known

    readers = threading.Thread(target=in_threads, args=(read, 6))
    readers.start()
    try:
        for number in range(1, 41):
            make_comment(article, f"Number {number}.")
            acknowledged = number
    finally:
        done.set()
        readers.join()
    assert "Number 40." in send_request(site, article.get_absolute_url()).text


def test_a_page_is_rendered_once_for_simultaneous_requests(site: PageCacheApp, story: str) -> None:
    made: list[str] = []
    django, start = site.django, threading.Barrier(8)

    def counted(environ: Any, start_response: Any) -> Any:
        made.append(environ["PATH_INFO"])
        time.sleep(0.1)
        return django(environ, start_response)

    site.django = counted  # type: ignore[assignment]

    def read() -> None:
        start.wait()
        assert send_request(site, story).status == 200

    in_threads(read, 8)
    assert len(made) == 1
