from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import sign_up
from accounts.forms import PasswordForm
from accounts.models import User
from accounts.services import switch_page


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def public_page(request: HttpRequest) -> HttpResponse:
    """Whether this member has a page that lists their comments: `on` = 1 or 0."""
    assert isinstance(request.user, User)
    if request.method != "POST":
        return render(request, "accounts/page.html")
    on = request.POST.get("on") == "1"  # whatever else is sent: off
    switch_page(user=request.user, on=on)
    messages.success(request, _("Your page is on.") if on else _("Your page is off."))
    return redirect("page-switch")


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_sign_up(request: HttpRequest, token: str) -> HttpResponse:
    """Make the account by the mailed link, with a press, as mail scanners open links too.

    In another browser than the one that asked, the password is asked for: else somebody could sign up with an
    e-mail and a password, and wait until its owner opens the link.
    """
    asked = sign_up.find_by_token(token)
    if asked is None:
        return render(request, "accounts/confirm_sign_up.html", status=404)
    is_here = request.session.get(sign_up.SESSION_KEY) == asked.pk
    form = None if is_here else PasswordForm(request.POST or None, asked=asked)
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            user = sign_up.confirm(asked)
        except sign_up.AccountExists:
            messages.info(request, _("There is an account with this e-mail: log in to it."))
            return redirect("account_login")
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        messages.success(request, _("Your e-mail is confirmed, and your account is ready."))
        return redirect(asked.next_url or "home")
    context = {"asked": asked, "form": form}
    status = 422 if form is not None and form.is_bound else 200
    return render(request, "accounts/confirm_sign_up.html", context, status=status)
