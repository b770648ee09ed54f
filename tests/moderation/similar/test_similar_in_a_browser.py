"""The page of one group in Chromium, by keyboard."""

from uuid import uuid4

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from comments.models import Comment
from moderation.models import Action, CommentGroup, CommentGroupMember
from moderation.similar import finished_scans, scan
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.browser import log_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("moderation_without_checks"),
]


def test_enter_on_a_checkbox_only_saves_the_selection(browser, live_server):
    article = make_article()
    for n in range(5):
        body = (
            "Truly a marvellous magazine with splendid columns, my cousin reads such columns all winter long."
        )
        make_comment(article, f"{n} {body}", guest=GuestFactory.create(name=f"Cousin {n}"))
    scan.run_scan()
    user = UserFactory.create(roles=("Moderator",))
    page = browser.new_page()
    log_in(page.context, live_server, user)
    page.goto(live_server.url + reverse("moderation:group", args=[CommentGroup.objects.get().pk]))
    box = page.locator("input[name=in]").first
    left_out = box.get_attribute("value")

    box.press("Space")
    expect(page.get_by_text("4 selected")).to_be_visible()
    box.press("Enter")

    page.wait_for_url(f"**?without={left_out}&since=*")
    expect(page.locator("input[name=in]:not(:checked)")).to_have_count(1)
    assert not Action.objects.exists()


def test_selection_is_kept_when_going_back(browser, live_server):
    article = make_article()
    pks = [make_comment(article, f"Buy our teak benches, number {n}.").pk for n in range(60)]
    group = CommentGroup.objects.create(kind=CommentGroup.Kind.TEXT, scan_id=uuid4(), size=60)
    for pk in pks:
        CommentGroupMember.objects.create(group=group, comment_id=pk, similarity=1, last_transition_id=None)
    user = UserFactory.create(roles=("Moderator",))
    page = browser.new_page()
    log_in(page.context, live_server, user)
    page.goto(live_server.url + reverse("moderation:group", args=[group.pk]))
    page.get_by_role("button", name="Next page").click()
    page.wait_for_url("**after=**")
    box = page.locator("input[name=in]").last
    left_out = box.get_attribute("value")

    box.press("Space")
    page.go_back()

    expect(page.get_by_text("59 selected")).to_be_visible()
    page.get_by_role("button", name="Next page").click()
    page.wait_for_url("**after=**")
    expect(page.locator("input[name=in]:not(:checked)")).to_have_value(left_out)
    page.get_by_role("button", name="Mark as spam").click()
    expect(page.locator(".undo")).to_contain_text("59 comments")
    assert list(Comment.objects.exclude(state="spam").values_list("pk", flat=True)) == [int(left_out or 0)]


def test_ticks_are_not_restored_by_their_position_when_going_back(browser, live_server):
    article = make_article()
    pks = [make_comment(article, f"Nice, number {n}.").pk for n in range(4)]
    group = CommentGroup.objects.create(kind="text", scan_id=uuid4(), size=4)
    for pk in pks:
        CommentGroupMember.objects.create(group=group, comment_id=pk, similarity=1, last_transition_id=None)
    page = browser.new_page()
    log_in(page.context, live_server, UserFactory.create(roles=("Moderator",)))
    url = live_server.url + reverse("moderation:group", args=[group.pk])
    page.goto(url)
    left_out = page.locator("input[name=in]").last.get_attribute("value")
    page.goto(f"{url}?without={left_out}")
    page.get_by_role("button", name="Mark as spam").click()
    page.wait_for_url("**done=**")
    page.go_back()
    expect(page.locator("input[name=in]")).to_have_count(1)
    expect(page.locator("input[name=in]")).to_have_value(left_out)
    expect(page.locator("input[name=in]")).not_to_be_checked()


def test_a_second_press_does_not_decide_on_the_next_group(browser, live_server):
    article = make_article()
    scan.run_scan()
    latest = finished_scans().first()
    assert latest
    for text in ("Buy our teak benches", "Read all about my holidays"):
        group = CommentGroup.objects.create(kind=CommentGroup.Kind.TEXT, scan_id=latest.pk, size=3)
        for n in range(3):
            comment = make_comment(article, f"{text}, number {n}.")
            CommentGroupMember.objects.create(
                group=group, comment_id=comment.pk, similarity=1, last_transition_id=None
            )
    user = UserFactory.create(roles=("Moderator",))
    page = browser.new_page()
    log_in(page.context, live_server, user)
    page.clock.install()
    page.goto(live_server.url + reverse("moderation:group", args=[group.pk]))
    proposed = page.get_by_role("button", name="Mark as spam")
    proposed.click()
    page.wait_for_url("**done=**")
    expect(proposed).to_be_disabled()
    page.clock.run_for(1_000)
    expect(proposed).to_be_enabled()
    proposed.click()
    expect(page.locator(".undo")).to_contain_text("3 comments")
    expect(proposed).to_have_count(0)
    assert not Comment.objects.exclude(state="spam").exists()
