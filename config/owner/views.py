"""The owner's pages: for administrators only."""

from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.mail import EmailMessage
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms import AdministratorForm
from accounts.models import User
from accounts.services import AlreadySetUp, is_setup_token_valid
from articles.models import Site
from articles.services import change_site, set_up_site
from config.owner import jobs, system_status
from config.owner.forms import SETUP_FIELDS, SiteForm, TestMailForm
from core.mail import explain_failure, mail_server
from moderation.models import Desk

TEST_RESULT = "test_mail"  # in the session: to whom one was sent, and why it did not leave


@sensitive_post_parameters("you-password")
@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest, token: str) -> HttpResponse:
    """Where the link that `serve` prints leads: whoever has it becomes the first administrator, and says what
    the site is. Then a mail is tried."""
    if not is_setup_token_valid(token):
        return render(request, "owner/set_up.html", status=404)
    you = AdministratorForm(request.POST or None, prefix="you")
    form = SiteForm(request.POST or None, instance=Site.objects.get(pk=1), only=SETUP_FIELDS)
    if not all([you.is_valid(), form.is_valid()]):  # what is wrong in either is said
        form.propose(is_sent=form.is_bound)
        status = 422 if form.is_bound else 200
        return render(request, "owner/set_up.html", {"you": you, "form": form}, status=status)
    try:
        user = set_up_site(token=token, administrator=you.cleaned_data, **form.cleaned_data)
    except AlreadySetUp:
        return render(request, "owner/set_up.html", status=404)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    messages.success(request, _("Your site is set up. All of it can be changed under Settings."))
    return redirect(f"{reverse('owner-mail')}?first=1")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def test_mail(request: HttpRequest) -> HttpResponse:
    """One mail, sent while the owner waits; or the sentence that says why it did not leave. Told by the page
    that follows, so that to load that again sends none."""
    user = require_administrator(request)
    site: Any = request.site
    form = TestMailForm(request.POST or None, initial={"to": user.email})
    if form.is_valid():
        to, failure = form.cleaned_data["to"], ""
        try:
            compose_test_mail(user, to, site).send()
        except Exception as error:  # that is what this page is for
            failure = explain_failure(error)
        request.session[TEST_RESULT] = {"to": to, "failure": failure}
        return redirect(request.get_full_path())
    tried = {} if form.is_bound else request.session.pop(TEST_RESULT, {})
    if tried:
        form.initial["to"] = tried["to"]
    context = {
        "form": form,
        "sent": tried.get("to", "") if not tried.get("failure") else "",
        "failure": tried.get("failure", ""),
        "server": mail_server(),
        "folder": getattr(settings, "EMAIL_FILE_PATH", "") or "",
        "is_first": "first" in request.GET,
        "room": "mail",
    }
    return render(request, "owner/mail.html", context, status=422 if form.is_bound else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def site_settings(request: HttpRequest) -> HttpResponse:
    """Every setting on one page. What is saved is so in the next request, on kept pages as well."""
    require_administrator(request)
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


@login_required
@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """What there is, what fails, and what to do about it."""
    require_administrator(request)
    return render(request, "owner/have.html", {"have": system_status.read_system_status(), "room": "have"})


@login_required
@require_POST
def change_job(request: HttpRequest) -> HttpResponse:
    """`again` or `away`: the id of a failed job; `all`: each again; `soon`: the name of a job of the clock.
    What is gone meanwhile is no error: a colleague's press came first."""
    require_administrator(request)
    if "all" in request.POST:
        done = jobs.retry()
        said = ngettext("%(n)s job will run again.", "%(n)s jobs will run again.", done) % {"n": done}
    elif pk := _parse_uuid(request.POST.get("again")):
        done, said = jobs.retry(ids=[pk]), _("It will run again.")
    elif pk := _parse_uuid(request.POST.get("away")):
        done, said = jobs.discard(pk=pk), _("It is thrown away.")
    else:
        done, said = (
            jobs.retry_scheduled(name=request.POST.get("soon", "")),
            _("It will run within a minute."),
        )
    if done:
        messages.success(request, said)
    else:
        messages.info(request, _("Nothing was left to do: somebody was faster, or it has run meanwhile."))
    return redirect(f"{reverse('owner-have')}#jobs")


def _parse_uuid(value: str | None) -> UUID | None:
    try:
        return UUID(value or "")
    except ValueError:
        return None


def compose_test_mail(user: User, to: str, site: Site) -> EmailMessage:
    """It proves the owner's own e-mail as well, as moderators are written to only if theirs is proved."""
    address = EmailAddress.objects.filter(user=user, email=to, verified=False).first()
    key = address and EmailConfirmationHMAC.create(address).key
    link = settings.SITE_URL + reverse("account_confirm_email", args=[key]) if key else ""
    context = {"site": site, "url": settings.SITE_URL, "link": link}
    subject = _("Test mail of %(site)s") % {"site": site.name}
    return EmailMessage(subject, render_to_string("owner/test_mail.txt", context), to=[to])


def require_administrator(request: HttpRequest) -> User:
    """Who asks, an administrator. Raises PermissionDenied."""
    if not isinstance(request.user, User) or not request.user.is_administrator:
        raise PermissionDenied
    return request.user
