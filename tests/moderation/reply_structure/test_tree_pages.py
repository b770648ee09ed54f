"""The pages of the reply structure: which comments they show, their search, and who may see them."""

import html
import re
from urllib.parse import parse_qsl

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from comments.models import Comment, Discussion, Reason, State
from comments.services.discussions import change_discussion
from comments.services.text_changes import erase_comments
from moderation.actions import decisions
from tests.factories import UserFactory, make_article, make_comment
from tests.moderation.reply_structure.trees import (
    TREE,
    ids,
    import_thread,
    one_tree,
    publish_comment,
)

pytestmark = pytest.mark.django_db

QUESTIONS = 12  # queries of a page


def test_without_a_discussion_there_is_no_tree(maria_client):
    import_thread(3)
    for address in (TREE, f"{TREE}?discussion=999999", f"{TREE}?discussion=x", f"{TREE}?q=words"):
        answer = maria_client.get(address)
        assert (answer.status_code, answer.url) == (302, reverse("admin:comments_discussion_changelist"))


def test_the_tree_holds_one_discussion_indented_by_class_and_numbered(maria_client):
    article, other = import_thread(6), make_article("Other")
    make_comment(other, "Elsewhere.")

    page = maria_client.get(TREE, {"discussion": article.pk}).content.decode()

    first, second, third = Comment.objects.filter(discussion=article.pk)[:3]
    row = re.compile(r'class="tree-title level-(\d)">.*?<bdi>(.*?)</bdi></a> <span>#(\d+)</span>', re.DOTALL)
    assert row.findall(page)[:3] == [
        (str(level), f"Person {level}", str(comment.pk))
        for level, comment in enumerate((first, second, third))
    ]
    assert "<h1>Reply structure</h1>" in page
    assert f"<h2>{article.title}</h2>" in page
    assert f"<title>{article.title} · Reply structure · " in page
    assert "Elsewhere." not in page
    assert "style=" not in page
    assert reverse("moderation:move", args=[third.pk]) in page
    assert third.get_absolute_url() in page


def test_the_link_of_a_permanently_deleted_comment_is_its_number(maria_client):
    comment = make_comment(make_article())
    decisions.decide(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=None)
    assert erase_comments(ids=[comment.pk], at=timezone.now()) == [comment.pk]

    page = maria_client.get(TREE, {"discussion": comment.discussion_id}).content.decode()

    assert f'>#{comment.pk}</a> <span class="when">' in page


def test_a_comment_without_rare_actions_has_no_menu(maria_client):
    article = make_article()
    comments = [make_comment(article), make_comment(article)]
    decisions.decide(ids=[comments[0].pk], to=State.DELETED, reason=Reason.AUTHOR, actor=None)
    page = maria_client.get(TREE, {"discussion": article.pk}).content.decode()
    assert page.count("More actions on #") == 2
    assert page.count('aria-label="Move #') == 2

    change_discussion(article=article, status=Discussion.Status.HIDDEN)

    page = maria_client.get(TREE, {"discussion": article.pk}).content.decode()
    assert page.count("More actions on #") == 1
    assert f"More actions on #{comments[1].pk}" in page


@pytest.mark.parametrize(("count", "shown"), [(74, 74), (300, 300), (301, 300), (1_000, 300)])
def test_a_discussion_of_any_size_takes_the_same_queries(
    maria_client, django_assert_num_queries, count, shown
):
    small, article = import_thread(3), import_thread(count)
    maria_client.get(TREE, {"discussion": small.pk})  # content types are cached from here on
    with django_assert_num_queries(QUESTIONS):
        page = maria_client.get(TREE, {"discussion": article.pk})
    assert page.content.decode().count('class="tree-node"') == shown


