"""The editors' room behind the form. Emil and Edda are editors of one story; Ruth reads."""

import html
import json
import re
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import EDITOR, MODERATOR, READER, User
from articles import writing
from articles.admin import ArticleForm
from articles.models import (
    Article,
    Image,
    Note,
    Presence,
    Revision,
    Sheet,
    Site,
    StandingPage,
    Topic,
    Unsaved,
)
from articles.services import save_article, save_page, sign_article
from articles.writing import (
    correct,
    keep_unsaved,
    publish,
    restore,
    set_embargo,
    take_back,
    tell_presence,
)
from comments.services import change_discussion
from tests.articles.images.made import jpeg, upload
from tests.articles.test_admin import ADD, as_, change, form
from tests.factories import UserFactory, make_article

pytestmark = pytest.mark.django_db

KEEP = "/admin/articles/article/unsaved/"
OURS = {"HTTP_ORIGIN": "http://testserver"}


@pytest.fixture
def emil() -> User:
    return UserFactory.create(name="Emil", roles=(EDITOR,))


@pytest.fixture
def edda() -> User:
    return UserFactory.create(name="Edda", roles=(EDITOR,))


@pytest.fixture
def draft() -> Article:
    return make_article(
        "Boats", body="The boat leaves at nine.\n\nNobody waits.\n\nThe end.", published_at=None
    )


def opened(client: Client, url: str) -> dict[str, str]:
    """What the page carries, to be sent back with its form."""
    page = client.get(url).content.decode()
    return {name: re.search(f'name="{name}" value="([^"]*)"', page)[1] for name in ("nonce", "read")}


def of(article: Article, **values) -> dict[str, str]:
    return (
        form(
            title=article.title,
            slug=article.slug,
            body=article.body,
            byline=article.byline,
            stage=article.stage,
        )
        | values
    )


def act(article: Article, name: str) -> str:
    return reverse("admin:articles_article_publication", args=[article.pk, name])


def keep(client: Client, **values):
    """What a script tells of an open page: of the fields these, and of the rest that nothing is in them."""
    data = {name: str(values.pop(name, "")) for name in ("key", "read", "nonce")}
    typed = {"title": [""], "standfirst": [""], "body": [""]} | {
        name: [value] for name, value in values.items()
    }
    return client.post(KEEP, data | {"nonce": data["nonce"] or str(uuid4()), "typed": json.dumps(typed)})


def turned(page: dict[str, str], turn: int = 1) -> dict[str, str]:
    """What the page carries once something was typed on it."""
    return page | {"nonce": re.sub("[0-9]+$", str(turn), page["nonce"])}


def own(page: dict[str, str]) -> str:
    return page["nonce"].split()[-1].split(":")[0]


def unsaved() -> list[str]:
    return [row.typed["body"][0] for row in Unsaved.objects.filter(is_done=False)]


# Two in one article


def test_a_second_save_overwrites_nothing_and_shows_both_texts(draft, emil, edda):
    first, second = as_(emil), as_(edda)
    read = opened(second, change(draft))
    first.post(
        change(draft), of(draft, body=draft.body.replace("nine", "ten")) | opened(first, change(draft))
    )
    hers = of(draft, body=draft.body.replace("nine", "eleven")) | read

    response = second.post(change(draft), hers)

    page = response.content.decode()
    assert response.status_code == 200
    assert "<del>ten</del>" in page
    assert "<ins>eleven</ins>" in page
    assert "Emil saved this article at" in page
    assert "Please correct" not in page
    draft.refresh_from_db()
    assert "at ten" in draft.body
    aside = draft.revisions.get(is_aside=True)
    assert ("at eleven" in aside.body, aside.by, aside.base) == (True, edda, 1)

    again = re.search('name="read" value="([^"]*)"', page)[1]
    assert second.post(change(draft), hers | {"read": again}).status_code == 302
    draft.refresh_from_db()
    assert "at eleven" in draft.body
    assert [(r.number, r.by.name) for r in draft.revisions.saved().order_by("number")[1:]] == [
        (2, "Emil"),
        (4, "Edda"),
    ]


