"""A CSV file of comments with labels, as people have them: columns absent, dates that are none, any bytes."""

from datetime import datetime
from pathlib import Path

import pytest

from moderation.filter import rows
from moderation.filter.learner import Model
from moderation.filter.signals import SIGNALS, without


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes) -> Path:
        path = tmp_path / "comments.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def test_all_columns_are_read(write):
    path = write(
        "author,url,body,article_title,article_text,article_date,comment_date,parent,label\n"
        'Ann,http://a.example,"Two\nlines",Heron,Ferries,2024-01-01,2024-03-01 10:00:00+02:00,Is it?,spam\n'
    )
    (row,) = rows.read(path)
    assert (row.line, row.is_spam) == (2, True)
    said = row.said
    assert (said.author, said.url, said.body, said.parent) == (
        "Ann",
        "http://a.example",
        "Two\nlines",
        "Is it?",
    )
    assert (said.article_title, said.article_text) == ("Heron", "Ferries")
    assert said.article_date == datetime.fromisoformat("2024-01-01")
    assert said.comment_date == datetime.fromisoformat("2024-03-01T10:00")  # as it stands there


@pytest.mark.parametrize(
    ("label", "is_spam"), [("spam", True), ("ham", False), (" SPAM ", True), ("", None), ("Ham", False)]
)
def test_labels(write, label, is_spam):
    assert rows.read(write(f"body,label\nx,{label}\n"))[0].is_spam is is_spam


def test_what_is_absent_is_not_known_and_what_is_empty_is_empty(write):
    (row,) = rows.read(write("body\nx\n"))
    assert (row.said.url, row.said.author, row.said.article_date, row.is_spam) == (None, None, None, None)
    (row,) = rows.read(write("body,url,author\nx,,\n"))
    assert (row.said.url, row.said.author) == ("", None)


@pytest.mark.parametrize("date", ["", "yesterday", "2024-13-40", "0"])
def test_a_date_that_is_none_is_not_known(write, date):
    assert rows.read(write(f"body,article_date\nx,{date}\n"))[0].said.article_date is None


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfbody,label\nx,ham\n",  # with a mark of its encoding
        b"body,label\r\nx,ham\r\n",
        b"label,body\nham,x\n",
        b"body,label,more\nx,ham\n",
    ],
)
def test_files_of_any_make(write, content):
    (row,) = rows.read(write(content))
    assert (row.said.body, row.is_spam) == ("x", False)


def test_bytes_that_are_no_text_are_read_all_the_same(write):
    assert rows.read(write(b"body\n\xff\x00x\n"))[0].said.body == "\ufffdx"


@pytest.mark.parametrize("content", ["", "text,label\nx,ham\n"])
def test_a_file_without_bodies_is_refused(write, content):
    with pytest.raises(ValueError, match="has no column “body”"):
        rows.read(write(content))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("author;body;label\nAnn;x;ham\n", "author;body;label$"),
        ("Body,Label\nx,ham\n", "Body, Label$"),
        ("", "none$"),
    ],
)
def test_a_file_without_bodies_is_told_which_columns_were_read(write, content, told):
    with pytest.raises(ValueError, match=f"its columns are: {told}"):
        rows.read(write(content))


def test_a_label_that_is_none_is_refused_with_its_row(write):
    with pytest.raises(ValueError, match=r"Row 3 of .*: the label is 'maybe', neither spam nor ham"):
        rows.read(write("body,label\nx,ham\ny,maybe\n"))


def test_repeats_are_found_among_the_rows(write):
    twice = "The council of the island decided on Monday that the ferries would stay moored"
    read = rows.read(write(f"body\n{twice}\nSomething else\n{twice}\n"))
    found = [{f.signal for f in one.found} for one in rows.features(read, Model())]
    assert ["repeat" in signals for signals in found] == [False, False, True]


def test_signals_can_be_left_out(write):
    read = rows.read(write("body,author\nx,cheap loans\n"))
    for of, has in ((SIGNALS, True), (without(["name_phrase"]), False)):
        assert ("name_phrase" in {f.signal for f in rows.features(read, Model(), of)[0].found}) is has
