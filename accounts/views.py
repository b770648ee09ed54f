from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.services import switch_page


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
