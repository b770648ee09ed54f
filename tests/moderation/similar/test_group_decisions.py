"""Decisions on a group of similar comments: exceptions, members left unchanged, and Undo."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction
from django.http import HttpResponse
from django.urls import reverse

from comments.models import Comment, Reason, State
from comments.services.editing import edit_comment
from moderation.actions import decisions
from moderation.models import Action, Case, CommentGroup
from moderation.reports.reporting import report_illegal_content
from moderation.similar import scan
from moderation.similar.decisions import decide_group
from tests.factories import GuestFactory, UserFactory, make_comment
from tests.helpers.waiting import PATIENCE, wait_for_a_lock
from tests.moderation.queue.helpers import text
from tests.moderation.similar.helpers import GOOD, LIST, flood, members, only_group, url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


def states() -> list[tuple[object, ...]]:
    return list(Comment.objects.order_by("pk").values_list("pk", "state", "state_reason", "reply_count"))


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
    act = Action.objects.get()
    assert act.parameters == {"group": str(group.pk), "kind": "text"}
    assert url(group) not in answer.text
    scan.run_scan()  # deselected comments are not proposed again
    assert not CommentGroup.objects.filter(resolved_at=None).exists()
    decisions.undo(action=act, actor=maria)
    scan.run_scan()  # comments of an undone decision are proposed again
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
    act = Action.objects.get()
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
    decisions.undo(action=Action.objects.get(), actor=maria)

    client.post(url(group), {"act": "spam"})

    assert Comment.objects.filter(state=State.SPAM).count() == len(spam)


def test_undone_group_is_listed_again_at_once(client, maria, article):
    flood(article, 4)
    client.force_login(maria)
    group = only_group()
    client.post(url(group), {"act": "spam"})
    assert "4 comments made" not in client.get(LIST).text

    client.post(reverse("moderation:undo", args=[Action.objects.get().pk]), {"next": LIST})

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


def test_a_newer_scan_does_not_propose_deselected_comments_again(client, maria, article):
    spam = flood(article, 6)
    group = only_group()
    edit_comment(comment=spam[1], body=spam[2].body, user=None, guest=spam[1].guest)
    scan.run_scan()  # while the group is open in a browser
    newer = CommentGroup.objects.filter(kind=group.kind).latest("made_at")
    client.force_login(maria)

    shown = [comment.pk for comment in spam[:2]]
    answer = client.post(url(group), {"shown": shown, "act": "spam"}, follow=True)

    assert members(newer) == {comment.pk for comment in spam[1:]}  # the text of one has changed
    assert url(newer) in answer.redirect_chain[-1][0]
    ticked = re.findall(r'name="in" value="([0-9]+)" checked', answer.text)
    assert ticked == [str(spam[1].pk)]


def test_members_changed_meanwhile_are_left_unchanged(client, maria, article):
    spam = flood(article, 5)
    group = only_group()
    decisions.decide(ids=[spam[0].pk], to=State.PUBLISHED, reason="approved", actor=UserFactory.create())
    edit_comment(comment=spam[1], body=GOOD, user=None, guest=spam[1].guest)
    client.force_login(maria)

    answer = client.post(url(group), {"act": "spam"}, follow=True)

    assert set(Comment.objects.visible()) == set(spam[:2])
    assert "Changed the text" in answer.text


def listed_skipped(page: HttpResponse) -> list[tuple[str, str]]:
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

    act = Action.objects.get(actor=maria)
    page = client.get(reverse("moderation:action", args=[act.pk]))
    outcomes = ["Removed: insult", "Approved", "Removed: offensive name"]
    for told_by in (answer, page):
        assert "3 were left unchanged" in told_by.text
        assert listed_skipped(told_by) == [
            (f"#{spam[n].pk}", f"Omar: {what}") for n, what in enumerate(outcomes, start=1)
        ]
    decisions.decide(ids=[spam[1].pk], to=State.PUBLISHED, reason="approved", actor=maria)
    assert listed_skipped(client.get(page.request["PATH_INFO"])) == listed_skipped(page)


def test_first_of_many_refused_members_are_named(client, maria, article):
    spam, omar = flood(article, 60), UserFactory.create(name="Omar", roles=("Moderator",))
    group = only_group()
    client.force_login(maria)
    since = client.get(url(group)).context["since"]
    decisions.decide(ids=[c.pk for c in spam[:50]], to=State.SPAM, reason="spam", actor=omar)

    answer = client.post(url(group), {"act": "spam", "since": since}, follow=True)

    assert "50 were left unchanged" in answer.text
    assert len(listed_skipped(answer)) == 5
    page = client.get(reverse("moderation:action", args=[Action.objects.get(actor=maria).pk]))
    assert "50 were left unchanged" in page.text
    assert len(listed_skipped(page)) == 20


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


def test_approved_members_are_not_proposed_again(client, maria, article):
    flood(article, 4)
    group = only_group()
    client.force_login(maria)

    client.post(url(group), {"act": "approved"})
    scan.run_scan()

    assert not CommentGroup.objects.filter(resolved_at=None).exists()
    assert Comment.objects.visible().count() == 4


@pytest.mark.django_db(transaction=True)
def test_member_reported_as_illegal_concurrently_is_left_out(maria, article):
    spam = flood(article, 4)
    group = only_group()

    def mark_as_spam() -> decisions.ActionResult:
        try:
            return decide_group(group=group, to=State.SPAM, reason="spam", actor=maria)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as colleague:
        with transaction.atomic():
            report_illegal_content(
                comment=spam[0], why="It is a threat.", name="Zoe", email="zoe@example.org"
            )
            decision = colleague.submit(mark_as_spam)
            wait_for_a_lock()
        done = decision.result(timeout=PATIENCE)
    assert [item.comment for item in done.skipped] == [spam[0].pk]
    assert set(done.changed) == {comment.pk for comment in spam[1:]}
    assert Case.objects.open().get(comment=spam[0]).is_reported_illegal
