"""Redirects from the addresses that imported stories had at their source."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from articles.models import Article, Redirect
from articles.redirects import add_redirect
from tests.archive.saved_pages import ADD, import_saved_page, page, upload
from tests.factories import make_article
from tests.helpers.postgres.locks import site_is_locked_first

pytestmark = pytest.mark.django_db


def test_the_path_at_the_source_leads_to_the_story(client):
    url = "https://old.example/2014/03/03/ferry/"
    preview = import_saved_page(page(), url=url, dry_run=True).redirect
    assert not Redirect.objects.exists()
    report = import_saved_page(page(), url=url).redirect
    assert preview.text == "The old URL /2014/03/03/ferry/ will lead to the story."
    assert report.text == "The old URL /2014/03/03/ferry/ leads to the story."
    assert preview.to_json() == report.to_json()
    assert client.get("/2014/03/03/ferry").url == Article.objects.get().get_absolute_url()


@pytest.mark.parametrize(
    ("url", "old"),
    [
        ("https://old.example/2014/03/03/ferry/?utm_source=rss#comments", "/2014/03/03/ferry/"),
        ("https://old.example/?utm_source=rss&p=12", "/?p=12"),
        (
            "https://old.example/index.php?option=com_content&id=5&tmpl=x",
            "/index.php?option=com_content&id=5",
        ),
    ],
)
def test_the_redirect_has_no_parameter_that_does_not_name_the_story(client, url, old):
    import_saved_page(page(), url=url)
    assert Redirect.objects.get().old == old
    story = Article.objects.get().get_absolute_url()
    assert client.get(old).url == story
    assert client.get(url.removeprefix("https://old.example")).url == story


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("https://old.example/", "/ does not lead to the story. There is a page at this URL."),
        (
            "https://old.example/archive/",
            "/archive/ does not lead to the story. There is a page at this URL.",
        ),
        (
            "https://other.example/?p=12",
            "/?p=12 does not lead to the story. There is a redirect from this URL.",
        ),
        (
            "https://old.example//ferry/",
            "https://old.example//ferry/ does not lead to the story. A URL must start with a slash, "
            "such as /2013/06/19/slug/ or /?p=12.",
        ),
    ],
)
def test_an_import_changes_no_redirect_and_reports_a_url_in_use(url, sentence):
    add_redirect(old="/?p=12", target_url=make_article("Typed by a person").get_absolute_url())
    before = Redirect.objects.values_list().get()
    preview = import_saved_page(page(), url=url, dry_run=True).redirect
    report = import_saved_page(page(), url=url).redirect
    assert preview.text == report.text == f"The old URL {sentence}"
    assert Article.objects.get(source_url=url).is_published()
    assert Redirect.objects.values_list().get() == before


def test_a_source_with_the_same_path_as_the_story_needs_no_redirect(client):
    url = "https://old.example/stories/the-ferry-will-not-sail-on-sundays/"
    preview = import_saved_page(page(), url=url, dry_run=True).redirect
    report = import_saved_page(page(), url=url).redirect
    assert preview.to_json() == report.to_json()
    assert report.text.endswith("/stories/the-ferry-will-not-sail-on-sundays/ leads to the story.")
    assert client.get(report.old).status_code == 200
    assert not Redirect.objects.exists()


def test_only_the_first_import_redirects_from_its_source():
    assert import_saved_page(page()).redirect is None
    assert import_saved_page(page(5), url="https://old.example/2014/03/03/ferry/").redirect is None
    assert not Redirect.objects.exists()


def test_an_import_outdates_the_site_before_it_locks_the_redirects():
    """Otherwise it and a change of a slug (tests/articles/test_redirects.py) could wait for each other."""
    with CaptureQueriesContext(connection) as queries:
        import_saved_page(page(), url="https://old.example/2014/03/03/ferry/")
    assert site_is_locked_first(queries)


def test_the_report_of_an_import_shows_the_redirect(client, emil, tmp_path, capsys):
    client.force_login(emil)
    url = "https://old.example/2014/03/03/ferry/"
    shown = client.post(ADD, {"file": upload(), "url": url, "preview": "1"}, follow=True)
    assert "The old URL /2014/03/03/ferry/ will lead to the story." in shown.content.decode()
    file = tmp_path / "ferry.txt"
    file.write_bytes(page())
    call_command("import_archive", str(file), "--url", url, "--dry-run")
    assert "The old URL /2014/03/03/ferry/ will lead to the story." in capsys.readouterr().out
