"""Grouping of similar comments, and good comments that must not be grouped."""

from datetime import timedelta
from itertools import product

import pytest

from moderation.similar.compared import ComparedComments, Row, Story
from moderation.similar.grouping import find_groups
from moderation.similar.grouping.duplicates import find_copies, propose_repeated_on_many_stories
from tests.moderation.similar.grouping_rows import (
    DAYS,
    GOOD_TEXTS,
    PRAISE,
    STORY,
    good_rows,
    group_rows,
    ids,
    proposed_groups,
    row,
)

TEMPLATE = (
    "{n} Truly a marvellous magazine with splendid columns, my cousin was wondering about such columns."
)


def doubtful_ids(rows: list[Row]) -> list[int]:
    return group_rows(rows)[1].doubts


def test_good_comments_are_in_no_group():
    assert proposed_groups(good_rows()) == {}


def test_one_ip_address_with_several_names_in_one_discussion_within_a_day():
    same = [row(body, minutes=60 * n, ip_hash=b"x" * 16) for n, body in enumerate(GOOD_TEXTS[:4])]

    assert proposed_groups(same + good_rows()) == {"origin": ids(same)}


@pytest.mark.parametrize(
    "fields",
    [
        [{"name": "Maria"}] * 4,  # one person
        [{"discussion": n + 1} for n in range(4)],  # a family, or a whole town behind one number
        [{"minutes": 3_000.0 * n} for n in range(4)],
    ],
)
def test_one_ip_address_alone_makes_no_group(fields):
    same = [row(body, ip_hash=b"x" * 16, **more) for body, more in zip(GOOD_TEXTS, fields, strict=False)]

    assert proposed_groups(same) == {}


def test_window_of_several_names_may_start_anywhere():
    hours = (0, 40, 50, 60)
    same = [
        row(body, minutes=60 * at, ip_hash=b"x" * 16) for at, body in zip(hours, GOOD_TEXTS, strict=False)
    ]

    assert proposed_groups(same) == {"origin": ids(same)}


def test_markup_and_punctuation_alone_count_as_missing_text():
    """The check `emptied` says the same of each comment."""
    lost = [row("<b></b>&nbsp;"), row("…")]

    assert proposed_groups([*good_rows(), *lost, row("👍")]) == {"missing": ids(lost)}


def test_one_account_repeats_a_text_on_many_stories():
    text = "The county should publish the report on the piles before anybody votes on the budget for them."
    account = {"writer": "u7", "is_identified": True}
    copies = [row(text, "Jim", minutes=60 * n, discussion=n, **account) for n in range(1, 6)]

    rows, result = group_rows([*good_rows(), *copies])

    (group,) = result.groups
    assert (group.kind, group.original) == ("repeat", copies[0].id)
    assert {rows[member.row].id for member in group.members} == ids(copies[1:])


def test_of_an_advertisement_that_one_account_repeats_on_many_stories_the_first_is_not_kept():
    text = "Great blog, thanks! Buy cheap pills at https://pills.example/now without a prescription."
    account = {"writer": "u7", "is_identified": True}
    copies = [row(text, "Jim", minutes=DAYS * 900 + n, discussion=n, **account) for n in range(1, 6)]

    assert proposed_groups([*good_rows(), *copies]) == {"text": ids(copies)}


def test_copies_in_a_group_of_shared_wordings_are_in_no_group_of_duplicates():
    text = "The county should publish the report on the piles before anybody votes on the budget for them."
    account = {"writer": "u7", "is_identified": True}
    copies = [row(text, "Jim", minutes=60 * n, discussion=n, **account) for n in range(1, 6)]
    others = [row(text, minutes=60 * n + 1, discussion=n) for n in range(1, 4)]
    gone = [row(text, minutes=60 * n + 2, discussion=n, state="spam") for n in range(1, 6)]
    groups = proposed_groups([*good_rows(), *copies, *others, *gone])

    assert groups == {"text": ids([*copies, *others])}


@pytest.mark.parametrize(
    ("grouped", "expected"),
    [([], [2, 3, 4, 5]), ([2, 4], [3, 5]), ([1], None)],
    ids=["none is grouped", "two copies are grouped", "the first is grouped"],
)
def test_of_copies_on_many_stories_those_that_are_in_no_other_group_are_proposed(grouped, expected):
    account = {"writer": "u7", "is_identified": True}
    copies = [row(GOOD_TEXTS[0], minutes=60 * n, discussion=n, **account) for n in range(1, 6)]
    compared = ComparedComments(copies, dict.fromkeys(range(1, 6), STORY))
    is_grouped = bytearray(n in grouped for n in range(1, 6))
    groups = propose_repeated_on_many_stories(compared, find_copies(compared), is_grouped)

    found = [[member.row + 1 for member in group.members] for group in groups]
    assert found == ([expected] if expected else [])


