"""Sign-ups. The account is made when the mailed link is opened, and not before.

Were it made at once, whoever signs up with somebody's e-mail would learn by the answer whether that has an
account: a second one can't be made. So a sign-up is a row of its own, the same for every e-mail, and only its
mail says which it is.
"""

import re
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import check_password, make_password
from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import NEXT_URL_MAX, READER, SignUp, User
from accounts.services import find_user_by_email

LINK_AGE = 60 * 60 * 24 * 7  # seconds
SESSION_KEY = "sign_up"  # in the session of the browser that asked
MAILS_PER_DAY = 3  # to one e-mail, whoever types it how often
_PATH = re.compile(r"/(?!/)[^\x00-\x1f\x7f]*")


class AccountExists(Exception):
    """The error that there is an account with this e-mail."""


def create(*, name: str, email: str, password: str, next_url: str = "") -> SignUp:
    """Remember who wants an account, and the path that they came from. Looks nothing up.

    Anybody may write what says where they came from: what is too long, or no path of ours, leads home.
    """
    next_url = next_url if len(next_url) <= NEXT_URL_MAX and _PATH.fullmatch(next_url) else ""
    return SignUp.objects.create(name=name, email=email, password=make_password(password), next_url=next_url)


def make_token(asked: SignUp) -> str:
    """Return the token in the mailed link."""
    return signing.dumps(asked.pk, salt="sign-up")


def find_by_token(token: str) -> SignUp | None:
    """Return the sign-up of this token; None for one that is forged, old or used."""
    try:
        pk = signing.loads(token, salt="sign-up", max_age=LINK_AGE)
    except signing.BadSignature:
        return None
    return SignUp.objects.filter(pk=pk).first()


def password_matches(asked: SignUp, password: str) -> bool:
    """Return whether this is the password that was chosen."""
    return check_password(password, asked.password)


def confirm(asked: SignUp) -> User:
    """Make the account, its e-mail confirmed. Raises HasAccount, also for the second of two at once."""
    if find_user_by_email(asked.email):
        raise AccountExists
    user = User(email=asked.email, name=asked.name, password=asked.password)
    try:
        with transaction.atomic():
            user.save()
            user.set_roles([READER])
            EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
            _with_same_email(asked).delete()
    except IntegrityError as error:
        raise AccountExists from error
    return user


def mail_limit_reached(asked: SignUp) -> bool:
    """Return whether this e-mail was written to often enough today."""
    day = timezone.now() - timedelta(days=1)
    return _with_same_email(asked).filter(created_at__gt=day, pk__lt=asked.pk).count() >= MAILS_PER_DAY


def forget_old() -> int:
    """Delete sign-ups whose link works no more, and return their number."""
    return SignUp.objects.filter(created_at__lt=timezone.now() - timedelta(seconds=LINK_AGE)).delete()[0]


def _with_same_email(asked: SignUp) -> QuerySet[SignUp]:
    return SignUp.objects.alias(folded=Lower("email")).filter(folded=asked.email.lower())
