"""Tests of images in Chromium: stories and lists, the admin's forms, and setting the focal point."""

import pytest
from playwright.sync_api import expect

from accounts.models import EDITOR
from articles.images.tasks import make_sizes_of
from articles.models import Article, Image
from tests.articles.editing.editor_forms import save
from tests.articles.images.sample_images import encode_image, gif, jpeg, make_image, photo
from tests.factories import UserFactory, make_article
from tests.helpers.axe import WIDTHS, faults
from tests.helpers.browser import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Loads all pictures, also those further down, and returns the addresses of those that do not load.
UNSEEN = """async () => {
  const images = [...document.images];
  for (const image of images) image.loading = "eager";
  await Promise.allSettled(images.map((image) => image.decode()));
  return images.filter((image) => !image.naturalWidth).map((image) => image.currentSrc);
}"""


@pytest.fixture(autouse=True)
def _logged_in(page, live_server, emil):
    log_in(page.context, live_server, emil)


@pytest.fixture
def image(emil) -> Image:
    return make_image(
        jpeg(1500, 1000),
        emil,
        alt="A red sun stands low over a calm grey sea",
        caption="The slip at seven in the morning",
        credit="Ida Lund / Harbour News",
    )


@pytest.fixture
def story(image) -> Article:
    tall = make_image(jpeg(500, 900), alt="A tall sky", credit="Ole Berg")
    wave = make_image(gif(6, 200), alt="A wave that comes and goes")
    words = "The slip closes on Friday, after a hundred and four years. " * 6
    return make_article(
        "The slip closes after a hundred years",
        standfirst="Boats leave the harbour for the last time on Friday.",
        byline="Ida Lund",
        body=f'{words}\n\n{tall.markdown}\n\n{words}\n\n![]({f"image:{wave.pk}"} "It moves")\n\n{words}',
        lead_image=image,
    )


@pytest.fixture
def urls(story, image) -> dict[str, str]:
    for number in range(3):
        lead = make_image(encode_image(photo(700 + 80 * number, 500), "PNG"), alt="The sea again")
        make_article(
            f"Another story of the harbour, number {number}",
            standfirst="What was said about it, and by whom.",
            lead_image=lead,
        )
    make_article("One without a picture", standfirst="It has words only.")
    return {
        "home": "/",
        "story": story.get_absolute_url(),
        "draft": make_article("A draft", published_at=None, lead_image=image).preview_url(),
        "list": "/admin/articles/image/",
        "add": "/admin/articles/image/add/",
        "change": f"/admin/articles/image/{image.pk}/change/",
        "article": f"/admin/articles/article/{story.pk}/change/",
    }


def test_axe_finds_nothing_and_every_image_is_loaded(live_server, page, urls):
    for name, url in urls.items():
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            # The page is loaded for each width: a loaded picture stays if that of another width is missing.
            assert page.goto(live_server.url + url).status == 200
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            assert page.evaluate(UNSEEN) == [], name
        # only our part of the page, not Django's own admin
        admin = "'#content .pictures, .field-lead_image, #result_list'"
        where = admin if url.startswith("/admin/") else "'#main'"
        assert not page.evaluate(f"document.querySelector({where})") or faults(page, where, WIDTHS) == [], (
            name
        )


def test_a_browser_loads_the_smallest_sufficient_size_without_a_layout_shift(live_server, page, story):
    page.set_viewport_size({"width": 390, "height": 844})
    page.add_init_script(
        """window.shift = 0; new PerformanceObserver((list) => {
             for (const entry of list.getEntries()) window.shift += entry.value;
           }).observe({ type: "layout-shift", buffered: true })"""
    )
    page.goto(live_server.url + story.get_absolute_url())
    page.wait_for_load_state("networkidle")
    assert page.locator("figure img").first.evaluate("img => img.currentSrc").endswith("/w400.avif")
    assert page.evaluate("window.shift") < 0.02


def test_the_focal_point_is_set_by_click_and_arrow_keys(live_server, page, image):
    url = f"{live_server.url}/admin/articles/image/{image.pk}/change/"
    page.goto(url)
    box = page.locator(".focal img").bounding_box()
    page.locator(".focal img").click(position={"x": box["width"] * 0.2, "y": box["height"] * 0.25})
    assert page.locator("#id_focal_x").input_value() == "20"
    assert page.locator("#id_focal_y").input_value() == "25"
    point = page.locator(".focal button")
    assert point.evaluate("node => node === document.activeElement")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    assert "21 per cent from the left, 15 from the top" in point.get_attribute("aria-label")
    page.locator("[name=_save]").first.click()
    page.wait_for_url("**/admin/articles/image/")
    image.refresh_from_db()
    assert (image.focal_x, image.focal_y) == (21, 15)
    make_sizes_of.call(image.pk)
    image.refresh_from_db()
    assert image.sizes["at"] == [21, 15]


def test_a_lead_image_is_uploaded_without_javascript(live_server, browser, client, tmp_path):
    context = browser.new_context(java_script_enabled=False)
    log_in(context, live_server, UserFactory.create(name="Emil", roles=(EDITOR,)))
    page = context.new_page()
    file = tmp_path / "slip.jpg"
    file.write_bytes(jpeg())
    page.goto(f"{live_server.url}/admin/articles/article/add/")
    page.fill("[name=title]", "The slip closes")
    page.fill("[name=body]", "On Friday.")
    page.set_input_files("[name=lead_file]", file)
    save(page)
    expect(page.locator(".errorlist", has_text="Describe the image")).to_be_visible()
    page.set_input_files("[name=lead_file]", file)
    page.fill("[name=lead_alt]", "The slip")
    save(page)
    expect(page.locator(".messagelist")).to_contain_text("Saved.")
    article = Article.objects.get()
    assert article.lead_image
    assert article.lead_image.alt == "The slip"
    page.goto(live_server.url + article.preview_url())
    assert page.locator("figure img").evaluate("img => img.naturalWidth") == 900
    context.close()