def test_single_comment_is_doubtful_but_no_group():
    gone = [row(body, minutes=DAYS * 900 + 5_000 * n, state="spam") for n, body in enumerate(PRAISE)]
    late = row("Your blog is superb, thanks.", minutes=DAYS * 999)
    lost = row("…", discussion=2)

    assert proposed_groups([*good_rows(), *gone, late, lost]) == {}
    assert doubtful_ids([*good_rows(), *gone, late, lost]) == [late.id, lost.id]


def test_burst_of_praise_is_a_group_but_a_rush_of_readers_is_not():
    usual = [row(body, minutes=600 * n) for n, body in enumerate(GOOD_TEXTS)]
    burst = [row(body, minutes=9_000 + n / 2) for n, body in enumerate(PRAISE)]
    rush = [row(body, minutes=9_000 + n / 2) for n, body in enumerate(GOOD_TEXTS)]

    assert proposed_groups(usual + burst) == {"burst": ids(burst)}
    assert proposed_groups(usual + rush) == {}


LATER = DAYS * 900.0
BURST = [row(body, minutes=LATER + n / 4) for n, body in enumerate([*PRAISE, *PRAISE[:9]])]
SHORT = "Good news, thanks for the useful post."


def ids_by_similarity(rows: list[Row]) -> list[int]:
    """Return the members of the only group, the least similar first."""
    rows, result = group_rows(rows)
    [group] = result.groups
    return [rows[member.row].id for member in sorted(group.members, key=lambda m: (m.similarity, m.row))]


@pytest.mark.parametrize(
    ("odd", "before"),
    [
        ({"discussion": 2}, []),  # the comment is under another story of the same age
        ({"is_identified": True, "writer": "g7", "is_confirmed": True}, []),
        (
            {"is_identified": True, "writer": "g7"},
            [row("I come by it daily.", writer="g7", is_identified=True, is_kept=True)],
        ),
        ({"body": "Such a useful post about the rotten piles."}, []),
    ],
)
def test_member_with_a_rare_property_comes_first(odd, before):
    other = row(SHORT, minutes=LATER + 4)._replace(**odd)
    usual = [*good_rows(), *good_rows(discussion=2)]

    assert other.id not in ids_by_similarity([*usual, *BURST])
    assert ids_by_similarity([*usual, *before, *BURST, other])[0] == other.id


@pytest.mark.parametrize(
    "odd", [{"discussion": 2}, {"parent": 1}, {"is_identified": True, "is_confirmed": True}]
)
@pytest.mark.parametrize(
    ("kind", "bodies", "fields"),
    [
        ("text", [TEMPLATE.format(n=n) for n in range(7)], {}),
        ("link", [f"{body} https://cheap.example/{n}" for n, body in enumerate(PRAISE[:7])], {}),
        (
            "origin",
            [f"{body} https://cheap{n}.example" for n, body in enumerate(PRAISE[:7])],
            {"ip_hash": b"x" * 16},
        ),
        ("missing", ["…"] * 7, {}),
        ("repeat", [GOOD_TEXTS[0]] * 8, {"name": "Maria"}),
    ],
)
def test_rare_property_in_a_group_of_any_kind(kind, bodies, fields, odd):
    rows = [row(body, minutes=n, **fields) for n, body in enumerate(bodies)]
    rows[5] = rows[5]._replace(**odd)

    assert proposed_groups(rows) == {kind: ids(rows[1:] if kind == "repeat" else rows)}
    assert ids_by_similarity(rows)[0] == rows[5].id


def test_common_property_does_not_change_the_order():
    flood = [
        one._replace(discussion=n % 7 + 1, is_identified=True, is_confirmed=True)
        for n, one in enumerate(BURST)
    ]
    [group] = group_rows(flood)[1].groups

    assert not {"ELSEWHERE", "IN_TIME", "CONFIRMED"} & set(group.details["clues"])


