"""The page of proposed parents: who may see it, before and after, and what its buttons do."""

import html
import re

import pytest
from django.urls import reverse

from archive.models import Import
from comments.models import InferredParent
from moderation.models import Action
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.axe import faults
from tests.helpers.browser import log_in
from tests.moderation.reply_structure.conftest import RESTORED, SAVED

pytestmark = pytest.mark.django_db


def proposal(capped, comment, parent):
    """Return the fields of the buttons of one proposal."""
    return {"proposal": f"{capped.pk(comment)}.{capped.pk(parent)}"}


def url(story, name="proposals"):
    return reverse(f"moderation:{name}", args=[story.article.pk])


def words(answer):
    """Return the text of a page without its markup."""
    assert answer.status_code == 200
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def seen(client, story) -> str:
    """Return the fingerprint of the proposals that the page shows."""
    return re.search(r'name="seen" value="(\w+)"', client.get(url(story)).content.decode())[1]


def test_each_proposal_shows_the_parent_before_and_after_with_its_reason(maria_client, capped):
    page = words(maria_client.get(url(capped)))
    assert (
        "Jim Eben....Why not? Before: replying to Root , What do you think? "
        "After: replying to Eben , I do not like it at all. Begins with the name Eben. 95% confidence"
    ) in page
    assert "98%: 2 replies 95%: 3 replies Accept all above" in page
    assert page.index("Begins with the name Eben.") < page.index("Begins with @Jim.")


def test_one_button_is_the_main_one(maria_client, capped):
    page = maria_client.get(url(capped)).content.decode()
    main = page[page.index("<main") : page.index("</main>")]
    buttons = re.findall(r"<button([^>]*)>", main)
    assert len(buttons) == 8  # accept all, two for each of three proposals, find
    assert [button for button in buttons if 'class="btn' not in button] == []
    assert sum("btn-primary" in button for button in buttons) == 1


def test_all_above_the_threshold_are_accepted_and_undone(maria_client, capped):
    values = {"least": "95", "seen": seen(maria_client, capped)}
    answer = maria_client.post(url(capped, "accept-proposals"), values)
    action = Action.objects.get(kind="move")
    assert answer.url == f"{url(capped)}?done={action.pk}"
    assert capped.parents() == RESTORED
    page = words(maria_client.get(answer.url))
    assert "Reply structure restored · 3 comments Undo" in page
    assert "3 accepted" in page
    assert "No open proposals." in page

    answer = maria_client.post(reverse("moderation:undo", args=[action.pk]), {"next": url(capped)})
    assert answer.url.startswith(f"{url(capped)}?done=")
    assert capped.parents() == SAVED
    assert "Undone: Reply structure restored" in words(maria_client.get(answer.url))
    assert "Comments 1 to" not in words(maria_client.get(reverse("moderation:action", args=[action.pk])))


@pytest.mark.parametrize("change", ["added", "decided", "other parent", "not sent"])
def test_proposals_that_differ_from_those_seen_are_not_accepted(maria_client, capped, change):
    stored = InferredParent.objects.filter(comment=capped.pk(4))
    if change == "added":
        stored.update(is_dismissed=True)
    values = {"least": "0", "seen": seen(maria_client, capped)}
    if change == "other parent":
        stored.update(parent=capped.pk(2))
    elif change == "not sent":
        del values["seen"]
    else:
        stored.update(is_dismissed=change == "decided")
    answer = maria_client.post(url(capped, "accept-proposals"), values, follow=True)
    assert "The proposals have changed meanwhile, so none was accepted." in words(answer)
    assert capped.parents() == SAVED
    maria_client.post(url(capped, "accept-proposals"), {"least": "0", "seen": seen(maria_client, capped)})
    assert capped.parents() != SAVED


def test_one_is_accepted_and_one_dismissed(maria_client, capped):
    maria_client.post(url(capped, "accept-proposals"), proposal(capped, 4, 3))
    maria_client.post(url(capped, "dismiss-proposal"), proposal(capped, 5, 4))
    assert capped.parents() == SAVED | {4: 3}
    assert list(InferredParent.objects.open().values_list("comment", flat=True)) == [capped.pk(6)]
    for name in ("accept-proposals", "dismiss-proposal"):  # a second press
        answer = maria_client.post(url(capped, name), proposal(capped, 5, 4), follow=True)
        assert "Somebody has decided on this already." in words(answer)
    action = Action.objects.get(parameters__field="is_dismissed")
    answer = maria_client.post(reverse("moderation:undo", args=[action.pk]), {"next": url(capped)})
    assert InferredParent.objects.open().filter(comment=capped.pk(5)).exists()


def test_one_with_another_parent_than_the_page_showed_is_left_as_it_is(maria_client, capped):
    InferredParent.objects.filter(comment=capped.pk(4)).update(parent=capped.pk(2))
    for name, sentence in (
        ("accept-proposals", "none was accepted"),
        ("dismiss-proposal", "nothing was dismissed"),
    ):
        answer = maria_client.post(url(capped, name), proposal(capped, 4, 3), follow=True)
        assert sentence in words(answer)
    assert capped.parents() == SAVED
    assert InferredParent.objects.open().filter(comment=capped.pk(4)).exists()


