"""Floods of spam that arrive while a discussion is open, and good comments around them."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from comments.models import Comment, State
from moderation.actions import decisions
from moderation.models import CommentGroup, CommentGroupMember
from moderation.similar.clues import UNRELATED
from moderation.similar.compared import ComparedComments, Row
from tests.factories import GuestFactory, make_article, make_comment
from tests.helpers.postgres.tampering import triggers_disabled
from tests.moderation.similar.grouping_rows import (
    DAYS,
    GOOD_TEXTS,
    PRAISE,
    STORY,
    good_rows,
    ids,
    proposed_groups,
    row,
)

PRODUCTS = [
    "teak oars",
    "brass lamps",
    "oak doors",
    "silk ties",
    "clay pots",
    "wool rugs",
    "cork mats",
    "jade rings",
]
TOWNS = ["Leeds", "Bergen", "Ghent", "Turin", "Porto", "Varna", "Lodz", "Malmo"]
ADJECTIVES = ["polished", "antique", "solid", "striped", "glazed", "woven", "rough", "carved"]
LATER = DAYS * 900.0


def bbcode(n: int) -> str:
    host = f"http://{TOWNS[n].lower()}{n}.example/{ADJECTIVES[n]}"
    return (
        f"Ahoy! {PRODUCTS[n]}, [url={host}]{ADJECTIVES[n]} {PRODUCTS[n]}[/url], {ADJECTIVES[n]} in {TOWNS[n]}"
    )


def html(n: int) -> str:
    link = f'<a href="http://{TOWNS[n].lower()}{n}.example">{PRODUCTS[n]}</a>'
    return f"My uncle in {TOWNS[n]} makes {ADJECTIVES[n]} {PRODUCTS[n]}: {link}, see him soon."


def plain(n: int) -> str:
    return (
        f"My uncle in {TOWNS[n]} makes {ADJECTIVES[n]} {PRODUCTS[n]} at home, look at "
        f"http://{TOWNS[n].lower()}{n}.example/{n} for a good price before winter."
    )


def phone(n: int) -> str:
    return (
        f"My uncle in {TOWNS[n]} makes {ADJECTIVES[n]} {PRODUCTS[n]} at home, ring 0{n}71 55{n}3 21{n} for a "
        "good price before winter."
    )


FORMS = pytest.mark.parametrize("form", [bbcode, html, plain, phone])


def flood_of(form, *, minutes: float = 600) -> list[Row]:
    return [row(form(n), minutes=minutes + 97 * n) for n in range(len(PRODUCTS))]


@FORMS
@pytest.mark.parametrize("minutes", [600, LATER])
def test_template_with_other_words_is_a_group(form, minutes):
    flood = flood_of(form, minutes=minutes)

    assert proposed_groups([*good_rows(), *flood]) == {"text": ids(flood)}


@FORMS
def test_rest_of_a_template_is_a_group_after_three_decisions(form):
    flood = flood_of(form)
    decided = [one._replace(state="spam") if n in {1, 4, 6} else one for n, one in enumerate(flood)]

    assert proposed_groups([*good_rows(), *decided]) == {
        "text": {one.id for one in decided if one.state != "spam"}
    }


def test_asterisks_do_not_stand_for_the_words_of_a_template():
    flood = [
        row(
            f"{ADJECTIVES[n]} for {TOWNS[n]} in {PRODUCTS[n]} from {n} by {TOWNS[n - 1]} with http://x{n}.example"
        )
        for n in range(len(PRODUCTS))
    ]
    masked = row("**** for **** in **** from 5 by **** with https://council.example")

    assert proposed_groups([*good_rows(), *flood, masked]) == {"text": ids(flood)}


def test_few_texts_of_a_template_are_a_group_only_after_decisions():
    """They use words of the story, so nothing else speaks against them."""
    names = ["Ada Moss", "Bo Reed", "Cato Vane", "Cato Vane"]
    few = [
        row(
            f"The council's slip at {TOWNS[n]} has {ADJECTIVES[n]} piles, see http://{TOWNS[n]}.example", name
        )
        for n, name in enumerate(names)
    ]
    two = [one._replace(state="spam") for one in few[:2]]

    assert proposed_groups([*good_rows(), *few]) == {}
    assert proposed_groups([*good_rows(), *two, *few[2:]]) == {"text": ids(few[2:])}
    assert proposed_groups([*good_rows(), *two, few[2], few[3]._replace(is_kept=True)]) == {}


def test_good_comments_that_link_to_sources_are_no_template():
    sources = [f"{body} See https://source{n}.example/{n}" for n, body in enumerate(GOOD_TEXTS)]
    linking = [row(body, minutes=30 * n) for n, body in enumerate(sources)]

    assert proposed_groups(linking) == {}
    # The same holds under a story on which a template was marked as spam
    gone = [one._replace(state="spam") for one in flood_of(plain)]
    assert proposed_groups([*linking, *gone]) == {}


def test_advertising_links_of_several_people_within_days_are_a_group():
    """Each has its own wording and host."""
    texts = ["Oars at a discount:", "Nobody sells sofas as cheap as mine!", "Free", "Want a loan?"]
    selling = [row(f"{text} http://shop{n}.example", minutes=2_000 * n) for n, text in enumerate(texts)]
    single = [one._replace(at=one.at + timedelta(days=20 * n)) for n, one in enumerate(selling)]

    assert proposed_groups([*good_rows(), *selling]) == {"burst": ids(selling)}
    assert proposed_groups([*good_rows(), *single]) == {}


NUMBER = "0171 555 3210"
CALLS = [f"Ring me: {NUMBER}", f"Tel. {NUMBER}!", "Teak oars, +44 171 5553210", "Ask at (0171) 555-3210"]


def test_same_phone_number_within_days_is_a_group():
    calling = [row(body, minutes=700 + 50 * n) for n, body in enumerate(CALLS)]

    assert proposed_groups([*good_rows(), *calling]) == {"link": ids(calling)}


def test_words_that_only_comments_with_the_same_phone_number_use_are_no_subject():
    texts = [
        f"Sheds with a felt roof in every size, call {NUMBER}.",
        f"A sound roof keeps all your tools dry: sheds from stock, {NUMBER}",
        f"We bring sheds to your garden and fit the roof in a day. {NUMBER}",
        f"Garden sheds at half the price, roof included, ring {NUMBER}",
        f"My tools were wet until I had one of these sheds with a new roof, {NUMBER}",
    ]
    selling = [row(body, minutes=700 + 50 * n) for n, body in enumerate(texts)]
    answering = [
        row("Our sheds at the quay have a roof of tin, and the tools are dry.", minutes=650),
        row("Sheds, roof and tools in a garden: that is what the harbour sells now?", minutes=1_000),
    ]

    assert proposed_groups([*good_rows(), *selling]) == {"link": ids(selling)}
    assert proposed_groups([*good_rows(), *selling, *answering]) == {}


def test_late_advertisement_with_the_number_of_an_earlier_one_is_strange():
    text = f"Sheds with a felt roof in every size, call {NUMBER}."
    late = text.replace("every", "any")
    rows = [*good_rows(), row(text, minutes=700), row(late, minutes=LATER)]

    assert ComparedComments(rows, {1: STORY}).clues[-1] & UNRELATED


def test_same_phone_number_of_people_who_talk_about_the_story_is_no_group():
    texts = [
        f"The council's number is {NUMBER}, ask about the piles.",
        f"I rang {NUMBER} and was told that the slip stays closed.",
        f"Nobody answers {NUMBER}. Rotten council.",
        f"The ferry? {NUMBER}, as long as the council pays for it.",
    ]

    assert proposed_groups([row(body, minutes=700 + 50 * n) for n, body in enumerate(texts)]) == {}


def test_same_email_address_within_days_is_a_group():
    """The address itself is no word that these comments share with the discussion."""
    texts = ["Oars? oars@boats.example", "oars@boats.example helped Jim", "Reach me: oars@boats.example"]
    writing = [row(body, minutes=700 + 50 * n) for n, body in enumerate(texts)]

    assert proposed_groups([*good_rows(), *writing]) == {"link": ids(writing)}


def test_machine_made_names_of_one_pattern_within_a_day_are_a_group():
    named = [row(body, f"Ida{n}4{n}", minutes=700 + 50 * n) for n, body in enumerate(PRAISE[:5])]
    weekly = [one._replace(at=one.at + timedelta(days=7 * n)) for n, one in enumerate(named)]
    members = [row(body, f"Ida{n}4{n}", minutes=30 * n) for n, body in enumerate(GOOD_TEXTS)]

    assert proposed_groups([*good_rows(), *named]) == {"burst": ids(named)}
    assert proposed_groups([*good_rows(), *weekly]) == {}
    assert proposed_groups(members) == {}


def test_good_comments_of_the_day_before_hide_no_flood_of_machine_made_names():
    good = [row(body, f"Jim{n}7", minutes=30 * n) for n, body in enumerate(GOOD_TEXTS[:6])]
    flood = [row(body, f"Ida{n}4{n}", minutes=DAYS + 30 * n) for n, body in enumerate(PRAISE[:5])]
    assert proposed_groups([*good_rows(), *good, *flood]) == {"burst": ids(flood)}


def test_machine_made_names_that_come_nearly_a_day_apart_are_no_group():
    named = [row(body, f"Ida{n}4{n}", minutes=1_430 * n) for n, body in enumerate(PRAISE[:5])]
    assert proposed_groups([*good_rows(), *named]) == {}


def test_good_comments_do_not_count_for_the_people_of_a_flood_of_machine_made_names():
    praise = [row(body, "Ida141", minutes=30 * n) for n, body in enumerate(PRAISE[:3])]
    good = [row(body, f"Jim{n}7", minutes=30 * n) for n, body in enumerate(GOOD_TEXTS[:3])]
    assert proposed_groups([*good_rows(), *praise, *good]) == {}


def test_machine_made_names_among_as_many_good_comments_and_more_are_no_group():
    praise = [row(body, f"Ida{n}4{n}", minutes=30 * n) for n, body in enumerate(PRAISE[:4])]
    good = [row(body, f"Jim{n}7", minutes=20 * n) for n, body in enumerate(GOOD_TEXTS[:5])]
    assert proposed_groups([*good_rows(), *praise, *good[:4]]) == {"burst": ids(praise)}
    assert proposed_groups([*good_rows(), *praise, *good]) == {}


def test_source_to_which_strangers_link_over_the_years_is_no_group():
    links = [
        row(f"Mended mine with https://tools.example/{n}", minutes=DAYS * 90 * n, name=f"Jo B{n}")
        for n in range(5)
    ]

    assert proposed_groups([*good_rows(), *links]) == {}


def test_good_late_comments_are_in_no_flood():
    """They come in the middle of it, and some only say thanks."""
    flood = [row(body, "cheap sofas", minutes=LATER + 3_000 * n) for n, body in enumerate(PRAISE)]
    flood = [one._replace(name=f"{one.name} {n}", writer=f"w{n}") for n, one in enumerate(flood)]
    late = [
        row("Thanks, that was very useful.", minutes=LATER + 4_000),
        row("My mother rowed there every morning until she died.", minutes=LATER + 7_000),
        row("Do the piles still rot, after all these years?", minutes=LATER + 10_000),
    ]

    assert proposed_groups([*good_rows(), *flood, *late]) == {"late": ids(flood)}


def test_late_praise_that_comes_once_a_year_is_no_flood():
    thanks = [row(body, minutes=LATER + DAYS * 365 * n) for n, body in enumerate(PRAISE[:4])]

    assert proposed_groups([*good_rows(), *thanks]) == {}


def test_late_links_are_a_group_where_they_are_nearly_all():
    links = [row(f"{PRODUCTS[n]} http://{TOWNS[n]}.example", minutes=LATER + 900 * n) for n in range(5)]
    asking = [row(body, minutes=LATER + 500 * n) for n, body in enumerate(GOOD_TEXTS[:4])]

    assert proposed_groups([*good_rows(), *links]) == {"late": ids(links)}
    assert proposed_groups([*good_rows(), *links, *asking]) == {}


def test_search_phrases_as_names_over_the_years_are_no_group():
    named = [row(body, "cheap sofas", minutes=DAYS * 25 * n) for n, body in enumerate(PRAISE[:4])]
    named = [one._replace(name=f"{one.name} {n}", writer=f"w{n}") for n, one in enumerate(named)]
    talk = [row(body, minutes=DAYS * 8 * n) for n, body in enumerate(GOOD_TEXTS)]

    assert proposed_groups([*talk, *named]) == {}


def test_random_characters_are_a_group_if_they_are_nearly_all_that_comes_late():
    random = [row(f"{n}e7f1d1015e1ef5693283a0d{n}", f"{n}26211", minutes=LATER + n) for n in range(4)]

    assert proposed_groups([*good_rows(), *random]) == {"late": ids(random)}


def test_excerpts_of_pages_that_link_to_the_story_are_quotations():
    text = "the ferry was full again on Sunday and everybody at the quay was angry about it"
    excerpts = [row(f"[...] {text} [...] {n}", f"Blog {n}", minutes=n) for n in range(4)]

    assert proposed_groups(excerpts) == {}


@pytest.fixture
def open_group(client, maria):
    client.force_login(maria)

    def refresh() -> dict[str, object]:
        """Refresh the page of groups, and return the title, the sentences and the members of its only one."""
        page = client.post(reverse("moderation:rescan"), follow=True)
        [shown] = page.context["rows"]
        rows = CommentGroupMember.objects.filter(group=shown.group)
        return {
            "title": shown.title,
            "shared": shown.shared_features,
            "members": set(rows.values_list("comment", flat=True)),
        }

    return refresh


@pytest.mark.django_db
@pytest.mark.usefixtures("moderation_without_checks")
@FORMS
def test_page_proposes_the_rest_of_a_template_after_three_decisions(form, maria, open_group):
    """The comments of an imported discussion may be years old when they are decided on."""
    article = make_article(body="The council closes the slip. The piles have rotted.")
    for body in GOOD_TEXTS:
        make_comment(article, body)
    flood = [make_comment(article, form(n), guest=GuestFactory.create(name=f"Ed {n}")) for n in range(8)]
    with triggers_disabled():
        Comment.objects.update(created_at=timezone.now() - timedelta(days=3_000))
    for n in (1, 4, 6):
        decisions.decide(ids=[flood[n].pk], to=State.SPAM, reason="spam", actor=maria)

    group = open_group()

    assert group["title"] == "5 comments made of the same phrases"
    assert "3 similar ones are already spam" in group["shared"]
    assert group["members"] == {flood[n].pk for n in (0, 2, 3, 5, 7)}


def test_copy_by_the_same_person_is_shown_apart():
    text = "A ferry that lands at the quay needs no slip, and the council knows it."
    first, again, third = (row(text, name, minutes=n) for n, name in enumerate(("Maria", "Maria", "Paula")))

    assert proposed_groups([*good_rows(), first, again]) == {"twice": {again.id}}
    assert proposed_groups([*good_rows(), first, third]) == {}


def test_copy_in_a_flood_stays_with_the_flood():
    flood = flood_of(plain)
    again = row(flood[0].body, flood[0].name, minutes=2_000)

    assert proposed_groups([*good_rows(), *flood, again]) == {"text": ids([*flood, again])}


@pytest.mark.django_db
@pytest.mark.usefixtures("moderation_without_checks")
def test_page_says_that_names_have_one_pattern(open_group):
    article = make_article()
    for n, body in enumerate(PRAISE[:4]):
        make_comment(article, body, guest=GuestFactory.create(name=f"Ida{n}4{n}"))
    for body in GOOD_TEXTS:
        make_comment(article, body)

    group = open_group()

    assert group["title"] == "4 comments posted within a short time"
    assert "machine-made names with the same pattern" in group["shared"]


@pytest.mark.django_db
@pytest.mark.usefixtures("moderation_without_checks")
def test_first_of_two_copies_stays(client, maria, open_group):
    article, guest = make_article(), GuestFactory.create(name="Paula")
    first, again = (make_comment(article, GOOD_TEXTS[0] + dot, guest=guest) for dot in ("", " "))

    group = open_group()

    assert group["title"] == "Posted twice by the same person: 1 comment"
    assert group["shared"] == [
        "The same person posted the same text twice in one discussion. The first comment stays."
    ]
    assert group["members"] == {again.pk}
    url = reverse("moderation:group", args=[CommentGroup.objects.get().pk])
    client.post(url, {"reason": client.get(url).context["proposed"]})
    assert set(Comment.objects.visible()) == {first}
    again.refresh_from_db()
    assert (again.state, again.state_reason) == ("rejected", "repeat")
