"""The counts of a group and of the list of groups, also after some members are decided."""

import pytest
from django.urls import reverse

from comments.models import State
from comments.services.editing import edit_comment
from moderation.actions import decisions
from moderation.models import CommentGroup
from moderation.similar import scan
from tests.moderation.queue.helpers import text
from tests.moderation.similar.helpers import LIST, flood, members, only_group, url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]


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


def test_a_deselected_comment_that_is_decided_on_is_not_subtracted(client, maria, article):
    spam = flood(article, 4)
    group = only_group()
    client.force_login(maria)
    page = f"{url(group)}?without={spam[0].pk}.{spam[1].pk}"
    assert client.get(page).context["selected"] == 2
    decisions.decide(ids=[spam[0].pk], to=State.SPAM, reason="spam", actor=maria)
    assert client.get(page).context["selected"] == 2


def test_sets_of_phrases_are_counted_only_while_the_whole_group_is_open(client, maria, article):
    spam = flood(article, 4)
    group = only_group()
    CommentGroup.objects.update(details=group.details | {"wordings": 3})
    client.force_login(maria)
    assert "made from 3 sets of phrases" in client.get(LIST).text
    assert "made from 3 sets of phrases" in client.get(url(group)).text

    decisions.decide(ids=[spam[0].pk], to=State.SPAM, reason="spam", actor=maria)
    assert "3 comments made of the same phrases" in client.get(LIST).text
    assert "sets of phrases" not in client.get(LIST).text
    assert "sets of phrases" not in client.get(url(group)).text


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
