"""Admin pages that publish, schedule, embargo and unpublish articles, and edit corrections."""

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from articles.editing import notes
from articles.editing.concurrent_editing import parse_number, request_user
from articles.editing.conflicts import DocumentForm
from articles.editing.editor_page import DocumentAdmin
from articles.models import PREVIEW_LIFETIME, UNPUBLISHED_REASON_MAX, Article
from articles.models.editing import CORRECTION_MAX, NOTE_MAX, Correction
from articles.publishing import services, status
from articles.publishing.services import EmbargoedError
from articles.services import StaleVersionError
from articles.site.requests import site_request
from core.forms import TOO_LONG, MultilineField
from core.relative_time import time_or_date, zone_label

NOTE_FIELDS = {"new_note", "new_correction"}  # fields of the form that are not columns of the article


class NotesForm(DocumentForm):
    """A form of an article with fields for a new note and a new correction."""

    new_note = MultilineField(
        label=gettext_lazy("Note for editors"),
        max_length=NOTE_MAX,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    new_correction = MultilineField(
        label=gettext_lazy("Correction for readers"),
        max_length=CORRECTION_MAX,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Shown with the story, dated now."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if stage := self.fields.get("stage"):
            stage.required = False  # if it is left out, it stays as it is

    def is_changed(self) -> bool:
        return bool(set(self.changed_data) - NOTE_FIELDS)

    def clean_stage(self) -> str:
        stage: str = self.cleaned_data["stage"] or self.instance.stage
        if stage == Article.Stage.PRIVATE and self.instance.published_at:
            raise forms.ValidationError(
                _("This story is scheduled. Unschedule it before you make it private.")
            )
        return stage


class PublicationAdmin(DocumentAdmin):
    """A DocumentAdmin of articles with pages for publication and corrections."""

    change_form_template = "admin/articles/article/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view, key = self.admin_site.admin_view, "<int:key>"
        name = "articles_article_{}".format
        return [
            path(f"{key}/publication/<slug:action>/", view(self.publication_view), name=name("publication")),
            path(f"{key}/corrections/<int:pk>/", view(self.correction_view), name=name("correction")),
            *super().get_urls(),
        ]

    def save_model(self, request: HttpRequest, obj: Article, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        user = request_user(request)
        if note := form.cleaned_data.get("new_note"):
            notes.add_note(article=obj, by=user, body=note)
        if correction := form.cleaned_data.get("new_correction"):
            notes.add_correction(article=obj, by=user, text=correction)

    def response_add(self, request: HttpRequest, obj: Article, post_url_continue: Any = None) -> HttpResponse:
        return self._redirect_to_action(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Article) -> HttpResponse:
        return self._redirect_to_action(request, obj) or super().response_change(request, obj)

    def _redirect_to_action(self, request: HttpRequest, obj: Article) -> HttpResponse | None:
        """Redirect to the preview or the page of the action whose button saved the form; None if none did."""
        action = request.POST.get("_then")
        if action == "preview" and not obj.is_published():
            return redirect(obj.preview_url())
        if action in status.PUBLICATION_ACTIONS:
            return redirect("admin:articles_article_publication", obj.pk, action)
        return None

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Article | None = None,
    ) -> HttpResponse:
        now = site_request(request).now
        actions = status.available_actions(obj, now) if obj else ["publish", "schedule"]
        preview = [] if obj and obj.is_published() else [("preview", _("Save and preview"))]
        labels = [(action, status.PUBLICATION_ACTIONS[action].label) for action in actions]
        context["publication_actions"] = preview + labels
        if obj:
            context |= {
                "publication_status": status.describe_state(obj, now),
                "embargo_status": status.describe_embargo(obj, now),
                "preview_url": None if obj.is_published() else settings.SITE_URL + obj.preview_url(),
                "preview_until": time_or_date(now + PREVIEW_LIFETIME, now),
                "is_private": obj.stage == Article.Stage.PRIVATE,
                "editor_notes": obj.notes.select_related("by"),
                "corrections": obj.corrections.select_related("by"),
            }
        return super().render_change_form(request, context, add, change, form_url, obj)

    def publication_view(self, request: HttpRequest, key: int, action: str) -> HttpResponse:
        """Confirm and perform an action on the publication."""
        article = self._get_editable(request, key)
        now = site_request(request).now
        if action not in status.PUBLICATION_ACTIONS:
            raise Http404
        if action not in status.available_actions(article, now):
            self.message_user(request, status.describe_state(article, now), messages.WARNING)
            return redirect("admin:articles_article_change", key)
        texts = status.PUBLICATION_ACTIONS[action]
        stored_dates = {
            "schedule": article.published_at or article.embargo_until,
            "embargo": article.embargo_until,
        }
        proposed = stored_dates.get(action) or [timezone.localdate(now), None]
        form = (
            status.DateTimeForm(request.POST or None, initial={"at": proposed}) if texts.needs_date else None
        )
        is_lifted = "lift" in request.POST
        why = request.POST.get("why", "").replace("\r\n", "\n").strip()
        is_too_long = len(why) > UNPUBLISHED_REASON_MAX
        if is_too_long:
            counts = {"show_value": len(why), "limit_value": UNPUBLISHED_REASON_MAX}
            self.message_user(request, TOO_LONG % counts, messages.ERROR)
        elif request.method == "POST" and (form is None or is_lifted or form.is_valid()):
            at = form.cleaned_data["at"] if form and not is_lifted else now
            try:
                changed = self._perform(request, article, action, None if is_lifted else at, why)
            except StaleVersionError:
                message = _("This story was changed since you opened this page. Check it, then try again.")
                self.message_user(request, message, messages.WARNING)
            except EmbargoedError:
                reason = status.describe_embargo(article, now)
                if at and action != "embargo":
                    reason = reason or status.embargo_refusal(article, at, now)
                message = _("Not done: %(why)s") % {"why": reason or status.describe_state(article, now)}
                self.message_user(request, message, messages.ERROR)
            else:
                message = status.describe_state(changed, timezone.now())
                if embargo := status.describe_embargo(changed, now):
                    message = f"{message} {embargo}"
                self.log_change(request, changed, message)
                self.message_user(request, message)
                return redirect("admin:articles_article_change", key)
        context = {
            **self._page_context(request, article, str(texts.title)),
            "article": article,
            "action": action,
            "texts": texts,
            "form": form,
            "reason": why,
            "publication_status": status.describe_state(article, now),
            "embargo_status": status.describe_embargo(article, now),
            "earlier_date": article.was_published_at and time_or_date(article.was_published_at, now),
            "zone_time": zone_label(),
            "now": time_or_date(now, now),
        }
        return TemplateResponse(request, "admin/articles/article/publication.html", context)

    def _perform(
        self, request: HttpRequest, article: Article, action: str, at: datetime | None, why: str
    ) -> Article:
        seen = parse_number(request.POST.get("seen"))
        match action:
            case "take-back":
                return services.unpublish(article=article, why=why, seen=seen)
            case "unschedule":
                return services.unschedule(article=article, seen=seen)
            case "embargo":
                return services.set_embargo(article=article, until=at, seen=seen)
        if "as-before" in request.POST and article.was_published_at:
            at = article.was_published_at
        assert at
        return services.publish(article=article, at=at, seen=seen)

    def correction_view(self, request: HttpRequest, key: int, pk: int) -> HttpResponse:
        """Change or delete a correction. If it was deleted meanwhile, the text can be added as a new one."""
        article = self._get_editable(request, key)
        correction = article.corrections.filter(pk=pk).first()
        if not correction and not request.POST.get("text", "").strip():
            raise Http404
        text = request.POST.get("text", correction.text if correction else "").strip()
        is_too_long, is_changed = len(text) > CORRECTION_MAX, False
        if request.method == "POST" and not is_too_long:
            is_changed = not self._save_correction(request, article, correction, text)
            if not is_changed:
                self.message_user(request, _("Correction changed."))
                return redirect("admin:articles_article_change", key)
            correction = article.corrections.filter(pk=pk).first()
        context = {
            **self._page_context(request, article, _("Correction")),
            "article": article,
            "correction": correction,
            "text": text,
            "max_length": CORRECTION_MAX if is_too_long else None,
            "is_changed": is_changed,
        }
        return TemplateResponse(request, "admin/articles/article/correction.html", context)

    def _save_correction(
        self, request: HttpRequest, article: Article, correction: Correction | None, text: str
    ) -> bool:
        """Return whether it was saved: not if the correction is no longer what the person has seen."""
        if not correction:
            if "anew" in request.POST:
                notes.add_correction(article=article, by=request_user(request), text=text)
            return "anew" in request.POST
        new_text = "" if "withdraw" in request.POST else text
        try:
            notes.change_correction(correction=correction, text=new_text, seen=request.POST.get("seen", ""))
        except StaleVersionError:
            return False
        return True
