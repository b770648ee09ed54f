"""When readers see an article, and what they are told was wrong in it: each act with its confirmation."""

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

from articles.editing import services
from articles.editing.concurrent_editing import number_of, user_of
from articles.editing.conflicts import TextForm
from articles.editing.editor_page import WritingPages
from articles.editing.services import ChangedError, EmbargoedError
from articles.models import PREVIEW_FOR, TAKEN_BACK_WHY_MAX, Article
from articles.models.editing import CORRECTION_MAX, NOTE_MAX, Correction
from articles.publishing import status
from core.forms import TOO_LONG, Lines
from core.relative_time import at_desk, time_of

WORDS = {"new_note", "new_correction"}  # of the form, and of no column of the article


class WordsForm(TextForm):
    """With what is said beside the article: saved, and given back, together with it."""

    new_note = Lines(
        label=gettext_lazy("A note to your colleagues"),
        max_length=NOTE_MAX,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    new_correction = Lines(
        label=gettext_lazy("A correction that readers see"),
        max_length=CORRECTION_MAX,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("It stands with the story, dated now."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if stage := self.fields.get("stage"):
            stage.required = False  # left out, it stays

    def is_changed(self) -> bool:
        return bool(set(self.changed_data) - WORDS)

    def clean_stage(self) -> str:
        stage: str = self.cleaned_data["stage"] or self.instance.stage
        if stage == Article.Stage.PRIVATE and self.instance.published_at:
            raise forms.ValidationError(
                _("It is scheduled, and would appear. Take it off the schedule first.")
            )
        return stage


class PublicationPages(WritingPages):
    change_form_template = "admin/articles/article/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        page, key = self.admin_site.admin_view, "<int:key>"
        name = "articles_article_{}".format
        return [
            path(f"{key}/publication/<slug:act>/", page(self.publication_view), name=name("publication")),
            path(f"{key}/corrections/<int:pk>/", page(self.correction_view), name=name("correction")),
            *super().get_urls(),
        ]

    def save_model(self, request: HttpRequest, obj: Article, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        user = user_of(request)
        if note := form.cleaned_data.get("new_note"):
            services.add_note(article=obj, by=user, body=note)
        if correction := form.cleaned_data.get("new_correction"):
            services.correct(article=obj, by=user, text=correction)

    def response_add(self, request: HttpRequest, obj: Article, post_url_continue: Any = None) -> HttpResponse:
        return self._then(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Article) -> HttpResponse:
        return self._then(request, obj) or super().response_change(request, obj)

    def _then(self, request: HttpRequest, obj: Article) -> HttpResponse | None:
        """Saved, and on to what was pressed besides."""
        act = request.POST.get("_then")
        if act == "preview" and not obj.is_published():
            return redirect(obj.preview_url())
        return redirect("admin:articles_article_publication", obj.pk, act) if act in status.DOINGS else None

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Article | None = None,
    ) -> HttpResponse:
        now: datetime = request.now  # type: ignore[attr-defined]
        acts = status.acts(obj, now) if obj else ["publish", "schedule"]
        preview = [] if obj and obj.is_published() else [("preview", _("Save and preview"))]
        context["acts"] = preview + [(act, status.DOINGS[act].label) for act in acts]
        if obj:
            context |= {
                "state": status.state(obj, now),
                "embargo_said": status.embargo(obj, now),
                "preview_url": None if obj.is_published() else settings.SITE_URL + obj.preview_url(),
                "preview_until": at_desk(now + PREVIEW_FOR, now),
                "is_private": obj.stage == Article.Stage.PRIVATE,
                "notes_": obj.notes.select_related("by"),
                "corrections": obj.corrections.select_related("by"),
            }
        return super().render_change_form(request, context, add, change, form_url, obj)

    def publication_view(self, request: HttpRequest, key: int, act: str) -> HttpResponse:
        """One act with its confirmation: what will be so, and the button."""
        article = self._open(request, key)
        now: datetime = request.now  # type: ignore[attr-defined]
        if act not in status.DOINGS:
            raise Http404
        if act not in status.acts(article, now):
            self.message_user(request, status.state(article, now), messages.WARNING)
            return redirect("admin:articles_article_change", key)
        doing = status.DOINGS[act]
        moments = {
            "schedule": article.published_at or article.embargo_until,
            "embargo": article.embargo_until,
        }
        proposed = moments.get(act) or [timezone.localdate(now), None]
        form = (
            status.MomentForm(request.POST or None, initial={"at": proposed})
            if doing.asks_for_a_moment
            else None
        )
        is_lifted = "lift" in request.POST
        why = request.POST.get("why", "").replace("\r\n", "\n").strip()
        is_too_long = len(why) > TAKEN_BACK_WHY_MAX
        if is_too_long:
            counts = {"show_value": len(why), "limit_value": TAKEN_BACK_WHY_MAX}
            self.message_user(request, TOO_LONG % counts, messages.ERROR)
        elif request.method == "POST" and (form is None or is_lifted or form.is_valid()):
            at = form.cleaned_data["at"] if form and not is_lifted else now
            try:
                done = self._act(request, article, act, None if is_lifted else at, why)
            except ChangedError:
                told = _("It was changed since you opened this page. Look again, then press.")
                self.message_user(request, told, messages.WARNING)
            except EmbargoedError:
                held = status.embargo(article, now)
                if at and act != "embargo":
                    held = held or status.too_early(article, at, now)
                told = _("Not done: %(why)s") % {"why": held or status.state(article, now)}
                self.message_user(request, told, messages.ERROR)
            else:
                told = status.state(done, timezone.now())
                if embargo := status.embargo(done, now):
                    told = f"{told} {embargo}"
                self.log_change(request, done, told)
                self.message_user(request, told)
                return redirect("admin:articles_article_change", key)
        context = {
            **self._context(request, article, str(doing.title)),
            "article": article,
            "act": act,
            "doing": doing,
            "form": form,
            "why": why,
            "state": status.state(article, now),
            "embargo": status.embargo(article, now),
            "was": article.was_published_at and at_desk(article.was_published_at, now),
            "zone_time": time_of(),
            "now": at_desk(now, now),
        }
        return TemplateResponse(request, "admin/articles/article/publication.html", context)

    def _act(
        self, request: HttpRequest, article: Article, act: str, at: datetime | None, why: str
    ) -> Article:
        seen = number_of(request.POST.get("seen"))
        match act:
            case "take-back":
                return services.take_back(article=article, why=why, seen=seen)
            case "unschedule":
                return services.unschedule(article=article, seen=seen)
            case "embargo":
                return services.set_embargo(article=article, until=at, seen=seen)
        if "as-before" in request.POST and article.was_published_at:
            at = article.was_published_at
        assert at
        return services.publish(article=article, at=at, seen=seen)

    def correction_view(self, request: HttpRequest, key: int, pk: int) -> HttpResponse:
        """Other words for a correction, or none; for one that is gone by now, they can be a new one."""
        article = self._open(request, key)
        correction = article.corrections.filter(pk=pk).first()
        if not correction and not request.POST.get("text", "").strip():
            raise Http404
        text = request.POST.get("text", correction.text if correction else "").strip()
        is_too_long, is_changed = len(text) > CORRECTION_MAX, False
        if request.method == "POST" and not is_too_long:
            is_changed = not self._say_otherwise(request, article, correction, text)
            if not is_changed:
                self.message_user(request, _("The correction was changed."))
                return redirect("admin:articles_article_change", key)
            correction = article.corrections.filter(pk=pk).first()
        context = {
            **self._context(request, article, _("A correction")),
            "article": article,
            "correction": correction,
            "text": text,
            "most": CORRECTION_MAX if is_too_long else None,
            "is_changed": is_changed,
        }
        return TemplateResponse(request, "admin/articles/article/correction.html", context)

    def _say_otherwise(
        self, request: HttpRequest, article: Article, correction: Correction | None, text: str
    ) -> bool:
        """Whether it could be done: no, where it is not what was seen any more."""
        if not correction:
            if "anew" in request.POST:
                services.correct(article=article, by=user_of(request), text=text)
            return "anew" in request.POST
        words = "" if "withdraw" in request.POST else text
        try:
            services.change_correction(correction=correction, text=words, seen=request.POST.get("seen", ""))
        except ChangedError:
            return False
        return True
