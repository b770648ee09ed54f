"""The pages of similar comments: one decision for a group, with exceptions, and back."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections, transaction
from django.http import HttpResponse
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.models import User
from archive.services import import_page
from articles.models import Article, Site
from comments.models import Comment, Reason, State
from comments.services.editing import edit_comment
from moderation.actions import decisions
from moderation.models import Batch, Case, CommentGroup, CommentGroupMember, Finding, SimilarityScan
from moderation.reports.reporting import report_illegal_content
from moderation.similar import members_of, pages, scan
from moderation.similar.decisions import decide_group
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.postgres.tampering import triggers_disabled
from tests.helpers.waiting import PATIENCE, wait_for_a_lock
from tests.moderation.queue.helpers import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]

LIST = reverse("moderation:similar")
GOOD = "The slip closes because the piles rotted, and nobody said so at the council's meeting in March."


@pytest.fixture
def article() -> Article:
    return make_article(body="The council closes the slip. The piles have rotted.")


def flood(article: Article, count: int) -> list[Comment]:
    """Create comments with the same phrases, each with its own number and name."""
    return [
        make_comment(
            article,
            f"{n + 10000} {n + 20000} Truly a marvellous magazine with splendid columns, my cousin number "
            f"{n} was also wondering about such columns all winter long.",
            guest=GuestFactory.create(name=f"Cousin {n}"),
        )
        for n in range(count)
    ]


def states() -> list[tuple[object, ...]]:
    return list(Comment.objects.order_by("pk").values_list("pk", "state", "state_reason", "reply_count"))


def members(group: CommentGroup) -> set[int]:
    return set(CommentGroupMember.objects.filter(group=group).values_list("comment", flat=True))


def only_group() -> CommentGroup:
    scan.run_scan()
    return CommentGroup.objects.get()


def url(group: CommentGroup) -> str:
    return reverse("moderation:group", args=[group.pk])


def test_group_without_exceptions_is_decided_and_undone(client, maria, article):
    spam, good = flood(article, 6), make_comment(article, GOOD)
    group = only_group()
    assert members(group) == {comment.pk for comment in spam}
    client.force_login(maria)
    before = states()

    page = client.get(url(group))
    ticked = [str(comment.pk) for comment in spam[1:]]
    form = {"shown": [comment.pk for comment in spam], "in": ticked, "act": "spam"}
    answer = client.post(url(group), form, follow=True)

    assert all(f'name="in" value="{c.pk}" checked' in page.text for c in spam)
    assert "Marked as spam" in answer.text
    assert "5 comments" in answer.text
    assert set(Comment.objects.filter(state=State.SPAM)) == set(spam[1:])
    act = Batch.objects.get()
    assert act.parameters == {"group": str(group.pk), "kind": "text"}
    assert url(group) not in answer.text
    scan.run_scan()  # what was left out does not come again
    assert not CommentGroup.objects.filter(resolved_at=None).exists()
    decisions.undo(batch=act, actor=maria)
    scan.run_scan()  # what was undone does
    assert members(CommentGroup.objects.get(resolved_at=None)) == {comment.pk for comment in spam}
    assert states() == before
    assert good.pk not in members(CommentGroup.objects.get(resolved_at=None))


def test_a_decision_opens_the_next_group_and_the_last_one_leads_to_the_queue(client, maria, article):
    flood(article, 6)
    cousin = GuestFactory.create()
    for _copy in range(3):
        make_comment(article, GOOD, guest=cousin)
    client.force_login(maria)
    client.get(LIST)
    flooded, copies = CommentGroup.objects.order_by("-size")
    assert client.get(LIST, {"first": "on"}).url == url(flooded)

    answer = client.post(url(flooded), {"act": "spam"})
    act = Batch.objects.get()
    assert answer.url == f"{url(copies)}?done={act.pk}"
    page = client.get(answer.url)
    assert "6 comments" in page.text
    assert page.context["undo_next"] == url(flooded)

    answer = client.post(url(copies), {"reason": Reason.DUPLICATE}, follow=True)
    assert answer.redirect_chain[-1][0].partition("?")[0] == reverse("moderation:queue")
    assert "Undo" in answer.text
    assert client.get(LIST, {"first": "on"}).status_code == 200  # no group is left to open


def test_after_an_undo_the_same_group_can_be_decided_on_again(client, maria, article):
    spam = flood(article, 4)
    group = only_group()
    client.force_login(maria)
    client.post(url(group), {"act": "spam"})
    decisions.undo(batch=Batch.objects.get(), actor=maria)

    client.post(url(group), {"act": "spam"})

    assert Comment.objects.filter(state=State.SPAM).count() == len(spam)


def test_queue_counts_open_groups_even_if_a_scan_finds_none(client, maria, article):
    spam = flood(article, 4)
    only_group()
    for comment in spam:
        edit_comment(comment=comment, body=f"{comment.guest} wrote this", user=None, guest=comment.guest)
    scan.run_scan()
    client.force_login(maria)
    assert not client.get(LIST).context["rows"]
    context = client.get(reverse("moderation:queue")).context
    assert [queue.count for queue in context["queues"] if queue.key == "similar"] == [0]


def test_undone_group_is_listed_again_at_once(client, maria, article):
    flood(article, 4)
    client.force_login(maria)
    group = only_group()
    client.post(url(group), {"act": "spam"})
    assert "4 comments made" not in client.get(LIST).text

    client.post(reverse("moderation:undo", args=[Batch.objects.get().pk]), {"next": LIST})

    assert "4 comments made of the same phrases" in client.get(LIST).text


def test_group_open_in_a_browser_survives_the_next_scan(client, maria, article):
    spam = flood(article, 4)
    client.force_login(maria)
    group = only_group()
    scan.run_scan()

    client.post(url(group), {"act": "spam"})

    assert set(Comment.objects.filter(state=State.SPAM)) == set(spam)
    scan.run_scan()
    scan.run_scan()
    assert "was scanned again" in client.get(url(group), follow=True).text


def test_members_changed_meanwhile_are_left_unchanged(client, maria, article):
    spam = flood(article, 5)
    group = only_group()
    decisions.decide(ids=[spam[0].pk], to=State.PUBLISHED, reason="approved", actor=UserFactory.create())
    edit_comment(comment=spam[1], body=GOOD, user=None, guest=spam[1].guest)
    client.force_login(maria)

    answer = client.post(url(group), {"act": "spam"}, follow=True)

    assert set(Comment.objects.visible()) == set(spam[:2])
    assert "Changed the text" in answer.text


def left_alone(page: HttpResponse) -> list[tuple[str, str]]:
    """Return (#id, refusal text) of each comment that a page lists as left unchanged."""
    plain = re.sub(r"</?bdi>", "", text(page))
    found = re.findall(r">(#[0-9]+)</a>: (Omar: [A-Z][a-z ]+(?:: [a-z]+(?: name)?)?)", plain)
    return [(number, refusal.strip()) for number, refusal in found]


def test_refused_members_are_named_in_the_message_and_on_the_page(client, maria, article):
    spam, omar = flood(article, 60), UserFactory.create(name="Omar", roles=("Moderator",))
    group = only_group()
    client.force_login(maria)
    decisions.decide(ids=[spam[0].pk], to=State.SPAM, reason="spam", actor=omar)  # was never on the page
    first = client.get(url(group))
    decisions.decide(ids=[spam[1].pk], to=State.REJECTED, reason="insult", actor=omar)
    decisions.decide(ids=[spam[2].pk], to=State.PUBLISHED, reason="approved", actor=omar)
    listed = [pk for pk in members(group) if f'name="shown" value="{pk}"' in first.text]
    form = {"shown": listed, "in": [pk for pk in listed if pk != spam[4].pk], "since": first.context["since"]}
    second = client.post(url(group), form | {"go": first.context["page"].after}, follow=True)
    decisions.decide(ids=[spam[3].pk, spam[4].pk], to=State.REJECTED, reason="name", actor=omar)

    there = f"{second.request['PATH_INFO']}?{second.request['QUERY_STRING']}"
    answer = client.post(there, {"act": "spam"}, follow=True)

    act = Batch.objects.get(actor=maria)
    page = client.get(reverse("moderation:action", args=[act.pk]))
    outcomes = ["Removed: insult", "Approved", "Removed: offensive name"]
    for told_by in (answer, page):
        assert "3 were left unchanged" in told_by.text
        assert left_alone(told_by) == [
            (f"#{spam[n].pk}", f"Omar: {what}") for n, what in enumerate(outcomes, start=1)
        ]
    decisions.decide(ids=[spam[1].pk], to=State.PUBLISHED, reason="approved", actor=maria)
    assert left_alone(client.get(page.request["PATH_INFO"])) == left_alone(page)


def test_first_of_many_refused_members_are_named(client, maria, article):
    spam, omar = flood(article, 60), UserFactory.create(name="Omar", roles=("Moderator",))
    group = only_group()
    client.force_login(maria)
    since = client.get(url(group)).context["since"]
    decisions.decide(ids=[c.pk for c in spam[:50]], to=State.SPAM, reason="spam", actor=omar)

    answer = client.post(url(group), {"act": "spam", "since": since}, follow=True)

    assert "50 were left unchanged" in answer.text
    assert len(left_alone(answer)) == 5
    page = client.get(reverse("moderation:action", args=[Batch.objects.get(actor=maria).pk]))
    assert "50 were left unchanged" in page.text
    assert len(left_alone(page)) == 20


def test_exceptions_survive_from_page_to_page_without_a_script(client, maria, article):
    flood(article, 60)
    group = only_group()
    client.force_login(maria)
    first = client.get(url(group))
    listed = [pk for pk in members(group) if f'name="shown" value="{pk}"' in first.text]
    go = first.context["page"].after
    left = listed[3]

    second = client.post(
        url(group), {"shown": listed, "in": [pk for pk in listed if pk != left], "go": go}, follow=True
    )
    rest = [pk for pk in members(group) if f'name="shown" value="{pk}"' in second.text]
    client.post(second.request["PATH_INFO"] + f"?without={left}", {"shown": rest, "in": rest, "act": "spam"})

    assert len(listed) + len(rest) == 60
    assert not set(listed) & set(rest)
    assert "<b>59</b> selected" in second.text
    assert set(Comment.objects.exclude(state=State.SPAM).values_list("pk", flat=True)) == {left}


def test_distinctive_words_are_not_read_from_a_changed_text(client, maria, article):
    spam = flood(article, 5)
    for n in range(20):
        make_comment(article, f"The slip number {n} is rotten.")
    group = only_group()
    client.force_login(maria)
    shown = client.get(url(group)).context["words"]
    assert set(shown) <= set(spam[0].body.split())
    assert len(shown) == 6
    assert "about" not in shown  # which says nothing of any text

    for comment in spam:
        edit_comment(comment=comment, body=f"Well, now: {comment.body}", user=None, guest=comment.guest)

    assert client.get(url(group)).context["words"] == []
    assert client.get(LIST).status_code == 200


def test_likely_mistakes_come_first(client, maria, article):
    flood(article, 8)
    odd = make_comment(
        article,
        "Truly a marvellous magazine with splendid columns, my cousin was wondering about such columns all "
        "winter long, but of the piles and the ferry he had read nowhere.",
        guest=GuestFactory.create(name="Odd"),
    )
    group = only_group()
    client.force_login(maria)

    page = client.get(url(group))

    assert odd.pk in members(group)
    assert page.context["page"].likely_mistakes[0].comment == odd


def test_unlike_member_comes_first_with_the_reason(client, maria, article):
    spam = flood(article, 8)
    paula = GuestFactory.create(name="Paula", confirmed_at=timezone.now())
    odd = make_comment(make_article("Library"), spam[3].body.replace("number 3", "number 5"), guest=paula)
    group = only_group()
    client.force_login(maria)

    first = client.get(url(group)).context["page"].likely_mistakes[0]

    assert first.comment == odd
    assert first.clues[:2] == ["on a different story than the others", "confirmed e-mail"]


def test_approved_members_are_not_proposed_again(client, maria, article):
    flood(article, 4)
    group = only_group()
    client.force_login(maria)

    client.post(url(group), {"act": "approved"})
    scan.run_scan()

    assert not CommentGroup.objects.filter(resolved_at=None).exists()
    assert Comment.objects.visible().count() == 4


def test_group_stays_until_all_its_members_are_decided(client, maria, article):
    spam = flood(article, 4)
    group = only_group()
    client.force_login(maria)
    card = f"/moderation/comments/{spam[3].pk}/"
    from_card = url(group) + f"?of={spam[3].pk}"
    queue = reverse("moderation:queue")

    def shown() -> tuple[list[str], list[str], list[int]]:
        """Return the titles and the shared features in the list, and the count of the queues."""
        rows = client.get(LIST).context["rows"]
        counts = [each.count for each in client.get(queue).context["queues"] if each.key == "similar"]
        return [row.title for row in rows], [each for row in rows for each in row.shared_features], counts

    titles, features, counts = shown()
    assert titles == ["4 comments made of the same phrases"]
    assert "4 made of phrases that other comments use" in features
    assert counts == [1]
    assert "3 similar comments, 3 of them published." in text(client.get(card))
    assert client.get(from_card).context["counts"] == "3 similar comments; 4 of the whole group published."

    decisions.decide(ids=[spam[0].pk, spam[1].pk], to=State.SPAM, reason="spam", actor=maria)
    titles, features, counts = shown()
    assert titles == ["2 comments made of the same phrases"]
    assert "2 made of phrases that other comments use" in features
    assert counts == [1]
    assert "1 similar comment, which is published." in text(client.get(card))
    assert client.get(from_card).context["counts"] == "1 similar comment; 2 of the two published."

    decisions.decide(ids=[spam[2].pk], to=State.SPAM, reason="spam", actor=maria)
    titles, _features, counts = shown()
    assert titles == ["1 comment made of the same phrases"]
    assert counts == [1]
    assert "similar-link" not in client.get(card).text
    assert client.get(from_card).context["counts"] == "all published, on 1 story"

    decisions.decide(ids=[spam[3].pk], to=State.PUBLISHED, reason="approved", actor=maria)
    assert shown() == ([], [], [0])
    assert client.get(LIST, {"first": "on"}).status_code == 200  # no group is left to open


def test_sets_of_phrases_are_counted_only_while_the_whole_group_is_open(client, maria, article):
    spam = flood(article, 4)
    group = only_group()
    CommentGroup.objects.update(shared=group.shared | {"wordings": 3})
    client.force_login(maria)
    assert "made from 3 sets of phrases" in client.get(LIST).text
    assert "made from 3 sets of phrases" in client.get(url(group)).text

    decisions.decide(ids=[spam[0].pk], to=State.SPAM, reason="spam", actor=maria)
    assert "3 comments made of the same phrases" in client.get(LIST).text
    assert "sets of phrases" not in client.get(LIST).text
    assert "sets of phrases" not in client.get(url(group)).text


@pytest.mark.parametrize(
    ("published", "sentence"),
    [
        ([], "2 similar comments, none of them published."),
        ([1], "2 similar comments, 1 of them published."),
        ([1, 2], "2 similar comments, 2 of them published."),
    ],
)
def test_card_counts_similar_comments(client, maria, article, published, sentence):
    spam = flood(article, 3)
    with triggers_disabled():
        waiting = [comment.pk for n, comment in enumerate(spam) if n not in published]
        Comment.objects.filter(pk__in=waiting).update(state=State.PENDING)
    only_group()
    client.force_login(maria)
    assert sentence in text(client.get(f"/moderation/comments/{spam[0].pk}/"))

    decisions.decide(ids=[spam[2].pk], to=State.SPAM, reason="spam", actor=maria)
    state = "published" if 1 in published else "not published"
    assert f"1 similar comment, which is {state}." in text(client.get(f"/moderation/comments/{spam[0].pk}/"))


def test_list_shows_the_number_of_new_comments(client, maria, article):
    client.force_login(maria)
    flood(article, 4)
    assert "new since then" not in client.get(LIST).text

    flood(article, 3)

    assert "4 comments compared. 3 new since then." in text(client.get(LIST))
    client.post(reverse("moderation:rescan"))
    assert "7 comments compared. </p>" in text(client.get(LIST))


def test_removed_spam_is_evidence_but_no_member(client, maria, article):
    spam = flood(article, 5)
    decisions.decide(ids=[c.pk for c in spam[:3]], to=State.SPAM, reason="spam", actor=maria)
    client.force_login(maria)

    group = only_group()

    assert members(group) == {comment.pk for comment in spam[3:]}
    assert "3 similar ones are already spam" in client.get(LIST).text


def test_decided_members_are_not_counted_as_kept(client, maria, article):
    flood(article, 5)
    group = only_group()
    client.force_login(maria)
    listed = sorted(members(group))
    client.post(url(group), {"shown": listed, "in": listed[1:], "act": "spam"})
    flood(article, 3)

    scan.run_scan()

    shares = client.get(LIST).context["rows"][0].shared_features
    assert "4 similar ones are already spam" in shares
    assert "1 similar one was reviewed and kept" in shares  # the exception


@pytest.mark.django_db(transaction=True)
def test_member_reported_as_illegal_concurrently_is_left_out(maria, article):
    spam = flood(article, 4)
    group = only_group()

    def press() -> decisions.ActionResult:
        try:
            return decide_group(group=group, to=State.SPAM, reason="spam", actor=maria)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as colleague:
        with transaction.atomic():
            report_illegal_content(
                comment=spam[0], why="It is a threat.", name="Zoe", email="zoe@example.org"
            )
            asked = colleague.submit(press)
            wait_for_a_lock()
        done = asked.result(timeout=PATIENCE)
    assert [refusal.comment for refusal in done.refused] == [spam[0].pk]
    assert set(done.changed) == {comment.pk for comment in spam[1:]}
    assert Case.objects.open().get(comment=spam[0]).is_illegal


def test_editor_sees_and_decides_on_own_stories_only(client, maria, article):
    editor = UserFactory.create(roles=("Editor",))
    own = make_article("Our ferry")
    own.editors.add(editor)
    article.editors.add(UserFactory.create(roles=("Editor",)))
    mine, others = flood(own, 3), flood(article, 3)
    group = only_group()
    client.force_login(editor)

    answer = client.get(url(group))
    client.post(url(group), {"act": "spam"})

    assert all(f'name="in" value="{c.pk}"' in answer.text for c in mine)
    assert not any(f'name="in" value="{c.pk}"' in answer.text for c in others)
    assert set(Comment.objects.filter(state=State.SPAM)) == set(mine)
    group.refresh_from_db()
    assert group.resolved_at is None
    client.force_login(UserFactory.create(roles=("Editor",)))
    assert client.get(url(group)).status_code == 404
    client.force_login(UserFactory.create())
    assert client.get(LIST).status_code == 403


def test_editor_sees_a_group_until_all_members_on_own_stories_are_decided(client, maria, emil, article):
    own = make_article("Our ferry")
    own.editors.add(emil)
    article.editors.add(UserFactory.create(roles=("Editor",)))
    mine = flood(own, 3)
    flood(article, 3)
    group = only_group()
    client.force_login(emil)
    decisions.decide(ids=[c.pk for c in mine[1:]], to=State.SPAM, reason="spam", actor=emil)
    assert [row.title for row in client.get(LIST).context["rows"]] == ["1 comment made of the same phrases"]

    client.post(url(group), {"act": "spam"})
    page = client.get(LIST)
    assert (page.context["rows"], page.context["kinds"]) == ([], [])
    assert client.get(LIST, {"first": "on"}).status_code == 200  # no group is left to open
    assert list(pages.open_groups(emil)) == []
    assert list(pages.open_groups(maria)) == [group]

    decisions.undo(batch=Batch.objects.latest("at"), actor=emil)
    assert list(pages.open_groups(emil)) == [group]


def test_editor_reads_nothing_from_other_stories_in_a_group(client, maria, article):
    nora = UserFactory.create(name="Nora", roles=("Editor",))
    own = make_article("Our ferry")
    own.editors.add(nora)
    article.editors.add(UserFactory.create(roles=("Editor",)))
    spun = "{} our big big day was so very very nice and it is all for me and you and her and him so on, {}"
    for n in range(6):
        make_comment(article, spun.format(n + 10_000, "zebra xylophone confidential"))
    mine = [make_comment(own, spun.format(n + 10_000, "")) for n in range(3)]
    with triggers_disabled():
        Comment.objects.exclude(pk__in=[c.pk for c in mine]).update(state="pending")
    for n in range(60):
        make_comment(article, f"Honest words {n} on the piles and rotten boards of harbour {n:x}{n * 7:x}")
    scan.run_scan()
    group = members_of([mine[0].pk])[mine[0].pk].group

    def shown(user: User) -> tuple[set[str], bool]:
        client.force_login(user)
        listed, page = client.get(LIST), client.get(url(group))
        [line] = (line for line in listed.context["rows"] if line.group == group)
        counts = "9 made of phrases"
        return {*line.distinctive_words, *page.context["words"]}, counts in listed.text or counts in page.text

    assert {"zebra", "xylophone"} <= shown(maria)[0]
    assert shown(maria)[1]
    words, is_counted = shown(nora)
    assert not words & {"zebra", "xylophone", "confidential"}
    assert not is_counted


def test_original_is_shown_only_to_people_who_may_decide_on_it(client, maria, article):
    nora, guest = UserFactory.create(name="Nora", roles=("Editor",)), GuestFactory.create(name="Maria")
    own = make_article("Our ferry")
    own.editors.add(nora)
    article.editors.add(UserFactory.create(roles=("Editor",)))
    for where, dot in ((article, ""), (own, "."), (own, "..")):
        make_comment(where, GOOD + dot, guest=guest)
    group = only_group()
    for user, is_shown in ((maria, True), (nora, False)):
        client.force_login(user)
        page = client.get(url(group)).text
        assert ("Duplicate of a comment by Maria" in page) == is_shown
        assert "2 duplicates of a comment by Maria" in page


def test_members_deselected_by_an_editor_are_not_proposed_again(client, maria, article):
    editor = UserFactory.create(roles=("Editor",))
    article.editors.add(editor)
    spam = flood(article, 6)
    group = only_group()
    decisions.decide(ids=[spam[0].pk], to=State.SPAM, reason="spam", actor=maria)  # one less meanwhile
    client.force_login(editor)

    listed = [comment.pk for comment in spam[1:]]
    client.post(url(group), {"shown": listed, "in": listed[1:], "act": "spam"})

    scan.run_scan()
    assert not CommentGroup.objects.filter(resolved_at=None).exists()


def test_scan_deletes_earlier_groups_and_keeps_the_order(client, maria):
    for n in range(5):
        guest, own = GuestFactory.create(name=f"Maria {n}"), make_article(f"Story {n}")
        for body in (f"{n} cats", f"{n} cats.", f"{n} cats.."):
            make_comment(own, f"{body} were on the ferry of the captain's uncle {n * 'again '}.", guest=guest)
    SimilarityScan.objects.create(asked_at=timezone.now() - timedelta(days=1))  # its job was lost
    client.force_login(maria)
    orders = []
    for _ in range(4):
        scan.run_scan()
        orders.append([line.title for line in client.get(LIST).context["rows"]])
    assert len(orders[0]) > 4
    assert orders == [orders[0]] * 4
    assert SimilarityScan.objects.count() == 1


def test_page_says_whether_the_original_is_kept_or_removed(client, maria, article):
    guest = GuestFactory.create(name="Maria")
    first, *_ = [make_comment(article, GOOD + dot, guest=guest) for dot in ("", ".", "..")]
    group = only_group()
    client.force_login(maria)
    assert "The first comment is kept" in client.get(url(group)).text
    decisions.decide(ids=[first.pk], to=State.REJECTED, reason="insult", actor=maria)
    assert "The first comment has already been removed." in client.get(url(group)).text


def test_duplicates_of_a_removed_comment_are_not_removed(client, maria, article):
    """Otherwise no copy of the text would be left."""
    guest = GuestFactory.create(name="Maria")
    first, *again = [make_comment(article, GOOD + dot, guest=guest) for dot in ("", ".", "..")]
    group = only_group()
    decisions.decide(ids=[first.pk], to=State.SPAM, reason="spam", actor=maria)
    client.force_login(maria)
    answer = client.post(url(group), {"reason": "repeat"}, follow=True)
    assert f"Comment #{first.pk} is not published." in answer.text
    assert set(Comment.objects.filter(pk__in=[c.pk for c in again]).values_list("state", flat=True)) == {
        "published"
    }


def test_removed_duplicates_link_to_their_original(client, maria, article):
    guest = GuestFactory.create(name="Maria")
    first, *again = [make_comment(article, GOOD + dot, guest=guest) for dot in ("", ".", "..")]
    group = only_group()
    client.force_login(maria)

    page = client.get(url(group))
    client.post(url(group), {"reason": page.context["proposed"]})

    assert group.kind == "repeat"
    assert "Duplicate of a comment by Maria" in page.text
    gone = Comment.objects.filter(state=State.REJECTED)
    assert set(gone.values_list("pk", "duplicate_of", "state_reason")) == {
        (c.pk, first.pk, "repeat") for c in again
    }


def test_statements_do_not_grow_with_the_group(client, maria, article):
    client.force_login(maria)

    def statements(address: str) -> int:
        client.get(address)
        with CaptureQueriesContext(connection) as asked:
            client.get(address)
        return len(asked)

    def both() -> tuple[int, int]:
        group = only_open()
        return statements(LIST), statements(url(group))

    def only_open() -> CommentGroup:
        scan.run_scan()
        return CommentGroup.objects.order_by("-made_at")[0]

    flood(article, 15)
    few = both()
    flood(make_article("Another"), 40)
    assert both() == few
    assert few[0] <= 16
    assert few[1] <= 18


@pytest.mark.parametrize(
    "query", ["?page=x", "?of=x", "?of=99999999999", "?kind=", "?done=x", "?page=99999999999999", "?of=1"]
)
def test_invalid_queries_are_no_server_errors(client, maria, query):
    client.force_login(maria)

    assert client.get(LIST + query).status_code in {200, 404}


@pytest.mark.parametrize(
    "query", ["?after=nan.1", "?after=x", "?after=0.5", "?without=x.y", "?of=a", "?after=1e9.5"]
)
def test_invalid_places_are_no_server_errors(client, maria, article, query):
    flood(article, 3)
    client.force_login(maria)

    assert client.get(url(only_group()) + query).status_code == 200


def test_comment_redirects_to_its_group(client, maria, article):
    spam, good = flood(article, 4), make_comment(article, GOOD)
    group = only_group()
    client.force_login(maria)

    answer = client.get(f"{LIST}?of={spam[2].pk}", follow=True)

    assert answer.request["PATH_INFO"] == url(group)
    assert "3 similar comments" in answer.text
    assert "There is no group of similar comments for this comment" in client.get(f"{LIST}?of={good.pk}").text


def test_card_hides_a_group_without_other_members(client, maria, article):
    spam = flood(article, 4)
    decisions.decide(ids=[c.pk for c in spam[1:]], to=State.SPAM, reason="spam", actor=maria)
    client.force_login(maria)

    scan.run_scan()
    assert not CommentGroup.objects.exists()
    assert "similar comments," not in client.get(f"/moderation/comments/{spam[0].pk}/").text


def test_card_shows_the_clues_of_its_group(client, maria, article):
    library = make_article("Library", body="The library opens on Saturdays.")
    things = ["work", "idea", "view", "song", "day", "one", "two"]
    praise = [make_comment(library, f"Superb {thing}. https://cheap.example/{thing}") for thing in things]
    spam = flood(article, 5)
    scan.run_scan()
    client.force_login(maria)

    def card(comment: Comment) -> str:
        return client.get(f"/moderation/comments/{comment.pk}/").text

    assert "Most of its text consists of phrases that other comments use." in card(spam[1])
    assert re.search(r"<mark>[^<]*Truly a marvellous magazine with splendid columns", card(spam[1]))
    assert "It has hardly a word in common with the story and the discussion." in card(praise[1])
    Finding.objects.create(comment=praise[1], revision=1, check_name="drift", strength=0.2, holds=False)
    assert card(praise[1]).count("<span>It has hardly a word in common") == 1
    edit_comment(comment=spam[1], body=GOOD, user=None, guest=spam[1].guest)
    assert "phrases that other comments use" not in card(spam[1])


OLD = """\
March 3rd, 2014
09:15 AM ET

The ferry will not sail on Sundays

From May on, nobody crosses the sound on a Sunday.

Topics: Harbour

soundoff (4 Responses)
  1. Ann

    My mother lives over there.

    March 3, 2014 at 9:40 am | Reply

  2. Bo

    Very useful blog, keep going.

    March 3, 2018 at 9:40 am | Reply

  3. Cy

    My mother crosses the sound on Mondays now.

    March 4, 2018 at 9:40 am | Reply

  4. Di

    Such useful information, thanks.

    March 5, 2018 at 9:40 am | Reply

Post a comment
"""


def test_nightly_scan_opens_a_case_for_the_most_doubtful_comment():
    import_page(data=OLD.encode(), filename="story.txt")

    scan.nightly_scan()
    scan.nightly_scan()

    assert not CommentGroup.objects.exists()
    assert [case.comment.source_number for case in Case.objects.all()] == [2]


def test_large_site_is_scanned_by_a_job(client, maria, article, monkeypatch):
    monkeypatch.setattr("moderation.similar.views.MAX_SYNCHRONOUS_SCAN", 2)
    flood(article, 4)
    client.force_login(maria)

    with TestCase.captureOnCommitCallbacks(execute=True):
        first = client.get(LIST)
        client.get(LIST)

    assert first["Refresh"] == "3"
    assert "Scanning the site" in first.text
    task = DBTaskResult.objects.get()  # once, however often the page is opened meanwhile
    assert scan.look_over.call(*task.args_kwargs["args"]) == 1
    assert scan.look_over.call(*task.args_kwargs["args"]) == 0  # a job may run twice
    page = client.get(LIST)
    assert "Refresh" not in page
    assert "4 comments made of the same phrases" in page.text
    again = client.post(reverse("moderation:rescan"), follow=True)
    assert again["Refresh"] == "3"
    assert "4 comments made of the same phrases" in again.text


def test_times_are_in_the_zone_of_the_site(client, maria, article):
    """The story itself has a different time zone."""
    Article.objects.update(source_zone="America/New_York")
    Site.objects.update(time_zone="Europe/Oslo")
    flood(article, 5)
    Comment.objects.update(created_at=datetime(2021, 3, 6, 4, 47, tzinfo=UTC))
    scan.run_scan()
    client.force_login(maria)
    groups = CommentGroup.objects.values_list("pk", flat=True)
    for page in (LIST, *(reverse("moderation:group", args=[pk]) for pk in groups)):
        html = client.get(page).content.decode()
        assert "6 March 2021, 05:47" in html
        assert html.count("Times are Oslo time unless noted.") == 1
