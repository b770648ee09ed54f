"""Imported stories and comments with dates in the future."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from archive.models import Import
from articles.models import Article
from comments.integrity import check
from comments.models import Comment
from tests.archive.saved_pages import ADD, FUTURE, import_saved_page, page, page_of_future_story, upload

pytestmark = pytest.mark.django_db


def test_a_comment_dated_in_the_future_is_stored_as_of_now_with_a_warning():
    ahead = page().replace(b"March 4, 2014 at 8:00", b"March 4, 2114 at 8:00")
    report = import_saved_page(ahead)
    (warning,) = [warning for warning in report.warnings if warning.kind == "future"]
    assert "2114" in warning.text
    assert ahead.decode().splitlines()[warning.line - 1].strip() == "2. Cy"
    late = Comment.objects.get(author_name="Cy")
    assert timezone.now() - timedelta(minutes=5) < late.created_at <= timezone.now()
    assert import_saved_page(ahead).created_count == 0
    assert check() == {}


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_story_of_the_future_is_warned_about(client, dry_run):
    report = import_saved_page(page_of_future_story(page()), dry_run=dry_run)

    [warning] = report.warnings
    assert (warning.line, warning.kind) == (1, "future")
    assert warning.text == (
        f"The story is dated {FUTURE.day} {FUTURE:%B %Y}, 09:15 (America/New_York), in the future."
        " Readers will not see it until then."
    )
    if dry_run:
        assert report.describe_story_url(settings.SITE_URL) == ""
        return
    article = Article.objects.get()
    assert client.get(article.get_absolute_url()).status_code == 404
    assert report.describe_story_url(settings.SITE_URL) == (
        f"Not published yet. Its URL will be {settings.SITE_URL}{article.get_absolute_url()}; editors can"
        f" open it at {settings.SITE_URL}/admin/articles/article/{article.pk}/change/"
    )
    assert Import.objects.get().warnings[0]["kind"] == "future"
    # The warning is given as long as the date of the story is in the future.
    assert [w.kind for w in import_saved_page(page_of_future_story(page())).warnings] == ["future"]

    Article.objects.update(published_at=datetime(2014, 3, 3, 9, 15, tzinfo=UTC))
    assert import_saved_page(page_of_future_story(page())).warnings == []
    expected = f"{settings.SITE_URL}{article.get_absolute_url()}"
    assert import_saved_page(page_of_future_story(page())).describe_story_url(settings.SITE_URL) == expected


def test_the_command_prints_no_address_that_answers_404(tmp_path, capsys, client):
    file = tmp_path / "ferry.txt"
    file.write_bytes(page_of_future_story(page()))
    call_command("import_archive", str(file))
    output = capsys.readouterr().out.splitlines()
    assert output[2] == "1 warning:"
    assert output[3].startswith("  line 1: The story is dated ")
    assert output[-1].startswith("Not published yet. ")
    assert client.get(output[-1].split()[-1]).status_code == 302  # to the log-in


def test_an_editor_is_warned_at_the_preview_and_redirected_to_the_admin(client, emil):
    client.force_login(emil)
    looked = client.post(
        ADD, {"file": upload(data=page_of_future_story(page())), "preview": "1"}, follow=True
    ).content.decode()
    assert "in the future. Readers will not see it until then." in looked
    done = client.post(ADD, {"file": upload(data=page_of_future_story(page()))}, follow=True).content.decode()
    article = Article.objects.get()
    assert "The story is not published yet." in done
    assert f"/admin/articles/article/{article.pk}/change/" in done
    assert article.get_absolute_url() not in done


def test_a_comment_of_the_future_is_stored_as_of_its_import():
    data = page_of_future_story(
        page().replace(b"March 4, 2014 at 8:00 am", f"March 4, {FUTURE.year + 1} at 8:00 am".encode())
    )
    before = timezone.now()

    report = import_saved_page(data)

    assert [(w.line, w.kind) for w in report.warnings] == [(1, "future"), (31, "future")]
    assert (
        f"Comment 4 is dated 4 March {FUTURE.year + 1}, 08:00 (America/New_York)" in report.warnings[1].text
    )
    comment = Comment.objects.get(source_number=4)
    assert before - timedelta(minutes=30) < comment.created_at <= timezone.now()
    assert comment.source_id == f"Cy|{FUTURE.year + 1}-03-04T08:00|1"
    assert import_saved_page(data).created_count == 0
    assert check() == {}
