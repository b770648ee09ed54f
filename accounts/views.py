from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.forms import SetupForm
from accounts.models import User
from accounts.services import AlreadySetUp, create_first_administrator, setup_allowed, switch_page


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Whether this member has a page that lists their comments: `on` = 1 or 0."""
    assert isinstance(request.user, User)
    if request.method != "POST":
        return render(request, "accounts/page.html")
    on = request.POST.get("on") == "1"  # whatever else is sent: off
    switch_page(user=request.user, on=on)
    messages.success(request, _("Your page is on.") if on else _("Your page is off."))
    return redirect("page-switch")


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """Where the link that `serve` prints leads: whoever has it becomes the first administrator."""
    if not setup_allowed(token):
        return _over(request)
    form = SetupForm(request.POST or None)
    if not form.is_valid():
        return render(request, "accounts/setup.html", {"form": form}, status=422 if form.is_bound else 200)
    try:
        user = create_first_administrator(token=token, **form.cleaned_data)
    except AlreadySetUp:
        return _over(request)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    messages.success(request, _("You administer this site now."))
    return redirect("home")


def _over(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/setup.html", status=404)
