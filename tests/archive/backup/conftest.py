"""Fixtures for tests of backups: the data folder, the file and a site to back up."""

from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from articles.models import Topic
from comments.models import Reason, State
from comments.services.claims import claim_comments
from comments.services.editing import edit_comment
from moderation.actions.decisions import decide, move
from moderation.erasure import restrictions
from moderation.models import Restriction
from tests.factories import GuestFactory, UserFactory, confirm_email, make_article, make_comment


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Path:
    """Return a data folder for the test."""
    settings.HOME = tmp_path / "home"
    settings.HOME.mkdir()
    return tmp_path / "home"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "site.zip"


@pytest.fixture
def paths() -> list[str]:
    """Fill a site with something of everything and return the paths of its pages."""
    maria = UserFactory.create(name="Maria", roles=("Moderator",))
    ada = UserFactory.create(name="Ada\tof\\the ‘Isles’\n", roles=("Administrator",))
    harbour = Topic.objects.create(name="Harbour", slug="harbour")
    boat = make_article("The slip closes", body="A *story* — of boats 🚤.\n\n\\. \\N is no end.")
    other = make_article("The ferry is late")
    boat.topics.add(harbour)
    zoe = GuestFactory.create(name="Zoe", email="zoe@example.org", confirmed_at=timezone.now())
    first = make_comment(boat, "First!\r\n\\.\n\\N", guest=zoe)
    reply = make_comment(boat, "An answer, مرحبا.", parent=first, author=maria)
    make_comment(boat, "An answer to that.", parent=reply)
    edit_comment(comment=first, body="First, I think.", user=None, guest=zoe)
    moved, gone, hidden = (
        make_comment(boat, "Elsewhere."),
        make_comment(other, "Buy casino."),
        make_comment(other, "A number: 555."),
    )
    move(comment=moved, parent=reply, actor=maria)
    decide(ids=[gone.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    restrictions.restrict(ids=[hidden.pk], why=Restriction.Why.PERSONAL, actor=ada)
    Authenticator.objects.create(user=ada, type=Authenticator.Type.TOTP, data={"secret": "encrypted"})
    SocialAccount.objects.create(user=ada, provider="work", uid="1001")
    zoe_again = confirm_email(UserFactory.create(name="Zoe", email="zoe@example.org"))
    claim_comments(user=zoe_again, ids=[first.pk])
    DBTaskResult.objects.update(status=TaskResultStatus.SUCCESSFUL)
    Client().force_login(ada)
    return ["/", boat.get_absolute_url(), other.get_absolute_url(), "/topics/harbour/", "/feed/"]
