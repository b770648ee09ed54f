"""The admin of people. Ada is an administrator, Mona a moderator, Emil an editor, Ruth a reader."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import admin
from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR, READER, Guest, RoleChange, User
from articles.models import Site
from articles.site.invitations import invite
from tests.accounts.helpers import USERS, person, roles
from tests.factories import GuestFactory, UserFactory
from tests.helpers.clients import client_of
from tests.helpers.jobs import run_jobs
from tests.helpers.waiting import PATIENCE

pytestmark = pytest.mark.django_db

GUESTS = "/admin/accounts/guest/"


def client_with_role(role: str) -> Client:
    return client_of(person(role, f"Some {role}"))


def test_an_administrator_changes_roles_and_deactivates_an_account():
    ruth = person(READER, "Ruth", email="ruth@example.org")
    data = {"name": "Ruth B", "email": "stolen@example.org", "groups": roles(READER, MODERATOR)}
    assert client_with_role(ADMINISTRATOR).post(f"{USERS}{ruth.pk}/change/", data).status_code == 302
    changed = User.objects.get(pk=ruth.pk)
    assert (changed.name, changed.roles, changed.is_active) == ("Ruth B", {READER, MODERATOR}, False)
    assert changed.email == "ruth@example.org"  # only the owner changes it


def test_people_are_filtered_by_role():
    person(READER, "Ruth").set_roles([], actor=None)
    page = client_with_role(ADMINISTRATOR).get(f"{USERS}?groups__isnull=True").text
    assert re.search(r">\s*No role\s*<", page)
    assert "1 person" in page
    assert "Ruth" in page


def test_role_changes_are_logged():
    ruth, client = person(READER, "Ruth"), client_with_role(ADMINISTRATOR)
    data = {"name": "Ruth", "groups": roles(MODERATOR), "is_active": "on"}
    for _again in range(2):
        assert client.post(f"{USERS}{ruth.pk}/change/", data).status_code == 302
    lines = RoleChange.objects.filter(user=ruth).order_by("id")
    assert list(lines.values_list("role__name", "is_granted", "actor__name")) == [
        (READER, True, None),  # the role of a new account
        (READER, False, "Some Administrator"),
        (MODERATOR, True, "Some Administrator"),
    ]


@pytest.mark.parametrize("left", [{"groups": READER, "is_active": "on"}, {"groups": ADMINISTRATOR}])
def test_administrators_who_remove_each_other_at_once_leave_one(transactional_db, monkeypatch, left):
    people = [person(ADMINISTRATOR, name) for name in ("Ada", "Adam")]
    both_began, check = threading.Barrier(2), admin._check_is_administrator

    def check_together(user: User) -> None:
        both_began.wait(PATIENCE)
        check(user)

    monkeypatch.setattr(admin, "_check_is_administrator", check_together)

    def remove(actor: User, other: User) -> int:
        try:
            data = {"name": other.name, **left, "groups": roles(left["groups"])}
            return client_of(actor).post(f"{USERS}{other.pk}/change/", data).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(remove, people, reversed(people))) == [302, 403]
    assert User.objects.administrators().active().count() == 1


def test_a_moderator_has_read_access_only():
    ruth = person(READER, "Ruth", email="ruth@example.org")
    client = client_with_role(MODERATOR)
    assert "ruth@example.org" in client.get(USERS).content.decode()
    assert client.get(f"{USERS}{ruth.pk}/change/").status_code == 200
    data = {"name": "X", "groups": roles(ADMINISTRATOR)}
    assert client.post(f"{USERS}{ruth.pk}/change/", data).status_code == 403
    assert client.post(f"{USERS}add/", data | {"email": "x@example.org"}).status_code == 403
    assert User.objects.get(pk=ruth.pk).roles == {READER}


@pytest.mark.parametrize(("role", "status"), [(READER, 302), (EDITOR, 403)])
@pytest.mark.parametrize("url", [USERS, GUESTS])
def test_others_see_no_person_records(role, status, url):
    GuestFactory.create()
    assert client_with_role(role).get(url).status_code == status


def test_passwords_cannot_be_seen_or_filtered():
    ruth = person(READER, "Ruth", password="nine-quiet-otters")
    assert ruth.password.startswith("argon2")
    for client in client_with_role(ADMINISTRATOR), client_with_role(MODERATOR):
        for url in USERS, f"{USERS}{ruth.pk}/change/":
            page = client.get(url).content.decode()
            assert "argon2" not in page
            assert "password" not in page.replace("/accounts/password/", "").replace("password_change", "")
        assert client.get(f"{USERS}?password__startswith=argon2").status_code == 400


def test_administrators_cannot_remove_their_own_roles():
    ada = person(ADMINISTRATOR, "Ada")
    client = Client()
    client.force_login(ada)
    assert client.post(f"{USERS}{ada.pk}/change/", {"name": "Ada L", "groups": []}).status_code == 302
    ada = User.objects.get(pk=ada.pk)
    assert (ada.name, ada.roles, ada.is_active) == ("Ada L", {ADMINISTRATOR}, True)


@pytest.mark.parametrize("role", [ADMINISTRATOR, MODERATOR])
def test_roles_that_cannot_be_changed_are_called_roles(role):
    me = person(role, "Mona")
    page = client_of(me).get(f"{USERS}{me.pk}/change/").content.decode()
    assert f'<div class="readonly">{role}</div>' in page
    assert "Groups" not in page
    assert "<label>Roles:</label>" in page


def test_an_account_made_by_an_administrator_has_no_password():
    data = {"name": "Emil", "email": "emil@example.org", "groups": roles(EDITOR), "is_active": "on"}
    assert client_with_role(ADMINISTRATOR).post(f"{USERS}add/", data).status_code == 302
    emil = User.objects.get(email="emil@example.org")
    assert emil.roles == {EDITOR}
    assert not emil.has_usable_password()


@pytest.mark.django_db(transaction=True)
def test_an_invited_person_gets_a_link_and_chooses_a_password():
    Site.objects.update(name="The Slip")
    data = {"name": "Emil", "email": "emil@example.org", "groups": roles(EDITOR), "is_active": "on"}
    page = client_with_role(ADMINISTRATOR).post(f"{USERS}add/", data, follow=True).content.decode()
    assert f"The link for emil@example.org was written to a file in {settings.EMAIL_FILE_PATH}" in page
    run_jobs()
    (message,) = mail.outbox
    assert (message.to, message.subject) == (["emil@example.org"], "Your account at The Slip")
    (link,) = re.findall(rf"{settings.SITE_URL}(/accounts/password/reset/key/\S+)", message.body)
    emil = Client()
    form = emil.get(link, follow=True)
    assert "<h1>Choose a password</h1>" in form.content.decode()
    assert "Change password" not in form.content.decode(), "there is none yet"
    password = {"password1": "nine-quiet-otters", "password2": "nine-quiet-otters"}
    emil.post(form.redirect_chain[-1][0], password)  # this logs Emil in, since he has opened the mailed link
    assert emil.get("/admin/articles/article/add/", follow=True).status_code == 200
    address = EmailAddress.objects.get()
    assert (address.email, address.verified, address.primary) == ("emil@example.org", True, True)
    used = Client().get(link)
    assert used.status_code == 404
    assert '<a class="btn" href="/accounts/login/">Log in</a>' in used.content.decode()
    # A person with a password gets no second mail, whenever the job runs; one who lost the mail does.
    invite.func(User.objects.get(name="Emil").pk)
    assert len(mail.outbox) == 1
    edda = UserFactory.create(name="Edda", email="edda@example.org")
    edda.set_unusable_password()
    edda.save()
    # People who log in with another service have no password.
    olga = UserFactory.create(name="Olga", last_login=timezone.now())
    olga.set_unusable_password()
    olga.save()
    invite.func(olga.pk)
    selected = [User.objects.get(name="Emil").pk, edda.pk, olga.pk]
    people = {"action": "invite_again", "_selected_action": selected}
    assert client_with_role(MODERATOR).post(USERS, people, follow=True).status_code in {200, 403}
    page = client_with_role(ADMINISTRATOR).post(USERS, people, follow=True).content.decode()
    assert "1 invitation will be sent." in page
    assert f"They were written to files in {settings.EMAIL_FILE_PATH}" in page
    run_jobs()
    assert [(message.to, message.subject) for message in mail.outbox[1:]] == [
        # The mail tells about the first password, too.
        (["emil@example.org"], "A change to your account at The Slip"),
        (["edda@example.org"], "Your account at The Slip"),
    ]


def test_the_email_of_an_invited_person_is_stored_in_lower_case():
    data = {"name": "Emil", "email": "Emil@Example.org", "groups": roles(EDITOR), "is_active": "on"}
    client_with_role(ADMINISTRATOR).post(f"{USERS}add/", data)
    assert User.objects.get(name="Emil").email == "emil@example.org"


def test_an_email_that_is_taken_in_another_case_is_an_error_of_the_form():
    person(READER, "Ruth", email="ruth@example.org")
    data = {"name": "Eve", "email": "RUTH@example.org", "groups": roles(READER), "is_active": "on"}
    answer = client_with_role(ADMINISTRATOR).post(f"{USERS}add/", data)
    assert answer.status_code == 200
    assert answer.context["errors"] == [["A person with this e-mail exists already."]]
    assert not User.objects.filter(name="Eve").exists()


def test_nobody_can_be_deleted():
    ruth = person(READER, "Ruth")
    client = client_with_role(ADMINISTRATOR)
    assert client.post(f"{USERS}{ruth.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(USERS, {"action": "delete_selected", "_selected_action": [ruth.pk], "post": "yes"})
    assert User.objects.filter(pk=ruth.pk).exists()


@pytest.mark.parametrize("role", [MODERATOR, ADMINISTRATOR])
def test_guests_are_read_only(role):
    guest = GuestFactory.create(name="Gus", email="gus@example.org")
    client = client_with_role(role)
    assert "gus@example.org" in client.get(GUESTS).content.decode()
    assert client.get(f"{GUESTS}{guest.pk}/change/").status_code == 200
    for page in f"{guest.pk}/change", f"{guest.pk}/delete", "add":
        assert client.post(f"{GUESTS}{page}/", {"name": "X", "post": "yes"}).status_code == 403
    assert Guest.objects.get().name == "Gus"


def test_people_are_searched_and_filtered():
    person(READER, "Ruth", email="ruth@example.org")
    person(EDITOR, "Emil")
    client = client_with_role(ADMINISTRATOR)

    def listed_names(query: str) -> list[str]:
        return [user.name for user in client.get(f"{USERS}?{query}").context["cl"].result_list]

    assert listed_names("q=ruth@") == ["Ruth"]
    assert listed_names(f"groups__id__exact={roles(EDITOR)[0]}") == ["Emil"]


@pytest.mark.parametrize("url", [USERS, GUESTS])
def test_query_counts_do_not_grow_with_the_rows(url):
    client = client_with_role(ADMINISTRATOR)
    person(EDITOR, "Emil")
    GuestFactory.create()
    client.get(url)
    with CaptureQueriesContext(connection) as few:
        client.get(url)
    UserFactory.create_batch(15, roles=(READER, MODERATOR))
    GuestFactory.create_batch(15)

    with CaptureQueriesContext(connection) as many:
        rows = client.get(url).context["cl"].result_list

    assert len(rows) > 15
    assert len(many) == len(few), [query["sql"] for query in many]


def test_the_admins_log_in_is_the_sites_and_returns_to_the_admin():
    ada = person(ADMINISTRATOR, "Ada", password="nine-quiet-otters")
    client = Client()
    page = client.get(USERS, follow=True)
    assert page.request["PATH_INFO"] == "/accounts/login/"
    fields = {"login": ada.email, "password": "nine-quiet-otters"}
    guess = client.post("/admin/login/", {"username": ada.email, "password": "nine-quiet-otters"})
    assert guess["Location"].startswith("/accounts/login/")
    assert client.get(USERS).status_code == 302, "that did not log in"
    url = f"{page.request['PATH_INFO']}?{page.request['QUERY_STRING']}"
    back = client.post(url, fields | {"next": page.context["redirect_field_value"]}, follow=True)
    assert back.request["PATH_INFO"] == USERS
    assert back.status_code == 200


def test_a_reader_gets_403_in_the_admin_without_a_redirect_loop():
    response = client_with_role(READER).get("/admin/", follow=True)
    assert response.status_code == 403


def test_the_list_has_the_texts_of_the_site():
    page = " ".join(client_with_role(ADMINISTRATOR).get(USERS).content.decode().split())
    assert re.search(r"<title>People and roles · [^<]+</title>", page)
    assert "<summary>Role</summary>" in page
    for stock in ("to change", "By ", "Show counts"):
        assert stock not in page
