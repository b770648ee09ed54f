"""Tests of images in a story's text and above it, in lists, feeds and link previews."""

import html
import json
import re
import threading
import time
from typing import Any

import pytest
from django.db import connection, transaction
from django_tasks_db.models import DBTaskResult

from articles.images import tasks
from articles.images.services import change_image
from articles.images.sizes import make_sizes
from articles.images.stored_files import delete_files
from articles.images.tasks import make_sizes_of
from articles.markup.markdown import (
    make_comment_excerpt,
    make_excerpt,
    referenced_images,
    render_comment,
    render_document,
)
from articles.models import Article, Image, Site
from articles.services import save_article
from tests.articles.images.sample_images import gif, jpeg, make_image, transparent_palette
from tests.factories import make_article
from tests.helpers.data_folder import data_path

pytestmark = pytest.mark.django_db


@pytest.fixture
def image() -> Image:
    return make_image(credit="Ida Lund")


def test_an_image_alone_in_its_paragraph_is_a_figure_with_all_sizes(image):
    page = render_document(f'Before.\n\n![The *whole* sea](image:{image.pk} "At noon")\n\nAfter.')
    at = f"/images/{image.pk}"
    assert page.startswith("<p>Before.</p>\n<figure><picture>")
    assert f'type="image/avif" sizes="(min-width: 740px) 672px, 92vw" srcset="{at}/w400.avif 400w, ' in page
    assert f"{at}/w800.webp 800w, {at}/w900.webp 900w" in page
    assert f'<img src="{at}/w800.jpg" alt="The whole sea" width="900" height="600" loading="lazy"' in page
    assert '<figcaption><span dir="auto">At noon</span> <span dir="auto">Ida Lund</span></figcaption>' in page
    assert page.endswith("</figure>\n<p>After.</p>\n")
    assert page.index("avif") < page.index("webp") < page.index(".jpg")


def test_the_image_provides_the_caption_that_the_text_lacks():
    image = make_image(alt="Two boats", caption="In the harbour", is_ready=False)
    page = render_document(f"![](image:{image.pk})")
    assert 'alt="Two boats"' in page
    assert ">In the harbour<" in page


def test_the_full_image_is_shown_until_its_sizes_are_made():
    image = make_image(is_ready=False)
    page = render_document(f"![](image:{image.pk})")
    assert f'<img src="/images/{image.pk}/full.jpg" alt="The sea" width="900" height="600"' in page
    assert "<source" not in page


def test_an_image_at_the_top_of_a_story_is_not_lazy(image):
    first, second = re.findall(
        "<img[^>]*>", render_document(f"![](image:{image.pk})\n\n![](image:{image.pk})")
    )
    assert 'fetchpriority="high"' in first
    assert "lazy" not in first
    assert 'loading="lazy"' in second


def test_each_image_of_a_paragraph_is_a_figure_unless_there_is_text(image):
    named = f"![](image:{image.pk})"
    assert render_document(f"{named}\n{named}").count("<figure>") == 2
    amid = render_document(f"Look {named} here")
    assert "<figure>" not in amid
    assert amid.startswith("<p>Look <picture>")
    assert "<small>(Ida Lund)</small> here</p>" in amid
    assert render_document(f"> {named}").startswith("<blockquote><figure>")


def test_an_animation_is_not_shown_with_reduced_motion():
    image = make_image(gif(4))
    page = render_document(f"![](image:{image.pk})")
    moving = '<source type="image/webp" media="(prefers-reduced-motion: no-preference)" srcset="'
    assert f'<picture>{moving}/images/{image.pk}/moving.webp">' in page


def test_a_transparent_image_is_not_a_jpeg():
    image = make_image(transparent_palette())
    page = render_document(f"![](image:{image.pk})")
    assert ".png" in page
    assert ".jpg" not in page
    assert (data_path(image.folder) / "og-50-50.jpg").exists()  # others show the image on white


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("![gone](image:999999)", r"\A(?:<p></p>\n)?\Z"),
        ("![a boat](https://example.org/boat.jpg)", '<a href="https://example.org/boat.jpg"[^>]*>a boat</a>'),
        ("![](https://example.org/boat.jpg)", ">https://example.org/boat.jpg</a>"),
        ("![x](javascript:alert(1))", r"!\[x\]\(javascript:alert\(1\)\)"),
        ("![x](image:0)", "x"),
        ("![x](image:12345678901234567890123)", "x"),
        ("![x](image:1/../../secret)", "x"),
        ("<img src=image:1 onerror=alert(1)>", "&lt;img"),
    ],
)
def test_other_images_are_not_shown(typed, shown):
    page = render_document(typed)
    assert re.search(shown, page), page
    assert "<img" not in page
    assert "<picture" not in page


