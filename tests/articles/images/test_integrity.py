"""Tests of the integrity checks of images, and their repair."""

import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from articles.images.integrity import find_wrong_uses
from articles.models import ImageUse, Site, StandingPage
from articles.services import save_page
from comments import integrity
from tests.articles.images.sample_images import make_image
from tests.factories import make_article
from tests.helpers.data_folder import data_path

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_folder")]


def test_a_healthy_site_has_no_damage():
    image = make_image()
    make_article(body=f"![](image:{image.pk}) and ![](image:99999)", lead_image=image)
    save_page(page=StandingPage(title="About", slug="about", body=f"![](image:{image.pk})"))
    assert integrity.check() == {}


def test_only_the_columns_that_name_images_are_read():
    make_article()
    with CaptureQueriesContext(connection) as queries:
        assert find_wrong_uses() == []
    statements = " ".join(query["sql"] for query in queries)
    assert ('"body"' in statements, '"rules"' in statements) == (True, True)
    assert not re.search('"(body_html|vector|rules_in_short|title)"', statements)


def test_a_missing_or_changed_file_is_reported_and_not_repaired():
    gone, changed = make_image(alt="Gone"), make_image(alt="Changed", data=None)
    (data_path(gone.folder) / "full.jpg").write_bytes(b"another one")
    found = integrity.check()
    assert found == {"image_file": [gone.pk, changed.pk]}  # two images of one file
    integrity.repair(found)
    assert integrity.check() == found


def test_a_file_that_cannot_be_read_ends_the_check_with_a_sentence():
    image = make_image(is_ready=False)
    full = data_path(image.full_file)
    full.unlink()
    full.mkdir()
    with pytest.raises(CommandError, match=r"^A file cannot be read: Is a directory \(.+/full\.jpg\)\.$"):
        call_command("check_integrity")


def test_a_missing_size_is_made_again():
    image = make_image()
    (data_path(image.folder) / "w400.avif").unlink()
    found = integrity.check()
    assert found == {"image_size": [image.pk]}
    integrity.repair(found)
    assert (data_path(image.folder) / "w400.avif").exists()
    assert integrity.check() == {}


def test_sizes_that_no_job_has_made_are_made(time_machine):
    image = make_image(is_ready=False)
    assert integrity.check() == {}  # the job is queued
    time_machine.move_to(timezone.now() + timedelta(hours=2))
    found = integrity.check()
    assert found == {"image_size": [image.pk]}
    integrity.repair(found)
    assert integrity.check() == {}


def test_wrong_uses_are_reported_and_repaired(client):
    open_one, closed = make_image(alt="Open", is_ready=False), make_image(alt="Closed", is_ready=False)
    story = make_article(body=f"![](image:{closed.pk})")
    page = save_page(page=StandingPage(title="About", slug="about", body=f"![](image:{closed.pk})"))
    ImageUse.objects.filter(article=story).update(image=open_one)
    ImageUse.objects.filter(page=page).delete()
    Site.objects.update(rules=f"![](image:{closed.pk})")
    assert client.get(f"/images/{open_one.pk}/full.jpg").status_code == 200
    found = integrity.check()
    assert found == {"image_use": [f"article {story.pk}", f"page {page.pk}", "site 1"]}
    integrity.repair(found)
    assert integrity.check() == {}
    assert client.get(f"/images/{open_one.pk}/full.jpg").status_code == 404
    assert client.get(f"/images/{closed.pk}/full.jpg").status_code == 200
