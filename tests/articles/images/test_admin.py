"""Tests of the admin of images. Emil is an editor, Mona a moderator, Ruth a reader."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR, READER
from articles.models import Article, Image
from articles.services import change_site, save_article
from tests.articles.editing.editor_forms import ADD as WRITE
from tests.articles.editing.editor_forms import change, form
from tests.articles.images.sample_images import gif, jpeg, make_image, upload
from tests.factories import UserFactory, make_article
from tests.helpers.clients import client_of, client_with_role
from tests.helpers.data_folder import data_path

pytestmark = pytest.mark.django_db

LIST, ADD = "/admin/articles/image/", "/admin/articles/image/add/"
SEND = "/admin/articles/image/upload/"


def test_the_upload_endpoint_stores_an_image_and_returns_its_markdown(emil):
    response = client_of(emil).post(
        SEND, {"file": upload(jpeg(), "slip.jpg"), "alt": "The slip", "credit": "Ida"}
    )
    image = Image.objects.get()
    assert response.status_code == 201
    assert response.json() == {
        "id": image.pk,
        "markdown": f"![The slip](image:{image.pk})",
        "url": f"/images/{image.pk}/full.jpg",
        "alt": "The slip",
        "width": 900,
        "height": 600,
        "note": "",
    }
    assert (image.credit, image.uploaded_by, image.filename) == ("Ida", emil, "slip.jpg")
    assert client_of(emil).get(response.json()["url"]).status_code == 200


def test_an_invalid_upload_returns_the_errors_and_stores_nothing(emil):
    response = client_of(emil).post(SEND, {"file": upload(b"<svg></svg>")})
    assert response.status_code == 400
    assert set(response.json()["errors"]) == {"file", "alt"}
    assert "SVG file" in response.json()["errors"]["file"][0]
    assert "Describe the image" in response.json()["errors"]["alt"][0]
    assert not Image.objects.exists()


def test_opening_the_url_of_uploads_shows_a_page(emil):
    """A script gets an empty response, as at the URLs of other forms."""
    client = client_of(emil)
    response = client.get(SEND)
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert "Forms are sent to this address. Nothing was sent or changed." in response.text
    asked_by_script = client.get(SEND, headers={"Accept": "application/json"})
    assert (asked_by_script.status_code, asked_by_script.content) == (405, b"")


@pytest.mark.parametrize(("role", "status"), [(READER, 302), (MODERATOR, 403)])
def test_only_editors_upload_images(role, status):
    client = client_with_role(role)
    for url in (SEND, ADD):
        assert client.post(url, {"file": upload(jpeg()), "alt": "The slip"}).status_code == status
    assert client.get(LIST).status_code == status
    assert not Image.objects.exists()


def test_an_upload_needs_a_csrf_token(emil):
    client = Client(enforce_csrf_checks=True)
    client.force_login(emil)
    assert client.post(SEND, {"file": upload(jpeg()), "alt": "The slip"}).status_code == 403


def test_an_image_is_added_and_changed_without_javascript(emil):
    client = client_of(emil)
    page = client.get(ADD).content.decode()
    assert 'enctype="multipart/form-data"' in page
    response = client.post(ADD, {"file": upload(jpeg()), "alt": "The slip", "focal_x": "20", "focal_y": ""})
    assert response.status_code == 302, response.context["adminform"].form.errors
    image = Image.objects.get()
    assert (image.focal_x, image.focal_y, image.uploaded_by) == (20, 50, emil)
    url = f"{LIST}{image.pk}/change/"
    assert client.get(url).status_code == 200
    data = {"alt": "The old slip", "focal_x": "0", "focal_y": "100", "credit": "Ida"}
    assert client.post(url, data).status_code == 302
    image.refresh_from_db()
    assert (image.alt, image.focal_x, image.focal_y, image.credit) == ("The old slip", 0, 100, "Ida")
    assert "The old slip" in client.get(f"{LIST}?q=old").content.decode()


def test_the_form_reports_an_animation_that_is_too_long(emil):
    response = client_of(emil).post(ADD, {"file": upload(gif(101), "a.gif"), "alt": "A wave"}, follow=True)
    assert "its first frame is shown" in response.content.decode()


def test_only_an_unused_image_is_deleted_with_its_files(emil, own_folder, django_capture_on_commit_callbacks):
    client = client_of(emil)
    shown, spare = make_image(is_ready=False), make_image(jpeg(500, 400), is_ready=False)
    twin = make_image(jpeg(500, 400), alt="The same again", is_ready=False)
    make_article(body=f"![](image:{shown.pk})")

    def delete(image: Image) -> int:
        with django_capture_on_commit_callbacks(execute=True):
            return client.post(f"{LIST}{image.pk}/delete/", {"post": "yes"}).status_code

    assert delete(shown) == 403
    assert delete(spare) == 302
    assert data_path(twin.folder).exists()  # another image uses the same folder
    assert delete(twin) == 302
    assert not data_path(twin.folder).exists()
    assert list(Image.objects.all()) == [shown]
    assert data_path(shown.folder).exists()


def test_only_administrators_delete_an_image_of_an_earlier_version(emil):
    image = make_image(is_ready=False)
    story = make_article(body=f"![](image:{image.pk})")
    story.body = "Without it."
    save_article(article=story)
    url = f"{LIST}{image.pk}/delete/"
    assert client_of(emil).post(url, {"post": "yes"}).status_code == 403
    assert client_with_role(ADMINISTRATOR).post(url, {"post": "yes"}).status_code == 302
    assert not Image.objects.exists()


def test_the_form_lists_the_uses_but_no_draft_of_a_colleague(emil):
    image, edda = make_image(is_ready=False), UserFactory.create(name="Edda", roles=(EDITOR,))
    for title, at, editor in (("Hers", None, edda), ("His", None, emil), ("Out", timezone.now(), edda)):
        make_article(title, published_at=at, lead_image=image).editors.add(editor)
    page = client_of(emil).get(f"{LIST}{image.pk}/change/").content.decode()
    assert re.findall('/admin/articles/article/[0-9]+/change/">(.*?)<', page) == ["His", "Out"]
    assert "1 that you can’t edit" in page
    change_site(rules=f"![](image:{image.pk})")
    page = client_of(emil).get(f"{LIST}{image.pk}/change/").content.decode()
    assert '<a href="/rules/">Rules of commenting</a>' in page
    assert "1 that you can’t edit" in page
    change_site(rules="", privacy=f"![](image:{image.pk})")
    page = client_of(emil).get(f"{LIST}{image.pk}/change/").content.decode()
    assert '<a href="/privacy/">Privacy</a>' in page


def test_the_list_is_filtered_by_use_and_its_queries_do_not_grow(emil, django_assert_max_num_queries):
    client, used = client_of(emil), make_image(is_ready=False, alt="Used")
    make_article(lead_image=used)
    make_image(is_ready=False, alt="Spare")
    assert [image.alt for image in client.get(f"{LIST}?used=no").context["cl"].result_list] == ["Spare"]
    assert [image.alt for image in client.get(f"{LIST}?used=yes").context["cl"].result_list] == ["Used"]
    with django_assert_max_num_queries(20) as few:
        client.get(LIST)
    for number in range(6):
        make_image(is_ready=False, alt=f"Spare {number}", actor=emil)
    with django_assert_max_num_queries(len(few)):
        client.get(LIST)


@pytest.mark.parametrize("field", ["logo", "icon"])
def test_the_logo_and_the_icon_of_the_site_are_used(emil, field):
    client, image = client_with_role(ADMINISTRATOR), make_image(is_ready=False, alt="Ours")
    change_site(**{field: image})
    assert not client.get(f"{LIST}?used=no").context["cl"].result_list
    (shown,) = client.get(f"{LIST}?used=yes").context["cl"].result_list
    assert shown.all_uses == 1
    page = client.get(f"{LIST}{image.pk}/change/").content.decode()
    assert "Logo or icon of the site" in page
    assert "that you can’t edit" not in page
    assert f"{LIST}{image.pk}/delete/" not in page
    assert client.post(f"{LIST}{image.pk}/delete/", {"post": "yes"}).status_code == 403
    change_site(**{field: None})
    assert client.post(f"{LIST}{image.pk}/delete/", {"post": "yes"}).status_code == 302


def test_a_lead_image_is_uploaded_with_the_story(emil):
    data = form(lead_file=upload(jpeg(), "slip.jpg"), lead_alt="The slip", lead_credit="Ida")
    response = client_of(emil).post(WRITE, data)
    assert response.status_code == 302, response.context["adminform"].form.errors
    article = Article.objects.get()
    assert article.lead_image
    assert (article.lead_image.alt, article.lead_image.credit) == ("The slip", "Ida")
    assert article.lead_image.uploaded_by == emil
    assert [use.image for use in article.image_uses.all()] == [article.lead_image]
    page = client_of(emil).get(change(article)).content.decode()
    assert f'<img class="lead-image" src="/images/{article.lead_image.pk}/full.jpg"' in page


@pytest.mark.parametrize(
    ("data", "field", "message"),
    [
        ({"lead_file": b"<html>"}, "lead_file", "web page or a script"),
        ({"lead_file": jpeg()}, "lead_alt", "Describe the image"),
        ({"lead_alt": "The slip"}, "lead_file", "Choose the image"),
        ({"lead_file": jpeg(), "lead_alt": "The slip", "title": ""}, "lead_file", "choose the file again"),
        (
            {"lead_file": jpeg(), "lead_alt": "The slip", "lead_credit": "x" * 201},
            "lead_credit",
            "This has 201 characters",
        ),
        ({"body": "![](image:4711)"}, "body", "There is no image 4711."),
        ({"body": "A ⟦image 3⟧ and ⟦image 12⟧"}, "body", "are missing at ⟦image 3⟧, ⟦image 12⟧. Add"),
    ],
)
def test_the_form_shows_each_error_of_the_lead_image_at_its_field(emil, data, field, message):
    if file := data.get("lead_file"):
        data = data | {"lead_file": SimpleUploadedFile("slip.jpg", file)}
    response = client_of(emil).post(WRITE, form(**data))
    assert response.status_code == 200
    assert message in str(response.context["adminform"].form.errors[field])
    assert not Article.objects.exists()
    assert not Image.objects.exists()


def test_a_lead_image_is_chosen_from_the_library_and_removed(emil):
    image, client = make_image(is_ready=False), client_of(emil)
    assert client.post(WRITE, form(lead_image=image.pk)).status_code == 302
    article = Article.objects.get()
    assert article.lead_image == image
    client.post(change(article), form(slug=article.slug))
    article.refresh_from_db()
    assert article.lead_image is None
    assert not article.image_uses.exists()


def test_a_second_editor_does_not_overwrite_a_change_unseen(emil):
    image = make_image(is_ready=False, alt="A boat", credit="Ida")
    url = f"{LIST}{image.pk}/change/"
    edda = client_of(UserFactory.create(name="Edda", roles=(EDITOR,)))
    read = {"read": re.search('name="read" value="([^"]*)"', edda.get(url).content.decode())[1]}
    description = {"alt": "A boat", "credit": "Ida", "focal_x": "50", "focal_y": "50"}
    client_of(emil).post(url, description | {"alt": "Emil’s boat", "focal_x": "10", "focal_y": "0"})

    hers = description | {"alt": "Edda’s boat", "credit": "Ida Lund"} | read
    page = edda.post(url, hers).content.decode()

    assert "Not saved yet: Emil saved this image at" in page
    assert re.findall('<span class="value" dir="auto">(.*?)</span>', page) == ["Emil’s boat", "Edda’s boat"]
    image.refresh_from_db()
    assert (image.alt, image.credit, image.focal_x) == ("Emil’s boat", "Ida", 10)
    mine = re.findall('name="take-alt" value="(mine[^"]+)"', page)[0]
    response = edda.post(url, hers | {"take-alt": mine}, follow=True)
    image.refresh_from_db()
    assert (image.alt, image.credit, image.focal_x, image.focal_y) == ("Edda’s boat", "Ida Lund", 10, 0)
    assert (
        "their values were kept: Focal point, from the left; Focal point, from the top."
        in response.content.decode()
    )
