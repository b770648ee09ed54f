"""Log-in with OpenID Connect providers: new accounts, and connecting an account that exists.

Only an e-mail address that the provider has confirmed counts. If it belongs to an account, nobody gets into
that account by it: its owner logs in first, in the same browser, and then the provider is connected.
"""

import time
from typing import Any

from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, _build_apps_from_settings
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from django.contrib import messages
from django.contrib.auth.signals import user_logged_in
from django.db import IntegrityError, transaction
from django.db.models.signals import pre_save
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.emails import find_user_by_email
from accounts.forms import NameForm
from accounts.guests import guest_comments_url
from accounts.models import MAX_NAME_LENGTH, READER, User

PENDING_KEY = "oidc_to_connect"  # in the session: a log-in to connect, and the time until which it can be
PENDING_SECONDS = 15 * 60


class OIDCAdapter(DefaultSocialAccountAdapter):
    """The hooks that allauth calls after a provider has said who somebody is."""

    error_messages = DefaultSocialAccountAdapter.error_messages | {
        "no_password": gettext_lazy("Choose a password first: you could no longer log in otherwise."),
    }

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """Return the providers of the environment. Those of the database would cost a query on each page."""
        found = _build_apps_from_settings(provider=provider, client_id=client_id)
        return [app for apps in found.values() for app in apps]

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Stop a new log-in without a confirmed e-mail, or with that of an account."""
        if sociallogin.is_existing or sociallogin.state.get("process") == AuthProcess.CONNECT:
            return
        service = {"service": sociallogin.provider.name}
        email = confirmed_email(sociallogin)
        if not email:
            messages.error(
                request,
                _("%(service)s has not confirmed your e-mail. Confirm it there, or sign up here.") % service,
            )
            raise ImmediateHttpResponse(redirect("account_login"))
        sociallogin.email_addresses = [EmailAddress(email=email, verified=True, primary=True)]
        # The session is stored, so it gets no more than is needed, and ends soon if nobody logs in.
        sociallogin.token, sociallogin.account.extra_data = None, {}
        if not request.user.is_authenticated:
            request.session.set_expiry(PENDING_SECONDS)
        if find_user_by_email(email):
            until = time.time() + PENDING_SECONDS
            request.session[PENDING_KEY] = {"login": sociallogin.serialize(), "until": until}
            messages.info(
                request,
                _("There is already an account with your e-mail. Log in to it once to connect %(service)s.")
                % service,
            )
            raise ImmediateHttpResponse(redirect("account_login"))

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        """Fill in the name that the form proposes. It is the person who chooses it."""
        user: User = sociallogin.user
        user.name, user.email = str(data.get("name") or "")[:MAX_NAME_LENGTH], str(data.get("email") or "")
        return user

    @transaction.atomic
    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        user: User = sociallogin.user
        user.name, user.email = form.cleaned_data["name"], sociallogin.email_addresses[0].email
        user.set_unusable_password()
        sociallogin.save(request)
        user.set_roles([READER])
        sociallogin.state["next"] = guest_comments_url(sociallogin.state.get("next") or "")
        return user


class OIDCSignUpForm(NameForm):
    """The form that asks for the name of a new account after a log-in with a provider."""

    def __init__(self, *args: Any, sociallogin: SocialLogin, **kwargs: Any) -> None:
        kwargs["initial"] = {"name": sociallogin.user.name}
        super().__init__(*args, **kwargs)
        self.sociallogin = sociallogin
        self.email: str = sociallogin.email_addresses[0].email

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Create the account. Without one, returns the response for allauth's view to return."""
        try:
            return OIDCAdapter(request).save_user(request, self.sociallogin, self), None
        except IntegrityError:  # the form was sent twice, or somebody signed up with this address meanwhile
            messages.info(request, _("There is already an account with this e-mail. Log in to it."))
            return None, redirect("account_login")


def confirmed_email(sociallogin: SocialLogin) -> str:
    """Return the e-mail address that the provider has confirmed, or an empty string.

    The provider's answer is untyped: a text such as "false" is no confirmation.
    """
    confirmed = (
        address.email for address in sociallogin.email_addresses if address.verified in (True, "true")
    )
    return next(confirmed, "")


def connect_pending(request: HttpRequest, user: User) -> None:
    """Connect the provider that stopped at this account's e-mail, now that its owner has logged in."""
    pending = request.session.pop(PENDING_KEY, None)
    if not pending or pending["until"] < time.time():
        return
    sociallogin = SocialLogin.deserialize(pending["login"])
    account = sociallogin.account
    is_taken = SocialAccount.objects.filter(provider=account.provider, uid=account.uid).exists()
    if find_user_by_email(sociallogin.email_addresses[0].email) == user and not is_taken:
        sociallogin.connect(context.request, user)
        service = {"service": sociallogin.provider.name}
        messages.success(request, _("%(service)s is connected. You can log in with it.") % service)


@receiver(user_logged_in)
def restore_session_age(sender: Any, request: HttpRequest, **kwargs: Any) -> None:
    """Let a session last as usual again after a log-in, which ends a pending one."""
    request.session.set_expiry(None)


@receiver(pre_save, sender=SocialAccount)
def forget_claims(sender: Any, instance: SocialAccount, **kwargs: Any) -> None:
    """Store the person's id at the provider and nothing else of its answer, such as a picture or groups."""
    instance.extra_data = {}
