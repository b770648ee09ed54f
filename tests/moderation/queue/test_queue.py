"""/moderation/: permissions, the queues with their open case, and claims by colleagues."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from articles.models import Article
from comments.models import Comment, Reason, State
from comments.policy import policy
from comments.services.discussions import change_discussion
from comments.services.editing import edit_comment
from moderation.actions import cases
from moderation.actions.decisions import decide, undo
from moderation.models import Batch, Case
from moderation.queue import queues
from moderation.urls import urlpatterns
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.postgres.tampering import triggers_disabled
from tests.moderation.queue.helpers import (
    links,
    listed_comment_ids,
    open_card,
    open_comment_ids,
    post_decision,
    state,
    text,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("checking_policy")]

WORDS = [
    f"{first} {last}"
    for first in ("Boat", "Tide", "Rope", "Quay", "Mast")
    for last in ("oar", "net", "gull", "crab", "salt", "sand")
]
LONG = "The slip was there before any of us, and it will be there when we are gone."


# Who


def test_queue_is_for_moderators_and_editors(client):
    omar = UserFactory.create(roles=("Moderator",))
    act = Batch.objects.create(kind="decision", actor=omar, to_state="spam", reason="spam")
    gets = ["/moderation/", "/moderation/actions/", f"/moderation/actions/{act.pk}/"]
    posts = ["/moderation/decide/", f"/moderation/actions/{act.pk}/undo/"]
    for path in gets:
        assert client.get(path).headers["Location"].startswith("/accounts/login/?next=/moderation/")
        assert client.post(path).status_code == 405
    for path in posts:
        assert client.post(path).headers["Location"] == "/accounts/login/?next=/moderation/"
        assert client.get(path).status_code == 405

    client.force_login(UserFactory.create())
    assert [client.get(path).status_code for path in gets] == [403] * 3
    assert [client.post(path).status_code for path in posts] == [403] * 2

    client.force_login(UserFactory.create(roles=("Moderator",)))
    assert [client.get(path).status_code for path in gets] == [200] * 3

    client.force_login(UserFactory.create(roles=("Editor",)))  # another's act is not an editor's business
    assert [client.get(path).status_code for path in gets] == [200, 200, 404]
    assert [client.post(path).status_code for path in posts] == [400, 404]  # let in, and sent nothing


ANY = {"int": 1, "uuid": uuid4(), "slug": "review", "str": "u1"}  # a value of each kind in a URL


def test_login_for_a_post_url_leads_to_the_queue(client):
    acts = 0
    for pattern in urlpatterns:
        kinds = re.findall(r"<(\w+):", str(pattern.pattern))
        url = reverse(f"moderation:{pattern.name}", args=[ANY[kind] for kind in kinds])
        if client.get(url).status_code == 405:
            assert client.post(url).headers["Location"] == "/accounts/login/?next=/moderation/", url
            acts += 1
    assert acts > 20


def test_an_editor_decides_under_own_stories_only(client):
    own, other, nobodys = make_article("Own"), make_article("Other"), make_article("Nobody's")
    editor = UserFactory.create(roles=("Editor",))
    own.editors.add(editor)
    other.editors.add(UserFactory.create(roles=("Editor",)))
    mine, theirs, free = (
        make_comment(own),
        make_comment(other, "Words elsewhere"),
        make_comment(nobodys, "Words again"),
    )
    client.force_login(editor)

    page = client.get("/moderation/")
    assert listed_comment_ids(page) == [mine.pk, free.pk]
    assert "2 waiting" in text(page)
    assert client.get(f"/moderation/comments/{theirs.pk}/").status_code == 404
    assert client.get(f"/moderation/cases/{Case.objects.get(comment=theirs).pk}/").status_code == 404
    assert theirs.pk not in listed_comment_ids(client.get("/moderation/?queue=recent"))
    rooms = re.findall(
        r'href="(/moderation/[a-z]*/?)"',
        re.search(r'<nav class="wrap wide" aria-label="Moderation".*?</nav>', text(page))[0],
    )
    assert [path for path in rooms if client.get(path).status_code != 200] == []
    # The row of the newsroom has these, so the tabs do not repeat them.
    assert {"/moderation/people/", "/moderation/rules/"}.isdisjoint(rooms)

    refused = client.post("/moderation/decide/", {"ids": [mine.pk, theirs.pk], "act": "approved"})
    assert refused.status_code == 404
    assert state(mine)[0] == "pending"
    assert post_decision(client, page, mine, act="approved").status_code == 200
    assert state(mine) == ("published", "approved")
    assert client.get(f"/moderation/actions/{Batch.objects.get().pk}/").status_code == 200


def test_duplicate_names_the_original_only_to_people_who_may_read_it(client, maria):
    client.force_login(maria)
    own, other = make_article("Own"), make_article("Other")
    editor = UserFactory.create(roles=("Editor",))
    own.editors.add(editor)
    other.editors.add(UserFactory.create(roles=("Editor",)))
    original = make_comment(other, LONG, guest=GuestFactory.create(name="Secret Sue"))
    same = make_comment(own, LONG)
    named, link = (
        f"It has the same text as comment {original.pk} by Secret Sue.",
        f'href="{original.get_absolute_url()}"',
    )

    def flags(user) -> tuple[bool, bool]:
        client.force_login(user)
        card = open_card(client, same)
        return named in card, link in card

    def author_is_told() -> bool:
        return policy().explain_waiting([same.pk])[same.pk][-1] == named

    assert (flags(editor), flags(maria), author_is_told()) == ((False, False), (True, True), False)
    decide(ids=[original.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    assert (flags(editor), flags(maria), author_is_told()) == ((True, True), (True, True), True)
    change_discussion(article=other, status="hidden")
    assert (flags(editor), flags(maria), author_is_told()) == ((False, False), (True, False), False)
    change_discussion(article=other, status="open")
    Article.objects.filter(pk=other.pk).update(published_at=None)
    assert (flags(editor), flags(maria), author_is_told()) == ((False, False), (True, False), False)


def test_the_card_of_a_duplicate_reads_the_findings_once(client, maria):
    client.force_login(maria)
    article = make_article("Own")
    original = make_comment(article, LONG, guest=GuestFactory.create(name="Sue"))
    same = make_comment(article, LONG)
    with CaptureQueriesContext(connection) as queries:
        page = open_card(client, same)
    assert f"It has the same text as comment {original.pk} by Sue." in page
    assert [q["sql"] for q in queries if 'FROM "moderation_finding"' in q["sql"]] == []


@pytest.mark.parametrize("hidden", [True, False])
def test_links_lead_only_to_readable_pages(client, maria, hidden):
    client.force_login(maria)
    article = make_article("Taken back")
    comment = make_comment(article)
    act = decide(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria).batch
    waits = make_comment(article, "Another", parent=make_comment(article, "Its parent", author=maria))
    pages = [
        "/moderation/",
        f"/moderation/actions/{act.pk}/",
        f"/admin/comments/comment/?discussion={article.pk}",
        f"/admin/comments/comment/{comment.pk}/change/",
        f"/moderation/comments/{waits.pk}/move/",
    ]
    assert all(article.get_absolute_url() in text(client.get(page)) for page in pages)

    if hidden:
        change_discussion(article=article, status="hidden")
    else:
        Article.objects.filter(pk=article.pk).update(published_at=None)
    assert waits.pk in listed_comment_ids(client.get(pages[0]))
    for page in pages:
        links = re.findall(r'href="(/stories/[^"]+)"', text(client.get(page)))
        assert [link for link in links if client.get(link).status_code != 200] == []


# The page


def test_a_card_has_all_that_a_decision_needs(client, maria):
    client.force_login(maria)
    article = make_article("Council votes to close the slip")
    parent = make_comment(article, "Seven to **four**.", author=maria)
    guest = GuestFactory.create(name="Teak <b>", confirmed_at=timezone.now())
    first = make_comment(article, "An earlier word", guest=guest)
    decide(ids=[first.pk], to=State.REJECTED, reason=Reason.OTHER, actor=maria)
    body = "See [a *shop*](https://a.example)\nand https://b.example <i>"
    comment = make_comment(article, body, parent=parent, guest=guest)
    act = decide(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria).batch
    undo(batch=act, actor=maria)

    page = text(client.get("/moderation/"))

    assert "1 waiting, oldest 0 min" in page
    assert "Council votes to close the slip" in page
    assert "Seven to <strong>four</strong>." in page
    assert "<bdi>Teak &lt;b&gt;</bdi>" in page
    assert "guest, e-mail confirmed" in page
    assert "1 removed, since" in page
    # As readers would see it, and where a link hides it, where it leads; the marked places in both.
    assert '>a <em>shop</em></a> <small class="leads">(<mark data-n="1">https://a.example</mark>)<' in page
    assert '<mark data-n="1">https://b.example</mark></a> &lt;i&gt;' in page
    assert "It has 2 links; comments with more than 1 are reviewed first." in page
    assert "1 medium and 1 weak signal" in page
    assert page.index("It has 2 links") < page.index("No comment by this person has been approved yet.")
    assert f"/stories/{article.slug}/#comment-{comment.pk}" in page
    assert f'<a href="/moderation/actions/{act.pk}/">Marked as spam</a>' in page
    assert f'href="/moderation/people/g{guest.pk}/"' in page
    assert "Removed by a moderator: off-topic." in page


def test_queue_is_ordered_by_due_time_across_pages(client, maria):
    client.force_login(maria)
    article = make_article()
    made = [make_comment(article, f"{word}.") for word in WORDS[:30]]
    first = client.get("/moderation/")
    assert listed_comment_ids(first) == [c.pk for c in made[:20]]
    assert open_comment_ids(first) == [made[0].pk]
    link = re.search(r'href="([^"]+after=\d+)">Next page', links(first))[1]

    decide(ids=[c.pk for c in made[17:22]], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    further = client.get(link)
    assert (listed_comment_ids(further), open_comment_ids(further)) == (
        [c.pk for c in made[22:]],
        [made[22].pk],
    )
    assert "First page" in text(further)
    # An act on one of these stays behind the same row, also the last act.
    page = client.get(re.search(rf'name="ids" value="{made[28].pk}".*?<a href="([^"]+)"', links(further))[1])
    form = links(page).split('name="seen"')[1]
    then = re.search(r'name="next" value="([^"]+)"', form)[1]
    after = post_decision(client, page, made[28], act="spam", next=then)
    assert (open_comment_ids(after), listed_comment_ids(after)) == (
        [made[29].pk],
        [c.pk for c in [*made[22:28], made[29]]],
    )


# A page of any size reads session, person, roles, site, numbers of the queues, keys of the rows, rows,
# comment, what belongs to it, and links of the masthead in one statement each, and claims the case. The open
# comment of the test repeats another one, which is two statements more.
STATEMENTS = 13


@pytest.mark.parametrize(
    ("queue", "more"),
    [("waiting", 0), ("reported", 1), ("new", 0), ("second", 1), ("published", 0), ("recent", 0)],
)
def test_a_page_takes_as_many_statements_whatever_its_size(
    client, maria, queue, more, django_assert_num_queries
):
    """Reports and appeals are one statement more."""
    client.force_login(maria)

    def fill(count: int) -> None:
        for number in range(count):
            article = make_article(f"Story {number} of {count}")
            parent = make_comment(article, "A parent by a moderator", author=maria)
            comment = make_comment(
                article, f"{LONG} {number} https://a.example https://b.example", parent=parent
            )
            Case.objects.filter(comment=comment).update(
                is_waiting=queue in ("waiting", "new"),
                is_new_person=True,
                is_reported=queue == "reported",
                is_appealed=queue == "second",
            )

    for count, shown in ((2, 2), (22, 20)):
        fill(count)
        url = f"/moderation/?queue={queue}"
        assert len(listed_comment_ids(client.get(url))) >= shown  # and the removal reasons are read once
        with django_assert_num_queries(STATEMENTS + more):
            assert client.get(url).status_code == 200


def test_earlier_versions_are_on_the_card_the_latest_first(client, maria):
    client.force_login(maria)
    guest = GuestFactory.create()
    comment = make_comment(make_article(), "First <b>words", guest=guest)
    for body in ("Second words", "Third words"):
        edit_comment(comment=comment, body=body, user=None, guest=guest)
    plain = make_comment(make_article(), "Never edited")

    page = open_card(client, comment)
    details = re.search(r"<summary>Earlier versions</summary>(.*?)</details>", page)[1]
    assert 0 < details.index("Second words") < details.index("First &lt;b&gt;words")
    assert "Third words" not in details
    assert "Earlier versions" not in open_card(client, plain)

    form = text(client.get(f"/admin/comments/comment/{comment.pk}/change/"))
    details = form[form.index("<summary>Earlier versions</summary>") :]
    assert 0 < details.index("Second words") < details.index("First &lt;b&gt;words")
    assert "Earlier versions" not in text(client.get(f"/admin/comments/comment/{plain.pk}/change/"))


def test_each_queue_shows_its_comments_count_and_age(client, maria):
    client.force_login(maria)
    article = make_article()
    known = GuestFactory.create(confirmed_at=timezone.now())
    decide(
        ids=[make_comment(article, "First", guest=known).pk],
        to=State.PUBLISHED,
        reason=Reason.APPROVED,
        actor=maria,
    )
    new, reported = make_comment(article, "New here"), make_comment(article, "Fine words", guest=known)
    links = make_comment(article, "https://a.example https://b.example", guest=known)
    again = make_comment(article, "Look again")
    doubt = make_comment(article, "Other fine words", guest=known)  # as the look after the archive asks
    cases.open_cases([reported.pk, doubt.pk], states=[State.PUBLISHED])
    Case.objects.filter(comment=reported).update(is_reported=True)
    Case.objects.filter(comment=again).update(is_appealed=True, is_new_person=False)
    Case.objects.filter(comment=new).update(opened_at=timezone.now() - timedelta(hours=3))

    def queue(name) -> list[int]:
        return listed_comment_ids(client.get(f"/moderation/?queue={name}"))

    assert [set(queue(n)) for n in ("waiting", "new", "reported", "second")] == [
        {new.pk, links.pk, again.pk},
        {new.pk},
        {reported.pk},
        {again.pk},
    ]
    assert queue("published") == [doubt.pk]
    assert queue("recent")[1:] == [again.pk, links.pk, reported.pk, new.pk, Comment.objects.earliest("pk").pk]
    page = text(client.get("/moderation/"))
    assert "3 waiting, oldest 3 h" in page
    entries = re.findall(r"<span>([^<]+)</span> <b>(\d+)</b>(?: <small>oldest ([^<]+)</small>)?", page)
    assert {
        ("Waiting for review", "3", "3 h"),
        ("First-time commenters", "1", "3 h"),
        ("Reported", "1", "0 min"),
        ("Flagged after publication", "1", "0 min"),
    } <= set(entries)


@pytest.mark.parametrize(
    ("where", "fulfilled"),
    [
        (Q(), ["wr", "wi", "a", "-"]),
        (Q(is_waiting=True), ["wr", "wi"]),
        (Q(is_waiting=False), ["a", "-"]),
        (Q(is_waiting=True, is_reported=True), ["wr"]),
        (Q(is_waiting=True) & Q(is_illegal=True), ["wi"]),
        (Q(is_reported=True) | Q(is_illegal=True), ["wr", "wi"]),
        (Q(is_waiting=False) & (Q(is_appealed=True) | Q(is_illegal=True)), ["a"]),
        (Q(is_waiting=False, is_appealed=False) | Q(is_illegal=True, is_waiting=True), ["wi", "-"]),
        (Q(is_waiting=False, is_reported=True), []),
    ],
)
def test_numbers_of_a_queue_are_those_of_the_fulfilled_flags(where, fulfilled):
    flags = {"w": "is_waiting", "r": "is_reported", "i": "is_illegal", "a": "is_appealed"}
    hours = {"wr": 7, "wi": 3, "a": 5, "-": 1}
    rows = [
        dict.fromkeys(queues.FLAGS, False)
        | {flags[letter]: True for letter in name if letter in flags}
        | {"n": 10**place, "oldest": f"2026-11-29T{hour:02}:00:00+00:00"}
        for place, (name, hour) in enumerate(hours.items())
    ]
    by_name = dict(zip(hours, rows, strict=True))
    expected = [by_name[name] for name in fulfilled]
    assert [row for row in rows if queues._is_fulfilled(where, row)] == expected
    count, oldest = queues._numbers_of(where, rows)
    assert count == sum(row["n"] for row in expected)
    assert oldest == min((row["oldest"] for row in expected), default=None)


@pytest.mark.parametrize("where", [~Q(is_waiting=True), Q(is_reported=True) & ~Q(is_waiting=True)])
def test_a_negated_condition_of_a_queue_is_refused(where):
    with pytest.raises(ValueError, match="negated"):
        queues._is_fulfilled(where, dict.fromkeys(queues.FLAGS, True))


def test_flagged_comment_is_in_its_queue_after_publication(client, maria):
    client.force_login(maria)
    article = make_article()
    change_discussion(article=article, moderation="post")
    comment = make_comment(article, "https://a.example https://b.example")
    assert state(comment)[0] == "published"
    page = client.get("/moderation/?queue=published")
    assert listed_comment_ids(page) == [comment.pk]
    assert (
        listed_comment_ids(
            post_decision(client, page, comment, act="approved", next="/moderation/?queue=published")
        )
        == []
    )


def test_restricted_comment_is_in_no_queue(client, maria):
    client.force_login(maria)
    comment = make_comment(make_article(), "What nobody may see")
    with triggers_disabled():
        Comment.objects.filter(pk=comment.pk).update(state="rejected", state_reason="sealed")
    for queue in ("waiting", "recent"):
        assert listed_comment_ids(client.get(f"/moderation/?queue={queue}")) == []
        assert "What nobody may see" not in text(client.get(f"/moderation/?queue={queue}"))
    assert client.get(f"/moderation/comments/{comment.pk}/").status_code == 404
    assert client.get(f"/moderation/cases/{Case.objects.get().pk}/").status_code == 404


@pytest.mark.parametrize("path", ["cases", "comments"])
def test_huge_numbers_are_no_errors(client, maria, path):
    client.force_login(maria)
    for number in ("0", "9" * 18, "9" * 40):
        assert client.get(f"/moderation/{path}/{number}/").status_code == 404


# Who has it


def test_open_case_is_claimed_and_colleagues_get_the_next(client, maria, omar):
    client.force_login(maria)
    article = make_article()
    one, two = make_comment(article, "One"), make_comment(article, "Two")
    other = Client()
    other.force_login(omar)

    assert open_comment_ids(client.get("/moderation/")) == [one.pk]
    assert open_comment_ids(client.get("/moderation/")) == [one.pk]  # for oneself it stays in front
    assert open_comment_ids(other.get("/moderation/")) == [two.pk]
    assert "Maria is reviewing it" in text(other.get("/moderation/"))
    page = open_card(other, one)
    assert "Maria is reviewing this comment until" in page
    assert "is reviewing this comment until" not in open_card(client, one)
    assert Case.objects.get(comment=one).claimed_by == maria

    Case.objects.filter(comment=one).update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert open_comment_ids(other.get("/moderation/")) == [one.pk]
    assert Case.objects.get(comment=one).claimed_by == omar
    assert "Colleagues are reviewing all comments in this queue." in text(client.get("/moderation/"))


def test_colleague_gets_the_first_case_after_a_claimed_page(client, maria, omar):
    client.force_login(maria)
    article = make_article()
    made = [make_comment(article, f"{words}.") for words in WORDS[:22]]
    until = timezone.now() + timedelta(minutes=5)
    Case.objects.exclude(comment=made[21]).update(claimed_by=omar, claimed_until=until)
    assert open_comment_ids(client.get("/moderation/")) == [made[21].pk]


def test_prefetch_claims_nothing_and_consumes_no_messages(client, maria):
    client.force_login(maria)
    comment = make_comment(make_article())
    client.post("/moderation/decide/", {"act": "spam", "next": "/moderation/"})  # nothing was ticked
    ahead = client.get("/moderation/", headers={"Soundoff-Ahead": "1"})
    assert (open_comment_ids(ahead), Case.objects.get().claimed_by) == ([comment.pk], None)
    assert "Select comments" not in text(ahead)
    assert "Select comments" in text(client.get("/moderation/"))


def test_closed_case_has_a_page(client, maria, omar):
    client.force_login(maria)
    comment = make_comment(make_article())
    url = f"/moderation/cases/{Case.objects.get().pk}/"
    assert open_comment_ids(client.get(url)) == [comment.pk]
    decide(ids=[comment.pk], to=State.REJECTED, reason=Reason.INSULT, actor=omar)
    page = client.get(url)
    assert open_comment_ids(page) == [comment.pk]
    assert "Removed: insult" in text(page)
    assert "Omar" in text(page)
    # Opened by its own URL, an act stays with it.
    back = post_decision(client, page, comment, act="approved", next=url)
    assert open_comment_ids(back) == [comment.pk]
    assert state(comment) == ("published", "approved")


def test_moderation_opens_on_the_first_queue_that_is_not_empty(client, maria):
    client.force_login(maria)
    comment = make_comment(make_article(), "Words.", author=maria)
    assert "This queue is empty." in text(client.get("/moderation/"))
    reported = Case.objects.create(
        comment=comment, discussion_id=comment.discussion_id, is_reported=True, is_waiting=False
    )
    page = client.get("/moderation/")
    assert open_comment_ids(page) == [reported.comment_id]
    assert '<a href="/moderation/?queue=reported" aria-current="page">' in text(page)
    assert open_comment_ids(client.get("/moderation/?queue=waiting")) == []


def test_the_masthead_says_what_waits_to_people_who_may_decide(client, maria, django_assert_num_queries):
    article = make_article()
    article.editors.add(UserFactory.create(roles=("Editor",)))
    waiting = [make_comment(article, f"{word}.") for word in WORDS[:3]]
    badge = re.compile(r'<span class="badge accent">(\d+)')
    client.force_login(maria)
    assert badge.findall(text(client.get("/"))) == ["3"]
    editor = UserFactory.create(roles=("Editor",))
    client.force_login(editor)
    assert badge.findall(text(client.get("/"))) == []
    article.editors.add(editor)
    assert badge.findall(text(client.get("/"))) == ["3"]
    client.force_login(UserFactory.create())
    assert "to-queue" not in text(client.get("/"))
    assert maria.is_moderator  # reads the roles
    with django_assert_num_queries(1):
        assert queues.waiting_cases(maria).count() == len(waiting)


def test_the_masthead_and_the_heading_of_the_queue_count_the_same_comments(maria):
    article = make_article()
    for word in WORDS[:3]:
        make_comment(article, f"{word}.")
    comment = make_comment(article, "Published.", author=maria)
    Case.objects.create(
        comment=comment, discussion_id=comment.discussion_id, is_illegal=True, is_waiting=False
    )
    waiting = queues.summarize_queues(maria, "/moderation/")[0]
    assert waiting.count == 4
    assert waiting.waiting_for_review == queues.waiting_cases(maria).count() == 3
