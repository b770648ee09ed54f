"""Quick actions on a discussion or the whole site: their effects, messages and Undo."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connections, transaction
from django.test import Client
from django.urls import reverse

from articles.models import Site
from comments.models import Comment, Discussion, State
from comments.services.discussions import change_discussion, lock_discussions
from comments.services.editing import edit_comment
from moderation.actions import quick_actions
from moderation.actions.decisions import undo
from moderation.models import Action, Case, Finding, SettingChange
from tests.articles.editing.editor_forms import article_form
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.postgres.tampering import triggers_disabled
from tests.helpers.waiting import PATIENCE, wait_for_a_lock

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["discussion", "site"])
def target(request):
    return request.param


def apply_action(name: str, target: str, article: Any, actor: Any) -> Action:
    action = quick_actions.apply_quick_action(
        name=name, article=article.pk if target == "discussion" else None, actor=actor
    )
    assert action
    return action


def read(client: Any, article: Any) -> str:
    return re.sub(r'\sdata-(version|seq)="\d+"', "", client.get(article.get_absolute_url()).content.decode())


def test_hidden_discussion_is_shown_nowhere(client, target, maria):
    member = UserFactory.create(has_page=True)
    article = make_article("The harbour", rights="ours")
    comment = make_comment(article, "A word about herring.", author=member)
    with triggers_disabled():
        Comment.objects.update(state="published")
    Discussion.objects.update(visible_count=1)
    slug, before, lists = article.slug, read(client, article), client.get("/").content
    assert b"1 comment" in lists

    assert "A word about" in client.get("/search/?q=herring&in=comments").content.decode()

    action = apply_action("hide", target, article, maria)

    shown = read(client, article)
    assert "The discussion of this story is hidden." in shown
    assert "herring" not in shown
    assert "1 comment" not in shown
    assert b"1 comment" not in client.get("/").content
    for name in ("story-version", "find", "story-feed", "story-new"):
        url = reverse(name, args=[slug]) + ("?since=0" if name == "story-new" else "")
        assert client.get(url).status_code == 404, name
    for name in ("comment", "reply", "recommend"):
        assert client.get(reverse(name, args=[slug, comment.pk])).status_code == 404, name
    assert client.get(reverse("reply", args=[slug])).status_code == 404
    assert "A word about" not in client.get("/search/?q=herring&in=comments").content.decode()
    assert "herring" not in client.get(reverse("public-page", args=[member.pk])).content.decode()
    with pytest.raises(ValidationError):
        make_comment(article, author=member)

    undo(action=action, actor=maria)
    assert (read(client, article), client.get("/").content) == (before, lists)


def test_closed_discussion_accepts_no_comments(client, target, maria):
    article = make_article()
    discussion = Discussion(article=article)
    comment = make_comment(article, author=maria)
    before = read(client, article)
    assert "Add to the discussion" in before
    action = apply_action("close", target, article, maria)
    shown = read(client, article)
    assert "Closed" in shown
    assert "reply/" not in shown
    assert client.get(reverse("reply", args=[article.slug])).status_code == 302
    assert "This discussion is closed." in read(client, article)
    with pytest.raises(ValidationError, match="closed"):
        make_comment(article, author=maria, parent=comment)
    discussion.site = Site()  # the settings at the time when the form was opened
    Discussion.objects.get_or_create(pk=article.pk)
    stored = Discussion.objects.get(pk=article.pk)
    stored.site, stored.status, stored.article = Site(), "open", article
    with pytest.raises(ValidationError, match="was just closed"):
        # The insert statement itself checks the setting.
        make_comment(article, author=maria, discussion=stored)
    undo(action=action, actor=maria)
    assert read(client, article) == before


def test_pre_moderation_holds_every_comment(target, maria):
    article, guest = make_article(), GuestFactory.create(confirmed_at="2026-01-01T00:00Z")
    known = make_comment(article, "One", guest=guest)
    with triggers_disabled():
        Comment.objects.filter(pk=known.pk).update(state="published", state_reason="approved")
    assert make_comment(article, "Two", guest=guest).state == "published"
    action = apply_action("review", target, article, maria)
    waiting = make_comment(article, "Three of them", guest=guest)
    assert waiting.state == "pending"
    assert [f.check_name for f in waiting.findings.all()] == ["reviewed_first"]
    assert make_comment(article, "From us", author=maria).state == "published"
    undo(action=action, actor=maria)
    assert make_comment(article, "Four in all", guest=guest).state == "published"


def test_pre_moderation_of_the_site_overrides_post_moderation(maria):
    article = make_article()
    Discussion.objects.create(article=article, moderation="post")
    assert make_comment(article).state == "published"
    apply_action("review", "site", article, maria)
    assert make_comment(article, "Other words here").state == "pending"


def test_permissions_for_quick_actions(client, maria):
    article = make_article()
    editor, other = (UserFactory.create(roles=("Editor",)) for _ in range(2))
    article.editors.add(editor)
    url = reverse("moderation:quick-action", args=[article.pk, "close"])
    site = reverse("moderation:site-quick-action", args=["close"])
    assert "Not saved: you are logged out" in client.post(url).text
    for user, own, whole in [(UserFactory.create(), 403, 403), (other, 404, 403), (editor, 302, 403)]:
        client.force_login(user)
        assert (client.post(url).status_code, client.post(site).status_code) == (own, whole)
    client.force_login(maria)
    assert client.get(url).status_code == 405
    assert client.post(reverse("moderation:quick-action", args=[article.pk, "explode"])).status_code == 404
    assert client.post(site).status_code == 302
    assert SettingChange.objects.count() == 2


PREMODERATED = "Pre-moderation is on for this discussion."


def test_story_has_the_menu_for_moderators_and_actions_return_to_it(client, maria):
    article = make_article()
    assert "Moderate this discussion" not in client.get(article.get_absolute_url()).content.decode()
    client.force_login(UserFactory.create())
    assert "Moderate this discussion" not in client.get(article.get_absolute_url()).content.decode()
    client.force_login(maria)
    page = client.get(article.get_absolute_url()).content.decode()
    assert "Moderate this discussion" in page
    url = f"{reverse('moderation:quick-action', args=[article.pk, 'review'])}?next=story"
    assert url in page
    assert PREMODERATED not in page
    answer = client.post(url, follow=True)
    assert answer.redirect_chain[-1][0] == f"{article.get_absolute_url()}#comments"
    assert re.search(r">Pre-moderation is on</a></span>\s*<form", answer.content.decode())
    assert "End pre-moderation" in answer.content.decode()
    assert PREMODERATED in client.get(article.get_absolute_url()).content.decode()
    assert PREMODERATED not in Client().get(article.get_absolute_url()).content.decode()
    assert client.post(url, follow=True).content.decode().count("Nothing changed.") == 1


def test_list_of_discussions_has_the_most_waiting_first(client, maria, django_assert_max_num_queries):
    quiet = make_article("Quiet")
    for n in range(30):
        busy = make_article(f"Busy {n}")
        make_comment(busy)
    client.force_login(maria)
    with django_assert_max_num_queries(12):
        page = client.get(reverse("moderation:discussions")).content.decode()
    assert page.index("Busy 0") < page.index("Quiet")
    waiting = re.findall(r'href="(/moderation/\?article=[^"]+)">\s*1 waiting', page)
    assert len(set(waiting)) == 30
    assert client.get(waiting[0]).content.decode().count('class="tick"') == 1
    found = client.get(reverse("moderation:discussions"), {"q": "quiet"}).content.decode()
    assert (quiet.title in found, "Busy 0" in found) == (True, False)
    for hostile in ("?page=-1", "?page=x", "?page=99999999999999999999", "?q=%00%27", "?done=x"):
        assert client.get(reverse("moderation:discussions") + hostile).status_code == 200


@pytest.mark.parametrize(
    ("name", "sentence"), [("close", "Closed with the whole site"), ("hide", "Hidden with the whole site")]
)
def test_status_of_the_site_is_not_shown_as_closed_by_age(name, sentence, client, maria):
    make_comment(make_article())
    apply_action(name, "site", make_article(), maria)
    client.force_login(maria)
    page = client.get(reverse("moderation:discussions")).text
    assert page.count(sentence) == 2
    assert "Closed because of its age" not in page


def test_undo_does_not_override_a_later_change_in_the_admin(client, maria):
    """This also holds for the same value; a change made in the admin is recorded as an action."""
    article = make_article("The harbour")
    make_comment(article)
    closing = quick_actions.apply_quick_action(name="close", article=article.pk, actor=maria)
    client.force_login(UserFactory.create(name="Ada", roles=("Administrator",)))
    url = reverse("admin:comments_discussion_change", args=[article.pk])
    for status in ("open", "closed"):
        client.post(url, {"status": status, "moderation": "conditional"})
    decision = undo(action=closing, actor=maria)
    assert (decision.action, [r.actor for r in decision.skipped]) == (None, ["Ada"])
    assert undo(action=Action.objects.latest("at"), actor=maria).action.changes.count() == 1
    assert Discussion.objects.get().status == "open"


def test_settings_changed_in_the_editor_are_recorded_as_actions(client):
    article = make_article("The harbour")
    ada = UserFactory.create(name="Ada", roles=("Administrator",))
    client.force_login(ada)
    url = reverse("admin:articles_article_change", args=[article.pk])
    assert client.post(url, article_form(article)).status_code == 302
    assert not Action.objects.exists()
    client.post(url, article_form(article, status="closed", moderation="pre"))
    assert set(Action.objects.values_list("actor", "parameters__field")) == {
        (ada.pk, "status"),
        (ada.pk, "moderation"),
    }
    client.force_login(ada)
    assert "The harbour" in client.get(reverse("moderation:history")).text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["root", "reply", "edit"])
def test_comment_sent_during_the_change_waits_for_review(way, target, maria, checking_policy):
    """The checks ran with the earlier setting; under the lock the new setting applies and they run again."""
    article, person = make_article(), UserFactory.create()
    change_discussion(article=article, moderation=Discussion.Moderation.POST)
    own = make_comment(article, "First words.", author=person)
    parent = own if way == "reply" else None

    def send() -> Comment:
        try:
            if way == "edit":
                comment = Comment.objects.get(pk=own.pk)
                return edit_comment(comment=comment, body="Just in time?", user=person, guest=None)
            return make_comment(article, "Just in time?", parent=parent, author=person)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            lock_discussions([article.pk])
            apply_action("review", target, article, maria)
            sending = other.submit(send)
            wait_for_a_lock()
        sent = sending.result(timeout=PATIENCE)
    sent.refresh_from_db()
    assert (sent.state, sent.body) == (State.PENDING, "Just in time?")
    found = Finding.objects.filter(comment=sent, revision=sent.revision)
    assert found.filter(check_name="reviewed_first").exists()
    assert Case.objects.filter(comment=sent).exists()
