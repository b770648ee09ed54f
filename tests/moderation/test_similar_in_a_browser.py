"""The page of one group in Chromium, by keyboard."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from moderation.models import Batch, Group
from moderation.similar import look
from tests.factories import GuestFactory, UserFactory, make_article, say
from tests.test_milestone import logged_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("publishing_policy"),
]


def test_enter_on_a_box_decides_on_nothing_and_keeps_what_is_unticked(browser, live_server):
    article = make_article()
    for n in range(5):
        said = (
            "Truly a marvellous magazine with splendid columns, my cousin reads such columns all winter long."
        )
        say(article, f"{n} {said}", guest=GuestFactory.create(name=f"Cousin {n}"))
    look.run()
    user = UserFactory.create(roles=("Moderator",))
    page = logged_in(browser, user, live_server.url).new_page()
    page.goto(live_server.url + reverse("moderation:group", args=[Group.objects.get().pk]))
    box = page.locator("input[name=in]").first
    left_out = box.get_attribute("value")

    box.press("Space")
    box.press("Enter")

    page.wait_for_url(f"**?but={left_out}")
    expect(page.locator("input[name=in]:not(:checked)")).to_have_count(1)
    assert not Batch.objects.exists()
