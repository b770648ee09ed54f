from types import SimpleNamespace

import pytest

from comments.models import Discussion
from comments.services.discussions import change_discussion
from tests.comments.in_a_browser import DESK, open_story
from tests.factories import UserFactory, make_article, make_comment


@pytest.fixture(autouse=True)
def _without_moderation(policy_without_moderation) -> None:
    """Use the policy that publishes everything: moderation is tested in tests/moderation."""


@pytest.fixture
def article():
    made = make_article("The last ferry", body="\n\n".join(["A story of some length. " * 40] * 3))
    change_discussion(article=made, moderation=Discussion.Moderation.POST)
    return made


@pytest.fixture
def thread(article):
    """Return comments: Marit, replies by Tollef, Ada and Jun, each to the one before; then Olav and Bo."""
    comments, parent = {}, None
    for name in ("Marit", "Tollef", "Ada", "Jun"):
        parent = comments[name] = make_comment(
            article, f"{name} has a word.", author=UserFactory(name=name), parent=parent
        )
    for name in ("Olav", "Bo"):
        comments[name] = make_comment(article, f"{name} has a word.", author=UserFactory(name=name))
    return SimpleNamespace(**comments)


@pytest.fixture
def story_page(live_server, page, article, thread):
    page.set_viewport_size(DESK)
    open_story(live_server, page, article)
    return page


@pytest.fixture
def polling_page(page, live_server, article, thread):
    """Return a page with a fake clock. `page.polling_requests` lists its polling requests."""
    page.clock.install()
    page.set_viewport_size(DESK)
    page.polling_requests = []
    page.on(
        "request", lambda request: page.polling_requests.append(request.url.removeprefix(live_server.url))
    )
    open_story(live_server, page, article)
    page.locator(".fold").first.wait_for()
    page.polling_requests.clear()
    return page