@pytest.mark.parametrize("sent", [{}, {"least": ""}, {"least": "-1"}, {"least": "x"}, {"proposal": "x"}])
def test_a_form_that_says_nothing_accepts_nothing(maria_client, capped, sent):
    answer = maria_client.post(url(capped, "accept-proposals"), sent, follow=True)
    assert "Choose what to accept." in words(answer)
    assert capped.parents() == SAVED


def test_proposals_of_an_earlier_import_are_found_by_a_button(maria_client, capped):
    InferredParent.objects.all().delete()
    assert "No open proposals." in words(maria_client.get(url(capped)))
    answer = maria_client.post(url(capped, "find-proposals"), follow=True)
    assert "3 proposals found." in words(answer)


def test_a_discussion_without_imported_comments_has_no_button(maria_client):
    article = make_article()
    make_comment(article)
    page = words(maria_client.get(reverse("moderation:proposals", args=[article.pk])))
    assert "Find proposed parents" not in page


def test_editors_see_and_change_their_own_stories_only(client, capped, emil, edda):
    capped.article.editors.add(emil)
    for user, status in ((emil, 200), (edda, 404), (UserFactory.create(name="Rita"), 403)):
        client.force_login(user)
        assert client.get(url(capped)).status_code == status
        for name in ("accept-proposals", "dismiss-proposal", "find-proposals"):
            if status != 200:
                assert client.post(url(capped, name), proposal(capped, 4, 3)).status_code == status
    assert capped.parents() == SAVED
    client.force_login(emil)
    client.post(url(capped, "dismiss-proposal"), proposal(capped, 4, 3))
    client.post(url(capped, "accept-proposals"), {"least": "0", "seen": seen(client, capped)})
    assert capped.parents() == SAVED | {5: 4, 6: 5}
    for action in Action.objects.filter(kind="move"):
        client.post(reverse("moderation:undo", args=[action.pk]))
    assert capped.parents() == SAVED
    assert InferredParent.objects.open().count() == 3


def test_strangers_log_in_first_and_buttons_need_a_post(client, capped, maria):
    assert client.get(url(capped)).status_code == 302
    assert client.post(url(capped, "accept-proposals"), {"least": "0"}).status_code == 403
    client.force_login(maria)
    for name in ("accept-proposals", "dismiss-proposal", "find-proposals"):
        assert client.get(url(capped, name)).status_code == 405
    assert capped.parents() == SAVED


def test_the_reply_structure_links_to_the_page(maria_client, capped):
    page = maria_client.get(reverse("admin:comments_comment_changelist"), {"discussion": capped.article.pk})
    assert f'href="{url(capped)}"' in page.content.decode()


def test_markup_in_names_and_texts_is_shown_as_it_was_typed(maria_client, capped):
    comment = capped.comment(3)
    type(comment).objects.filter(pk=comment.pk).update(author_name="<b>Eben", body="<script>x</script>")
    page = maria_client.get(url(capped)).content.decode()
    assert "<b>Eben" not in page
    assert "<script>x" not in page
    assert "Begins with the name &lt;b&gt;Eben." in page


def test_the_page_takes_as_many_statements_for_three_as_for_one(
    maria_client, capped, django_assert_max_num_queries
):
    maria_client.get(url(capped))
    with django_assert_max_num_queries(12):
        maria_client.get(url(capped))


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_axe_finds_nothing_and_a_moderator_accepts_and_undoes(page, live_server, maria, capped):
    page.set_viewport_size({"width": 360, "height": 800})
    log_in(page.context, live_server, maria)
    page.goto(f"{live_server.url}{url(capped)}")
    assert faults(page, widths=(1280, 360)) == []
    page.get_by_label("Confidence of at least").select_option("95")
    page.get_by_role("button", name="Accept all above").click()
    page.get_by_text("No open proposals.").wait_for()
    assert capped.parents() == RESTORED
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Accept all above").wait_for()
    assert capped.parents() == SAVED


def test_the_page_of_an_import_links_to_its_proposals(client, ada, data):
    client.force_login(ada)
    with (data / "seed" / "story.txt").open("rb") as file:
        page = client.post(reverse("admin:archive_import_add"), {"file": file}, follow=True)
    assert "5 replies probably answer another comment than the page shows" in words(page)
    article = page.context["article"]
    assert f'href="{reverse("moderation:proposals", args=[article.pk])}"' in page.content.decode()


def test_the_page_of_an_import_links_to_proposals_only_if_they_may_be_opened(client, emil, edda, capped):
    imported = Import.objects.create(
        article=capped.article,
        action=Action.objects.create(kind=Action.Kind.IMPORT),
        filename="ferry.txt",
        found_count=8,
        created_count=8,
    )
    capped.article.editors.add(edda)
    for editor, status in ((edda, 200), (emil, 404)):
        client.force_login(editor)
        page = client.get(reverse("admin:archive_import_change", args=[imported.pk]))
        assert page.status_code == 200
        assert (f'href="{url(capped)}"' in page.text) == (status == 200)
        assert client.get(url(capped)).status_code == status