def test_the_alternative_text_and_caption_are_escaped(image):
    page = render_document(f'![a "b" <script> > c](image:{image.pk} "<b>x</b> onload=")')
    assert "<script" not in page
    assert "<b>" not in page
    assert 'alt="a &quot;b&quot; &lt;script&gt; &gt; c"' in page


def test_the_markdown_of_an_image_renders_with_its_alternative_text():
    alt = 'A sign: "[sic] *not* <here> & `there`_!'
    image = make_image(alt=alt, is_ready=False)
    assert referenced_images(image.markdown) == {image.pk}
    found = re.search('alt="([^"]*)"', render_document(image.markdown))
    assert found
    assert (
        found[1].replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == alt
    )


def test_a_text_without_images_needs_no_statement(django_assert_num_queries, image):
    with django_assert_num_queries(0):
        render_document("No picture, [a link](https://example.org).")
    with django_assert_num_queries(1):
        render_document(f"![](image:{image.pk})\n\n![](image:{image.pk + 1})")


def test_a_description_does_not_begin_with_a_caption(image):
    page = render_document(f'![](image:{image.pk} "A caption")\n\nThe slip closes today.')
    assert make_excerpt(page, 100) == "The slip closes today."


def test_a_description_has_no_headings():
    page = render_document("The slip closes.\n\n## What can be seen\n\nNothing yet.\n\n---\n\nThe end.")
    assert make_excerpt(page, 100) == "The slip closes. Nothing yet. The end."


def test_the_excerpt_of_a_comment_has_no_words_of_others():
    answer = render_comment(
        "> It *sails*.\n>\n> > Does it?\n\nI think not.\n\n> At eight?\n\nAt <blockquote> nine."
    )
    assert make_comment_excerpt(answer, 100) == "I think not. At <blockquote> nine."
    assert make_comment_excerpt(answer, 10) == "I think…"
    assert make_comment_excerpt(render_comment("> It *sails*."), 100) == "It sails."


def test_the_story_shows_new_sizes_and_keeps_its_time_of_change():
    image = make_image(is_ready=False)
    story = make_article(body=f"![](image:{image.pk})")
    site, updated = Site.objects.get().version, story.updated_at

    make_sizes_of.call(image.pk)

    story.refresh_from_db()
    assert "w400.avif" in story.body_html
    assert story.version == 2
    assert story.updated_at == updated
    assert Site.objects.get().version == site + 1
    make_sizes_of.call(image.pk)  # a job may run twice
    story.refresh_from_db()
    assert story.version == 2


def test_a_changed_description_is_shown_in_the_next_request(client, image):
    story = make_article(body=f"![](image:{image.pk})", lead_image=image)
    image.alt, image.credit = "Another sea", "Ole"
    change_image(image=image)
    page = client.get(story.get_absolute_url()).content.decode()
    assert page.count('alt="Another sea"') == 2
    assert page.count("Ole</span>") == 2
    assert Article.objects.get(pk=story.pk).version == 2


def test_a_changed_focal_point_replaces_the_crops(client, image):
    story = make_article(lead_image=image)
    image.focal_x, image.focal_y = 10, 0
    change_image(image=image)
    old = f"/images/{image.pk}/c800-50-50.webp"
    assert old in client.get("/").content.decode()  # until the job has run
    make_sizes_of.call(image.pk)
    page = client.get("/").content.decode()
    assert f"/images/{image.pk}/c800-10-0.webp" in page
    assert old not in page
    assert not (data_path(image.folder) / "c800-50-50.webp").exists()
    assert client.get(old).status_code == 200  # an earlier page gets the new crop
    assert "og-10-0.jpg" in client.get(story.get_absolute_url()).content.decode()


def test_an_image_that_is_deleted_while_its_sizes_are_made_leaves_no_file(own_folder, monkeypatch):
    image = make_image(is_ready=False)

    def make(*args: Any, save: Any, **kwargs: Any) -> Any:
        def delete_and_save(name: str, data: bytes) -> None:
            Image.objects.filter(pk=image.pk).delete()
            delete_files(image.digest)
            save(name, data)

        return make_sizes(*args, save=delete_and_save, **kwargs)

    monkeypatch.setattr(tasks, "make_sizes", make)
    make_sizes_of.call(image.pk)
    assert not data_path(image.folder).exists()


