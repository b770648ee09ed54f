import pytest

from articles.editing.diff import MAX_STEPS, _is_blank, _steps, compare, merge
from tests.helpers.growth import LINEAR, growth

OLD = "The boat leaves at nine.\n\nNobody waits.\n\nThe end."


def diff_text(old, new):
    signs = {"del": "[-{}-]", "ins": "[+{}+]", "same": "{}"}
    return "".join(signs[kind].format(text) for row in compare(old, new) for kind, text in row.parts)


def test_changed_words_are_marked_and_not_whole_paragraphs():
    new = "The old boat leaves at ten.\n\nNobody waits.\n\nThe end."
    assert diff_text(OLD, new) == "The [+old +]boat leaves at [-nine-][+ten+].\n\nNobody waits.\n\nThe end."


def test_neighbouring_words_are_one_change():
    assert diff_text("one two three four", "one five six four") == "one [-two three -][+five six +]four"


def test_a_space_before_added_words_is_part_of_the_change():
    assert diff_text("at nine.", "at nine sharp.") == "at nine[+ sharp+]."
    assert diff_text("One two three FOUR by Ada.", "One two three.") == "One two three[- FOUR by Ada-]."


def test_a_paragraph_that_is_cut_in_two_shows_where():
    assert "¶" in diff_text("One. Two.", "One.\n\nTwo.")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (OLD, ""),
        ("", OLD),
        (OLD, OLD),
        ("a\n", "a"),
        (OLD, OLD.upper()),
        ("One two three FOUR by Ada.", "One two three."),
        ("One two three\nBy Ada.", "One two three FOUR\n\nBy  Ada. "),
    ],
)
def test_each_side_gives_its_text_back(old, new):
    rows = compare(old, new)
    assert "".join(text for row in rows for _, text in row.old).replace("¶", "") == old
    assert "".join(text for row in rows for _, text in row.new).replace("¶", "") == new


def test_changes_in_two_places_are_merged():
    mine = OLD.replace("nine", "ten")
    theirs = OLD.replace("The end.", "The end, for now.")
    assert merge(OLD, mine, theirs) == mine.replace("The end.", "The end, for now.")


def test_changes_of_two_words_in_one_paragraph_are_merged():
    assert merge("The boat leaves at nine.", "The old boat leaves at nine.", "The boat leaves at ten.") == (
        "The old boat leaves at ten."
    )


def test_the_same_change_of_both_is_merged_once():
    new = OLD.replace("nine", "ten")
    assert merge(OLD, new, new) == new


def test_changes_that_touch_are_not_merged():
    assert merge("at nine", "at ten", "at eleven") is None
    assert merge("a\n", "a\nmine\n", "a\ntheirs\n") is None


def test_a_long_text_is_compared_in_time():
    old = " ".join(f"word{n % 700}" for n in range(4000))
    assert compare(old, old.replace("word5 ", "other "))
    assert compare(old, "x " * 4000)


def test_a_long_unchanged_passage_is_folded_without_loss():
    same = "\n\n".join(f"Paragraph {n} says what it said." for n in range(60)) + "\n"
    first, last = compare(same + "nine", same + "ten")
    folded = first.folded
    assert "".join(folded) == same
    assert folded.words > 200
    assert last.folded is None
    assert compare("short", "short")[0].folded is None


FAMILIES = ["a\n", "\n", "a b\n\n", "x ", "a\n\nb\n\n"]


@pytest.mark.parametrize("piece", FAMILIES)
def test_the_cost_of_a_comparison_grows_with_the_texts(piece):
    def compare_moved(text: str) -> None:
        compare(text + "end", "start" + text[len(text) // 3 :])
        merge(text, f"mine{text}", text.replace("a", "b"))

    assert growth(compare_moved, lambda size: (piece * size)[:size], 10_000) < LINEAR


def test_a_text_changed_in_each_paragraph_is_compared_by_words():
    """The texts have a thousand unchanged empty lines between the paragraphs."""
    old, new = (
        "\n\n".join(f"the {word} {n} of the harbour" for n in range(3_000)) for word in ("boat", "ship")
    )
    lines = [text.splitlines(keepends=True) for text in (old, new)]
    assert _steps(*lines, None, autojunk=False) > MAX_STEPS >= _steps(*lines, _is_blank, autojunk=False)
    assert sum(part.kind == "del" for row in compare(old, new) for part in row.parts) == 3_000


def test_a_comparison_with_too_many_steps_is_one_change():
    old, new = ("".join(f"{n % 7 * step}\n" for n in range(9_000)) for step in (3, 5))
    assert _steps(*(text.splitlines() for text in (old, new)), is_junk=None, autojunk=False) > MAX_STEPS
    assert "".join(text for row in compare(old, new) for _, text in row.new) == new
