"""Tests of serving images: public while a published text shows them, and hidden from the next request on."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import ProtectedError
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR, READER
from articles.images.services import change_image, delete_image
from articles.models import Article, Image, ImageUse, Site, StandingPage
from articles.publishing.services import publish, unpublish, unpublish_articles
from articles.services import change_site, save_article, save_page
from tests.articles.images.sample_images import gif, make_image, transparent_palette
from tests.conftest import use_store
from tests.factories import UserFactory, make_article
from tests.helpers.data_folder import data_path

pytestmark = pytest.mark.django_db


@pytest.fixture
def image() -> Image:
    return make_image()


def show(image: Image, **fields) -> Article:
    return make_article(body=f"Look.\n\n![](image:{image.pk})", **fields)


def files(image: Image) -> list[str]:
    return sorted(path.name for path in data_path(image.folder).iterdir())


def url_of(image: Image, name: str = "w800.jpg") -> str:
    return f"/images/{image.pk}/{name}"


def test_every_file_of_an_image_is_served_with_its_content_type(client, own_folder, image):
    show(image)
    kinds = {"jpg": "image/jpeg", "webp": "image/webp", "avif": "image/avif", "png": "image/png"}
    assert {"full.jpg", "w400.avif", "w800.webp", "c800-50-50.jpg", "og-50-50.jpg"} <= set(files(image))
    for name in files(image):
        response = client.get(url_of(image, name))
        assert response.status_code == 200, name
        assert response["Content-Type"] == kinds[name.rpartition(".")[2]]
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response.content == (data_path(image.folder) / name).read_bytes()
        assert not response.cookies


def test_images_answer_503_while_the_store_does_not_answer(client, bucket, image, settings, monkeypatch):
    show(image)
    change_site(logo=image)
    urls = [url_of(image), reverse("site-logo", args=[image.pk])]
    assert [client.get(url).status_code for url in urls] == [200, 200]
    monkeypatch.setattr("core.files._retry_at", 0.0)
    use_store(settings, "s3://k:s@127.0.0.1:9/gone")
    for response in map(client.get, urls):
        assert (response.status_code, response["Retry-After"]) == (503, "5")


def test_pngs_and_animations_are_served(client, own_folder):
    for image in make_image(transparent_palette()), make_image(gif(5)):
        show(image)
        for name in files(image):
            assert client.get(url_of(image, name)).status_code == 200, name


HIDDEN = {
    "a draft": None,
    "scheduled": timedelta(minutes=1),
}


@pytest.mark.parametrize("when", HIDDEN)
def test_an_image_of_an_unpublished_story_is_not_found(client, own_folder, image, when):
    assert client.get(url_of(image)).status_code == 404  # in no story
    ahead = HIDDEN[when]
    show(image, published_at=ahead and timezone.now() + ahead)
    for name in files(image):
        assert client.get(url_of(image, name)).status_code == 404


def test_an_image_is_public_exactly_while_its_story_is_published(client, image, time_machine):
    story = show(image, published_at=timezone.now() + timedelta(minutes=5))
    assert client.get(url_of(image)).status_code == 404
    time_machine.move_to(timezone.now() + timedelta(minutes=6))
    first = client.get(url_of(image))
    assert first.status_code == 200
    unpublish_articles(ids=[story.pk])
    conditional_headers = {"HTTP_IF_NONE_MATCH": first["ETag"]}
    assert client.get(url_of(image)).status_code == 404
    assert client.get(url_of(image), **conditional_headers).status_code == 404


def test_an_image_removed_from_the_text_is_hidden(client, image):
    story = show(image)
    assert client.get(url_of(image)).status_code == 200
    story.body = "No picture."
    save_article(article=story)
    assert client.get(url_of(image)).status_code == 404
    story.lead_image = image
    save_article(article=story)
    assert client.get(url_of(image)).status_code == 200


def test_editors_see_an_unpublished_image_with_a_private_response(image):
    for role, status in {EDITOR: 200, ADMINISTRATOR: 200, MODERATOR: 404, READER: 404}.items():
        colleague = Client()
        colleague.force_login(UserFactory.create(roles=(role,)))
        response = colleague.get(url_of(image))
        assert response.status_code == status, role
        if status == 200:
            assert response["Cache-Control"] == "private, no-cache"


def test_a_preview_shows_its_images_and_no_others(client, image, time_machine):
    other = make_image(alt="Another")
    draft = show(image, published_at=None, lead_image=image)
    page = client.get(draft.preview_url()).content.decode()
    urls = {part.split('"')[0].split(" ")[0] for part in page.split("/images/")[1:]}
    assert len(urls) > 6
    assert all("?preview=" in url for url in urls)
    for url in urls:
        response = client.get(f"/images/{url}")
        assert response.status_code == 200, url
        assert "private" in response["Cache-Control"]
    token = next(iter(urls)).partition("?")[2]
    assert client.get(f"{url_of(other)}?{token}").status_code == 404
    assert client.get(f"{url_of(image)}?{token}x").status_code == 404
    time_machine.move_to(timezone.now() + timedelta(hours=25))
    assert client.get(f"{url_of(image)}?{token}").status_code == 404


def test_a_preview_token_is_revoked_by_making_the_story_private_or_unpublishing(client, image, time_machine):
    draft = show(image, published_at=None, lead_image=image)
    token = client.get(draft.preview_url()).content.decode().partition("?preview=")[2].partition('"')[0]
    url = f"{url_of(image)}?preview={token.partition(' ')[0]}"
    assert client.get(url).status_code == 200
    Article.objects.filter(pk=draft.pk).update(stage=Article.Stage.PRIVATE)
    assert client.get(url).status_code == 404
    time_machine.move_to(timezone.now() + timedelta(minutes=1))
    draft.refresh_from_db()
    published = publish(article=draft, at=timezone.now(), seen=draft.version)
    assert client.get(url).status_code == 200
    unpublish(article=published, reason="", seen=published.version)
    assert client.get(url).status_code == 404


def test_a_cached_copy_is_revalidated(client, image):
    show(image)
    first = client.get(url_of(image))
    assert first["Cache-Control"] == "public, no-cache, max-age=0"
    second = client.get(url_of(image), HTTP_IF_NONE_MATCH=first["ETag"])
    assert (second.status_code, second.content) == (304, b"")
    assert second["ETag"] == first["ETag"]
    assert second["Cache-Control"] == "public, no-cache, max-age=0"
    assert client.get(url_of(image, "w800.webp"), HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 200


def test_serving_an_image_takes_one_statement(client, image):
    show(image)
    client.get(url_of(image))
    with CaptureQueriesContext(connection) as queries:
        client.get(url_of(image))
    assert len(queries) == 1, [query["sql"] for query in queries]


@pytest.mark.parametrize(
    "name",
    [
        "w9999.jpg",
        "w800.svg",
        "w800.jpg/",
        "../w800.jpg",
        "%2e%2e%2fsecret_key.jpg",
        "full.png",
        ".full.jpg",
        "w800.JPG",
        "w" + "8" * 40 + ".jpg",
        "c800.jpg",
    ],
)
def test_an_unknown_file_is_not_found(client, image, name):
    show(image)
    assert client.get(url_of(image, name)).status_code == 404


@pytest.mark.parametrize("pk", ["0", "9" * 18, "9" * 19, "-1", "%00", "١"])
def test_an_unknown_image_is_not_found(client, pk):
    assert client.get(f"/images/{pk}/full.jpg").status_code == 404


def test_other_methods_are_not_allowed(client, image):
    show(image)
    assert client.post(url_of(image)).status_code == 405
    assert client.head(url_of(image)).content == b""


def test_images_of_a_standing_page_are_public_while_it_is_shown(client, image):
    page = save_page(page=StandingPage(title="About us", slug="about-us", body=f"![](image:{image.pk})"))
    assert client.get(url_of(image)).status_code == 200
    assert "w800.webp" in client.get(page.get_absolute_url()).content.decode()
    image.credit = "Ole Berg"
    change_image(image=image)
    assert "Ole Berg" in client.get(page.get_absolute_url()).content.decode()
    page = StandingPage.objects.get()
    page.shown = False
    save_page(page=page)
    assert client.get(url_of(image)).status_code == 404


def test_images_of_the_rules_are_public(client, image):
    assert client.get(url_of(image)).status_code == 404
    change_site(rules=f"Be kind.\n\n![](image:{image.pk})")
    assert client.get(url_of(image)).status_code == 200
    assert f'src="/images/{image.pk}/' in client.get("/rules/").content.decode()
    change_site(tagline="A boat, every morning")
    assert client.get(url_of(image)).status_code == 200
    before = Site.objects.get().version
    image.credit = "Ole Berg"
    change_image(image=image)
    assert "Ole Berg" in client.get("/rules/").content.decode()
    assert Site.objects.get().version > before  # the page may be cached
    with pytest.raises(ProtectedError):
        delete_image(image=image)
    change_site(rules="Be kind.")
    assert client.get(url_of(image)).status_code == 404
    change_site(rules="A picture that is not there: ![](image:999999)")
    assert not ImageUse.objects.exists()
