"""The admin's front page links to what each role may do, and each link works for that role."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR
from articles.models import Site
from config.newsroom.front_page import read_newsroom
from tests.factories import UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db

WRITE, ANSWER, KEEP = "Write a story", "Waiting for review", "System status"


@pytest.mark.parametrize(
    ("role", "shown"),
    [(EDITOR, {WRITE, ANSWER}), (MODERATOR, {ANSWER}), (ADMINISTRATOR, {WRITE, ANSWER, KEEP})],
)
def test_the_front_page_links_to_the_pages_of_each_role(client: Client, role: str, shown: set[str]) -> None:
    client.force_login(UserFactory.create(roles=(role,)))
    page = client.get("/admin/").content.decode()
    block = page[page.index('class="page-head"') : page.index('class="all-lists"')]
    links = dict(re.findall(r'<a (?:class="[^"]+" )?href="([^"]+)">([^<]+)</a>', block))
    assert {WRITE, ANSWER, KEEP} & set(links.values()) == shown
    for url in links:
        assert client.get(url, follow=True).status_code == 200, url


def test_the_lists_of_the_admin_are_those_of_a_newspaper(client: Client) -> None:
    client.force_login(UserFactory.create(roles=(ADMINISTRATOR,)))
    page = client.get("/admin/").content.decode()
    lists = page[page.index('class="all-lists"') :]
    groups = re.findall(r'class="section"[^>]*>\s*([^<]+?)\s*</a>', lists)
    assert groups == ["Archive", "Content", "Discussions", "Moderation", "People"]


def test_pages_that_show_times_name_their_zone(client: Client) -> None:
    Site.objects.update(time_zone="Europe/Oslo")
    discussion = make_comment(make_article()).discussion
    client.force_login(UserFactory.create(roles=(ADMINISTRATOR,)))
    tree = f"/admin/comments/comment/?discussion={discussion.pk}"
    for url in ("/admin/", "/admin/articles/article/", "/admin/archive/import/", tree):
        assert client.get(url).text.count("Times are Oslo time unless noted.") == 1, url


def test_the_front_page_lists_pending_work_and_stories_in_progress(client: Client) -> None:
    editor = UserFactory.create(roles=(EDITOR,))
    client.force_login(editor)
    empty = client.get("/admin/").content.decode()
    assert "All caught up" in empty
    assert "No drafts." in empty
    assert "On stories that you can edit." in empty, "the first queue is not only of one's own stories"

    now = timezone.now()
    make_article("The slip closes", published_at=None).editors.add(editor)
    make_article("The ferry sails", published_at=now + timedelta(days=1)).editors.add(editor)
    make_article("The crane stays", published_at=now - timedelta(days=1)).editors.add(editor)
    make_article("Of a colleague", published_at=None).editors.add(UserFactory.create(roles=(EDITOR,)))
    page = client.get("/admin/").content.decode()
    titles = [
        "Drafts",
        "The slip closes",
        "Scheduled",
        "The ferry sails",
        "Latest stories",
        "The crane stays",
    ]
    places = [page.index(title) for title in titles]
    assert places == sorted(places)
    assert "Of a colleague" not in page
    assert ">All drafts</a>" in page


def test_stories_are_read_for_editors_only() -> None:
    make_article("Of a colleague", published_at=None)
    moderator = UserFactory.create(roles=(MODERATOR,))
    with CaptureQueriesContext(connection) as queries:
        news = read_newsroom(moderator, timezone.now())
    assert (news.drafts, news.scheduled, news.published) == ([], [], [])
    assert not [each["sql"] for each in queries if 'FROM "articles_article"' in each["sql"]]


def current_entries(client: Client, path: str) -> list[str]:
    """Return the current entry of each row of the navigation, and the heading of the page."""
    page = client.get(path).text
    rows = re.findall(r'aria-label="\w+"><div class="sections.*?</nav>', page, re.DOTALL)
    current = [re.findall(r"<a [^>]*aria-current[^>]*>([^<]+)</a>", row) for row in rows]
    assert all(len(entries) == 1 for entries in current), current
    return [*(entry for [entry] in current), *re.findall(r"<h1[^>]*>([^<]+)</h1>", page)[:1]]


def test_each_row_of_the_navigation_marks_one_entry(client: Client) -> None:
    client.force_login(UserFactory.create(roles=(ADMINISTRATOR,)))
    comment = make_comment(make_article())
    for path, entries in {
        "/moderation/?queue=recent": ["Comments", "Queues", "Moderation"],
        f"/moderation/comments/{comment.pk}/": ["Comments", "Queues", "Moderation"],
        "/moderation/similar/": ["Comments", "Similar comments", "Similar comments"],
        f"/admin/comments/comment/?discussion={comment.discussion_id}": ["Comments", "Discussions"],
        "/moderation/people/": ["People", "People"],
        "/moderation/rules/": ["Rules", "All rules", "Rules"],
        "/moderation/filter/": ["Rules", "Spam filter", "Spam filter"],
        "/moderation/actions/": ["Actions", "All actions", "Actions"],
        "/moderation/log/": ["Actions", "Audit log", "Audit log"],
        "/owner/settings/": ["Settings", "All settings", "Settings"],
        "/admin/accounts/user/": ["Settings", "People and roles", "People and roles"],
    }.items():
        assert current_entries(client, path)[: len(entries)] == entries, path
    client.force_login(UserFactory.create(roles=(MODERATOR,)))
    assert current_entries(client, "/admin/accounts/user/") == ["People", "People and roles"]
    client.force_login(UserFactory.create(roles=(EDITOR,)))
    assert current_entries(client, "/moderation/actions/") == ["Actions", "Actions"]


def test_the_navigation_leads_only_where_a_person_may_go(client: Client) -> None:
    sections = {
        MODERATOR: ["Newsroom", "Comments", "People", "Rules", "Actions"],
        EDITOR: ["Newsroom", "Comments", "Stories", "Pages", "People", "Actions"],
        ADMINISTRATOR: [
            *("Newsroom", "Comments", "Stories", "Pages", "People", "Rules", "Actions", "Settings"),
            "System status",
        ],
    }
    for role, names in sections.items():
        client.force_login(UserFactory.create(roles=(role,)))
        page = client.get("/admin/").content.decode()
        nav = page[page.index('aria-label="Newsroom"') : page.index("</nav>")]
        links = re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)</a>', nav)
        assert [name for _url, name in links] == names
        for url, _name in links:
            assert client.get(url).status_code == 200, (role, url)
