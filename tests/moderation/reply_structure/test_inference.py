"""The inferred parents of replies in a capped thread: each rule, and the mistakes that no rule may make."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from archive.formats import soundoff
from moderation.reply_structure.inference import RULES, ThreadComment, infer_parents

START = datetime(2013, 6, 20, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def thread(*comments, level=2, minutes=5):
    """Return a top-level comment by Root and comments (author, text) that all stand below it."""
    found = [ThreadComment(1, "Root", "What do you think?", START, None, 1)]
    for number, (author, text) in enumerate(comments, 2):
        at = START + number * minutes * MINUTE
        found.append(ThreadComment(number, author, text, at, 1 if level > 1 else None, level))
    return found


def parents(comments, **story):
    return {found.comment: (found.parent, found.reason) for found in infer_parents(comments, **story)}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("@Jim have you been there?", "at_name"),
        ("@ Jim have you been there?", "at_name"),
        ("Jim....Can you define that?", "name"),
        ("Jim, no.", "name"),
        ("jim - no", "name"),
        ("Hi Jim,\n\nno.", "name"),
        ("Hello Jim I am in the same place.", "name"),
        ("Thanks Jim for the link.", "name"),
        ("Reply to Jim:\n\nNo.", "name"),
        ("Yes, Jim: but no.", "name"),
        ("Jim", "name"),
        ("Good point Jim! I had not thought of it.", "name_last"),
        ("Thanks, Jim.", "name"),
        ("So true, Jim.", "name_last"),
        ("Jim have you ever been there?", "name_you"),
    ],
)
def test_a_reply_that_addresses_somebody_by_name_answers_them(text, reason):
    comments = thread(("Jim", "It is a rich country."), ("Ann", "It is far away."), ("Bob", text))
    assert parents(comments) == {4: (2, reason)}


@pytest.mark.parametrize("text", ["@Dr. P. Okonjo Is that why?", "@Dr P Okonjo Is that why?"])
def test_a_name_is_found_with_and_without_its_signs(text):
    comments = thread(("Dr. P. Okonjo", "Open water."), ("Ann", "It is far away."), ("Bob", text))
    assert parents(comments) == {4: (2, "at_name")}


@pytest.mark.parametrize(
    "text",
    [
        "Jim is right.",  # may be said to anybody
        "I agree with Jim.",
        "Thanks to Jim I know it now.",
        "Jimmy, no.",
        "Jims are everywhere.",
        "I asked Ann and Jim. Both said no.",
        "No names here.",
    ],
)
def test_a_name_that_addresses_nobody_moves_nothing(text):
    comments = thread(("Jim", "It is a rich country."), ("Ann", "It is far away."), ("Bob", text))
    assert parents(comments) == {}


def test_a_name_of_several_words_is_read_without_its_signs():
    comments = thread(("Safe haven!??", "Full of them."), ("Jim", "@ Safe haven, never."))
    assert parents(comments) == {3: (2, "at_name")}


def test_a_first_name_is_enough_but_not_an_ordinary_word():
    comments = thread(("Pete Larsen", "One."), ("The gardener", "Two."), ("Bob", "Pete, no."))
    assert parents(comments) == {4: (2, "name")}
    comments = thread(("Pete Larsen", "One."), ("The gardener", "Two."), ("Bob", "The... no."))
    assert parents(comments) == {}


def test_among_namesakes_only_the_full_name_is_unambiguous():
    comments = thread(("Matt", "One."), ("Matt Lowe", "Two."), ("Bob", "Matt, no."))
    assert parents(comments) == {4: (2, "name")}
    comments = thread(("Matt Miller", "One."), ("Matt Lowe", "Two."), ("Bob", "Matt, no."))
    assert parents(comments) == {}


def test_names_differ_in_case_and_accents_only_in_writing():
    comments = thread(("René", "One."), ("RENE", "Two."), ("Bob", "rene: no."))
    assert parents(comments) == {4: (3, "name")}


def test_the_last_comment_of_the_named_person_is_meant_or_the_one_that_answers_the_writer():
    comments = thread(("Jim", "One."), ("Jim", "Two."), ("Bob", "@Jim no."))
    assert parents(comments) == {4: (3, "at_name")}
    comments = thread(
        ("Bob", "One."), ("Jim", "@Bob two."), ("Ann", "So."), ("Jim", "Three."), ("Bob", "@Jim no.")
    )
    assert parents(comments)[6] == (3, "at_name")


def test_a_reply_that_names_the_author_of_its_parent_stays():
    comments = thread(("Ann", "One."), ("Root", "Note: I mean pay."), ("Bob", "Root - you sure are one."))
    assert parents(comments) == {3: (2, "exchange")}
    comments = thread(("Root", "Note: I mean pay."), ("Bob", "Root - you sure are one."))
    assert parents(comments) == {}


def test_a_comment_never_answers_its_own_author_a_later_comment_or_another_branch():
    assert parents(thread(("Jim", "One."), ("Jim", "Jim, I forgot: two."))) == {}
    assert parents(thread(("Bob", "@Jim no."), ("Jim", "One."))) == {}
    comments = thread(("Jim", "One."), ("Ann", "Two."))
    comments.append(ThreadComment(4, "Other", "Another branch.", START, None, 1))
    comments.append(ThreadComment(5, "Bob", "@Jim no.", START + 60 * MINUTE, 4, 2))
    assert parents(comments) == {}


def test_only_the_deepest_level_is_capped():
    comments = thread(("Jim", "One."), ("Bob", "@Jim two."))
    comments.append(ThreadComment(4, "Ann", "Three.", START + 60 * MINUTE, 3, 3))
    assert parents(comments) == {}


@pytest.mark.parametrize(
    "text",
    [
        "> It is the richest country of all\n\nNo.",
        "He says “It is the richest country of all”. No.",
        "« it is the richest country... of all that I know » No.",
    ],
)
def test_a_quoted_line_identifies_the_answered_comment(text):
    comments = thread(
        ("Jim", "It is the richest country of all that I know, and the largest."),
        ("Ann", "Far away."),
        ("Bob", text),
    )
    assert parents(comments) == {4: (2, "quote")}


def test_a_quotation_answers_its_author_and_not_a_person_who_quoted_it():
    line = "It is the richest country of all that I know."
    comments = thread(("Jim", line), ("Ann", f"> {line}\n\nNo."), ("Bob", f"> {line}\n\nYes."))
    assert parents(comments) == {3: (2, "quote"), 4: (2, "quote")}


def test_a_quotation_of_the_story_answers_no_comment():
    line = "It is the richest country of all that I know."
    comments = thread(("Jim", f"“{line}” That is not so."), ("Ann", f"“{line}” But it is."), level=1)
    assert parents(comments) == {3: (2, "quote")}
    assert parents(comments, story=f"Some say: {line}") == {}


def test_a_quoted_line_of_the_comment_above_leaves_the_reply_there():
    comments = thread(("Jim", "One."), ("Bob", "> What do you think?\n\n@Jim said it."))
    comments[0] = ThreadComment(1, "Root", "Well now: What do you think of that?", START, None, 1)
    assert parents(comments) == {}


def test_in_an_exchange_a_writer_answers_the_only_replier():
    comments = thread(
        ("Ann", "You are wrong."), ("Root", "Am I not right?"), ("Ann", "No."), ("Root", "So be it.")
    )
    assert parents(comments) == {3: (2, "exchange"), 4: (3, "exchange"), 5: (4, "exchange")}


@pytest.mark.parametrize(
    "comments",
    [
        [("Ann", "One."), ("Ben", "Two."), ("Root", "Three.")],  # two have answered
        [("Ann", "One."), ("Ann", "Two."), ("Root", "Three.")],  # the answered comment is ambiguous
        [("Ann", "One."), ("Ben", "Two."), ("Ann", "Three.")],  # Ben has not answered Ann
    ],
)
def test_an_exchange_of_which_the_thread_says_too_little_moves_nothing(comments):
    assert parents(thread(*comments)) == {}


def test_people_without_a_name_have_no_exchange():
    comments = thread(("Anonymous", "One."), ("Bob", "@Anonymous two."), ("Anonymous", "Three."))
    assert parents(comments) == {}


def test_a_continued_comment_answers_the_same_comment_as_its_first_part():
    comments = thread(("Jim", "One."), ("Bob", "@Jim two."), ("Bob", "Also three."))
    assert parents(comments)[4] == (2, "continues")
    assert 4 not in parents(thread(("Jim", "One."), ("Bob", "@Jim two."), ("Bob", "Three.")))
    assert 4 not in parents(thread(("Jim", "One."), ("Bob", "@Jim two."), ("Bob", "Also three."), minutes=90))
    assert parents(thread(("Bob", "Two."), ("Bob", "Also three."))) == {}


def test_in_a_flat_discussion_names_and_quotations_count_but_not_the_storys_author():
    comments = thread(("Jim", "One."), ("Ann", "Two."), ("Jim", "@Ann three."), ("Ann", "Four."), level=1)
    comments.append(ThreadComment(6, "Bob", "Hi Jim, thanks for the story.", START + 60 * MINUTE, None, 1))
    assert parents(comments) == {4: (3, "at_name"), 6: (4, "name")}
    assert parents(comments, story_authors=["JIM"]) == {4: (3, "at_name")}


def test_no_parent_is_inferred_without_evidence():
    assert infer_parents([]) == []
    assert infer_parents(thread()) == []
    assert infer_parents(thread(("", ""), ("", "@"), ("?", "@ ?"))) == []


def test_each_rule_has_its_own_code_and_a_confidence():
    assert len({rule.code for rule in RULES}) == len(RULES)
    assert all(0 < rule.confidence < 1 and "%(name)s" in str(rule.sentence) for rule in RULES)


def test_the_five_misplaced_replies_of_the_saved_story_are_found(data):
    """Of the ten replies at the third level, exactly the five that answer another comment are found."""
    saved = (data / "seed" / "story.txt").read_bytes()
    comments = [
        ThreadComment(one.number, one.author, one.body, one.created_at, one.parent, one.level)
        for one in soundoff.parse(saved).comments
    ]
    digest = sha256("\n".join(one.author for one in comments if one.level == 3).encode()).hexdigest()
    assert digest[:16] == "2577b43a5175fbd7"
    assert parents(comments) == {
        7: (6, "name"),
        8: (7, "at_name"),
        9: (8, "at_name"),
        10: (8, "continues"),
        11: (10, "exchange"),
    }
