"""The privacy page: what the site stores, under the owner's own text."""

import pytest
from django.test import Client

from accounts.models import User
from archive.personal_data.registry import REGISTRY
from articles.models import ImageUse, Site
from tests.archive.personal_data.conftest import words

pytestmark = pytest.mark.django_db

URL = "/privacy/"


def test_it_lists_each_kind_of_data_with_its_tables(client: Client) -> None:
    response = client.get(URL)
    assert response["Cache-Control"] == "public, no-cache, max-age=0"
    page = words(response)
    for kind in REGISTRY:
        for text in (kind.title, kind.content, kind.purpose, kind.retention):
            assert str(text) in page, text
        for table in kind.columns:
            assert f"<code>{table}</code>" in page
    assert 'href="/account/data/"' in page
    assert client.post(URL).status_code == 405


def test_every_page_links_to_it(client: Client) -> None:
    for url in ("/", "/archive/", "/accounts/login/", URL):
        assert f'href="{URL}"' in words(client.get(url))


def test_the_text_of_the_owner_is_above_the_list(client: Client) -> None:
    Site.objects.update(privacy="Write to **us**.\n\n<script>x</script>")
    page = words(client.get(URL))
    assert page.index("Write to <strong>us</strong>.") < page.index("What this site stores")
    assert "<script>x" not in page


def test_the_settings_offer_a_template_of_the_text_and_store_it(client: Client, ada: User) -> None:
    client.force_login(ada)
    page = words(client.get("/owner/settings/"))
    assert 'href="?template=privacy#id_privacy"' in page
    assert 'href="?template=rules#id_rules"' in page
    assert "Who is responsible" not in page
    offered = client.get("/owner/settings/?template=privacy")
    form = offered.context["form"]
    assert "## Who is responsible" in form.initial["privacy"]
    assert "Soundoff, [name" in form.initial["privacy"]
    assert "Who is responsible" in words(offered)
    assert Site.objects.get().privacy == "", "nothing is stored before it is saved"
    sent = {
        bound.html_name: bound.value()
        for bound in form
        if bound.value() not in (None, False) and not bound.html_name.endswith("_file")
    }
    assert client.post("/owner/settings/", sent).status_code == 302
    assert Site.objects.get().privacy.startswith("## Who is responsible")
    assert "Who is responsible" in words(client.get(URL))
    # A template never replaces a text.
    again = client.get("/owner/settings/?template=privacy").context["form"]
    assert again["privacy"].value() == Site.objects.get().privacy
    assert "template=privacy" not in words(client.get("/owner/settings/"))


def test_the_settings_offer_a_template_of_the_rules(client: Client, ada: User) -> None:
    client.force_login(ada)
    form = client.get("/owner/settings/?template=rules").context["form"]
    assert "## What we remove" in form["rules"].value()
    assert client.get("/owner/settings/?template=name").status_code == 200
    assert not ImageUse.objects.exists()