@pytest.mark.django_db(transaction=True)
def test_of_two_that_are_sent_at_the_same_moment_one_is_asked(draft, emil, edda):
    desks = [as_(emil), as_(edda)]
    sent = [
        of(draft, body=f"{draft.body} {n}") | opened(client, change(draft)) for n, client in enumerate(desks)
    ]
    statuses = []

    def save(client, data):
        statuses.append(client.post(change(draft), data).status_code)
        connection.close()

    threads = [threading.Thread(target=save, args=each) for each in zip(desks, sent, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 302]
    assert draft.revisions.saved().count() == 2
    assert draft.revisions.filter(is_aside=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_a_colleague_types_waits_for_nobody_who_sends_a_picture(draft, emil, edda, monkeypatch):
    """The form opens what was sent while it holds the article: up to a minute."""
    failed = []

    def type_on() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '500ms'")
                tell_presence(thing=draft, editor=edda, typed=True)
                typed = {"body": ["Typed by Edda."]}
                keep_unsaved(
                    sheets=[Sheet(uuid4(), 1)], editor=edda, kind=Article, thing=draft, typed=typed, read=""
                )
        except OperationalError as error:
            failed.append(error)
        finally:
            connection.close()

    def in_time(*args, **kwargs) -> None:
        thread = threading.Thread(target=type_on)
        thread.start()
        thread.join()

    monkeypatch.setattr(ArticleForm, "check_lead_image", in_time)
    assert as_(emil).post(change(draft), of(draft, title="Ships")).status_code == 302
    assert (failed, unsaved()) == ([], ["Typed by Edda."])
    monkeypatch.setattr(writing, "save_article", in_time)
    restore(revision=Revision.objects.latest("number"), by=emil, seen=Article.objects.get().version)
    assert failed == []


def test_a_browser_cuts_nothing_that_is_pasted_and_too_long_is_told(draft, emil):
    client = as_(emil)
    form = client.get(change(draft)).context["adminform"].form
    assert not [name for name in form.fields if "maxlength" in str(form[name])]
    page = client.post(change(draft), of(draft, new_note="x" * 5001)).content.decode()
    assert "it has 5001" in page
    assert "x" * 5001 in page


def test_changes_that_do_not_touch_are_put_together_before_they_are_saved(draft, emil, edda):
    first, second = as_(emil), as_(edda)
    read = opened(second, change(draft))
    first.post(change(draft), of(draft, body=draft.body.replace("nine", "ten")))
    hers = of(draft, body=draft.body.replace("The end.", "The end, for now.")) | read
    page = second.post(change(draft), hers).content.decode()
    assert 'value="both"' in page
    renewed = {"read": re.search('name="read" value="([^"]*)"', page)[1]}

    response = second.post(change(draft), hers | renewed | {"_fill": "both"})

    both = "The boat leaves at ten.\n\nNobody waits.\n\nThe end, for now."
    assert response.context["adminform"].form["body"].value() == both
    draft.refresh_from_db()
    assert "for now" not in draft.body
    page = second.post(change(draft), hers | renewed | {"_fill": "theirs"})
    assert page.context["adminform"].form["body"].value() == draft.body
    page = second.post(change(draft), hers | renewed | {"_fill": "mine", "body": "?"})
    assert page.context["adminform"].form["body"].value() == hers["body"]
    assert draft.revisions.filter(is_aside=True).count() == 1
    assert second.post(change(draft), hers | renewed | {"body": both}).status_code == 302
    draft.refresh_from_db()
    assert draft.body == both


def test_what_only_a_colleague_changed_stays_as_they_saved_it(draft, emil, edda):
    topic = Topic.objects.create(name="Harbour", slug="harbour")
    second = as_(edda)
    read = opened(second, change(draft))
    as_(emil).post(change(draft), of(draft, byline="Emil and Edda", topics=[topic.pk]))
    assert second.post(change(draft), of(draft, body="Hers.") | read).status_code == 302
    draft.refresh_from_db()
    assert (draft.body, draft.byline, list(draft.topics.all())) == ("Hers.", "Emil and Edda", [topic])


def test_authors_and_the_lead_image_of_a_colleague_stay_too(draft, emil, edda):
    image = Image.objects.create(alt="A boat", width=8, height=8, suffix="png", digest="a" * 64)
    second = as_(edda)
    read = opened(second, change(draft))
    as_(emil).post(change(draft), of(draft, signed_0=emil.pk, signed_1=edda.pk, lead_image=image.pk))
    assert second.post(change(draft), of(draft, body="Hers.") | read).status_code == 302
    draft.refresh_from_db()
    assert (draft.body, draft.lead_image) == ("Hers.", image)
    signed = list(draft.bylines.values_list("author__user", flat=True))
    assert signed == [emil.pk, edda.pk]

    read = opened(second, change(draft))
    as_(emil).post(change(draft), of(draft, signed_0=edda.pk, signed_1=emil.pk, lead_image=image.pk))
    hers = of(draft, body="Hers, again.", signed_0=emil.pk, signed_1=edda.pk, lead_image=image.pk) | read
    assert second.post(change(draft), hers).status_code == 302
    assert list(draft.bylines.values_list("author__user", flat=True)) == [edda.pk, emil.pk]


def choices(page: str) -> dict[str, list[str]]:
    """What is to be chosen: the two values of each name."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall('type="radio" name="(take-[^"]+)" value="([^"]+)"', page):
        found.setdefault(name, []).append(value)
    return found


def values(page: str) -> list[str]:
    return [html.unescape(value) for value in re.findall('<span class="value" dir="auto">(.*?)</span>', page)]


def test_each_other_field_that_both_changed_is_asked_about(draft, emil, edda):
    harbour, sea = (Topic.objects.create(name=name, slug=name.lower()) for name in ("Harbour", "Sea"))
    second = as_(edda)
    read = opened(second, change(draft))
    his = of(draft, byline="Emil", topics=[harbour.pk], rights="licensed", signed_0=emil.pk, editors=[])
    as_(emil).post(change(draft), his)
    hers = of(draft, byline="Edda", topics=[sea.pk], rights="unknown", signed_0=edda.pk, source_name="Quay")

    page = second.post(change(draft), hers | read).content.decode()

    assert "Not saved yet: Emil saved this article at" in page
    shown = ["Emil", "Edda", "Emil", "Edda", "Harbour", "Sea", "licensed", "unknown"]
    assert sorted(values(page)) == sorted(shown)
    asked = choices(page)
    assert asked.keys() == {"take-byline", "take-topics", "take-rights", "take-signed"}
    draft.refresh_from_db()
    assert (draft.byline, draft.source_name) == ("Emil", "")

    # One is left out: asked again, with what was chosen.
    chosen = {"take-byline": asked["take-byline"][1], "take-topics": asked["take-topics"][0]}
    chosen |= {"take-rights": asked["take-rights"][0]}
    page = second.post(change(draft), hers | read | chosen).content.decode()
    assert page.count(" checked>") >= 3
    assert choices(page) == asked
    draft.refresh_from_db()
    assert draft.byline == "Emil"

    chosen |= {"take-signed": asked["take-signed"][1]}
    assert second.post(change(draft), hers | read | chosen).status_code == 302
    draft.refresh_from_db()
    assert (draft.byline, list(draft.topics.all()), draft.rights) == ("Edda", [harbour], "licensed")
    assert (draft.signed_by()[0].name, draft.source_name) == ("Edda", "Quay")


def test_a_form_that_comes_back_shows_what_only_a_colleague_has_changed(draft, emil, edda):
    topic = Topic.objects.create(name="Harbour", slug="harbour")
    draft.editors.add(emil, edda)
    sign_article(article=draft, people=[emil])
    change_discussion(article=draft, status="open", moderation="conditional")
    second = as_(edda)
    read = opened(second, change(draft))
    discussion = {"TOTAL_FORMS": "1", "INITIAL_FORMS": "1", "0-article": draft.pk, "0-status": "open"}
    discussion |= {"0-moderation": "conditional"}
    hers = of(draft, byline="Edda", signed_0=emil.pk, editors=[emil.pk, edda.pk])
    hers |= {f"discussion-{name}": value for name, value in discussion.items()}
    his = {"byline": "Emil", "rights": "licensed", "topics": [topic.pk], "signed_0": edda.pk, "editors": []}
    his |= {"signed_1": emil.pk, "standfirst": "Of boats.", "discussion-0-status": "closed"}
    his |= {"discussion-0-members_only": "on", "discussion-0-closes_at_0": "2030-01-15"}
    his |= {"discussion-0-closes_at_1": "14:00"}
    assert as_(emil).post(change(draft), hers | his).status_code == 302

    response = second.post(change(draft), hers | read)

    form = response.context["adminform"].form
    (inline,) = response.context["inline_admin_formsets"][0].formset.forms
    assert values(response.content.decode()) == ["Emil", "Edda"]
    names = ("byline", "rights", "topics", "signed", "editors", "standfirst")
    assert {name: form[name].value() for name in names} == {
        "byline": "Edda",
        "rights": "licensed",
        "topics": [str(topic.pk)],
        "signed": [str(edda.pk), str(emil.pk), "", ""],
        "editors": [],
        "standfirst": "Of boats.",
    }
    names = ("status", "members_only", "closes_at")
    assert [inline[name].value() for name in names] == ["closed", True, ["2030-01-15", "14:00:00"]]


def test_a_third_value_is_asked_about_anew(draft, emil, edda):
    second = as_(edda)
    read = opened(second, change(draft))
    as_(emil).post(change(draft), of(draft, byline="Emil"))
    hers = of(draft, byline="Edda") | read
    asked = choices(second.post(change(draft), hers).content.decode())
    as_(emil).post(change(draft), of(draft, byline="Emil Berg"))
    chosen = {"take-byline": asked["take-byline"][1]}
    page = second.post(change(draft), hers | chosen).content.decode()
    assert values(page) == ["Emil Berg", "Edda"]
    assert "checked" not in page.partition('class="choice"')[2].partition("</fieldset>")[0]
    draft.refresh_from_db()
    assert draft.byline == "Emil Berg"


def test_fields_and_texts_that_both_changed_are_asked_about_together(draft, emil, edda):
    second = as_(edda)
    read = opened(second, change(draft))
    as_(emil).post(change(draft), of(draft, byline="Emil", body=draft.body.replace("nine", "ten")))
    hers = of(draft, byline="Edda", body=draft.body.replace("The end.", "The end, for now."))
    response = second.post(change(draft), hers | read)
    for text, held in (("both", "ten"), ("theirs", "ten"), ("mine", "nine")):
        renewed = {"read": response.context["read"], "nonce": response.context["nonce"]}
        response = second.post(change(draft), hers | renewed | {"_fill": text})
        assert held in response.context["adminform"].form["body"].value()
        asked = choices(response.content.decode())
        assert asked.keys() == {"take-byline"}
    renewed = {"read": response.context["read"], "take-byline": asked["take-byline"][1]}
    assert second.post(change(draft), hers | renewed).status_code == 302
    draft.refresh_from_db()
    assert (draft.byline, "for now" in draft.body) == ("Edda", True)


def test_what_was_left_as_a_colleague_changed_it_is_told(draft, emil, edda):
    second = as_(edda)
    read = opened(second, change(draft))
    as_(emil).post(change(draft), of(draft, byline="Emil and Edda"))
    told = second.post(change(draft), of(draft, body="Hers.") | read, follow=True).content.decode()
    assert "Somebody else has changed this meanwhile, and it was left so: Byline." in told


def test_a_picture_that_is_sent_takes_the_place_of_no_colleagues_unseen(
    draft, emil, edda, tmp_path, settings
):
    settings.MEDIA_ROOT = tmp_path / "media"
    image = Image.objects.create(alt="A boat", width=8, height=8, suffix="png", digest="a" * 64)
    second = as_(edda)
    read = opened(second, change(draft))
    as_(emil).post(change(draft), of(draft, lead_image=image.pk))

    def hers(**values):
        sent = {"lead_file": upload(jpeg(), "slip.jpg"), "lead_alt": "The slip"}
        return of(draft) | read | sent | values

    page = second.post(change(draft), hers()).content.decode()
    assert values(page) == [str(image), "slip.jpg"]
    assert "Choose it again" in page
    draft.refresh_from_db()
    assert draft.lead_image == image
    (asked,) = choices(page).values()
    assert second.post(change(draft), hers(**{"take-lead_image": asked[0]})).status_code == 302
    draft.refresh_from_db()
    assert (draft.lead_image, Image.objects.count()) == (image, 1)
    read["read"] = opened(second, change(draft))["read"]
    second.post(change(draft), hers(lead_image=image.pk))
    draft.refresh_from_db()
    assert draft.lead_image.alt == "The slip"


def test_a_correction_that_was_typed_while_the_story_was_taken_back_is_not_lost(emil, edda):
    story = make_article("Out")
    second = as_(edda)
    read = opened(second, change(story))
    take_back(article=story, why="", seen=story.version)
    assert second.post(change(story), of(story, new_correction="It was nine.") | read).status_code == 302
    assert story.corrections.get().text == "It was nine."


def test_who_saved_in_another_window_is_told_so(draft, emil):
    client = as_(emil)
    read = opened(client, change(draft))
    client.post(change(draft), of(draft, body="Here.") | opened(client, change(draft)))
    assert "you saved this article elsewhere at" in (
        client.post(change(draft), of(draft, body="There.") | read).content.decode()
    )


def test_to_publish_meanwhile_is_no_conflict(draft, emil, edda):
    second = as_(edda)
    read = opened(second, change(draft))
    publish(article=draft, at=timezone.now(), seen=draft.version)
    assert second.post(change(draft), of(draft, body="Hers.") | read).status_code == 302
    draft.refresh_from_db()
    assert (draft.body, draft.is_published()) == ("Hers.", True)


def test_whoever_opens_it_reads_who_has_it_open(draft, emil, edda, time_machine):
    first, second = as_(emil), as_(edda)
    first.get(change(draft))
    assert "Emil has it open." in second.get(change(draft)).content.decode()
    keep(first, key=draft.pk, body="Typed.")
    time_machine.move_to(timezone.now() + timedelta(seconds=70))
    told = second.post(KEEP, {"nonce": str(uuid4()), "key": draft.pk}).json()
    assert told["others"] == ["Emil has it open, last typed 1 min ago."]
    first.post(KEEP, {"nonce": str(uuid4()), "key": draft.pk, "gone": "1"})
    assert not Presence.objects.filter(editor=emil).exists()


def test_whoever_types_is_told_that_a_colleague_saved(draft, emil, edda):
    second = as_(edda)
    read = opened(second, change(draft))
    assert second.post(KEEP, {"key": draft.pk, **read}).json()["newer"] == ""
    as_(emil).post(change(draft), of(draft, body="His."))
    assert "Emil saved it at" in second.post(KEEP, {"key": draft.pk, **read}).json()["newer"]


# What was not saved


def test_what_was_typed_is_offered_taken_up_and_gone_once_saved(draft, emil):
    client = as_(emil)
    page = turned(opened(client, change(draft)))
    assert keep(client, key=draft.pk, title="Boats", body="Typed.", **page).json()["kept"] is True

    shown = client.get(change(draft)).content.decode()
    assert "You have unsaved changes of" in shown
    assert "Typed." not in shown
    url = f"{change(draft)}?unsaved={own(page)}"
    response = client.get(url)
    assert response.context["adminform"].form["body"].value() == "Typed."
    again = opened(client, url)
    assert (again["read"], again["nonce"].split()[0]) == (page["read"], page["nonce"])
    client.post(change(draft), of(draft, body="Typed, and more.") | again)
    assert unsaved() == []
    late = keep(client, key=draft.pk, title="Boats", body="Typ", **page)
    assert (late.json()["kept"], unsaved()) == (False, [])


def test_all_that_is_typed_is_taken_up(draft, emil, edda):
    harbour, sea = (Topic.objects.create(name=name, slug=name.lower()) for name in ("Harbour", "Sea"))
    draft.topics.add(harbour)
    client = as_(emil)
    page = turned(opened(client, change(draft)))
    typed = {
        "title": ["Boats"],
        "body": [draft.body],
        "new_note": ["Is nine right?"],
        "topics": [str(sea.pk)],
        "editors": [],
        "signed_0": [str(edda.pk)],
        "signed_1": [str(emil.pk)],
        "lead_alt": ["The slip"],
        "lead_is_decorative": [],
        "rights": ["licensed"],
        "discussion-0-moderation": ["pre"],
        "discussion-0-members_only": ["on"],
        "discussion-0-closes_at_0": ["2030-01-15"],
        "discussion-0-closes_at_1": ["half past"],
        "of a form of another day": ["x"],
    }
    told = client.post(KEEP, page | {"key": draft.pk, "typed": json.dumps(typed)}).json()
    assert told["kept"] is True

    response = client.get(f"{change(draft)}?unsaved={own(page)}")

    form = response.context["adminform"].form
    (discussion,) = response.context["inline_admin_formsets"][0].formset.forms
    shown = {
        name: form[name].value() for name in ("new_note", "topics", "editors", "signed", "lead_alt", "rights")
    }
    assert shown == {
        "new_note": "Is nine right?",
        "topics": [str(sea.pk)],
        "editors": [],
        "signed": [str(edda.pk), str(emil.pk), None, None],
        "lead_alt": "The slip",
        "rights": "licensed",
    }
    assert discussion["moderation"].value() == "pre"
    assert discussion["members_only"].value() is True
    assert discussion["closes_at"].value() == ["2030-01-15", "half past"]
    again = opened(client, f"{change(draft)}?unsaved={own(page)}")
    sent = of(draft, new_note="Is nine right?", topics=[sea.pk], signed_0=edda.pk, rights="licensed")
    assert client.post(change(draft), sent | again).status_code == 302
    draft.refresh_from_db()
    assert (draft.rights, list(draft.topics.all()), draft.notes.get().body) == (
        "licensed",
        [sea],
        "Is nine right?",
    )


@pytest.mark.parametrize("typed", ["", "[]", "{", "1", '{"title": 1}', '{"title": [1]}'])
def test_what_is_no_form_is_refused(draft, emil, typed):
    assert as_(emil).post(KEEP, {"key": draft.pk, "typed": typed}).status_code == 400
    assert unsaved() == []


def test_signs_that_no_database_holds_do_not_cost_the_others(draft, emil):
    assert keep(as_(emil), key=draft.pk, body="Typed\ud83d\x00.").status_code == 200
    assert unsaved() == ["Typed?."]
    odd = {
        "key": draft.pk,
        "nonce": f"{uuid4()}:1",
        "typed": '{"body": ["A."], "a\\u0000b": ["c"], "": [""]}',
    }
    assert as_(emil).post(KEEP, odd).status_code == 200
    assert unsaved() == ["A.", "Typed?."]


def test_signs_that_no_database_holds_do_not_cost_what_loses_its_place(draft, emil, edda):
    draft.editors.add(edda)
    sent = of(draft, body="Typed\x00.") | {"": "x"}
    told = as_(emil).post(change(draft), sent, follow=True).content.decode()
    assert "not yours to edit any more" in told
    assert unsaved() == ["Typed."]


def test_a_text_that_is_taken_up_in_two_windows_is_two(draft, emil):
    client = as_(emil)
    page = turned(opened(client, change(draft)))
    keep(client, key=draft.pk, title="Boats", body="Typed.", **page)
    url = f"{change(draft)}?unsaved={own(page)}"
    one, two = (turned(opened(client, url)) for _ in range(2))
    keep(client, key=draft.pk, title="Boats", body="Typed here.", **one)
    keep(client, key=draft.pk, title="Boats", body="Typed there.", **two)
    assert sorted(unsaved()) == ["Typed here.", "Typed there."]
    assert client.post(change(draft), of(draft, body="Typed here.") | one).status_code == 302
    assert unsaved() == ["Typed there."]


def test_a_page_that_was_sent_back_keeps_one_text(draft, emil):
    client = as_(emil)
    page = turned(opened(client, change(draft)))
    keep(client, key=draft.pk, title="", body="Typed.", **page)
    response = client.post(change(draft), of(draft, title="", body="Typed.") | page)
    back = turned({name: response.context[name] for name in ("nonce", "read")})
    assert back["nonce"].startswith(page["nonce"])
    assert "You have unsaved changes" not in response.content.decode()
    keep(client, key=draft.pk, title="", body="Typed, and more.", **back)
    assert unsaved() == ["Typed, and more."]


def test_unsaved_changes_of_before_a_colleague_saved_meet_their_text(draft, emil, edda):
    client = as_(emil)
    page = turned(opened(client, change(draft)))
    keep(client, key=draft.pk, title="Boats", body="Typed.", **page)
    as_(edda).post(change(draft), of(draft, body="Hers."))
    page = opened(client, f"{change(draft)}?unsaved={own(page)}")
    assert "Not saved yet" in client.post(change(draft), of(draft, body="Typed.") | page).content.decode()
    draft.refresh_from_db()
    assert draft.body == "Hers."


def test_a_new_article_is_kept_before_it_has_a_title(emil, edda):
    client = as_(emil)
    page = turned(opened(client, ADD))
    keep(client, body="A beginning.", **page)
    assert "You have unsaved changes of" in client.get(ADD).content.decode()
    assert "You have unsaved changes" not in as_(edda).get(ADD).content.decode()
    response = client.get(f"{ADD}?unsaved={own(page)}")
    assert response.context["adminform"].form["body"].value() == "A beginning."
    client.post(ADD, form(body="A beginning.") | page)
    assert unsaved() == []


def test_a_form_that_comes_back_once_others_edit_what_it_made_is_kept_for_a_new_one(emil, edda):
    client = as_(emil)
    page = opened(client, ADD)
    assert client.post(ADD, form(body="A beginning.") | page).status_code == 302
    Article.objects.get().editors.set([edda])
    told = client.post(ADD, form(body="A beginning, and more.") | page, follow=True).content.decode()
    assert "not yours to edit any more" in told
    assert "You have unsaved changes of" in told
    assert unsaved() == ["A beginning, and more."]
    assert Article.objects.get().body == "A beginning."


def test_a_form_of_a_standing_page_makes_no_story_come_back(emil):
    """They have keys of their own, and one sheet could be sent to either."""
    client, sheet = as_(emil), uuid4()
    page = save_page(page=StandingPage(title="About", slug="about", body="Us."), by=emil, nonce=sheet)
    draft = make_article(pk=page.pk, published_at=None)
    made = client.post(ADD, form(title="Another", body="New.") | {"nonce": f"{sheet}:0"})
    assert made.status_code == 302
    assert set(Article.objects.values_list("title", flat=True)) == {draft.title, "Another"}


def test_what_was_written_for_an_article_that_is_gone_is_kept_for_a_new_one(draft, emil, edda):
    client = as_(emil)
    page = turned(opened(client, change(draft)))
    keep(client, key=draft.pk, title="Boats", body="Typed.", **page)
    assert "You have unsaved changes of" in client.get("/admin/articles/article/").content.decode()
    draft.editors.add(edda)
    told = client.post(change(draft), of(draft, body="Typed, and sent."), follow=True).content.decode()
    assert "not yours to edit any more" in told
    assert told.count("You have unsaved changes of") == 2
    draft.delete()
    page = client.get(f"{ADD}?unsaved={own(page)}")
    assert page.context["adminform"].form["body"].value() == "Typed."


@pytest.mark.django_db(transaction=True)
def test_a_page_makes_one_article_however_often_it_is_sent(emil):
    client = as_(emil)
    page = form(body="A beginning.", stage="draft") | opened(client, ADD)

    def send():
        assert client.post(ADD, page).status_code == 302
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    article = Article.objects.get()
    response = client.post(ADD, page | {"_then": "publish"})
    assert response["Location"] == act(article, "publish")
    # Back to the page, on it goes, and sent again.
    response = client.post(ADD, page | {"body": "A beginning, and more."}, follow=True)
    assert response.context["adminform"].form["body"].value() == "A beginning, and more."
    assert Article.objects.get().body == "A beginning."
    data = page | {"slug": article.slug, "body": "A beginning, and more."}
    data |= {"read": response.context["read"], "nonce": response.context["nonce"]}
    assert "Not saved yet" in client.post(change(article), data).content.decode()


def test_what_is_thrown_away_is_ones_own(draft, emil, edda):
    client = as_(emil)
    nonce = uuid4()
    keep(client, key=draft.pk, title="Boats", body="Typed.", nonce=str(nonce))
    url = reverse("admin:articles_article_throw", args=[nonce])
    assert as_(edda).post(url).status_code == 404
    assert client.get(url).status_code == 404
    assert client.post(url).status_code == 302
    assert unsaved() == []
    assert client.post(url).status_code == 404


@pytest.mark.parametrize("role", [READER, MODERATOR])
def test_nobody_else_keeps_or_reads_anything(draft, emil, role):
    draft.editors.add(emil)
    for other in (as_(UserFactory.create(roles=(role,))), Client(), as_(UserFactory.create(roles=(EDITOR,)))):
        assert keep(other, key=draft.pk, body="x").status_code in {302, 403, 404}
        for url in (
            act(draft, "publish"),
            reverse("admin:articles_article_history", args=[draft.pk]),
            reverse("admin:articles_article_restore", args=[draft.pk, 1]),
        ):
            for response in (other.get(url), other.post(url)):
                assert response.status_code in {302, 403, 404}
                assert "Nobody waits" not in response.content.decode()
    assert not Unsaved.objects.exists()
    draft.refresh_from_db()
    assert draft.version == 1


def test_whoever_is_logged_out_gets_the_text_back(draft):
    response = Client().post(change(draft), of(draft, body="An hour of work."), **OURS)
    page = response.content.decode()
    assert response.status_code == 403
    assert "you are logged out" in page
    assert "An hour of work." in page
    assert 'name="title" value="Boats"' in page
    stranger = Client().post(
        change(draft), of(draft, body="Forged."), HTTP_ORIGIN="https://elsewhere.example"
    )
    assert "Forged." not in stranger.content.decode()


def test_an_old_secret_gives_the_text_back_with_a_new_one(draft, emil):
    client = Client(enforce_csrf_checks=True)
    client.force_login(emil)
    data = of(draft, body="An hour of work.") | opened(client, change(draft))
    response = client.post(change(draft), data | {"csrfmiddlewaretoken": "x" * 64}, **OURS)
    page = response.content.decode()
    assert response.status_code == 403
    assert "An hour of work." in page
    token = re.search('name="csrfmiddlewaretoken" value="([^"]*)"', page)[1]
    assert client.post(change(draft), data | {"csrfmiddlewaretoken": token}, **OURS).status_code == 302
    draft.refresh_from_db()
    assert draft.body == "An hour of work."


# Versions


def test_two_versions_are_compared_and_one_comes_back(draft, emil):
    draft.body = draft.body.replace("nine", "ten")
    save_article(article=draft, by=emil)
    client, history = as_(emil), reverse("admin:articles_article_history", args=[draft.pk])
    listed = client.get(history).content.decode()
    assert "Emil" in listed
    page = client.get(f"{history}?old=2&new=1").content.decode()
    assert "at <del>nine</del><ins>ten</ins>." in page
    restore = reverse("admin:articles_article_restore", args=[draft.pk, 1])
    assert client.get(restore).status_code == 404
    client.post(restore, {"seen": draft.version - 1})
    draft.refresh_from_db()
    assert "ten" in draft.body
    client.post(restore, {"seen": draft.version})
    draft.refresh_from_db()
    assert "nine" in draft.body
    assert "Number 1 brought back." in client.get(history).content.decode()
    assert client.get(f"{history}?old=1&new=99").status_code == 404


def test_markup_in_a_text_is_shown_as_text(draft, emil):
    draft.body = "<script>alert(1)</script> <b>"
    save_article(article=draft, by=emil)
    history = reverse("admin:articles_article_history", args=[draft.pk])
    assert "<script>alert" not in as_(emil).get(f"{history}?old=1&new=2").content.decode()


# When readers see it


def test_from_the_form_to_published_in_two_presses(emil):
    client = as_(emil)
    response = client.post(ADD, form(_then="publish"))
    article = Article.objects.get()
    assert response["Location"] == act(article, "publish")
    assert "Everybody can read it" in client.get(act(article, "publish")).content.decode()
    assert client.get(article.get_absolute_url()).status_code == 404
    assert client.post(act(article, "publish"), {"seen": article.version}).status_code == 302
    assert client.get(article.get_absolute_url()).status_code == 200


def test_it_is_scheduled_in_the_newsrooms_zone_and_said_as_a_person_would(draft, emil, time_machine):
    Site.objects.update(time_zone="Africa/Cairo")
    time_machine.move_to("2030-01-15T09:50:00Z", tick=False)
    client = as_(emil)
    asked = client.get(act(draft, "schedule")).content.decode()
    assert "Cairo time" in asked
    assert 'value="2030-01-15"' in asked  # mostly it is today
    data = {"seen": draft.version, "at_0": "2030-01-15", "at_1": "14:00"}
    page = client.post(act(draft, "schedule"), data, follow=True).content.decode()
    assert "Scheduled: 14:00, in 2 h 10 min, Cairo time." in page
    draft.refresh_from_db()
    assert draft.published_at.isoformat() == "2030-01-15T12:00:00+00:00"


@pytest.mark.parametrize("day", ["0001-01-01", "0026-01-15", "3000-01-01", "9999-12-31"])
def test_a_year_that_no_archive_has_is_refused(draft, emil, day):
    client = as_(emil)
    for name in ("schedule", "embargo"):
        data = {"seen": draft.version, "at_0": day, "at_1": "23:59"}
        assert "can’t be right" in client.post(act(draft, name), data).content.decode()
    draft.refresh_from_db()
    assert draft.published_at is draft.embargo_until is None


def test_a_press_on_what_was_changed_meanwhile_does_nothing(draft, emil):
    response = as_(emil).post(act(draft, "publish"), {"seen": draft.version - 1})
    assert "It was changed since you opened this page" in response.content.decode()
    draft.refresh_from_db()
    assert draft.published_at is None


def test_an_embargo_is_held_told_and_lifted(draft, emil):
    client = as_(emil)
    client.post(act(draft, "embargo"), {"seen": draft.version, "at_0": "2130-01-15", "at_1": "14:00"})
    draft.refresh_from_db()
    assert draft.is_embargoed()
    held = client.get(act(draft, "publish")).content.decode()
    assert "Everybody can read it" not in held
    assert f'href="{act(draft, "embargo")}"' in held
    assert "Embargoed until" in client.get(change(draft)).content.decode()
    told = client.post(act(draft, "publish"), {"seen": draft.version}).content.decode()
    assert "Not done: Embargoed until" in told
    client.post(act(draft, "embargo"), {"seen": draft.version, "lift": ""})
    draft.refresh_from_db()
    assert draft.embargo_until is None


def test_an_embargo_that_is_over_holds_what_is_dated_before_it(draft, emil):
    held = set_embargo(article=draft, until=timezone.now() - timedelta(hours=1), seen=draft.version)
    values = {"seen": held.version, "at_0": "2020-01-15", "at_1": "14:00"}
    told = as_(emil).post(act(draft, "schedule"), values).content.decode()
    assert "Not done: Its date lies before the end of its embargo" in told


def test_a_story_that_is_taken_back_says_so_at_its_address(emil):
    story = make_article("The mayor’s boat", body="Wrong.")
    reader, client = Client(), as_(emil)
    assert reader.get(story.get_absolute_url()).status_code == 200
    client.post(act(story, "take-back"), {"seen": story.version, "why": "It named the wrong person."})
    for visitor in (reader, client):
        response = visitor.get(story.get_absolute_url())
        page = response.content.decode()
        assert response.status_code == 410
        assert "This story was taken back" in page
        assert "It named the wrong person." in page
        assert "mayor" not in page.replace(story.slug, "")
    assert reader.get(f"{story.get_absolute_url()}reply/").status_code == 404
    assert "mayor" not in reader.get("/").content.decode()
    moment = story.published_at
    story.refresh_from_db()
    client.post(act(story, "publish"), {"seen": story.version, "as-before": ""})
    story.refresh_from_db()
    assert story.published_at == moment
    assert reader.get(story.get_absolute_url()).status_code == 200


def test_what_does_not_apply_is_told_and_not_done(emil):
    story = make_article("Out")
    response = as_(emil).post(act(story, "schedule"), {"seen": story.version}, follow=True)
    assert "Published:" in response.content.decode()
    assert as_(emil).get(act(story, "nothing")).status_code == 404


# Words beside it


def test_notes_are_between_editors(draft, emil, edda):
    as_(emil).post(change(draft), of(draft, new_note="Is nine right?"))
    draft.refresh_from_db()
    assert (draft.version, Note.objects.get().by) == (1, emil)
    assert "Is nine right?" in as_(edda).get(change(draft)).content.decode()
    published = publish(article=draft, at=timezone.now(), seen=1)
    assert "Is nine right?" not in Client().get(published.get_absolute_url()).content.decode()


def test_a_note_beside_a_text_of_several_lines_changes_no_text(emil):
    """Browsers send lines with two signs at their end. To readers and their feeds nothing has happened."""
    story = make_article("Out", standfirst="One.\nTwo.", body="First.\n\nSecond.")
    as_(emil).post(
        change(story), of(story, standfirst="One.\r\nTwo.", body="First.\r\n\r\nSecond.", new_note="Nine?")
    )
    before, story = story, Article.objects.get()
    assert story.notes.get().body == "Nine?"
    assert (story.version, story.updated_at) == (before.version, before.updated_at)
    told = as_(emil).get(reverse("admin:articles_article_history", args=[story.pk])).content.decode()
    assert "Changed A note to your colleagues." in told
    as_(emil).post(change(story), of(story, standfirst="One.\r\nTwo.", body="First.\r\n\r\nThird."))
    assert Article.objects.get().body == "First.\n\nThird."


def test_a_correction_stands_with_the_story_and_in_the_time_of_its_entry(emil, time_machine):
    story = make_article("Out")
    reader, client = Client(), as_(emil)
    before = re.findall("<updated>(.*?)</updated>", reader.get("/feed/").content.decode())[-1]
    time_machine.move_to(timezone.now() + timedelta(hours=1))
    client.post(change(story), of(story, new_correction="It was nine, not ten."))
    assert "It was nine, not ten." in reader.get(story.get_absolute_url()).content.decode()
    assert re.findall("<updated>(.*?)</updated>", reader.get("/feed/").content.decode())[-1] > before
    assert "It was nine, not ten." in html.unescape(reader.get("/feed/").content.decode())
    url = reverse("admin:articles_article_correction", args=[story.pk, story.corrections.get().pk])
    too_long = client.post(url, {"text": "x" * 2001}).content.decode()
    assert "It has 2001 characters" in too_long
    assert "x" * 2001 in too_long
    seen = client.get(url).context["correction"].text
    client.post(url, {"text": "It was eight.", "seen": seen})
    assert "It was eight." in reader.get(story.get_absolute_url()).content.decode()
    client.post(url, {"text": "It was eight.", "withdraw": "", "seen": "It was eight."})
    assert "It was eight." not in reader.get(story.get_absolute_url()).content.decode()


def test_other_words_for_a_correction_go_over_nobody_elses(emil, edda):
    story = make_article("Out")
    made = correct(article=story, by=emil, text="It was nine.\n\nNot ten.")
    url = reverse("admin:articles_article_correction", args=[story.pk, made.pk])

    def seen(page: str) -> str:
        return html.unescape(re.search('name="seen" value="([^"]*)"', page)[1])

    first, second = as_(emil), as_(edda)
    his, hers = (seen(client.get(url).content.decode()) for client in (first, second))
    assert first.post(url, {"text": "It was eight.", "seen": his.replace("\n", "\r\n")}).status_code == 302
    page = second.post(url, {"text": "It was seven.", "seen": hers}).content.decode()
    assert "somebody else has changed it" in page
    assert "<span>It was eight.</span>" in page
    assert "It was seven.</textarea>" in page
    assert story.corrections.get().text == "It was eight."
    too_long = second.post(url, {"text": "x" * 2001, "seen": seen(page)}).content.decode()
    assert seen(too_long) == "It was eight."
    assert second.post(url, {"text": "It was seven.", "seen": seen(too_long)}).status_code == 302
    assert story.corrections.get().text == "It was seven."
    assert "somebody else" in second.post(url, {"withdraw": "", "text": "", "seen": hers}).content.decode()
    assert story.corrections.exists()


def test_words_for_a_correction_that_was_taken_away_meanwhile_are_not_lost(emil, edda):
    story = make_article("Out")
    made = correct(article=story, by=emil, text="It was nine.")
    url = reverse("admin:articles_article_correction", args=[story.pk, made.pk])
    as_(emil).post(url, {"text": "", "seen": "It was nine."})
    second = as_(edda)
    page = second.post(url, {"text": "It was eight.", "seen": "It was nine."}).content.decode()
    assert "somebody else has taken this correction away" in page
    assert "It was eight.</textarea>" in page
    assert not story.corrections.exists()
    assert second.get(url).status_code == 404
    too_long = second.post(url, {"text": "x" * 2001, "anew": ""}).content.decode()
    assert "x" * 2001 in too_long
    assert second.post(url, {"text": "It was eight.", "anew": ""}).status_code == 302
    anew = story.corrections.get()
    assert (anew.text, anew.by) == ("It was eight.", edda)


def test_a_story_ready_for_review_is_found_in_the_list(draft, emil):
    client = as_(emil)
    client.post(change(draft), of(draft, stage="ready"))
    assert "Ready for review" in client.get("/admin/articles/article/?publication=ready").content.decode()


# The preview


def test_the_preview_tells_the_embargo_and_its_own_end(client, draft):
    held = set_embargo(article=draft, until=timezone.now() + timedelta(days=2), seen=draft.version)
    page = client.get(held.preview_url()).content.decode()
    assert "Embargoed until" in page
    assert "This link works until" in page


def test_a_private_story_and_links_of_before_it_was_taken_back_open_no_preview(
    client, draft, emil, time_machine
):
    url = draft.preview_url()
    Article.objects.filter(pk=draft.pk).update(stage=Article.Stage.PRIVATE)
    assert client.get(url).status_code == 404
    assert as_(UserFactory.create(roles=(READER,))).get(url).status_code == 404
    assert as_(emil).get(url).status_code == 200
    assert "A link to send" not in as_(emil).get(change(draft)).content.decode()
    story = make_article("Out")
    old = story.preview_url()
    time_machine.move_to(timezone.now() + timedelta(minutes=1))
    taken = take_back(article=story, why="", seen=story.version)
    assert client.get(old).status_code == 404
    time_machine.move_to(timezone.now() + timedelta(minutes=1))
    assert "was taken back" in client.get(taken.preview_url()).content.decode()


def test_what_is_scheduled_is_not_made_private_since_it_would_appear(draft, emil):
    draft = publish(article=draft, at=timezone.now() + timedelta(hours=1), seen=draft.version)
    response = as_(emil).post(change(draft), of(draft, stage="private"))
    assert "Take it off the schedule first" in response.content.decode()
    assert Article.objects.get().stage == Article.Stage.DRAFT


@pytest.mark.parametrize("number", ["²", "٣٣٣", "9" * 5000, "-1", "x", ""])
def test_what_is_no_number_is_none_that_there_is(draft, emil, number):
    client = as_(emil)
    assert keep(client, key=number or "0").status_code == 404
    assert client.get(
        change(draft).replace("/change/", "/history/"), {"old": number, "new": "1"}
    ).status_code in {
        200,
        404,
    }
    restore = reverse("admin:articles_article_restore", args=[draft.pk, 1])
    assert client.post(restore, {"seen": number}).status_code == 302
    assert client.post(act(draft, "publish"), {"seen": number}).status_code == 200
    assert not Article.objects.get().is_published()
    assert Revision.objects.count() == 1


def test_its_pages_have_no_inline_script_or_style(draft, emil):
    draft.body = "Other words."
    save_article(article=draft, by=emil)
    client, history = as_(emil), reverse("admin:articles_article_history", args=[draft.pk])
    correction = correct(article=draft, by=emil, text="x")
    for url in (
        history,
        f"{history}?old=1&new=2",
        act(draft, "publish"),
        act(draft, "schedule"),
        reverse("admin:articles_article_correction", args=[draft.pk, correction.pk]),
    ):
        response = client.get(url)
        assert response.status_code == 200
        found = re.findall(
            r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son[a-z]+=\"", response.content.decode()
        )
        assert not found, url
    assert Revision.objects.filter(article=draft).count() == 2
