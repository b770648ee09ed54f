"""The reply structure in the admin: who sees which discussions, what a drop does, and what is forbidden."""

import html
import re
from urllib.parse import parse_qsl
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from comments.integrity import check
from comments.models import Comment, Discussion, State, Transition
from comments.services.imports import ImportedComment, import_comments
from moderation.models import Batch
from moderation.reply_structure import pages
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.axe import faults
from tests.helpers.browser import log_in

pytestmark = pytest.mark.django_db

TREE = "/admin/comments/comment/"
QUESTIONS = 11  # queries of a page


@pytest.fixture
def editor(client):
    client.user = UserFactory.create(name="Edie", roles=("Editor",))
    client.force_login(client.user)
    return client


def bring_in(count, article=None):
    """Import a discussion: every third comment is top-level, the others reply to the one before."""
    article = article or make_article(source_key=str(uuid4()))
    at = timezone.now()
    thread = [
        ImportedComment(str(n), f"Person {n}", f"Words {n}.", at, parent=None if n % 3 == 0 else n - 1)
        for n in range(count)
    ]
    import_comments(article=article, comments=thread, actor=None, batch=uuid4())
    return article


def one_tree(count):
    """Import one tree: each comment replies to the one before, and every 20th to the first."""
    article, at = make_article(source_key=str(uuid4())), timezone.now()
    parents = [None, *(n if n % 20 else 0 for n in range(count - 1))]
    thread = [
        ImportedComment(str(n), "Somebody", f"Words {n}.", at, parent=parent)
        for n, parent in enumerate(parents)
    ]
    import_comments(article=article, comments=thread, actor=None, batch=uuid4())
    return list(Comment.objects.filter(discussion=article.pk))


def say_published(article, body, **fields):
    moderator = User.objects.filter(name="Maria").first()
    return make_comment(article, body, author=moderator, **fields)


def ids(comments):
    return [comment.pk for comment in comments]


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(pages, "PAGE_SIZE", 6)
    monkeypatch.setattr(pages, "REPLIES", 3)
    monkeypatch.setattr(pages, "SEARCH_PAGE", 5)


def drop(client, cut, on, position, **query):
    query = {"discussion": cut.discussion_id, **query}
    url = f"{TREE}?{'&'.join(f'{key}={value}' for key, value in query.items())}"
    sent = {"cmd": "move_node", "cut_item": cut.pk, "pasted_on": on.pk, "position": position}
    return client.post(url, sent)


def said(client):
    """Return the messages that the next page shows."""
    return [str(message) for message in client.get("/admin/").context["messages"]]


# Pages


def test_without_a_discussion_there_is_no_tree(maria_client):
    bring_in(3)
    for address in (TREE, f"{TREE}?discussion=999999", f"{TREE}?discussion=x", f"{TREE}?q=words"):
        answer = maria_client.get(address)
        assert (answer.status_code, answer.url) == (302, reverse("admin:comments_discussion_changelist"))


def test_the_tree_holds_one_discussion_indented_by_class_and_numbered(maria_client):
    article, other = bring_in(6), make_article("Other")
    make_comment(other, "Elsewhere.")

    page = maria_client.get(TREE, {"discussion": article.pk}).content.decode()

    first, second, third = Comment.objects.filter(discussion=article.pk)[:3]
    assert f'class="tree-title level-0">#{first.pk} <bdi>Person 0</bdi>' in page
    assert f'class="tree-title level-1">#{second.pk} <bdi>Person 1</bdi>' in page
    assert f'class="tree-title level-2">#{third.pk} <bdi>Person 2</bdi>' in page
    assert "Elsewhere." not in page
    assert "style=" not in page
    assert reverse("moderation:move", args=[third.pk]) in page
    assert third.get_absolute_url() in page


