"""The owner's pages: for administrators only."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from articles.models import Site
from articles.services import change_site
from config.owner.forms import SiteForm
from moderation.models import Desk


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def site_settings(request: HttpRequest) -> HttpResponse:
    """Every setting on one page. What is saved is so in the next request, on kept pages as well."""
    owner(request)
    with transaction.atomic():
        sites = Site.objects.select_for_update() if request.method == "POST" else Site.objects.all()
        stored = sites.get(pk=1)
        form = SiteForm(request.POST or None, instance=Site.objects.get(pk=1))
        if form.is_valid():
            if changed := form.changed(stored):
                change_site(**changed)
            messages.success(request, _("Saved.") if changed else _("Nothing was changed."))
            return redirect("owner-settings")
    desk = Desk.objects.filter(pk=1).first() or Desk()
    context = {"form": form, "desk": desk, "room": "settings"}
    return render(request, "owner/settings.html", context, status=422 if form.is_bound else 200)


def owner(request: HttpRequest) -> User:
    """Who asks, an administrator. Raises PermissionDenied."""
    if not isinstance(request.user, User) or not request.user.is_administrator:
        raise PermissionDenied
    return request.user
