"""Users, their roles, which are groups and nothing else, and the names of their keys."""

from importlib import import_module

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import IntegrityError

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR, READER, User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_a_migration_made_the_roles():
    assert set(Group.objects.values_list("name", flat=True)) == {READER, MODERATOR, EDITOR, ADMINISTRATOR}


@pytest.mark.parametrize(
    ("roles", "may"),
    [
        ((), set()),
        ((READER,), set()),
        ((MODERATOR,), {"moderator", "staff"}),
        ((EDITOR,), {"editor", "staff"}),
        ((MODERATOR, EDITOR), {"moderator", "editor", "staff"}),
        ((ADMINISTRATOR,), {"moderator", "editor", "administrator", "staff", "superuser"}),
    ],
)
def test_is_staff_and_is_superuser_follow_from_the_roles(roles, may):
    user = UserFactory.create(roles=roles)
    names = ("moderator", "editor", "administrator", "staff", "superuser")
    assert {name for name in names if getattr(user, f"is_{name}")} == may


@pytest.mark.parametrize(
    ("role", "allowed", "refused"),
    [
        (READER, [], ["articles.view_article", "accounts.view_user", "comments.view_comment"]),
        (
            MODERATOR,
            ["comments.change_comment", "accounts.view_user", "accounts.view_guest"],
            ["articles.view_article", "accounts.change_user", "articles.change_site"],
        ),
        (
            EDITOR,
            ["articles.add_article", "articles.change_topic", "comments.change_comment"],
            ["accounts.view_user", "accounts.view_guest", "articles.delete_article", "articles.change_site"],
        ),
        (ADMINISTRATOR, ["accounts.change_user", "articles.change_site"], []),
    ],
)
def test_each_role_has_its_permissions(role, allowed, refused):
    user = UserFactory.create(roles=(role,))
    assert [name for name in allowed if not user.has_perm(name)] == []
    assert [name for name in refused if user.has_perm(name)] == []


def test_an_inactive_administrator_has_no_permissions():
    user = UserFactory.create(roles=(ADMINISTRATOR,), is_active=False)
    assert not user.has_perm("accounts.change_user")


def test_a_taken_email_is_taken_in_every_case():
    UserFactory.create(email="ruth@example.org")
    assert User.objects.get_by_natural_key("Ruth@Example.org").email == "ruth@example.org"
    with pytest.raises(IntegrityError):
        UserFactory.create(email="Ruth@example.org")


def test_a_migration_lowers_stored_emails():
    ruth, jim, ann = (UserFactory.create(email=f"{name}@example.org") for name in ("ruth", "jim", "ann"))
    User.objects.filter(pk=ruth.pk).update(email="Ruth@Example.org")
    rows = [
        (ruth, "Ruth@Example.org", True, True),  # two accounts confirmed it, and it is the e-mail of this one
        (jim, "ruth@example.org", True, False),
        (jim, "Jim@example.org", False, True),  # twice in one account
        (jim, "jim@example.org", True, False),
        (ann, "JIM@example.org", True, False),
        (ann, "ann@example.org", False, True),
    ]
    for user, email, verified, primary in rows:
        EmailAddress.objects.create(user=user, email=email, verified=verified, primary=primary)
    import_module("accounts.migrations.0014_lower_case_emails").lower_emails(apps, None)
    assert User.objects.get(pk=ruth.pk).email == "ruth@example.org"
    assert set(EmailAddress.objects.values_list("user__name", "email", "verified", "primary")) == {
        (ruth.name, "ruth@example.org", True, True),
        (jim.name, "ruth@example.org", False, False),
        (jim.name, "jim@example.org", True, True),
        (ann.name, "jim@example.org", False, False),
        (ann.name, "ann@example.org", False, True),
    }


def test_an_unknown_role_is_refused():
    user = UserFactory.create()
    user.set_roles([MODERATOR])
    with pytest.raises(ValueError, match="There is no role moderator"):
        user.set_roles(["moderator"])
    assert User.objects.get(pk=user.pk).roles == {MODERATOR}


def test_the_proposed_name_of_a_key_is_not_in_use():
    user = UserFactory.create()
    for name in ("Key 2", "Key 3"):
        Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data={"name": name})
    names = [get_adapter().generate_authenticator_name(user, Authenticator.Type.WEBAUTHN)]
    Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data={"name": names[0]})
    names.append(get_adapter().generate_authenticator_name(user, Authenticator.Type.WEBAUTHN))
    assert names == ["Key 1", "Key 4"]
