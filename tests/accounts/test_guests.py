"""A guest is recognised by the cookie and confirmed by the mailed link."""

from datetime import timedelta

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.guests import (
    COOKIE,
    LINK_MAX_AGE,
    confirm_guest,
    guest_from_cookie,
    guest_from_token,
    make_confirmation_token,
    set_guest_cookie,
)
from accounts.middleware import GuestMiddleware
from accounts.models import Guest
from core.cookies import COOKIE_AGE
from tests.factories import GuestFactory

pytestmark = pytest.mark.django_db


def with_cookie(value):
    request = RequestFactory().get("/")
    if value is not None:
        request.COOKIES[COOKIE] = value
    return request


def cookie_of(guest):
    response = HttpResponse()
    set_guest_cookie(response, guest)
    return response.cookies[COOKIE]


def test_the_cookie_identifies_its_guest_and_is_http_only(settings):
    settings.SESSION_COOKIE_SECURE = True
    guest = GuestFactory.create()
    cookie = cookie_of(guest)
    assert guest_from_cookie(with_cookie(cookie.value)) == guest
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "Lax")


@pytest.mark.parametrize("value", [None, "", "1", "1:x:y"])
def test_a_missing_or_forged_cookie_identifies_nobody(value):
    GuestFactory.create()
    assert guest_from_cookie(with_cookie(value)) is None


def test_an_expired_cookie_or_deleted_guest_identifies_nobody(time_machine):
    guest = GuestFactory.create()
    value = cookie_of(guest).value
    time_machine.move_to(timezone.now() + timedelta(seconds=COOKIE_AGE + 1))
    assert guest_from_cookie(with_cookie(value)) is None
    value = cookie_of(guest).value
    guest.delete()
    assert guest_from_cookie(with_cookie(value)) is None


def test_the_guest_is_read_lazily():
    request = with_cookie(cookie_of(guest := GuestFactory.create()).value)
    with CaptureQueriesContext(connection) as queries:
        GuestMiddleware(lambda request: HttpResponse())(request)
    assert len(queries) == 0
    assert request.guest == guest
    anonymous = with_cookie(None)
    GuestMiddleware(lambda request: HttpResponse())(anonymous)
    assert not anonymous.guest


def test_the_mailed_link_confirms_the_email_once(time_machine):
    guest = GuestFactory.create()
    token = make_confirmation_token(guest)
    assert guest_from_token(token) == guest
    assert not Guest.objects.confirmed().exists()
    confirm_guest(guest)
    moment = guest.confirmed_at
    time_machine.move_to(timezone.now() + timedelta(hours=1))
    confirm_guest(guest_from_token(token))
    assert Guest.objects.confirmed().get().confirmed_at == moment


def test_a_cookie_or_an_expired_link_confirms_nothing(time_machine):
    guest = GuestFactory.create()
    assert guest_from_token(cookie_of(guest).value) is None
    token = make_confirmation_token(guest)
    Guest.objects.update(email="another@example.org")
    assert guest_from_token(token) is None
    guest.refresh_from_db()
    token = make_confirmation_token(guest)
    time_machine.move_to(timezone.now() + LINK_MAX_AGE + timedelta(seconds=1))
    assert guest_from_token(token) is None
    assert not Guest.objects.confirmed().exists()
