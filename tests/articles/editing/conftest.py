"""The editor of a story in Chromium. Emil is an editor."""

import pytest

from articles.models import Topic
from tests.factories import make_article
from tests.helpers.browser import log_in


@pytest.fixture
def editor_page(live_server, page, client, emil):
    """Return the editor page of a draft at desktop width."""
    Topic.objects.create(name="Harbour", slug="harbour")
    article = make_article("The slip closes", body="The ferry sails.", published_at=None)
    log_in(page.context, live_server, emil)
    page.failures = []
    page.on("pageerror", lambda error: page.failures.append(str(error)))
    page.on(
        "console", lambda message: page.failures.append(message.text) if message.type == "error" else None
    )
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{live_server.url}/admin/articles/article/{article.pk}/change/")
    page.article = article
    yield page
    assert page.failures == []
