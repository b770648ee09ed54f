"""The logo, the icon and the accent colour that an owner sets, and their removal."""

import re
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import ProtectedError
from django.test import Client
from PIL import Image as Pillow

from articles.images.services import delete_image, delete_unused_files
from articles.models import Image, Site
from config.page_cache.application import PageCacheApp
from tests.config.owner.helpers import URL, png, save, warm
from tests.factories import make_article
from tests.helpers.data_folder import data_path
from tests.helpers.wsgi_requests import send_request

MARK = '<path d="M14 8v6.5l-4.2 2.2"/>'


def appearance_urls(page: str) -> dict[str, str]:
    """Return the URLs of the look that a page links to."""
    patterns = {
        "logo": r'<img src="(/site/logo-\d+\.png)"',
        "icon": r'rel="icon" href="([^"]+)"',
        "touch": r'rel="apple-touch-icon" href="([^"]+)"',
        "accent": r'href="(/site/accent-[^"]+)"',
    }
    return {name: found[1] for name, pattern in patterns.items() if (found := re.search(pattern, page))}


def test_a_logo_and_an_icon_are_on_every_page_until_they_are_removed(
    ada_client: Client, site: PageCacheApp
) -> None:
    make_article()
    page = warm(site)
    assert MARK in page
    default_icon = appearance_urls(page)["icon"]

    assert save(ada_client, logo_file=png(900, 300), icon_file=png(300, 300)).status_code == 302
    page = send_request(site, "/").text
    assert MARK not in page
    assert ">Soundoff</span></a>" in page
    found = appearance_urls(page)
    assert set(found) == {"logo", "icon", "touch"}
    for path in ("/accounts/email/", "/admin/", "/owner/status/"):
        assert appearance_urls(ada_client.get(path).content.decode()) == found
    sizes = {}
    for name, url in found.items():
        response = Client().get(url)
        assert "max-age=31536000" in response["Cache-Control"]
        sizes[name] = Pillow.open(BytesIO(response.content)).size
    assert sizes == {"logo": (480, 160), "icon": (32, 32), "touch": (180, 180)}
    assert Client().get("/favicon.ico")["Location"] == found["icon"]

    assert save(ada_client, logo_remove="on", icon_remove="on").status_code == 302
    page = send_request(site, "/").text
    assert MARK in page
    assert appearance_urls(page) == {"icon": default_icon}
    assert Client().get(found["logo"]).status_code == Client().get(found["icon"]).status_code == 404


def test_a_logo_with_the_name_stands_alone(ada_client: Client, site: PageCacheApp) -> None:
    make_article()
    save(ada_client, logo_file=png(900, 300), logo_has_name="on")
    page = send_request(site, "/").text
    assert re.search(r'<a class="brand" href="/"><img [^>]*alt="Soundoff"[^>]*></a>', page)


def test_a_logo_in_use_is_not_deleted_or_cleaned_up(ada_client: Client) -> None:
    save(ada_client, logo_file=png(90, 30), icon_file=png(30, 20))
    stored = Site.objects.get()
    for image in Image.objects.all():
        with pytest.raises(ProtectedError):
            delete_image(image=image)
        assert image.is_decorative
    assert (stored.icon.width, stored.icon.height) == (512, 512) if stored.icon else False
    delete_unused_files()
    assert all(not (data_path(image.folder) / ".unused").exists() for image in Image.objects.all())


def test_a_file_that_is_no_image_is_refused_and_changes_nothing(ada_client: Client) -> None:
    file = SimpleUploadedFile("logo.svg", b"<svg xmlns='http://www.w3.org/2000/svg'></svg>")
    answer = save(ada_client, name="The Slip", logo_file=file)
    assert answer.status_code == 422
    assert "SVG file" in answer.context["form"].errors["logo_file"][0]
    assert (Site.objects.get().name, Image.objects.count()) == ("Soundoff", 0)


def test_the_accent_is_on_every_page_until_it_is_removed(ada_client: Client, site: PageCacheApp) -> None:
    make_article()
    assert "accent" not in appearance_urls(warm(site))
    assert save(ada_client, accent="#B00020").status_code == 302
    url = appearance_urls(send_request(site, "/").text)["accent"]
    assert url == "/site/accent-b00020.css"
    write = "/admin/articles/article/add/?form=6f9b1c0e-7d3a-4a53-9d4e-2b1f3c5a7e90"
    preview = re.search(r'data-css="([^"]+)"', ada_client.get(write).content.decode())
    assert preview
    assert preview[1].split()[1] == url, "the preview has the colours of the site"
    for path in ("/accounts/email/", "/admin/", "/owner/status/", "/moderation/", write):
        page = ada_client.get(path).content.decode()
        assert appearance_urls(page)["accent"] == url
        assert page.index("css/tokens") < page.index(url) < page.index("css/site")
    sheet = Client().get(url)
    assert sheet["Content-Type"].startswith("text/css")
    assert "--accent: light-dark(#b00020, " in sheet.content.decode()
    assert "immutable" in sheet["Cache-Control"]
    save(ada_client, accent="")
    assert "accent" not in appearance_urls(send_request(site, "/").text)


def test_a_colour_that_is_hard_to_read_is_adjusted_with_a_sentence(ada_client: Client) -> None:
    save(ada_client, accent="fd0")
    assert Site.objects.get().accent == "#ffdd00"
    page = ada_client.get(URL).content.decode()
    sentence = "In the light theme, #ffdd00 has a contrast of 1.3:1 with the page, and text needs 4.5:1"
    assert page.count(sentence) == 2  # the message, and the help text of the field
    assert "In the dark theme" not in page


@pytest.mark.parametrize("typed", ["red", "#12345", "#12345g", "url(x)"])
def test_other_words_are_no_colours(ada_client: Client, typed: str) -> None:
    assert "is not a colour" in save(ada_client, accent=typed).context["form"].errors["accent"][0]
    assert Site.objects.get().accent == ""
