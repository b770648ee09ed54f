"""The command import_archive."""

import json

import pytest
from django.core.management import CommandError, call_command

from articles.models import Article
from tests.archive.saved_pages import page

pytestmark = pytest.mark.django_db


def test_the_command_reports_in_words(tmp_path, capsys):
    file = tmp_path / "ferry.txt"
    file.write_bytes(page(4).replace(b"(4 ", b"(9 "))

    call_command("import_archive", str(file), source="The Post", url="https://post.example/ferry")

    article = Article.objects.get()
    assert (article.source_name, article.source_url) == ("The Post", "https://post.example/ferry")
    output = capsys.readouterr().out
    assert (
        "4 comments in the file (2 at level 1, 1 at level 2, 1 at level 3); the page announces 9." in output
    )
    assert "  line 12: " in output
    assert "4 comments are new" in output
    assert output.rstrip().endswith(article.get_absolute_url())

    assert "\n1 warning:\n" in output

    call_command("import_archive", str(file))
    assert "Nothing is new" in capsys.readouterr().out


def test_the_command_prints_a_host_only_if_it_knows_it(tmp_path, capsys, settings):
    file = tmp_path / "ferry.txt"
    file.write_bytes(page(1))
    for is_known, start in ((False, ""), (True, settings.SITE_URL)):
        settings.SITE_URL_IS_KNOWN = is_known
        call_command("import_archive", str(file))
        address = capsys.readouterr().out.splitlines()[-1]
        assert address == start + Article.objects.get().get_absolute_url()


def test_the_command_uses_the_singular_for_one(tmp_path, capsys):
    file = tmp_path / "ferry.txt"
    file.write_bytes(page(1))
    call_command("import_archive", str(file))
    assert capsys.readouterr().out.splitlines()[1:-1] == [
        "1 comment in the file (1 at level 1); the page announces 1.",
        "0 warnings.",
        "1 comment is new, 0 existed already.",
    ]
    file.write_bytes(page(2))
    call_command("import_archive", str(file), "--dry-run")
    output = capsys.readouterr().out
    assert "1 comment is new, 1 exists already. This is a preview: nothing was written." in output


def test_the_command_reports_in_json(tmp_path, capsys):
    file = tmp_path / "ferry.txt"
    file.write_bytes(page(5).replace(b"(5 ", b"(9 "))

    call_command("import_archive", str(file), "--json", "--dry-run")

    output = json.loads(capsys.readouterr().out)
    assert not Article.objects.exists()
    assert [(w["line"], w["kind"]) for w in output.pop("warnings")] == [(12, "count")]
    assert output.pop("boilerplate") == [43, 45]
    assert output == {
        "format": "soundoff",
        "articles": 1,
        "comments": {"found": 5, "declared": 9, "by_level": {"1": 2, "2": 2, "3": 1}},
        "created": 5,
        "updated": 0,
        "skipped": 0,
        "redirect": None,
    }


def test_the_command_refuses_with_the_sentence(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("Dear diary")
    with pytest.raises(CommandError, match=r"^Line 1: "):
        call_command("import_archive", str(file))
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_archive", str(tmp_path / "missing.txt"))
