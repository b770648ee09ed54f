"""Editors see, count and decide only members of a group on their own stories."""

import pytest

from accounts.models import User
from comments.models import Comment, State
from moderation.actions import decisions
from moderation.models import Action, CommentGroup
from moderation.similar import members_of, pages, scan
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.postgres.tampering import triggers_disabled
from tests.moderation.similar.helpers import GOOD, LIST, flood, only_group, url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


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

    decisions.undo(action=Action.objects.latest("at"), actor=emil)
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
        assert ("Duplicate of a comment by <bdi>Maria</bdi>" in page) == is_shown
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
