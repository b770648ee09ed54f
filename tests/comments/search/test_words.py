"""Words are found in any form and in any script, and marked as they were written."""

import re
from importlib import import_module

import pytest
from django.db import connection

from core.data_folder import PROJECT
from core.database.sql import fetch_rows, fetch_value
from tests.comments.search.search_pages import found_comments, marks, search_discussion, search_site
from tests.factories import make_article, make_comment

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("query", "body", "marked"),
    [
        ("cafe", "At the Café.", ["Café"]),
        ("CAFÉ", "at the cafe", ["cafe"]),
        ("cafe\u0301", "At the Caf\u00e9.", ["Caf\u00e9"]),
        ("cafe", "At the Cafe\u0301.", ["Cafe\u0301"]),
        ("احمد", "قال أحمد ذلك", ["أحمد"]),
        ("أحمد", "قال اَحْمَد ذلك", ["اَحْمَد"]),
        ("جدا", "كبير جداً\u200f هنا", ["جداً\u200f"]),
        ("ميناء", "في الميناء القديم", ["الميناء"]),
        ("الميناء", "ميناء قديم", ["ميناء"]),
        ("ميناء", "وصل إلى الميناء، وبالميناء وللميناء سفن.", ["الميناء", "وبالميناء", "وللميناء"]),
        ("-الميناء سفن", "سفن في ميناء", None),
        ("له", "الله", None),  # the letters are no article if only two letters follow
        ("دة", "والدة", None),
        ("مسئول", "قال المسؤول", ["المسؤول"]),
        ("شئ", "كل شيء", ["شيء"]),
        ("في", "ولد فى مصر", ["فى"]),
        ("istanbul", "In İSTANBUL.", ["İSTANBUL"]),
        ("İSTANBUL", "in istanbul", ["istanbul"]),
        ("ığdır", "IĞDIR is far.", ["IĞDIR"]),
        ("елка", "Новогодняя Ёлка.", ["Ёлка"]),
        ("ёлка", "ЕЛКА", ["ЕЛКА"]),
        ("hidden", "a hid\u00adden\u200b word", ["hid\u00adden\u200b"]),
        ("2013", "في ٢٠١٣ كان", ["٢٠١٣"]),
        ("moderator", "Two moderators moderated.", ["moderators", "moderated"]),
        ("strasse", "In der Straße.", ["Straße"]),
        ("straße", "IN DER STRASSE", ["STRASSE"]),
        ("Ελλαδα", "Στην Ελλάδα.", ["Ελλάδα"]),
        ("don't panic", "Do not panic", ["panic"]),
        ("“old ferry”", "The old ferry and an old bus.", ["old", "ferry", "old"]),
        ('"old ferry"', "The ferry is old.", None),
        ("ferry -bus", "A ferry.", ["ferry"]),
        ("ferry -bus", "A ferry and a bus.", None),
        ("ferry or tram", "A tram.", ["tram"]),
        ("ferry tram", "A tram.", None),
        ("re-elected", "He was re-elected.", ["re", "elected"]),
        ("3.14", "It is 3.14, not 3.15.", ["3.14"]),
        ("example.org", "See example.org, he said.", ["example.org"]),
        (
            "https://example.org/ferry?a=1",
            "See https://example.org/ferry?a=1",
            ["https://example.org/ferry?a=1"],
        ),
        ("HTTP://example.org/ferry", "See https://example.org/ferry", ["https://example.org/ferry"]),
        ("ferry -https://example.org/x", "A ferry: https://example.org/x", None),
        (
            "https://example.org/wiki/File:Boat.jpg",
            "example.org/wiki/File:Boat.jpg",
            ["example.org/wiki/File:Boat.jpg"],
        ),
        ("example.org:8080/a", "See example.org:8080/a", ["example.org:8080/a"]),
        ("example.org/a?b=c&d=e", "See example.org/a?b=c&d=e", ["example.org/a?b=c&amp;d=e"]),
        ("(https://my-site.example.org/a)", "See my-site.example.org/a", ["my-site.example.org/a"]),
        ("site:my-site.example.org/a", "The site my-site.example.org/a", ["site", "site"]),
        ("example.org/a:b!", "See example.org/a:b", ["example.org/a:b"]),
        ("(example.org/a)", "See example.org/a", ["example.org/a"]),
        ("example.org/Elbe_(river)", "See example.org/Elbe_(river)", ["example.org/Elbe_(river"]),
        ("ferry -example.org/a:b", "A ferry: example.org/a:b", None),
        ('"the ferry example.org/a:b"', "See the ferry example.org/a:b", ["ferry", "example.org/a:b"]),
        ("a.*b", "Between a.*b and AxxB.", ["b"]),
        ("C++", "C++ or C.", ["C", "C"]),
        ("東京", "東京 へ", ["東京"]),
        ("привет", "Привет, мир", ["Привет"]),
        ("R&D", "Our R&D team <b>.", ["R", "D"]),
        ("amp", "This & that", None),
        ("lt", "1 < 2", None),
        ("strong", "**Bold** words", None),
    ],
)
def test_words_are_found_in_any_form_and_marked_as_written(client, query, body, marked):
    article = make_article("Story")
    make_comment(article, body)
    for page in (search_discussion(client, article, query), search_site(client, query)):
        assert marks(page) == (marked or [])
        assert bool(found_comments(page)) == (marked is not None)


def test_stored_texts_are_found_as_new_ones_are(client):
    """A migration has changed the function that folds texts, and makes the stored vectors again."""
    first = import_module("articles.migrations.0001_search_function")
    now = import_module("articles.migrations.0030_search_arabic")
    comments = import_module("comments.migrations.0038_search_arabic")
    with connection.cursor() as cursor:
        cursor.execute(first.FOLD.replace("CREATE", "CREATE OR REPLACE"))
        article = make_article("إغلاق الميناء")
        stored = make_comment(article, "بالميناء سفن")
        cursor.execute(now.FOLD)
        assert found_comments(search_site(client, "ميناء")) == []
        cursor.execute(now.REBUILD_VECTORS)
        cursor.execute(comments.REBUILD_VECTORS)
    page = search_site(client, "ميناء")
    assert found_comments(page) == [stored.pk]
    assert marks(page) == ["الميناء", "بالميناء"]


def test_comments_without_letters_do_not_break_the_search(client):
    article = make_article()
    make_comment(article, "?!")
    make_comment(article, "。。。")
    assert found_comments(search_discussion(client, article, "ferry")) == []


def test_folding_ascii_only_changes_the_case():
    """articles.search.match_words relies on it."""
    text = "".join(map(chr, range(1, 128)))
    assert fetch_value("SELECT search_fold(%(text)s) = lower(%(text)s)", {"text": text})


def test_an_english_word_and_its_stem_have_the_same_first_letter():
    """articles.search.match_words relies on it."""
    irregular = ["skies", "dying", "lying", "tying", "idly", "gently", "ugly", "early", "only", "singly"]
    documents = " ".join(page.read_text() for page in (PROJECT / "docs").glob("*.md"))
    words = sorted({*irregular, *re.findall("[a-z]+", documents.lower())})
    assert len(words) > 2_000
    statement = """
SELECT count(*), array_agg(word) FILTER (WHERE left(stem, 1) <> left(word, 1))
FROM unnest(%s::text[]) word, unnest(tsvector_to_array(to_tsvector('english', word))) stem"""
    (row,) = fetch_rows(statement, [words])
    assert row[0] > 2_000
    assert row[1] is None
