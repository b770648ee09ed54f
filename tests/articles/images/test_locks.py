"""Tests of saving a text that shows an image while the image is changed."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction

from articles.images.services import change_image
from articles.models import Article, StandingPage
from articles.services import save_article, save_page
from tests.articles.images.sample_images import make_image
from tests.factories import make_article
from tests.helpers.waiting import PATIENCE, wait_for_a_lock


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", [Article, StandingPage])
def test_saving_a_text_and_its_image_at_the_same_time_makes_no_deadlock(kind):
    image = make_image(alt="A boat")
    body = f"The slip.\n\n![A boat](image:{image.pk})"
    if kind is Article:
        shown = make_article(body=body)
    else:
        shown = save_page(page=StandingPage(title="About", slug="about", body=body))

    def change() -> None:
        image.caption = "The Anna"
        try:
            change_image(image=image)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            kind.objects.select_for_update(no_key=True).get(pk=shown.pk)  # the forms take the same lock
            changing = other.submit(change)
            wait_for_a_lock()
            shown.body += "\n\nIt is closed."
            if isinstance(shown, Article):
                save_article(article=shown)
            else:
                save_page(page=shown)
        changing.result(timeout=PATIENCE)
    html = kind.objects.get().body_html
    assert "It is closed." in html
    assert "The Anna" in html