def test_good_comment_in_a_burst_comes_first():
    """Its praise is as short as the bot's, so its text alone does not distinguish it."""
    new = Story(BURST[0].at - timedelta(days=1), "The library opens on Saturdays, the council says.")
    paula = row(
        "Good news for families who work.",
        discussion=2,
        minutes=LATER + 4,
        is_identified=True,
        is_confirmed=True,
    )
    rows = sorted([*good_rows(), *BURST, paula], key=lambda r: r.at)

    [group] = find_groups(rows, {1: STORY, 2: new}).groups

    assert group.kind == "burst"
    assert rows[min(group.members, key=lambda m: m.similarity).row] == paula
    assert {"ELSEWHERE": 1, "IN_TIME": 1, "CONFIRMED": 1}.items() <= group.details["clues"].items()


def test_promotional_links_are_a_group_but_sources_are_not():
    selling = [row(f"{body} https://cheap.example/{n}", minutes=n) for n, body in enumerate(PRAISE[:4])]
    sources = [row(f"{body} https://harbour.example/{n}", minutes=n) for n, body in enumerate(GOOD_TEXTS[:4])]

    assert proposed_groups(selling + sources) == {"link": ids(selling)}


@pytest.mark.parametrize(
    ("kind", "bodies"),
    [
        ("text", [TEMPLATE.format(n=n) for n in range(6)]),
        ("link", [f"{body} https://cheap.example/{n}" for n, body in enumerate(PRAISE[:6])]),
        ("burst", PRAISE),
    ],
)
def test_a_bot_with_one_name_counts_as_many_guests(kind, bodies):
    usual = [row(body, minutes=600 * n) for n, body in enumerate(GOOD_TEXTS)]

    def rows_of(**who: object) -> list[Row]:
        fields = [{key: str(value).format(n=n) for key, value in who.items()} for n in range(len(bodies))]
        return [
            row(body, "Jim", minutes=9_000 + n / 2, is_identified=bool(who), **fields[n])
            for n, body in enumerate(bodies)
        ]

    robot = rows_of(writer="g{n}")
    assert proposed_groups(usual + robot) == {kind: ids(robot)}
    assert kind not in proposed_groups(usual + rows_of())  # an imported author is known by the name only


def test_search_phrase_names_are_a_group_if_the_texts_are_promotional():
    phrases = ["cheap sofas", "best pergola prices", "buy kayak", "vape-outlet.com"]
    selling = [
        row(body, name, minutes=n) for n, (body, name) in enumerate(zip(PRAISE, phrases, strict=False))
    ]
    lower = [
        row(body, name)
        for body, name in zip(GOOD_TEXTS, ["old boatman", "jane doe", "a voter"], strict=False)
    ]

    assert proposed_groups(selling + lower) == {"name": ids(selling)}


def test_quotations_are_no_shared_phrases():
    long = "I was there that night when the slip gave way and nobody was hurt, but the crew was badly shaken."
    first = row(long)
    story = [row(f"“{STORY.text[18:]}” {end}", minutes=n) for n, end in enumerate(("Really?", "No.", "Ha!"))]
    answers = [
        row(f"{long} {end}", parent=first.id, minutes=n) for n, end in enumerate(("So?", "Me too.", "Oh."))
    ]

    assert proposed_groups([first, *story, *answers]) == {}


def test_late_promotional_comments_are_a_group_but_late_replies_are_not():
    later = 60 * 24 * 900.0
    selling = [row(body, minutes=later + 5_000 * n) for n, body in enumerate(PRAISE)]
    asking = [row(body, minutes=later + 7_000 * n) for n, body in enumerate(GOOD_TEXTS)]

    assert proposed_groups(good_rows() + selling + asking) == {"late": ids(selling)}


def test_rare_word_is_not_distinctive():
    praise = [body + (" I take the rss feed." if n < 2 else "") for n, body in enumerate(PRAISE)]
    late = [row(body, minutes=400 * DAYS + n) for n, body in enumerate(praise)]
    own = ("".join(letters) for letters in product("abcdef", repeat=3))  # no two texts have a word in common
    others = [row(f"x{w}x y{w}y z{w}z", minutes=n) for n, w in enumerate(own)]
    rows, result = group_rows([*late, *others])
    group = max(result.groups, key=lambda p: len(p.members))
    bodies = {r.id: r.body for r in rows}
    words = {bodies[pk][start:end] for pk, _revision, start, end in group.details["telling"]}
    assert "blog" in words
    assert not words & {"feed", "rss"}


def test_late_praise_for_a_person_is_no_spam():
    later = 60 * 24 * 900.0
    question = row("Is the slip open again?", "Ann", minutes=later)
    thanks = [row("Thanks Ann, very useful.", minutes=later + n) for n in range(4)]

    assert proposed_groups([*good_rows(), question, *thanks]) == {}
