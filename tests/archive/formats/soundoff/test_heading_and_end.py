"""The heading with its number of comments, and the lines below the comments."""

import pytest

from archive.formats import soundoff
from tests.archive.formats.soundoff.pages import kinds, local_time, page, story, thread


def test_a_wrong_number_of_comments_in_the_heading_is_reported() -> None:
    assert "count" not in kinds(soundoff.parse(page((1, "Ann", "Yes.", local_time()))))
    parsed = soundoff.parse(page((1, "Ann", "Yes.", local_time()), declared_count=1204))
    assert (parsed.declared_count, kinds(parsed)) == (1204, ["count"])


@pytest.mark.parametrize(
    ("heading", "declared_count"),
    [("No Responses Yet", 0), ("One Response", 1), ("1,204 Responses", 1204), ("0 comments", 0)],
)
def test_each_form_of_the_heading_is_read(heading: str, declared_count: int) -> None:
    raw = (story() + thread()).replace("0 Responses", heading).encode()
    parsed = soundoff.parse(raw)

    assert (parsed.declared_count, parsed.comments) == (declared_count, [])


def test_lines_after_the_thread_are_listed_or_reported() -> None:
    raw = page((1, "Ann", "Yes.", local_time()))
    end = "\n\nThe Quay & Co. welcomes a lively debate\nin two lines.\n\n« Older\n\nMore\n"
    parsed = soundoff.parse(raw + end.encode())

    first = raw.count(b"\n") + 1
    assert parsed.source_name == "The Quay & Co."
    assert list(parsed.boilerplate) == [first - 1, first + 2, first + 3]
    assert [(w.line, w.kind) for w in parsed.warnings] == [
        (first + 5, "unrecognised"),
        (first + 7, "unrecognised"),
    ]


def test_a_page_that_does_not_name_itself() -> None:
    assert soundoff.parse(page((1, "Ann", "Yes.", local_time()))).source_name == "an archived page"
