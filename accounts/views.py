from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.forms import SetupForm
from accounts.services import AlreadySetUp, create_first_administrator, setup_allowed


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
