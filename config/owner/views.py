"""The pages for administrators: settings, test e-mail and system status; and the set-up of a new site."""

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.core.mail import EmailMessage
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.administrators import SetUpLinkError, is_setup_token_valid
from accounts.forms import AdministratorForm
from accounts.models import User
from accounts.requests import require_administrator, return_form_if_logged_out
from articles.models import Site
from articles.services import change_site, set_up_site
from articles.site.current_site import read_site
from articles.site.languages import language_of, staff_language
from articles.site.requests import SiteRequest
from config.owner import jobs, system_status
from config.owner.forms import SETUP_FIELDS, SiteForm, TestMailForm, explain_accent, read_uploads
from core.fallback_pages import broken_link
from core.mail.composition import compose_mail
from core.mail.failures import explain_failure, mail_server
from core.query_forms import parse_uuid
from moderation.models import ModerationSettings

TEST_RESULT = "test_mail"  # session key: the recipient of the last test e-mail, and its failure


@sensitive_post_parameters("you-password")
@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest, token: str) -> HttpResponse:
    """Set up a new site. The link that `serve` prints leads here.

    Its visitor becomes the first administrator and enters the first settings. The page of the test e-mail
    follows.
    """
    if not is_setup_token_valid(token):
        return _broken_setup_link(request)
    administrator_form = AdministratorForm(request.POST or None, prefix="you")
    form = SiteForm(request.POST or None, instance=read_site(), only=SETUP_FIELDS)
    if not all([administrator_form.is_valid(), form.is_valid()]):  # a list, so that both show their errors
        form.prepare_set_up(is_sent=form.is_bound)
        context = {"administrator_form": administrator_form, "form": form}
        return render(request, "owner/set_up.html", context, status=422 if form.is_bound else 200)
    try:
        user = set_up_site(token=token, administrator=administrator_form.cleaned_data, **form.cleaned_data)
    except SetUpLinkError:
        return _broken_setup_link(request)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    messages.success(request, _("Your site is set up. You can change everything under Settings."))
    return redirect(f"{reverse('owner-mail')}?first=1")


def _broken_setup_link(request: HttpRequest) -> HttpResponse:
    explanation = _(
        "It was used already, it has expired, or it is incomplete. As long as the site has no administrator, "
        "each start of the site prints a new link."
    )
    return broken_link(request, explanation, (reverse("home"), _("Latest stories")))


@return_form_if_logged_out
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def test_mail(request: SiteRequest) -> HttpResponse:
    """Send a test e-mail at once, and show the result or the mail server's error.

    The result is shown after a redirect, so that reloading the page sends no second mail.
    """
    user = require_administrator(request)
    site = request.site
    form = TestMailForm(request.POST or None, initial={"to": user.email})
    if form.is_valid():
        to, failure = form.cleaned_data["to"], ""
        try:
            compose_test_mail(user, to, site).send()
        except Exception as error:  # the page shows every failure
            failure = explain_failure(error)
        request.session[TEST_RESULT] = {"to": to, "failure": failure}
        return redirect(request.get_full_path())
    result = {} if form.is_bound else request.session.pop(TEST_RESULT, {})
    if result:
        form.initial["to"] = result["to"]
    sent = result.get("to", "") if not result.get("failure") else ""
    is_first = "first" in request.GET
    form.is_secondary = is_first and bool(sent)  # beside "Continue"
    context = {
        "form": form,
        "sent": sent,
        "failure": result.get("failure", ""),
        "server": mail_server(),
        "folder": getattr(settings, "EMAIL_FILE_PATH", "") or "",
        "is_first": is_first,
    }
    return render(request, "owner/test_mail.html", context, status=422 if form.is_bound else 200)


@return_form_if_logged_out
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def site_settings(request: HttpRequest) -> HttpResponse:
    """Show and change the settings of the site. Changes apply to the next request, also on cached pages."""
    user = require_administrator(request)
    uploads = read_uploads(request.FILES)
    with transaction.atomic():
        sites = Site.objects.select_for_update() if request.method == "POST" else Site.objects.all()
        stored = sites.get(pk=1)
        form = SiteForm(request.POST or None, request.FILES or None, instance=read_site(), uploads=uploads)
        if form.is_valid():
            if changed := form.changed(stored, user):
                change_site(**changed)
            # The next page is in the new language.
            translation.activate(staff_language(language_of(user, read_site())))
            messages.success(request, _("Saved.") if changed else _("Nothing changed."))
            for sentence in explain_accent(changed.get("accent", "")):
                messages.info(request, sentence)
            return redirect("owner-settings")
    form.fill_in(request.GET.get("template", ""))
    moderation_settings = ModerationSettings.objects.filter(pk=1).first() or ModerationSettings()
    context = {"form": form, "moderation_settings": moderation_settings}
    return render(request, "owner/settings.html", context, status=422 if form.is_bound else 200)


@login_required
@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Show the system status: versions, backups, mails, jobs, and problems with their fixes."""
    require_administrator(request)
    context = {"status": system_status.read_system_status()}
    return render(request, "owner/status.html", context)


@require_POST
@return_form_if_logged_out
def change_job(request: HttpRequest) -> HttpResponse:
    """Retry or delete failed jobs, or run a scheduled one.

    The form sends `retry` or `discard` with the id of a failed job, `all` to retry each one, or
    `run_now` with the name of a scheduled job. A job that is gone is no error: another administrator may have
    been faster.
    """
    require_administrator(request)
    if "all" in request.POST:
        done = jobs.retry()
        message = ngettext("%(n)s job will run again.", "%(n)s jobs will run again.", done) % {"n": done}
    elif pk := parse_uuid(request.POST.get("retry")):
        done, message = jobs.retry(ids=[pk]), _("The job will run again.")
    elif pk := parse_uuid(request.POST.get("discard")):
        done, message = jobs.discard(pk=pk), _("The job has been deleted.")
    else:
        done = jobs.retry_scheduled(name=request.POST.get("run_now", ""))
        message = _("The job will run within a minute.")
    if done:
        messages.success(request, message)
    else:
        messages.info(request, _("Nothing to do: somebody was faster, or the job has run meanwhile."))
    return redirect(f"{reverse('owner-status')}#jobs")


def compose_test_mail(user: User, to: str, site: Site) -> EmailMessage:
    """Return the test e-mail. To an administrator's unconfirmed e-mail it carries a confirmation link."""
    address = EmailAddress.objects.filter(user=user, email=to.lower(), verified=False).first()
    key = address and EmailConfirmationHMAC.create(address).key
    link = reverse("account_confirm_email", args=[key]) if key else ""
    subject = _("Test e-mail from %(site)s") % {"site": site.name}
    return compose_mail("owner/mail/test_mail.txt", subject, to, site=site, link=link)
