"""/stories/<slug>/: a story with its discussion."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from articles.models import Article, Topic
from comments.models import MAX_DEPTH, Comment, Discussion
from comments.policy import Policy
from comments.services.discussions import change_discussion
from comments.services.imports import ImportedComment, import_comments
from comments.services.moves import move_comment
from comments.thread.pages import COMMENTS_PER_PAGE, REPLIES_PER_TREE, Order, ThreadCursor, read_branch
from comments.thread.reader import Reader
from tests.comments.thread.helpers import BAD_CURSORS, Thread, ids, levels, read
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.discussions import import_thread, remove, set_pending

pytestmark = pytest.mark.django_db


def test_the_page_shows_the_story_with_its_thread(client):
    article = make_article(standfirst="It was the last one.", byline="Ida Berg")
    article.topics.add(Topic.objects.create(name="Harbour", slug="harbour"))
    root = make_comment(article, "I *learned* to row there.")
    answer = make_comment(article, "So did I.", parent=root)
    deeper = make_comment(article, "When?", parent=answer)

    page = read(client, article)

    for words in (
        "The slip closes",
        "It was the last one.",
        "Ida Berg",
        "Harbour",
        "3 comments",
        "<em>learned</em>",
    ):
        assert words in page
    assert levels(page) == [(root.pk, 1), (answer.pk, 2), (deeper.pk, 3)]
    assert f'<a href="comments/{root.pk}/">' in page
    assert f'href="#comment-{root.pk}"><bdi>{root.author_name}</bdi></a>' in page
    assert f'href="reply/{root.pk}/"' in page
    assert f'<time datetime="{root.created_at:%Y-%m-%dT%H:%M}' in page


def test_the_page_is_read_only(client):
    article = make_article()
    assert client.post(article.get_absolute_url()).status_code == 405
    assert client.head(article.get_absolute_url()).status_code == 200


@pytest.mark.parametrize("published_at", [None, timezone.now() + timedelta(hours=1)])
@pytest.mark.parametrize("roles", [None, ("Reader",), ("Editor",)])
def test_a_draft_and_a_scheduled_story_are_not_found(client, published_at, roles):
    article = make_article(published_at=published_at)
    if roles:
        client.force_login(UserFactory.create(roles=roles))
    read(client, article, status=404)


@pytest.mark.parametrize("slug", ["nothing-here", "a%00b", "x" * 5000, "'; DROP TABLE x;--", "١٢٣"])
def test_an_unknown_slug_is_not_found(client, slug):
    assert client.get(f"/stories/{slug}/").status_code == 404


def test_a_slug_in_another_script_is_found(client):
    article = make_article("السفينة القديمة")
    assert "السفينة القديمة" in read(client, article)


@pytest.mark.parametrize(
    ("rights", "is_found"),
    [("unknown", False), ("ours", True), ("licensed", True), ("public_domain", True)],
)
def test_a_story_of_unknown_rights_is_for_no_search_engine(client, rights, is_found):
    page = read(client, make_article(rights=rights))
    assert ('content="noindex"' not in page) is is_found


def test_a_hidden_discussion_is_not_shown(client):
    article = make_article()
    comment = make_comment(article, "Under the carpet.")
    change_discussion(article=article, status=Discussion.Status.HIDDEN)

    page = read(client, article)

    assert "carpet" not in page
    assert "The discussion of this story is hidden." in page
    link = client.get(comment.get_absolute_url())
    assert link.status_code == 404
    assert "This discussion is hidden" in link.text
    assert "carpet" not in link.text


def test_a_discussion_hidden_from_the_start_is_shown_as_having_no_comments(client):
    article = make_article()
    change_discussion(article=article, status=Discussion.Status.HIDDEN)
    assert "This story has no comments." in read(client, article)


def test_a_closed_discussion_is_announced_and_starts_with_the_oldest(client):
    article = make_article()
    first, second = make_comment(article), make_comment(article)
    assert ids(read(client, article)) == [second.pk, first.pk]

    change_discussion(article=article, status=Discussion.Status.CLOSED)
    page = read(client, article)

    assert ids(page) == [first.pk, second.pk]
    assert "Closed" in page
    assert "/reply/" not in page
    assert "reply/" not in page.split('id="comments"')[1]


def test_the_reader_chooses_the_order(client):
    article = make_article()
    first, second = make_comment(article), make_comment(article)
    assert ids(read(client, article, "?order=oldest")) == [first.pk, second.pk]
    assert ids(read(client, article, "?order=newest")) == [second.pk, first.pk]
    read(client, article, "?order=; DROP TABLE", status=404)


def test_only_the_author_and_moderators_see_a_pending_comment(client):
    article, author, editor = make_article(), UserFactory.create(), UserFactory.create(roles=("Editor",))
    article.editors.add(editor)
    root = make_comment(article)
    waiting = make_comment(article, "Let me in.", parent=root, author=author)
    set_pending(waiting)

    assert "Let me in" not in read(client, article)
    for stranger in (UserFactory.create(), UserFactory.create(roles=("Editor",))):
        client.force_login(stranger)
        assert "Let me in" not in read(client, article)

    for allowed in (author, editor, UserFactory.create(roles=("Moderator",))):
        client.force_login(allowed)
        page = read(client, article)
        assert levels(page) == [(root.pk, 1), (waiting.pk, 2)]
        assert "Waiting for review." in page
        assert (f"/comments/{waiting.pk}/edit/" in page) is (allowed == author)


def test_a_waiting_first_level_comment_is_seen_by_its_author(client):
    article, author = make_article(), UserFactory.create()
    set_pending(make_comment(article, "First!", author=author))
    assert "First!" not in read(client, article)
    client.force_login(author)
    assert "First!" in read(client, article)


def test_equal_sentences_of_two_findings_are_shown_once(client, monkeypatch):
    class TwoTerms(Policy):
        def explain_pending(self, ids, own=()):
            return {pk: ["It has a word that is looked at.", "It is your first."] * 2 for pk in ids}

    monkeypatch.setattr("comments.thread.reader.policy", TwoTerms)
    article, author = make_article(), UserFactory.create()
    set_pending(make_comment(article, author=author))
    client.force_login(author)
    page = read(client, article)
    assert page.count("it has a word that is looked at. It is your first.") == 1
    assert page.count("It is your first.") == 1


def test_a_removed_comment_with_replies_leaves_a_placeholder(client):
    article = make_article()
    answered, alone = make_comment(article, "Loud words."), make_comment(article, "Louder words.")
    answer = make_comment(article, "Calm down.", parent=answered)
    remove(answered)
    remove(alone)

    page = read(client, article)

    assert levels(page) == [(answered.pk, 1), (answer.pk, 2)]
    assert "Removed by a moderator: off-topic" in page
    assert f">{answer.created_at.day} " in page.split('id="comments"')[1], "no date stands above it"
    assert "ouder words" not in page
    assert "Loud words" not in page
    assert answered.author_name not in page
    assert "replying to" not in page


def test_the_author_of_a_removed_comment_sees_the_notice(client):
    article, author = make_article(), UserFactory.create()
    comment = make_comment(article, "Loud words.", author=author)
    remove(comment)
    client.force_login(author)
    page = read(client, article)
    assert "Removed by a moderator: off-topic" in page
    assert "You wrote it." in page
    assert "Loud words" not in page


def test_a_visible_reply_under_an_invisible_parent_breaks_no_list(client):
    """Only the moderator who sees the pending reply sees the removed parent and its tree."""
    article = make_article()
    root = make_comment(article)
    middle = make_comment(article, parent=root)
    last = make_comment(article, "Hanging on.", parent=middle)
    set_pending(last)
    remove(middle)

    client.force_login(UserFactory.create(roles=("Moderator",)))
    page = read(client, article)

    assert levels(page) == [(root.pk, 1), (last.pk, 2)]
    assert Thread(page).depth == 0


def test_roles_are_marked(client):
    article = make_article()
    mine, other = UserFactory.create(roles=("Editor",)), UserFactory.create(roles=("Editor",))
    article.editors.add(mine)
    for author in (mine, other, UserFactory.create(roles=("Moderator", "Reader")), UserFactory.create()):
        make_comment(article, author=author)
    page = read(client, article, "?order=oldest")
    marks = [piece.split("<")[0] for piece in page.split('class="role">')[1:]]
    assert marks == ["author", "editor", "moderator"]


def test_the_page_of_an_anonymous_reader_may_be_cached_publicly(client):
    article = make_article()
    make_comment(article)
    response = client.get(article.get_absolute_url())
    assert response["Cache-Control"] == "public, no-cache, max-age=0"
    assert "Cookie" in response["Vary"]
    assert not response.cookies
    assert "csrf" not in response.content.decode()


def test_a_members_page_is_private(client):
    article = make_article()
    client.force_login(UserFactory.create())
    assert "private" in client.get(article.get_absolute_url())["Cache-Control"]


@pytest.mark.parametrize("role", ["Editor", "Administrator", "Moderator"])
def test_editors_get_a_link_to_edit_the_story(client, role):
    article = make_article()
    client.force_login(UserFactory.create(roles=(role,)))
    page = client.get(article.get_absolute_url()).content.decode()
    assert (f'href="/admin/articles/article/{article.pk}/change/"' in page) == (role != "Moderator")


def test_other_editors_get_no_link_to_edit_the_story(client):
    article = make_article()
    article.editors.add(UserFactory.create(roles=("Editor",)))
    client.force_login(UserFactory.create(roles=("Editor",)))
    assert "/admin/articles/" not in client.get(article.get_absolute_url()).content.decode()


STATEMENTS = {  # for a story's page: site, story with related ones, discussion, masthead
    None: 4,
    "Reader": 4 + 4,  # session, account, roles, own recommendations
    "Moderator": 4 + 4,  # the masthead's has the number of waiting comments
    "Editor": 4 + 5,  # one more asks whether the story is theirs
}
# A page from a shell reads the discussion, or the session, the account and the member's own data.
STATEMENTS_WITH_SHELL = {None: 1, "Reader": 3}


def test_the_statements_do_not_grow_with_the_thread(
    client, django_assert_num_queries, django_assert_max_num_queries
):
    sizes = [(0, 0), (1, 0), (37, 1), (250, 3)]  # 0, 1, 74 and 1,000 comments
    articles = [make_article(f"Of {n}") for n in range(len(sizes))]
    for article, (roots, replies) in zip(articles, sizes, strict=True):
        article.topics.add(Topic.objects.create(name=article.title, slug=article.slug))
        import_thread(article, roots, replies)
    for role, most in STATEMENTS.items():
        if role:
            client.force_login(UserFactory.create(roles=(role,)))
        for article in articles:
            read(client, article)  # the session, and the shells
        for article in articles[1:]:
            with django_assert_num_queries(STATEMENTS_WITH_SHELL.get(role, most)):
                read(client, article)
        for query in ("?order=discussed", "?from=0.1&order=oldest"):
            with django_assert_max_num_queries(most):
                read(client, articles[0], query)
            for article in articles[1:]:
                with django_assert_num_queries(most):
                    read(client, article, query)


def test_pending_comments_are_loaded_for_their_author(client, django_assert_num_queries):
    article, author = make_article(), UserFactory.create()
    waiting = [make_comment(article, author=author) for _ in range(5)]
    client.force_login(author)
    read(client, article)
    with django_assert_num_queries(STATEMENTS_WITH_SHELL["Reader"]):
        read(client, article)
    set_pending(*waiting)
    read(client, article)  # this request stores the visit
    with django_assert_num_queries(STATEMENTS["Reader"]):  # the policy of these tests gives no reasons
        assert len(ids(read(client, article))) == 5


def test_pages_follow_one_another_without_hole_or_repeat(client):
    article = make_article()
    created = import_thread(article, 450)
    change_discussion(article=article, status=Discussion.Status.CLOSED)

    seen, query = list[int](), ""
    for _ in range(3):
        page = read(client, article, query)
        seen += ids(page)
        query = (
            page.split('class="more" href="')[1].split("#")[0].replace("&amp;", "&")
            if "More comments" in page
            else ""
        )

    assert seen == created
    assert query == ""
    assert len(ids(read(client, article))) == COMMENTS_PER_PAGE


def test_a_page_counts_replies_in_its_budget(client):
    article = make_article()
    import_thread(article, 30, 19)
    assert len(ids(read(client, article))) == COMMENTS_PER_PAGE


def test_a_long_tree_says_how_much_is_left(client):
    article = make_article()
    root, *replies = import_thread(article, 1, REPLIES_PER_TREE + 5)
    page = read(client, article)
    assert ids(page) == [root, *replies[:REPLIES_PER_TREE]]
    assert "Show 5 more replies" in page
    assert f'href="comments/{root}/?after={replies[REPLIES_PER_TREE - 1]}"' in page


@pytest.mark.parametrize("role", ["Reader", "Moderator", None])
def test_pending_replies_to_a_removed_comment_are_shown_to_people_who_may_see_them(client, role):
    article, author = make_article(), UserFactory.create()
    root = make_comment(article, "Loud words.")
    between = make_comment(article, parent=root)
    reply = make_comment(article, "A waiting word.", parent=between, author=author)
    make_comment(article, "Elsewhere.")
    set_pending(reply)
    remove(between)
    remove(root)
    if role == "Reader":
        client.force_login(author)
    elif role:
        client.force_login(UserFactory.create(roles=(role,)))

    page = read(client, article, "?order=oldest")

    assert levels(page)[:-1] == ([(root.pk, 1), (reply.pk, 2)] if role else [])
    assert ("A waiting word." in page) == bool(role)
    assert "Loud words." not in page
    assert root.author_name not in page


@pytest.mark.parametrize("cursor", [*BAD_CURSORS, "%00.1", "' OR 1=1.1"])
def test_a_bad_cursor_is_not_found(client, cursor):
    read(client, make_article(), f"?after={cursor}", status=404)


@pytest.mark.parametrize(
    ("cursor", "after_it"), [("0.0", 1), ("-99999999999999.1", 1), ("9" * 17 + "." + "9" * 18, 0)]
)
def test_a_cursor_beyond_all_comments_gives_none_or_all(client, cursor, after_it):
    article = make_article()
    make_comment(article)
    assert len(ids(read(client, article, f"?order=oldest&after={cursor}"))) == after_it


def test_the_parent_named_by_the_deepest_reply_follows_its_moves():
    article = make_article()
    line = [make_comment(article)]
    for _ in range(MAX_DEPTH):
        line.append(make_comment(article, parent=line[-1]))
    target, deepest = line[-2:]
    before = Comment.objects.filter(pk=deepest.pk).values().get()

    def answers() -> int | None:
        return {row.id: row.replied_to_id for row in read_branch(line[0], Reader(), None)}[deepest.pk]

    assert answers() == target.pk
    move_comment(comment=deepest, parent=line[1], actor=None)
    assert answers() == line[1].pk
    move_comment(comment=deepest, parent=None, actor=None)
    move_comment(comment=deepest, parent=line[-3], actor=None)
    assert answers() == target.pk
    assert Comment.objects.filter(pk=deepest.pk).values().get() == before


def test_a_cursor_is_the_same_after_a_round_trip_through_a_url():
    comment = make_comment(make_article())
    cursor = ThreadCursor.of(comment.created_at, comment.pk)
    assert ThreadCursor.parse(str(cursor)) == cursor
    assert cursor.value(Order.NEWEST) == comment.created_at


def test_times_are_in_the_zone_of_the_saved_page(client):
    at = timezone.now().replace(month=6, day=19, hour=20, minute=40) - timedelta(days=730)
    article = make_article(published_at=at, source_zone="America/New_York")
    page = read(client, article)
    assert "16:40" in page
    assert "ET" in page


def test_a_comment_with_missing_text_is_marked(client):
    article = make_article()
    article.source_key = "test"
    article.save()
    at = timezone.now()
    import_comments(
        article=article,
        comments=[
            ImportedComment(source_id="1", author_name="A", body="", created_at=at, text_missing="all"),
            ImportedComment(
                source_id="2", author_name="B", body="IN OUR", created_at=at, text_missing="rest"
            ),
        ],
        actor=None,
        action_id=uuid4(),
    )
    page = read(client, article)
    assert "Text missing in the original" in page
    assert "IN OUR" in page
    assert "The rest is missing in the original" in page
    assert Comment.objects.count() == 2
    assert Article.objects.get().discussion.visible_count == 2
