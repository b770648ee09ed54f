"""Sign-ups: requests for an account, which is created only when the mailed link is opened.

If the account were created at once, the answer to a sign-up with another person's e-mail address would reveal
whether that address has an account, since a second one cannot be created. So a sign-up is a separate row,
the same for every address, and only the mail reveals the difference.
"""

from datetime import timedelta

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.core import signing
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.emails import filter_by_email, find_user_by_email
from accounts.models import MAX_NEXT_URL_LENGTH, READER, SignUp, User

LINK_MAX_AGE = timedelta(days=7)
SESSION_KEY = "sign_up"  # in the session of the browser that signed up: the id of the sign-up


class AccountExistsError(Exception):
    """The error that there is an account with this e-mail address."""


def create(*, name: str, email: str, password: str, next_url: str = "") -> SignUp:
    """Store a request for an account, with the path of this site to return to.

    It looks up no account, so that it takes the same time for every e-mail address.

    Anybody can write a path into the URL of the form. One that the database can't store is dropped.
    """
    if len(next_url) > MAX_NEXT_URL_LENGTH or "\0" in next_url:
        next_url = ""
    return SignUp.objects.create(name=name, email=email, password=make_password(password), next_url=next_url)


def make_token(pending: SignUp) -> str:
    """Return the token for the mailed link."""
    return signing.dumps(pending.pk, salt="sign-up")


def find_by_token(token: str) -> SignUp | None:
    """Return the sign-up of this token; None if the token is forged, expired or used."""
    try:
        pk = signing.loads(token, salt="sign-up", max_age=LINK_MAX_AGE)
    except signing.BadSignature:
        return None
    return SignUp.objects.filter(pk=pk).first()


def confirm(pending: SignUp) -> User:
    """Create the account with a confirmed e-mail.

    Raises AccountExistsError, also for the second of two simultaneous requests.
    """
    if find_user_by_email(pending.email):
        raise AccountExistsError
    user = User(email=pending.email, name=pending.name, password=pending.password)
    try:
        with transaction.atomic():
            user.save()
            user.set_roles([READER])
            EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
            filter_by_email(SignUp.objects.all(), [pending.email]).delete()
    except IntegrityError as error:
        raise AccountExistsError from error
    return user


def delete_expired() -> int:
    """Delete sign-ups whose link has expired, and return their number."""
    return SignUp.objects.filter(created_at__lt=timezone.now() - LINK_MAX_AGE).delete()[0]