def test_a_focal_point_that_changes_while_sizes_are_made_is_used_next(monkeypatch):
    image = make_image(is_ready=False)

    def make(*args: Any, **kwargs: Any) -> Any:
        made = make_sizes(*args, **kwargs)
        if kwargs["focal_point"] == (50, 50):
            late = Image.objects.get()
            late.focal_x = 10
            change_image(image=late)
        return made

    monkeypatch.setattr(tasks, "make_sizes", make)
    DBTaskResult.objects.all().delete()
    make_sizes_of.call(image.pk)
    assert DBTaskResult.objects.count() == 1
    make_sizes_of.call(image.pk)
    assert Image.objects.get().sizes["at"] == [10, 50]
    assert DBTaskResult.objects.count() == 1


def test_saving_an_old_copy_of_an_image_keeps_its_sizes(image):
    make_article(lead_image=image)
    stale = Image.objects.get()
    stale.sizes, stale.alt = {}, "Two boats"
    change_image(image=stale)
    stored = Image.objects.get()
    assert (stored.alt, stored.sizes) == ("Two boats", image.sizes)


def test_a_lead_image_is_in_the_story_in_lists_and_in_link_previews(client, image):
    story = make_article(lead_image=image)
    page = client.get(story.get_absolute_url()).content.decode()
    assert page.index("</h1>") < page.index("<figure>") < page.index('class="prose"')
    assert 'fetchpriority="high"' in page
    card = f"http://127.0.0.1:8000/images/{image.pk}/og-50-50.jpg"
    assert f'<meta property="og:image" content="{card}">' in page
    assert '<meta property="og:image:width" content="900">' in page
    assert '<meta property="og:image:height" content="472">' in page
    assert '<meta property="og:image:alt" content="The sea">' in page
    assert '<meta name="twitter:card" content="summary_large_image">' in page
    json_ld = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert json_ld
    assert json.loads(json_ld[1])["image"] == [card]
    embedded = client.get(f"/oembed/?url=http://127.0.0.1:8000{story.get_absolute_url()}").json()
    assert (embedded["thumbnail_url"], embedded["thumbnail_width"]) == (card, 900)
    home = client.get("/").content.decode()
    assert f'src="/images/{image.pk}/c800-50-50.jpg" alt="" width="900" height="600"' in home


def test_link_previews_omit_images_of_unknown_rights(client, image):
    page = client.get(make_article(lead_image=image, rights="unknown").get_absolute_url()).content.decode()
    assert "<figure>" in page
    assert "og:image" not in page
    assert "ld+json" not in page


def test_the_queries_of_lists_do_not_grow_with_images(client, django_assert_max_num_queries, image):
    for number in range(4):
        make_article(f"Story {number}", lead_image=image)
    client.get("/")
    with django_assert_max_num_queries(6) as few:
        client.get("/")
    for number in range(9):
        make_article(f"More {number}", lead_image=make_image(jpeg(40 + number, 40), is_ready=False))
    with django_assert_max_num_queries(len(few)):
        client.get("/")


@pytest.mark.django_db(transaction=True)
def test_a_story_saved_while_its_sizes_are_made_shows_them():
    make_image()  # makes the files, so that the job ends before the story is committed
    image = make_image(is_ready=False)
    rendered = threading.Event()

    def save() -> None:
        with transaction.atomic():
            make_article(body=f"![](image:{image.pk})")
            rendered.set()
            time.sleep(1)  # the job runs while the story is not committed
        connection.close()

    def make() -> None:
        rendered.wait(5)
        make_sizes_of.call(image.pk)
        connection.close()

    threads = [threading.Thread(target=save), threading.Thread(target=make)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "w400.avif" in Article.objects.get().body_html


def test_a_story_drops_the_use_of_a_removed_image(image):
    other = make_image(alt="Another", is_ready=False)
    story = make_article(body=f"![](image:{image.pk})", lead_image=other)
    assert set(story.image_uses.values_list("image", flat=True)) == {image.pk, other.pk}
    story.body, story.lead_image = f"![](image:{other.pk}) and ![](image:77777)", None
    save_article(article=story)
    assert set(story.image_uses.values_list("image", flat=True)) == {other.pk}


def test_a_feed_has_the_whole_image_in_one_size_with_an_absolute_url(client, image):
    make_article(body=f"Words.\n\n![](image:{image.pk})", lead_image=image)
    feed = html.unescape(client.get("/feed/").content.decode())
    assert (
        feed.count(f'<figure><img src="http://127.0.0.1:8000/images/{image.pk}/w800.jpg" alt="The sea"') == 2
    )
    assert "srcset" not in feed
    assert '"/images/' not in feed
