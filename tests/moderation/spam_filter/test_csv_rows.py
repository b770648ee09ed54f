"""CSV files of comments as people have them: missing columns, invalid dates, any bytes."""

from datetime import datetime
from pathlib import Path

import pytest

from moderation.spam_filter import csv_rows


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes) -> Path:
        path = tmp_path / "comments.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def read(path: Path, encoding: str = "utf-8") -> list[csv_rows.Row]:
    return list(csv_rows.CommentFile(path, encoding))


def refused(path: Path, encoding: str = "utf-8") -> str:
    with pytest.raises(csv_rows.CsvFileError) as caught:
        read(path, encoding)
    return str(caught.value).replace(str(path), "FILE")


def test_all_columns_are_read(write):
    path = write(
        "author,url,body,article_title,article_text,article_date,comment_date,parent,label\n"
        'Ann,http://a.example,"Two\nlines",Heron,Ferries,2024-01-01,2024-03-01 10:00:00+02:00,Is it?,spam\n'
    )
    (row,) = read(path)
    assert (row.line, row.is_spam) == (2, True)
    comment = row.data
    assert (comment.author, comment.url, comment.body, comment.is_reply) == (
        "Ann",
        "http://a.example",
        "Two\nlines",
        True,
    )
    assert (comment.article_title, comment.article_text) == ("Heron", "Ferries")
    assert comment.article_date == datetime.fromisoformat("2024-01-01")
    assert comment.comment_date == datetime.fromisoformat("2024-03-01T10:00")  # the date as the file has it


@pytest.mark.parametrize(
    ("label", "is_spam"), [("spam", True), ("ham", False), (" SPAM ", True), ("", None), ("Ham", False)]
)
def test_labels_are_read_in_any_case_and_may_be_empty(write, label, is_spam):
    assert read(write(f"body,label\nx,{label}\n"))[0].is_spam is is_spam


def test_absent_columns_are_unknown_and_empty_cells_are_empty(write):
    (row,) = read(write("body\nx\n"))
    assert (row.data.url, row.data.author, row.data.article_date, row.is_spam) == (None, None, None, None)
    (row,) = read(write("body,url,author\nx,,\n"))
    assert (row.data.url, row.data.author) == ("", None)


@pytest.mark.parametrize("date", ["", "yesterday", "2024-13-40", "0"])
def test_an_invalid_date_is_unknown(write, date):
    assert read(write(f"body,article_date\nx,{date}\n"))[0].data.article_date is None


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfbody,label\nx,ham\n",  # with a mark of its encoding
        b"body,label\r\nx,ham\r\n",
        b"label,body\nham,x\n",
        b"body,label,more\nx,ham\n",
    ],
)
def test_files_of_common_programs_are_read(write, content):
    (row,) = read(write(content))
    assert (row.data.body, row.is_spam) == ("x", False)


@pytest.mark.parametrize("header", [" body, label ", "body,label ", "Body,LABEL", "\ufeffbody ,\xa0label"])
def test_a_header_with_spaces_or_capitals(write, header):
    (row,) = read(write(f"{header}\nx,spam\n"))
    assert (row.data.body, row.is_spam) == ("x", True)


def test_a_file_without_bodies_is_refused_with_the_columns_that_were_read(write):
    assert refused(write("")) == "FILE is empty."
    assert refused(write("text , label\nx,ham\n")) == (
        "FILE has no column “body”. Its columns, separated by commas, are: “text”, “label”."
    )
    assert refused(write("author;body;label\nAnn;x;ham\n")).endswith("are: “author;body;label”.")
    assert refused(write("body,label,Label\nx,ham,spam\n")) == "FILE has two columns “label”."


# Lines, as an editor counts them


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_row_has_the_line_on_which_it_begins(write, end):
    lines = ["body,label", '"Two', 'lines",spam', "", "x,ham", '"a "" quote",ham', "", "y,ham"]
    assert [row.line for row in read(write(end.join(lines)))] == [2, 5, 6, 8]
    lines[-1] = "y,maybe"
    assert refused(write(end.join(lines))) == "Line 8 of FILE: the label is 'maybe', but must be spam or ham."


@pytest.mark.parametrize(
    ("lines", "opened", "closed"),
    [
        (["x,ham", '"y,ham', "z,ham"], 3, None),
        (["x,ham", 'y,"ham'], 3, None),
        (["x,ham", '"y,ham', "z,ham", '"a comma, here",ham'], 3, 5),
        (["x,ham", '"y', 'yes",ham', '"z', "z", 'w,"spam"'], 5, 7),
        (["x,ham", '"She said "no" to it",ham'], 3, 3),
        (["x,ham", '"""She"" said,ham', "z,spam"], 3, None),
    ],
)
def test_a_quote_that_is_not_closed_is_refused_where_it_opens(write, lines, opened, closed):
    message = refused(write("\n".join(["body,label", *lines]) + "\n"))
    assert message.startswith(f"Line {opened} of FILE: the quote that opens here ")
    if closed:
        assert f"closes in line {closed} in the middle of a cell" in message
    else:
        assert "is not closed before the file ends" in message


def test_a_quote_that_is_not_closed_does_not_take_the_whole_file(write, monkeypatch):
    monkeypatch.setattr("moderation.spam_filter.csv_rows.MAX_ROW_CHARACTERS", 1_000)
    message = refused(write('body,label\nx,ham\n"y,ham\n' + "z,ham\n" * 1_000))
    assert message == "Line 3 of FILE: the quote that opens here is not closed within 1,000 characters."
    assert len(read(write("body,label\n" + "z,ham\n" * 1_000))) == 1_000


def test_an_unquoted_comma_is_refused(write):
    message = refused(write("body,label\nx,ham\nWell, no,ham\n"))
    assert message.startswith("Line 3 of FILE: 3 cells, but the header has 2.")
    assert len(read(write("body,label\nx,ham,,\n"))) == 1  # some programs write such empty columns


# Bytes


@pytest.mark.parametrize(
    ("data", "encoding", "message"),
    [
        (b"body\nx\n\xe9t\xe9\n", "utf-8", "Line 3 of FILE: the byte E9 is not valid utf-8."),
        (
            b"body\nx\n" + b"y\n" * 9_000 + b"\xff\n",
            "utf-8",
            "Line 9003 of FILE: the byte FF is not valid utf-8",
        ),
        (b"body\n\x81\n", "cp1252", "Line 2 of FILE: the byte 81 is not valid cp1252."),
        ("body\nx\n".encode("utf-16"), "utf-8", "Line 1 of FILE: this is UTF-16. Add --encoding utf-16."),
        ("body\nx\n".encode("utf-16-be"), "utf-8", "Line 1 of FILE: it has zero bytes, so it may be UTF-16."),
        (b"PK\x03\x04\x14\0\xff", "utf-8", "Line 1 of FILE: this is a spreadsheet or a zip archive."),
        (
            "body\nx\n".encode("utf-16-le") + b"\0\xd8\n\0",
            "utf-16-le",
            "Line 1 of FILE: here or soon after",
        ),
        (b"body\nx\n", "klingon", "Unknown encoding “klingon”."),
        (b"body\nx\n", "hex", "Unknown encoding “hex”."),
    ],
)
def test_invalid_bytes_are_refused_with_their_line(write, data, encoding, message):
    assert refused(write(data), encoding).startswith(message)


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-16", "utf-16-le", "utf-8", "UTF8"])
def test_other_encodings_are_read_if_given(write, encoding):
    (row,) = read(write("body,label\nÉté,ham\n".encode(encoding)), encoding)
    assert (row.data.body, row.is_spam) == ("Été", False)


# Memory
