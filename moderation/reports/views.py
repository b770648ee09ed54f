"""Pages to report a comment or illegal content. They work without JavaScript."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import guests
from accounts.models import Guest, User
from articles.site.requests import SiteRequest
from comments.loading import current_writer, load_story_page
from comments.models import Comment, State
from comments.tasks import mail_confirmation
from core.fallback_pages import broken_link
from core.query_forms import QueryForm, SearchField
from core.rate_limits import add_error
from moderation.models import IllegalContentReport, Report
from moderation.notifications.notices import is_decided, report_outcome
from moderation.reports import reporting
from moderation.reports.forms import IllegalContentForm, ReportForm
from moderation.screening.origins import throttle_report_without_account


@require_http_methods(["GET", "HEAD", "POST"])
def report(request: SiteRequest, slug: str, pk: str) -> HttpResponse:
    """Report a comment. After that the page shows the outcome."""
    story = load_story_page(request, slug)
    if story.discussion.is_hidden:
        raise Http404
    found = get_object_or_404(Comment, pk=pk, discussion=story.article.pk)
    found.discussion = story.discussion
    back = reverse("comment", args=[slug, found.pk])
    user, guest = current_writer(request)
    own_report = _find_own_report(found, user, guest)
    if found.state != State.PUBLISHED and not own_report:
        return redirect(back)  # that page says why it is gone
    if request.method == "POST" and own_report:
        messages.info(request, _("You have already reported this comment. This is your report."))
        return redirect(request.path)
    form = ReportForm(request.POST if request.method == "POST" else None, has_identity=bool(user or guest))
    if form.is_valid():
        try:
            reporter = _send_report(request, found, form, user, guest)
        except ValidationError as error:
            add_error(request, form, error)
        else:
            response = redirect(request.path)
            if reporter and reporter != guest:
                guests.set_guest_cookie(response, reporter)
                messages.info(request, _("We mailed you a link. Open it to confirm your e-mail."))
            return response
    context = {
        "article": story.article,
        "comment": found,
        "zone": story.article.time_zone,
        "form": form,
        "own_report": own_report,
        "outcome": own_report and report_outcome(own_report.case, found),
        "is_own": found.is_by(user, guest),
        "illegal_url": f"{reverse('report-illegal')}?comment={found.pk}",
        "back": back,
    }
    return render(request, "moderation/reports/report.html", context, status=422 if form.is_bound else 200)


class ReportQuery(QueryForm):
    """The query string of a report of illegal content: the number or URL of the comment."""

    comment = SearchField(limit=2_000)


@require_http_methods(["GET", "HEAD", "POST"])
def report_illegal(request: HttpRequest) -> HttpResponse:
    """Report illegal content; no account is needed. `?comment=`: the comment's number or URL."""
    url = ReportQuery.read(request.GET)["comment"]
    is_post = request.method == "POST"
    form = IllegalContentForm(request.POST if is_post else None, initial={"url": url})
    status = 422 if is_post else 200
    if is_post and form.is_valid():
        try:
            throttle_report_without_account(request)
            assert form.comment is not None
            report = reporting.report_illegal_content(
                comment=form.comment,
                why=form.cleaned_data["why"],
                name=form.cleaned_data.get("name", ""),
                email=form.cleaned_data.get("email", ""),
                is_child_abuse=form.cleaned_data["is_child_abuse"],
            )
        except ValidationError as error:
            add_error(request, form, error)
        else:
            return redirect("illegal-content-receipt", report.receipt)
    return render(request, "moderation/reports/illegal_content.html", {"form": form}, status=status)


@require_safe
def receipt_page(request: HttpRequest, receipt: str) -> HttpResponse:
    """Show the status of a report of illegal content to anyone who knows its receipt number."""
    reports = IllegalContentReport.objects.select_related("case", "comment__discussion__article")
    try:
        report = reports.get(receipt=receipt)
    except (IllegalContentReport.DoesNotExist, ValidationError):
        explanation = _("It is incomplete. Open it again from the mail, or send a new report.")
        return broken_link(request, explanation, (reverse("report-illegal"), _("Report illegal content")))
    article = report.comment.discussion.article
    is_published = report.comment.state == State.PUBLISHED
    context = {
        "report": report,
        "title": article.title_for(None),
        "zone": article.time_zone,
        "outcome": report_outcome(report.case, report.comment),
        "url": report.comment.get_absolute_url() if report.comment.discussion.is_readable else "",
        "is_decided": is_decided(report.case, report.comment),
        "again_url": f"{reverse('report-illegal')}?comment={report.comment_id}" if is_published else "",
        "site_url": settings.SITE_URL,
    }
    response = render(request, "moderation/reports/illegal_content_receipt.html", context)
    response["X-Robots-Tag"] = "noindex"
    return response


def _find_own_report(comment: Comment, user: User | None, guest: Guest | None) -> Report | None:
    if not (user or guest):
        return None
    return Report.objects.filter(comment=comment, user=user, guest=guest).select_related("case").first()


def _send_report(
    request: HttpRequest, comment: Comment, form: ReportForm, user: User | None, guest: Guest | None
) -> Guest | None:
    """Store the report and return the reporter, if that is a guest.

    Raises ValidationError as report_comment.
    """
    why, details = form.cleaned_data["why"], form.cleaned_data["details"]
    if user or guest:
        reporting.report_comment(comment=comment, user=user, guest=guest, why=why, details=details)
        return guest
    throttle_report_without_account(request)
    name, email = form.cleaned_data["name"], form.cleaned_data["email"]
    with transaction.atomic():
        new = Guest.objects.create(name=name, email=email)
        reporting.report_comment(comment=comment, user=None, guest=new, why=why, details=details)
        mail_confirmation.enqueue(new.pk)
    return new
