"""Pages of accounts that are not allauth's: public page, language, devices, confirmations."""

from typing import Any

import requests
from allauth.account import views as allauth_views
from allauth.socialaccount.providers.openid_connect import views as openid_connect_views
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.authentication import sign_up
from accounts.authentication.devices import (
    NO_IP_ADDRESS,
    describe_browser,
    list_devices,
    log_out_device,
    log_out_everywhere,
)
from accounts.forms import LanguageForm, PasswordForm
from accounts.guests import guest_comments_url
from accounts.models import User
from accounts.requests import request_user
from accounts.services import set_public_page
from core.fallback_pages import broken_link
from core.query_forms import parse_whole_number


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def public_page(request: HttpRequest) -> HttpResponse:
    """Show and change whether the member has a public page that lists their comments.

    The form field `on` is 1 or 0.
    """
    if request.method != "POST":
        return render(request, "accounts/public_page.html")
    on = request.POST.get("on") == "1"  # any other value means off
    set_public_page(user=request_user(request), on=on)
    messages.success(request, _("Your public page is on.") if on else _("Your public page is off."))
    return redirect("public-page-settings")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def language(request: HttpRequest) -> HttpResponse:
    """Show and change the language in which the member gets pages and mails."""
    site: Any = request.site
    default = site.language
    form = LanguageForm(request.POST or None, instance=request_user(request), site_language=default)
    if form.is_valid():
        user = form.save(commit=False)
        user.save(update_fields=["language"])
        with translation.override(user.language or default):
            messages.success(request, _("Your language is saved."))
        return redirect("language")
    return render(request, "accounts/language.html", {"form": form}, status=422 if form.is_bound else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def devices(request: HttpRequest) -> HttpResponse:
    """List the devices that the member is logged in on, and log them out.

    The form field `session` is the id of one of them; without it, all are logged out, this one included.
    """
    user = request.user
    assert isinstance(user, User)
    if request.method != "POST":
        shown = [
            (session, describe_browser(session.user_agent), session.ip if session.ip != NO_IP_ADDRESS else "")
            for session in list_devices(user)
        ]
        return render(request, "accounts/devices.html", {"devices": shown})
    if "session" not in request.POST:
        log_out_everywhere(user)
        logout(request)
        site: Any = request.site
        with translation.override(site.language):  # of the next page
            messages.success(request, _("You are logged out on all devices."))
        return redirect("account_login")
    pk = parse_whole_number(request.POST["session"])
    if pk is not None and log_out_device(user, pk):
        messages.success(request, _("That device is logged out."))
    else:
        messages.info(request, _("That device was logged out already."))
    return redirect("devices")


@require_POST
def oidc_login(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send the visitor to an OpenID Connect provider, with a page in between.

    The content security policy lets a form lead to this site only, also by a redirect. So the page has a
    link, and a header that follows it.
    """
    try:
        response: HttpResponse = openid_connect_views.login(request, provider_id)
    except requests.RequestException:
        messages.error(request, _("This service does not answer at the moment. Try again later."))
        return redirect("account_login")
    url = response.get("Location", "")
    if not url.startswith(("https:", "http:")):
        return response
    page = render(request, "accounts/continue.html", {"url": url})
    page["Refresh"] = f"0; url={url}"
    return page


class ConfirmEmailView(allauth_views.ConfirmEmailView):  # type: ignore[misc]
    """The page of the mailed link that confirms an e-mail address which was added to an account.

    It confirms only while that account is logged in. Otherwise somebody could add another person's e-mail to
    their own account, and the other person would confirm it by the mail.
    """

    def dispatch(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response: HttpResponseBase = super().dispatch(*args, **kwargs)
        except Http404:
            explanation = _("It works once, and only for three days.")
            text = _("Send a new confirmation mail")
            return broken_link(self.request, explanation, (reverse("account_email"), text))
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if self.object is None:
            raise Http404
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"is_owner": self.object.email_address.user == self.request.user}

    def logout_other_user(self, confirmation: Any) -> None:
        """Log nobody out: the page says which account has to be logged in."""

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = self.get_object()
        if self.object.email_address.user == self.request.user:
            response: HttpResponse = super().post(*args, **kwargs)
        else:
            response = self.render_to_response(self.get_context_data(), status=403)
        return response


def reset_password(request: HttpRequest, uidb36: str = "", key: str = "") -> HttpResponseBase:
    """Show allauth's page of the mailed link to choose a new password, or that the link does not work."""
    if uidb36:
        response: HttpResponseBase = allauth_views.password_reset_from_key(request, uidb36=uidb36, key=key)
        if not (isinstance(response, TemplateResponse) and (response.context_data or {}).get("token_fail")):
            return response
    return broken_link(
        request,
        _("It works once, and only for some days. If you have chosen a password with it, log in."),
        (reverse("account_login"), _("Log in")),
        (reverse("account_reset_password"), _("Ask for a new link")),
    )


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_sign_up(request: HttpRequest, token: str) -> HttpResponse:
    """Create the account of the mailed link, with a button, because mail scanners open links too.

    In a browser other than the one that signed up, the form asks for the password. Otherwise an attacker
    could sign up with another person's e-mail address and a password of their own, and wait until the owner
    of the e-mail opens the link.
    """
    pending = sign_up.find_by_token(token)
    if pending is None:
        return broken_link(
            request,
            _("It works once, and only for seven days."),
            (reverse("account_login"), _("Log in")),
            (reverse("account_signup"), _("Sign up")),
        )
    is_same_browser = request.session.get(sign_up.SESSION_KEY) == pending.pk
    form = None if is_same_browser else PasswordForm(request.POST or None, pending=pending)
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            user = sign_up.confirm(pending)
        except sign_up.AccountExistsError:
            messages.info(request, _("There is already an account with this e-mail. Log in to it."))
            return redirect("account_login")
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        messages.success(request, _("Your e-mail is confirmed, and your account is ready."))
        return redirect(guest_comments_url(pending.next_url))
    context = {"pending": pending, "form": form}
    status = 422 if form is not None and form.is_bound else 200
    return render(request, "accounts/confirm_sign_up.html", context, status=status)
