"""Comments that wait in the queue."""

import pytest

from tests.factories import GuestFactory, UserFactory, make_article, make_comment


@pytest.fixture
def waiting_comments():
    article = make_article("Council votes to close the old ferry slip")
    jun = UserFactory.create(name="Jun", roles=("Moderator",))
    parent = make_comment(article, "Let us stay with the boat until the bridge is paid for.", author=jun)
    ads = "Always finding such posts so useful. See https://example.org/teak and https://example.org/oak"
    return [
        make_comment(article, ads, guest=GuestFactory.create(name="teak sale")),
        make_comment(
            article,
            "کانت جدّتي تعبر كلّ صباح إلى السوق.",
            parent=parent,
            guest=GuestFactory.create(name="ليلى"),
        ),
        make_comment(article, "Seven to four, and not one of the seven has ever missed the last boat."),
        make_comment(article, "I row. It takes twenty minutes.\n\nNobody needs a bridge."),
    ]
