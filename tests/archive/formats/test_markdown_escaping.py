"""Text of a saved page as Markdown: readers see it as it was."""

import html

from hypothesis import example, given, settings
from hypothesis import strategies as st

from archive.formats.markdown_escaping import as_markdown
from articles.markup.markdown import render_document
from tests.archive.formats.soundoff.pages import visible_text

MARKUP = st.text(st.sampled_from("ab1.) -+*_#=>|:~`\\<>[](){}!&;/'\"$^@é汉🙂\xa0"), min_size=1, max_size=25)


@settings(max_examples=300)
@given(
    st.lists(
        st.lists(MARKUP.map(str.rstrip).filter(str.strip), min_size=1, max_size=3), min_size=1, max_size=3
    )
)
@example([["# no heading", "===", "- no list", "1. nor this", "> nor that"], ["---"], ["    no code"]])
@example([["a | b", "--|--", "1 | 2"], ["| a |", "|---|"], [":--", "~~~", "```"], ["***"], ["___"], ["+"]])
@example([["&amp; &#65; &copy;", "<b>bold</b> <!-- x --> <a@b.example>", "[a](b) ![c](d)", "[e]: f"]])
@example([["C:\\dir\\*.txt\\", "snake_case_name _no_ __no__ *no* ~~no~~ `no`"]])
def test_any_text_is_shown_as_it_is(paragraphs: list[list[str]]) -> None:
    text = "\n\n".join("\n".join(lines) for lines in paragraphs)

    seen = visible_text(as_markdown(text))

    assert [" ".join(line.split()) for line in seen.strip().split("\n")] == [
        " ".join(line.split()) for line in text.split("\n")
    ]


def test_an_indent_is_kept_and_a_url_stays_whole() -> None:
    assert visible_text(as_markdown("if x:\n    go()")) == "if x:\n\xa0\xa0\xa0\xa0go()"
    url = "http://paper.example/a_b/_c_/*d*?e=1&copy=2"
    linked = render_document(as_markdown(f"See ({url})."))
    assert f'href="{html.escape(url)}"' in linked
    assert visible_text(as_markdown(f"See ({url}).")) == f"See ({url})."