@pytest.mark.parametrize(("count", "shown"), [(74, 74), (300, 300), (301, 300), (1_000, 300)])
def test_a_discussion_of_any_size_takes_the_same_queries(
    maria_client, django_assert_num_queries, count, shown
):
    small, article = bring_in(3), bring_in(count)
    maria_client.get(TREE, {"discussion": small.pk})  # content types are cached from here on
    with django_assert_num_queries(QUESTIONS):
        page = maria_client.get(TREE, {"discussion": article.pk})
    assert page.content.decode().count('class="tree-node"') == shown


def test_a_tree_of_any_size_takes_the_same_queries(maria_client, django_assert_num_queries):
    maria_client.get(TREE, {"discussion": bring_in(3).pk})
    for count, shown in ((74, 74), (1_000, 300)):
        thread = one_tree(count)
        half = thread[len(thread) // 2]
        for address in ({"branch": thread[0].pk}, {"branch": thread[0].pk, "after": half.pk}):
            with django_assert_num_queries(QUESTIONS - 1):
                page = maria_client.get(TREE, {"discussion": thread[0].discussion_id} | address)
            rows = page.context["cl"].result_list
            assert len(rows) - sum(row.is_above for row in rows) == (
                shown if "after" not in address else min(shown, len(thread) - len(thread) // 2 - 1)
            )


def test_no_row_beyond_the_page_is_read_and_none_is_skipped_by_number(maria_client):
    article = bring_in(700)
    address = {"discussion": article.pk}
    seen = []
    while address:
        with CaptureQueriesContext(connection) as asked:
            cl = maria_client.get(TREE, address).context["cl"]
        seen += [row.pk for row in cl.result_list]
        assert not any("OFFSET" in query["sql"] for query in asked)
        address = cl.next_url and dict(parse_qsl(cl.next_url[1:]))
    assert seen == list(Comment.objects.filter(discussion=article.pk).values_list("pk", flat=True))


def test_the_tree_is_searched_and_filtered(maria_client):
    article = bring_in(9)
    found = maria_client.get(TREE, {"discussion": article.pk, "q": "words 4"})
    assert [c.body for c in found.context["cl"].result_list] == ["Words 4."]
    assert f'href="?discussion={article.pk}">Show all' in found.content.decode()
    assert (
        not maria_client.get(TREE, {"discussion": article.pk, "state__exact": "spam"})
        .context["cl"]
        .result_list
    )


def test_a_large_discussion_shows_the_start_of_each_tree(maria_client, small_pages):
    article = make_article()
    first, second = (say_published(article, f"Opens {n}.") for n in (1, 2))
    replies = [say_published(article, f"Answers {n}.", parent=first) for n in range(8)]
    deep = say_published(article, "Deep.", parent=replies[6])

    listed = maria_client.get(TREE, {"discussion": article.pk})
    assert [row.pk for row in listed.context["cl"].result_list] == [first.pk, *ids(replies[:3]), second.pk]
    page = listed.content.decode()
    assert f'href="?discussion={article.pk}&amp;branch={first.pk}">3 of 9</a>' in page
    structure = page.split("draggable-admin-context")[1].split("</script")[0]
    assert str(replies[3].pk) not in structure

    one = maria_client.get(TREE, {"discussion": article.pk, "branch": first.pk}).context["cl"]
    assert [row.pk for row in one.result_list] == [first.pk, *ids(replies[:5])]
    more = maria_client.get(TREE + one.next_url)
    assert [row.pk for row in more.context["cl"].result_list] == [
        first.pk,
        *ids(replies[5:7]),
        deep.pk,
        replies[7].pk,
    ]
    assert [row.is_above for row in more.context["cl"].result_list] == [True, False, False, False, False]
    assert more.context["cl"].next_url is None
    assert "First page" in more.content.decode()


def test_a_branch_is_shown_below_its_ancestors_and_links_back(maria_client, small_pages):
    article = bring_in(21)
    root, reply, deep = Comment.objects.filter(discussion=article.pk)[3:6]

    opened = maria_client.get(TREE, {"discussion": article.pk, "branch": deep.pk})
    assert [(row.pk, row.is_above) for row in opened.context["cl"].result_list] == [
        (root.pk, True),
        (reply.pk, True),
        (deep.pk, False),
    ]
    assert "1 of" not in opened.content.decode()
    back = re.search(r'href="([^"]+)">\s*The whole discussion', opened.content.decode())[1]
    place = maria_client.get(TREE + html.unescape(back)).context["cl"]
    assert place.result_list[0].pk == root.pk


def test_a_branch_of_another_discussion_is_not_shown(maria_client):
    article, other = bring_in(3), bring_in(3)
    foreign = Comment.objects.filter(discussion=other.pk).first()
    for branch in (foreign.pk, 999_999_999):
        page = maria_client.get(TREE, {"discussion": article.pk, "branch": branch})
        assert (page.status_code, page.context["cl"].result_list) == (200, [])


@pytest.mark.parametrize("key", ["branch", "after", "start"])
@pytest.mark.parametrize("value", ["x", "-1", "9" * 30, "", "0"])
def test_an_invalid_page_is_empty(maria_client, key, value):
    page = maria_client.get(TREE, {"discussion": bring_in(3).pk, key: value})
    assert (page.status_code, len(page.context["cl"].result_list)) == (200, 3)


def test_all_levels_are_searched_and_filtered_by_the_page(maria_client, small_pages):
    article = bring_in(21)
    deep = Comment.objects.get(discussion=article.pk, body="Words 14.")

    one = maria_client.get(TREE, {"discussion": article.pk, "q": "words 14"})
    assert [c.pk for c in one.context["cl"].result_list] == [deep.pk]
    page = one.content.decode()
    assert f'href="?discussion={article.pk}&amp;branch={deep.pk}">0</a>' in page
    assert "Results from the whole discussion" in page
    assert reverse("moderation:move", args=[deep.pk]) in page
    assert "drag-handle" not in page
    assert "draggable-admin" not in page

    for looked_for in ({"q": "words"}, {"state__exact": "published"}):
        found, address = [], {"discussion": article.pk, **looked_for}
        while address:
            cl = maria_client.get(TREE, address).context["cl"]
            found += [c.pk for c in cl.result_list]
            assert len(cl.result_list) <= 5
            address = cl.next_url and dict(parse_qsl(cl.next_url[1:]))
        assert found == list(Comment.objects.filter(discussion=article.pk).values_list("pk", flat=True))


@pytest.mark.parametrize("asked", ["{}", "#{}", " #{} "])
def test_a_comment_is_found_by_its_number(maria_client, asked):
    article, other = bring_in(6), bring_in(3)
    comment = Comment.objects.filter(discussion=article.pk)[4]
    for place, found in ((article, [comment.pk]), (other, [])):
        cl = maria_client.get(TREE, {"discussion": place.pk, "q": asked.format(comment.pk)}).context["cl"]
        assert [c.pk for c in cl.result_list if c.pk == comment.pk] == found


def test_a_comment_is_found_by_its_name_and_by_part_of_a_word(maria_client):
    article = bring_in(6)
    for asked in ("person 4", "PERSON ords 4"):
        cl = maria_client.get(TREE, {"discussion": article.pk, "q": asked}).context["cl"]
        assert [c.body for c in cl.result_list] == ["Words 4."]


def test_a_search_takes_the_same_queries(maria_client, django_assert_num_queries):
    maria_client.get(TREE, {"discussion": bring_in(3).pk, "q": "x"})
    for article in (bring_in(74), bring_in(1_000)):
        with django_assert_num_queries(QUESTIONS - 2):
            maria_client.get(TREE, {"discussion": article.pk, "q": "words"})


def test_an_editor_sees_the_trees_of_own_articles_only(editor):
    mine, hers = bring_in(3), bring_in(3)
    hers.editors.add(UserFactory.create(roles=("Editor",)))
    theirs = Comment.objects.filter(discussion=hers.pk).first()

    assert editor.get(TREE, {"discussion": mine.pk}).status_code == 200
    assert editor.get(TREE, {"discussion": hers.pk}).status_code == 302
    assert editor.get(reverse("admin:comments_comment_change", args=[theirs.pk])).status_code == 302


def test_a_reader_is_sent_to_log_in(client):
    client.force_login(UserFactory.create())
    assert client.get(TREE, {"discussion": bring_in(3).pk}).status_code == 302


# Drops


def test_a_drop_on_a_comment_makes_it_a_reply_and_is_logged_with_an_undo(maria_client, maria):
    article = bring_in(6)
    one, *_, last_root, _, _ = comments = list(Comment.objects.filter(discussion=article.pk))
    version = Discussion.objects.get().version

    assert drop(maria_client, last_root, comments[2], "last-child").status_code == 200

    last_root.refresh_from_db()
    assert last_root.parent == comments[2]
    assert last_root.tree_id == one.tree_id
    line = Transition.objects.get(kind="move")
    assert (line.comment, line.old_parent, line.new_parent) == (last_root, None, comments[2])
    assert line.actor == maria
    batch = Batch.objects.get(kind="move")
    assert line.batch == batch.pk
    assert Discussion.objects.get().version == version + 1
    assert check() == {}
    [sentence] = said(maria_client)
    assert sentence.startswith(f'Moved. <a href="{TREE}?discussion={article.pk}&amp;branch={last_root.pk}">')
    assert reverse("moderation:action", args=[batch.pk]) in sentence


@pytest.mark.parametrize("position", ["left", "right"])
def test_a_drop_beside_a_comment_gives_it_the_same_parent(maria_client, position):
    comments = list(Comment.objects.filter(discussion=bring_in(6).pk))
    drop(maria_client, comments[3], comments[1], position)
    comments[3].refresh_from_db()
    assert comments[3].parent == comments[0]
    assert check() == {}


def test_a_drop_beside_a_top_level_comment_makes_it_top_level(maria_client):
    comments = list(Comment.objects.filter(discussion=bring_in(6).pk))
    drop(maria_client, comments[2], comments[3], "left")
    comments[2].refresh_from_db()
    assert comments[2].parent is None
    assert check() == {}


def test_a_drop_in_the_same_place_changes_nothing(maria_client):
    comments = list(Comment.objects.filter(discussion=bring_in(6).pk))
    drop(maria_client, comments[1], comments[0], "last-child")
    assert not Transition.objects.filter(kind="move").exists()
    assert not Batch.objects.exists()
    assert said(maria_client) == ["Nothing changed: replies are ordered by time."]


def test_a_drop_under_its_own_reply_is_refused(maria_client):
    comments = list(Comment.objects.filter(discussion=bring_in(6).pk))
    drop(maria_client, comments[0], comments[2], "last-child")
    assert said(maria_client) == ["A comment can't be moved under itself or its own replies."]
    assert not Batch.objects.exists()
    assert check() == {}


def test_a_drop_into_another_discussion_is_refused(maria_client):
    here, there = bring_in(3), bring_in(3)
    cut, on = (Comment.objects.filter(discussion=article.pk).first() for article in (here, there))
    assert drop(maria_client, cut, on, "last-child").status_code == 404
    assert said(maria_client) == ["That comment is no longer here."]


@pytest.mark.parametrize("sent", [{}, {"cut_item": "x", "pasted_on": "y"}, {"cut_item": "1"}])
def test_a_drop_of_nothing_is_refused(maria_client, sent):
    article = bring_in(3)
    answer = maria_client.post(
        f"{TREE}?discussion={article.pk}", {"cmd": "move_node", "position": "left", **sent}
    )
    assert answer.status_code == 404


def test_an_editor_moves_comments_under_own_articles_only(editor):
    mine, hers = bring_in(6), bring_in(6)
    hers.editors.add(UserFactory.create(roles=("Editor",)))
    own = list(Comment.objects.filter(discussion=mine.pk))
    foreign = list(Comment.objects.filter(discussion=hers.pk))

    assert drop(editor, own[3], own[0], "last-child").status_code == 200
    assert drop(editor, foreign[3], foreign[0], "last-child").status_code == 404
    assert [line.comment for line in Transition.objects.filter(kind="move")] == [own[3]]


# One comment


def test_a_name_is_corrected_and_nothing_else(maria_client):
    article = bring_in(3)
    comment = Comment.objects.filter(discussion=article.pk).first()
    url = reverse("admin:comments_comment_change", args=[comment.pk])
    before = Discussion.objects.get().version
    was = Comment.objects.filter(pk=comment.pk).values().get()

    sent = {"author_name": "  Eben  Ezer ", "state": "spam", "parent": comment.pk, "lft": 9, "body": "Other."}
    assert maria_client.post(url, sent).status_code == 302

    assert Comment.objects.filter(pk=comment.pk).values().get() == was | {"author_name": "Eben Ezer"}
    assert Discussion.objects.get().version == before + 1
    assert not Transition.objects.exclude(reason="imported").exists()


def test_an_empty_name_is_refused(maria_client):
    comment = Comment.objects.filter(discussion=bring_in(3).pk).first()
    url = reverse("admin:comments_comment_change", args=[comment.pk])
    assert maria_client.post(url, {"author_name": "   "}).status_code == 200
    comment.refresh_from_db()
    assert comment.author_name == "Person 0"


def test_no_list_of_all_comments_is_offered_on_the_form_of_one(maria_client, django_assert_max_num_queries):
    comment = Comment.objects.filter(discussion=bring_in(200).pk).last()
    with django_assert_max_num_queries(12):
        page = maria_client.get(reverse("admin:comments_comment_change", args=[comment.pk])).content.decode()
    assert page.count("<option") < 20
    assert page.count("<input") < 20


def test_an_address_is_for_moderators_only(client):
    comment = make_comment(make_article())
    url = reverse("admin:comments_comment_change", args=[comment.pk])
    client.force_login(UserFactory.create(roles=("Editor",)))
    assert comment.author_email not in client.get(url).content.decode()
    client.force_login(UserFactory.create(roles=("Moderator",)))
    assert comment.author_email in client.get(url).content.decode()


@pytest.mark.parametrize(
    "lookup",
    [
        "comments/comment/?discussion={}&author_email__startswith=",
        "comments/comment/?discussion={}&author_email=",
        "comments/comment/?discussion={}&guest__email__startswith=",
        "comments/comment/?discussion={}&author__email__startswith=",
        "comments/comment/?discussion={}&parent__author_email__startswith=",
        "comments/comment/?discussion={}&nonce=",
        "comments/discussion/?comments__author_email__startswith=",
        "comments/discussion/?article__editors__email__startswith=",
        "articles/article/?editors__email__startswith=",
        "articles/article/?discussion__comments__author_email__startswith=",
        "archive/import/?actor__email__startswith=",
        "archive/import/?article__editors__email__startswith=",
    ],
)
def test_no_address_is_guessed_through_a_filter(editor, lookup):
    comment = make_comment(make_article())
    address = "/admin/" + lookup.format(comment.discussion_id) + comment.author_email[:3]
    assert editor.get(address).status_code in {400, 403}


def test_no_comment_is_deleted_or_added_here(client):
    client.force_login(UserFactory.create(roles=("Administrator",)))
    article = bring_in(3)
    comment = Comment.objects.first()
    assert client.post(reverse("admin:comments_comment_delete", args=[comment.pk])).status_code == 403
    assert client.get(reverse("admin:comments_comment_add")).status_code == 403
    sent = {"action": "delete_selected", "_selected_action": [comment.pk], "post": "yes"}
    client.post(f"{TREE}?discussion={article.pk}", sent)
    assert Comment.objects.count() == 3


def test_a_row_approves_with_one_click_and_shows_a_message(maria_client):
    article = make_article()
    comment = make_comment(article)
    assert comment.state == State.PENDING
    page = maria_client.get(TREE, {"discussion": article.pk}).content.decode()
    [url] = [html.unescape(url) for url in re.findall(r'<button formaction="([^"]+)"', page)]
    here = html.unescape(re.search(r'name="next" value="([^"]+)"', page)[1])

    answer = maria_client.post(url, {"next": here})
    assert answer.url.startswith(f"{here}&done=")
    answer = maria_client.get(answer.url)
    assert (answer.status_code, answer.url) == (302, here)

    page = maria_client.get(here).content.decode()
    assert "Done. <a" in page
    assert "formaction" not in page
    comment.refresh_from_db()
    assert comment.state == State.PUBLISHED


def test_an_invalid_action_in_the_url_shows_no_message(maria_client):
    answer = maria_client.get(TREE, {"discussion": bring_in(3).pk, "done": "x"})
    assert answer.status_code == 302
    assert said(maria_client) == []


def test_the_page_of_a_comment_removes_it_for_a_reason_as_it_was_seen(maria_client):
    comment = Comment.objects.filter(discussion=bring_in(3).pk).first()
    page = maria_client.get(reverse("admin:comments_comment_change", args=[comment.pk])).content.decode()
    seen = re.search(r'name="seen" value="([^"]+)"', page)[1]
    assert "Reason for removal" in page

    maria_client.post(reverse("moderation:decide"), {"ids": comment.pk, "seen": seen, "reason": "off_topic"})
    comment.refresh_from_db()
    assert (comment.state, comment.state_reason) == ("rejected", "off_topic")


# In a browser


@pytest.fixture
def admin_page(page, live_server, context, maria):
    """A moderator's browser that records violations of the content security policy."""
    log_in(context, live_server, maria)
    page.complaints = []
    page.on("console", lambda line: page.complaints.append((line.text, line.location["url"])))
    page.on("pageerror", lambda error: page.complaints.append((str(error), page.url)))
    return page


def drag(page, cut, on):
    """Drag a row by its handle to the middle of another, as with a mouse.

    The screen is higher than the tree: mptt scrolls by itself when the mouse comes near the lower edge.
    """
    page.set_viewport_size({"width": 1280, "height": 2400})
    page.evaluate("document.fonts.ready")  # the rows move until the fonts are there
    handle = page.locator(f'tr:has([data-pk="{cut.pk}"]) .drag-handle').bounding_box()
    row = page.locator(f'tr:has([data-pk="{on.pk}"])').bounding_box()
    page.mouse.move(handle["x"] + 5, handle["y"] + 5)
    page.mouse.down()
    page.mouse.move(row["x"] + 200, row["y"] + row["height"] / 2 + 3, steps=5)
    page.mouse.move(row["x"] + 200, row["y"] + row["height"] / 2, steps=3)
    with page.expect_navigation():
        page.mouse.up()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_reply_is_dragged_under_its_true_parent(admin_page, live_server):
    article = bring_in(12)
    comments = list(Comment.objects.filter(discussion=article.pk))
    cut, on = comments[4], comments[2]
    admin_page.goto(f"{live_server.url}{TREE}?discussion={article.pk}")

    drag(admin_page, cut, on)

    admin_page.get_by_text("Moved.").wait_for()
    cut.refresh_from_db()
    assert cut.parent == on
    line = Transition.objects.get(kind="move")
    assert (line.comment, line.old_parent, line.new_parent) == (cut, comments[3], on)
    assert admin_page.locator(f'tr:has([data-pk="{cut.pk}"]) .level-3').count() == 1
    assert check() == {}
    assert [said for said in admin_page.complaints if not said[1].endswith("/favicon.ico")] == []


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_reply_is_dragged_in_the_middle_of_a_tree_of_1000(admin_page, live_server):
    thread = one_tree(1_000)
    cut, on = thread[302], thread[300]
    admin_page.set_viewport_size({"width": 1280, "height": 2400})
    admin_page.goto(f"{live_server.url}{TREE}?discussion={cut.discussion_id}")
    with admin_page.expect_navigation():
        admin_page.get_by_role("link", name="20 of 999").click()
    numbers = admin_page.locator(".tree-node").evaluate_all(
        "nodes => nodes.map(node => Number(node.dataset.pk))"
    )
    assert numbers == ids(thread[:300])
    with admin_page.expect_navigation():
        admin_page.get_by_role("link", name="Next page").click()
    numbers = admin_page.locator(".tree-node").evaluate_all(
        "nodes => nodes.map(node => Number(node.dataset.pk))"
    )
    assert numbers == ids([thread[0], *thread[281:600]])
    here = admin_page.url

    drag(admin_page, cut, on)

    assert admin_page.url == here
    admin_page.get_by_text("Moved.").wait_for()
    cut.refresh_from_db()
    assert cut.parent == on
    assert check() == {}
    with admin_page.expect_navigation():
        admin_page.get_by_role("link", name=f"#{cut.pk}", exact=True).click()
    assert admin_page.locator("tr:has(.above)").count() == 21
    assert admin_page.locator("tr:not(:has(.above)) .tree-node").first.get_attribute("data-pk") == str(cut.pk)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_in_the_tree_and_beside_it(admin_page, live_server, width):
    comment = Comment.objects.filter(discussion=bring_in(9).pk).last()
    admin_page.set_viewport_size({"width": width, "height": 800})
    for address in (
        f"{TREE}?discussion={comment.discussion_id}",
        reverse("moderation:move", args=[comment.pk]),
    ):
        admin_page.goto(live_server.url + address)
        assert faults(admin_page) == []


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_rows_are_of_one_height_and_indented_in_every_level(admin_page, live_server):
    article = bring_in(6)
    deep = Comment.objects.filter(discussion=article.pk).last()
    Comment.objects.filter(pk=deep.pk).update(body="A long word. " * 200, author_name="A long name " * 9)
    admin_page.goto(f"{live_server.url}{TREE}?discussion={article.pk}")

    heights = {
        round(row.bounding_box()["height"]) for row in admin_page.locator("#result_list tbody tr").all()
    }
    assert len(heights) == 1
    indents = admin_page.locator(".tree-title").evaluate_all(
        "titles => titles.map(title => getComputedStyle(title).paddingInlineStart)"
    )
    assert indents == ["0px", "20px", "40px"] * 2


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_by_keyboard_a_link_of_a_row_leads_where_it_says(admin_page, live_server):
    comment = Comment.objects.filter(discussion=bring_in(3).pk).last()
    admin_page.goto(f"{live_server.url}{TREE}?discussion={comment.discussion_id}")
    admin_page.locator(f'tr:has([data-pk="{comment.pk}"])').get_by_text("Move…", exact=True).focus()
    admin_page.keyboard.press("Enter")
    admin_page.wait_for_url(lambda url: f"{reverse('moderation:move', args=[comment.pk])}?next=" in url)
    candidates = admin_page.get_by_role("radiogroup", name="Move under")
    candidates.get_by_label("Make it a top-level comment").check()
    admin_page.get_by_role("button", name="Move").click()
    admin_page.wait_for_url(
        lambda url: url.endswith(f"{TREE}?discussion={comment.discussion_id}")
    )  # back to the tree
    admin_page.get_by_text("Undo this action").wait_for()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("system", ["light", "dark"])
def test_icons_are_white_on_dark_however_it_became_dark(admin_page, live_server, system):
    admin_page.emulate_media(color_scheme=system)
    admin_page.goto(f"{live_server.url}{TREE}?discussion={bring_in(3).pk}")
    admin_page.evaluate("document.documentElement.dataset.theme = 'dark'")
    icon = admin_page.locator(".drag-handle").first.evaluate("icon => getComputedStyle(icon).backgroundImage")
    assert "arrow-move-white" in icon
