"""The newsroom's pages of the newsletter: drafts with their preview, and results of sent ones."""

from collections.abc import Sequence
from typing import Any

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.clickjacking import xframe_options_sameorigin

from accounts.models import User
from accounts.requests import request_user
from articles.admin_public_pages import EditorAccessAdmin
from articles.models import Article, Newsletter, NewsletterRecipient
from articles.models.newsletters import MAX_SUBJECT_LENGTH
from articles.newsletter import drafts, sending
from articles.newsletter.composition import read_articles
from articles.newsletter.forms import NewsletterForm
from articles.site.requests import site_request
from core.dates.formats import time_formatter
from core.dates.relative_time import time_or_date
from core.mail.failures import explain_failure
from core.query_forms import parse_ids, parse_number_or_zero

MAX_UNDELIVERED_SHOWN = 200
# The mail has its styles in attributes, and its pictures have whole URLs.
_mail_policy = csp_replace(
    {
        "default-src": [NONE],
        "style-src": [UNSAFE_INLINE],
        "img-src": [SELF, settings.SITE_URL],
        "frame-ancestors": [SELF],
    }
)


@admin.register(Newsletter)
class NewsletterAdmin(EditorAccessAdmin):
    """The newsletters. Editors send their own articles, and digests."""

    list_display = ["subject", "state", "created_at", "by"]
    list_select_related = ["by"]
    actions = None
    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Newsletter]:
        return Newsletter.objects.editable_by(request_user(request))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Allow drafts to be deleted."""
        return self.has_module_permission(request) and getattr(obj, "sent_at", None) is None

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Name only the draft in the confirmation, not the rows of its articles."""
        names, _counts, perms_needed, protected = super().get_deleted_objects(objs, request)
        return names[:1], {self.opts.verbose_name: 1}, perms_needed, protected

    def get_urls(self) -> list[URLPattern]:
        view: Any = self.admin_site.admin_view(self.mail_view)
        mail = _mail_policy(xframe_options_sameorigin(view))
        return [path("<int:key>/mail/", mail, name="articles_newsletter_mail"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return super().changelist_view(request, {"title": _("Newsletters"), **(extra_context or {})})

    @admin.display(description=_("status"))
    def state(self, obj: Newsletter) -> Any:
        if obj.sent_at is None:
            return _("Draft")
        status = _("Stopped") if obj.stopped_at else _("Sent")
        return f"{status}, {time_formatter().moment_text(obj.sent_at)}"

    # Drafts

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Write a newsletter about the article `?story=`, or without it a digest of the last days."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        article = None
        if "story" in request.GET:
            sendable = Article.objects.syndicated().editable_by(request_user(request))
            article = get_object_or_404(sendable, pk=parse_number_or_zero(request.GET["story"]))
        offered = None if article else list(drafts.digest_articles())
        site = site_request(request).site
        initial = {
            "subject": article.title[:MAX_SUBJECT_LENGTH] if article else drafts.week_subject(site),
            "stories": [article.pk for article in offered or ()],
        }
        form = NewsletterForm(request.POST or None, offered=offered, initial=initial)
        if form.is_valid():
            newsletter = drafts.create(
                subject=form.cleaned_data["subject"],
                introduction=form.cleaned_data["introduction"],
                articles=_in_order(form, offered) if article is None else [article],
                is_digest=article is None,
                by=request_user(request),
            )
            return redirect("admin:articles_newsletter_change", newsletter.pk)
        context = {
            **self._context(request, _("Send as newsletter") if article else _("Weekly digest"), None),
            "form": form,
            "is_empty": not article and not offered,
        }
        return TemplateResponse(
            request, "admin/articles/newsletter/draft.html", context, status=422 if form.errors else 200
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show a draft with its preview, or the results of a newsletter that was sent."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        newsletter = self.get_queryset(request).filter(pk=parse_number_or_zero(object_id)).first()
        if newsletter is None:
            self.message_user(request, _("That newsletter was deleted."), messages.WARNING)
            return redirect("admin:articles_newsletter_changelist")
        if newsletter.sent_at and "subject" not in request.POST:
            return self._sent_view(request, newsletter)
        return self._draft_view(request, newsletter)

    def _draft_view(self, request: HttpRequest, newsletter: Newsletter) -> HttpResponse:
        articles = _articles_of(newsletter)
        offered = None
        if newsletter.is_digest:
            recent = list(drafts.digest_articles())
            offered = recent + [article for article in articles if article not in recent]
        initial = {"stories": [article.pk for article in articles]}
        form = NewsletterForm(request.POST or None, instance=newsletter, offered=offered, initial=initial)
        seen = parse_number_or_zero(request.POST.get("seen"))
        if form.is_valid():
            texts = {name: form.cleaned_data[name] for name in ("subject", "introduction")}
            articles = articles if offered is None else _in_order(form, offered)
            newsletter = Newsletter.objects.get(pk=newsletter.pk)  # without the typed values
            if not form.has_changed():
                return self._send_or_show(request, newsletter, seen)
            if drafts.change(newsletter=newsletter, seen=seen, articles=articles, **texts):
                if "_test" in request.POST:
                    return self._send_or_show(request, Newsletter.objects.get(pk=newsletter.pk), seen)
                if "_send" in request.POST:
                    self.message_user(request, _("Saved. Check the preview, then send it."), messages.WARNING)
                return self._redirect(newsletter)
            if Newsletter.objects.get(pk=newsletter.pk).sent_at:
                return self._keep_late_changes(request, newsletter, articles, texts)
            message = _(
                "It was changed meanwhile, in another window or by somebody else. Your text is in the form;"
                " save it to replace the other."
            )
            self.message_user(request, message, messages.WARNING)
        stored = Newsletter.objects.get(pk=newsletter.pk)
        return self._show_draft(request, stored, form)

    def _keep_late_changes(
        self, request: HttpRequest, newsletter: Newsletter, articles: list[Article], texts: dict[str, str]
    ) -> HttpResponse:
        """Store changes that were typed while a colleague sent the newsletter as a new draft."""
        message = _("It was sent meanwhile, without your last changes. They are kept as this draft.")
        self.message_user(request, message, messages.WARNING)
        draft = drafts.create(
            articles=articles, is_digest=newsletter.is_digest, by=request_user(request), **texts
        )
        return self._redirect(draft)

    def _show_draft(self, request: HttpRequest, newsletter: Newsletter, form: NewsletterForm) -> HttpResponse:
        articles, user = read_articles(newsletter), request_user(request)
        total, lists = sending.count_audience(newsletter)
        previous = sending.previous_sending(newsletter)
        site = site_request(request).site
        context = {
            **self._context(request, newsletter.subject, newsletter),
            "form": form,
            "newsletter": newsletter,
            "articles": articles,
            "text": drafts.render_preview(newsletter, articles, site).text if articles else "",
            "total": total,
            "lists": lists,
            "previous": previous,
            "email": user.email,
        }
        return TemplateResponse(
            request, "admin/articles/newsletter/draft.html", context, status=422 if form.is_bound else 200
        )

    def _send_or_show(self, request: HttpRequest, newsletter: Newsletter, seen: int) -> HttpResponse:
        """Send a test mail or the newsletter, or do nothing but show the saved draft."""
        if "_test" in request.POST:
            self._send_test(request, newsletter)
        elif "_send" in request.POST:
            try:
                seen_ids = request.POST.get("seen_stories")
                with transaction.atomic():
                    count = sending.send(
                        newsletter=newsletter,
                        seen=seen,
                        seen_articles=None if seen_ids is None else parse_ids(seen_ids.split(",")),
                        is_repeat="again" in request.POST,
                    )
                    sent = ngettext("Sent to %(n)s person.", "Sent to %(n)s people.", count) % {"n": count}
                    self.log_change(request, newsletter, sent)
            except sending.NotSentError as error:
                self.message_user(request, str(error), messages.WARNING)
        return self._redirect(newsletter)

    def _send_test(self, request: HttpRequest, newsletter: Newsletter) -> None:
        email = request_user(request).email
        try:
            drafts.compose_test(newsletter, email).send()
        except Exception as error:  # the page shows every failure
            message = _("The test mail was not sent: %(why)s") % {"why": explain_failure(error)}
            self.message_user(request, message, messages.ERROR)
        else:
            self.message_user(request, _("A test mail was sent to %(email)s.") % {"email": email})

    def mail_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """Show the mail of a newsletter as HTML."""
        newsletter = get_object_or_404(self.get_queryset(request), pk=key)
        if not (articles := read_articles(newsletter)):
            raise Http404
        return HttpResponse(drafts.render_preview(newsletter, articles, site_request(request).site).html)

    # Sent

    def _sent_view(self, request: HttpRequest, newsletter: Newsletter) -> HttpResponse:
        if request.method == "POST":
            self._change_sending(request, newsletter)
            return self._redirect(newsletter)
        states, counts = NewsletterRecipient.State, sending.count_by_state(newsletter)
        sent_states = [states.SENT, states.BOUNCED, states.UNSUBSCRIBED]
        undelivered = newsletter.recipients.filter(state__in=[states.FAILED, states.BOUNCED])
        waiting = newsletter.recipients.filter(state=states.QUEUED, failures__gt=0)
        assert newsletter.sent_at
        zone = time_formatter().zone_name(newsletter.sent_at)
        context = {
            **self._context(request, newsletter.subject, newsletter),
            "newsletter": newsletter,
            "articles": _articles_of(newsletter),
            "sent_at": f"{time_or_date(newsletter.sent_at, site_request(request).now)} {zone}",
            "counts": [
                (_("Queued"), counts.get(states.QUEUED, 0)),
                (states.SENT.label, sum(counts.get(state, 0) for state in sent_states)),
                (_("Failed"), counts.get(states.FAILED, 0)),
                (_("Bounced"), counts.get(states.BOUNCED, 0)),
                (_("Unsubscribed since"), counts.get(states.UNSUBSCRIBED, 0)),
                (_("Unsubscribed before"), counts.get(states.LEFT_OUT, 0)),
            ],
            "has_recipients": newsletter.counts is None,
            "queued": counts.get(states.QUEUED, 0),
            "failed": counts.get(states.FAILED, 0),
            "undelivered_count": counts.get(states.FAILED, 0) + counts.get(states.BOUNCED, 0),
            "undelivered": [
                (recipient, _visible_email(request_user(request), recipient))
                for recipient in undelivered.select_related("subscriber").order_by("pk")[
                    :MAX_UNDELIVERED_SHOWN
                ]
            ],
            "waiting": waiting.order_by("due_at").first(),
            "has_sendable_article": bool(read_articles(newsletter)),
            "limit": MAX_UNDELIVERED_SHOWN,
        }
        return TemplateResponse(request, "admin/articles/newsletter/sent.html", context)

    def _change_sending(self, request: HttpRequest, newsletter: Newsletter) -> None:
        if "_stop" in request.POST:
            is_done, message = sending.stop(newsletter), _("Stopped.")
        elif "_continue" in request.POST:
            is_done, message = sending.resume(newsletter), _("The other mails are being sent.")
        else:
            is_done, message = bool(sending.retry(newsletter)), _("The failed mails are tried again.")
            if newsletter.stopped_at:
                message = _("The failed mails are queued. They are sent when you send the queued mails.")
        if is_done:
            self.message_user(request, message)
            return
        self.message_user(request, _("Nothing to do: somebody was faster."), messages.WARNING)

    def _redirect(self, newsletter: Newsletter) -> HttpResponse:
        return redirect("admin:articles_newsletter_change", newsletter.pk)

    def _context(self, request: HttpRequest, title: Any, newsletter: Newsletter | None) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": Newsletter._meta,
            "original": newsletter,
        }


def _visible_email(user: User, recipient: NewsletterRecipient) -> str:
    """Return the e-mail address of a recipient, or its domain for some users; "" if they unsubscribed."""
    email = recipient.subscriber.email if recipient.subscriber else ""
    if user.can_view_email_addresses or not email:
        return email
    return f"…@{email.rpartition('@')[2]}"


def newsletter_url(article: Article) -> str:
    """Return the URL to send an article as a newsletter, or "" if it may not leave the site."""
    if not article.is_syndicated():
        return ""
    return f"{reverse('admin:articles_newsletter_add')}?story={article.pk}"


def _articles_of(newsletter: Newsletter) -> list[Article]:
    """Return all articles of a newsletter in their order, also those that are no longer published."""
    return [row.article for row in newsletter.stories.select_related("article").order_by("position")]


def _in_order(form: NewsletterForm, offered: Sequence[Article] | None) -> list[Article]:
    """Return the ticked articles in the order in which they were offered, that of the front page."""
    ticked = set(form.cleaned_data["stories"])
    return [article for article in offered or () if article in ticked]