def test_a_tree_of_any_size_takes_the_same_queries(maria_client, django_assert_num_queries):
    maria_client.get(TREE, {"discussion": import_thread(3).pk})
    for count, shown in ((74, 74), (1_000, 300)):
        thread = one_tree(count)
        half = thread[len(thread) // 2]
        for address in ({"branch": thread[0].pk}, {"branch": thread[0].pk, "after": half.pk}):
            with django_assert_num_queries(QUESTIONS - 1):
                page = maria_client.get(TREE, {"discussion": thread[0].discussion_id} | address)
            rows = page.context["cl"].result_list
            assert len(rows) - sum(row.is_context for row in rows) == (
                shown if "after" not in address else min(shown, len(thread) - len(thread) // 2 - 1)
            )


def test_no_row_beyond_the_page_is_read_and_none_is_skipped_by_number(maria_client):
    article = import_thread(700)
    address = {"discussion": article.pk}
    seen = []
    while address:
        with CaptureQueriesContext(connection) as queries:
            cl = maria_client.get(TREE, address).context["cl"]
        seen += [row.pk for row in cl.result_list]
        assert not any("OFFSET" in query["sql"] for query in queries)
        address = cl.next_url and dict(parse_qsl(cl.next_url[1:]))
    assert seen == list(Comment.objects.filter(discussion=article.pk).values_list("pk", flat=True))


def test_the_tree_is_searched_and_filtered(maria_client):
    article = import_thread(9)
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
    first, second = (publish_comment(article, f"Opens {n}.") for n in (1, 2))
    replies = [publish_comment(article, f"Answers {n}.", parent=first) for n in range(8)]
    deep = publish_comment(article, "Deep.", parent=replies[6])

    listed = maria_client.get(TREE, {"discussion": article.pk})
    assert [row.pk for row in listed.context["cl"].result_list] == [first.pk, *ids(replies[:3]), second.pk]
    page = listed.content.decode()
    assert f'href="?discussion={article.pk}&amp;branch={first.pk}">3 of 9 replies</a>' in page
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
    assert [row.is_context for row in more.context["cl"].result_list] == [True, False, False, False, False]
    assert more.context["cl"].next_url is None
    assert "First page" in more.content.decode()


def test_a_branch_is_shown_below_its_ancestors_and_links_back(maria_client, small_pages):
    article = import_thread(21)
    root, reply, deep = Comment.objects.filter(discussion=article.pk)[3:6]

    opened = maria_client.get(TREE, {"discussion": article.pk, "branch": deep.pk})
    assert [(row.pk, row.is_context) for row in opened.context["cl"].result_list] == [
        (root.pk, True),
        (reply.pk, True),
        (deep.pk, False),
    ]
    assert "1 of" not in opened.content.decode()
    back = re.search(r'href="([^"]+)">\s*The whole discussion', opened.content.decode())[1]
    place = maria_client.get(TREE + html.unescape(back)).context["cl"]
    assert place.result_list[0].pk == root.pk


def test_a_branch_of_another_discussion_is_not_shown(maria_client):
    article, other = import_thread(3), import_thread(3)
    foreign = Comment.objects.filter(discussion=other.pk).first()
    for branch in (foreign.pk, 999_999_999):
        page = maria_client.get(TREE, {"discussion": article.pk, "branch": branch})
        assert (page.status_code, page.context["cl"].result_list) == (200, [])


@pytest.mark.parametrize("key", ["branch", "after", "start"])
@pytest.mark.parametrize("value", ["x", "-1", "9" * 30, "", "0"])
def test_an_invalid_page_is_empty(maria_client, key, value):
    page = maria_client.get(TREE, {"discussion": import_thread(3).pk, key: value})
    assert (page.status_code, len(page.context["cl"].result_list)) == (200, 3)


def test_all_levels_are_searched_and_filtered_by_the_page(maria_client, small_pages):
    article = import_thread(21)
    deep = Comment.objects.get(discussion=article.pk, body="Words 14.")

    one = maria_client.get(TREE, {"discussion": article.pk, "q": "words 14"})
    assert [c.pk for c in one.context["cl"].result_list] == [deep.pk]
    page = one.content.decode()
    assert f'href="?discussion={article.pk}&amp;branch={deep.pk}">Show in the tree</a>' in page
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


@pytest.mark.parametrize("query", ["{}", "#{}", " #{} ", "#{1}"])
def test_a_comment_is_found_by_its_number(maria_client, query):
    article, other = import_thread(6), import_thread(3)
    comment = Comment.objects.filter(discussion=article.pk)[4]
    number = str(comment.pk)
    in_arabic = number.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    for place, found in ((article, [comment.pk]), (other, [])):
        cl = maria_client.get(TREE, {"discussion": place.pk, "q": query.format(number, in_arabic)}).context[
            "cl"
        ]
        assert [c.pk for c in cl.result_list if c.pk == comment.pk] == found


def test_a_comment_is_found_by_its_name_and_by_part_of_a_word(maria_client):
    article = import_thread(6)
    for query in ("person 4", "PERSON ords 4"):
        cl = maria_client.get(TREE, {"discussion": article.pk, "q": query}).context["cl"]
        assert [c.body for c in cl.result_list] == ["Words 4."]


def test_a_search_takes_the_same_queries(maria_client, django_assert_num_queries):
    maria_client.get(TREE, {"discussion": import_thread(3).pk, "q": "x"})
    for article in (import_thread(74), import_thread(1_000)):
        with django_assert_num_queries(QUESTIONS - 3):
            maria_client.get(TREE, {"discussion": article.pk, "q": "words"})


def test_an_editor_sees_the_trees_of_own_articles_only(editor):
    mine, hers = import_thread(3), import_thread(3)
    hers.editors.add(UserFactory.create(roles=("Editor",)))
    theirs = Comment.objects.filter(discussion=hers.pk).first()

    assert editor.get(TREE, {"discussion": mine.pk}).status_code == 200
    assert editor.get(TREE, {"discussion": hers.pk}).status_code == 302
    assert editor.get(reverse("admin:comments_comment_change", args=[theirs.pk])).status_code == 302


def test_a_reader_is_sent_to_log_in(client):
    client.force_login(UserFactory.create())
    assert client.get(TREE, {"discussion": import_thread(3).pk}).status_code == 302
