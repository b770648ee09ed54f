"""Publication, notes and corrections in the form of an article, and the page of a correction."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone, translation
from django.utils.functional import cached_property
from django.utils.text import normalize_newlines
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.requests import request_user
from articles.editing import notes
from articles.editing.conflicts import DocumentForm
from articles.models import PREVIEW_LIFETIME, Article
from articles.models.editing import MAX_CORRECTION_LENGTH, MAX_NOTE_LENGTH, Correction, EditorNote
from articles.publishing import status
from articles.publishing.actions import (
    confirmation_context,
    confirmed_action,
    publication_values,
    publication_view,
)
from articles.publishing.forms import DateTimeForm
from articles.services import StaleVersionError
from articles.site.requests import site_request
from core.dates.relative_time import describe_time, time_or_date
from core.forms import MultilineField, explain_length

# A text that the same person sends again within this time is stored once, as after a double click.
RESEND_WINDOW = timedelta(minutes=1)
# Fields of the form that are not columns of the article, with the entry that each adds.
NOTE_MODELS = {"new_note": EditorNote, "new_correction": Correction}

CORRECTION_MESSAGES = {
    "added": gettext_lazy("Correction added."),
    "changed": gettext_lazy("Correction changed."),
    "deleted": gettext_lazy("Correction deleted."),
}


class NotesForm(DocumentForm):
    """A form of an article with fields for a new note and a new correction."""

    new_note = MultilineField(
        label=gettext_lazy("Note for editors"),
        max_length=MAX_NOTE_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    new_correction = MultilineField(
        label=gettext_lazy("Correction for readers"),
        max_length=MAX_CORRECTION_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Shown with the story, dated now."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if stage := self.fields.get("stage"):
            stage.required = False  # if it is left out, it stays as it is

    @cached_property
    def changed_data(self) -> list[str]:
        """Return the names of changed columns: a new note or correction is added instead."""
        return [name for name in super().changed_data if name not in NOTE_MODELS]

    def added_entries(self) -> list[dict[str, Any]]:
        """Return the entries of the admin's log about a new note and a new correction."""
        return [
            log_entry("added", model) for name, model in NOTE_MODELS.items() if self.cleaned_data.get(name)
        ]

    def prefixed_digests(self) -> dict[str, str]:
        return super().prefixed_digests() | publication_values(self.instance)

    def clean_stage(self) -> str:
        stage: str = self.cleaned_data["stage"] or self.instance.stage
        if stage == Article.Stage.PRIVATE and self.instance.published_at:
            raise forms.ValidationError(
                _("This story is scheduled. Unschedule it before you make it private.")
            )
        return stage


def log_entry(verb: str, model: type[Model], at: datetime | None = None) -> dict[str, Any]:
    """Return an entry of the admin's log: "added", "changed" or "deleted".

    What was added or deleted is named by its date (by default today), since its text may have to be redacted.
    """
    with translation.override(None):  # the log translates the name when it is read
        name = str(model._meta.verbose_name)
    if verb == "changed":
        return {verb: {"fields": [name]}}
    return {verb: {"name": name, "object": timezone.localdate(at).isoformat()}}


def urls(model_admin: Any) -> list[URLPattern]:
    """Return the URLs of publication and of corrections."""
    view, name = model_admin.admin_site.admin_view, model_admin.url_name
    publication = view(partial(publication_view, model_admin))
    correction = view(partial(correction_view, model_admin))
    moment = view(partial(moment_view, model_admin))
    return [
        path("publication/moment/", moment, name=name("moment")),
        path("<int:key>/publication/<slug:action>/", publication, name=name("publication")),
        path("<int:key>/corrections/<int:pk>/", correction, name=name("correction")),
    ]


def form_context(request: HttpRequest, article: Article | None) -> dict[str, Any]:
    """Return the context for the publication, notes and corrections in the form of an article.

    If the form was sent and is shown again, the dialogs contain the typed values.
    """
    now = site_request(request).now
    typed = request.POST if request.method == "POST" else None
    confirmed = confirmed_action(request)
    actions = status.available_actions(article, now)
    labels = [(action, status.PUBLICATION_ACTIONS[action].label) for action in actions]
    is_published = article is not None and article.is_published(now)
    is_scheduled = article is not None and article.published_at is not None and not is_published
    context: dict[str, Any] = {
        "status_badge": status.status_badge(article, now),
        "is_published": is_published,
        # The story is saved by the main button once it has a date, and published by it before.
        "save_label": _("Update") if is_published else _("Save") if is_scheduled else None,
        "publication_actions": labels if is_published or is_scheduled else labels[1:],
        "confirmations": [
            confirmation_context(article, action, now, typed, is_confirmed=action == confirmed)
            for action in actions
            if status.needs_confirmation(article, action, now)
        ],
    }
    if article:
        context |= {
            "publication_status": status.describe_status(article, now),
            "embargo_status": status.describe_embargo(article, now),
            "preview_url": None if article.is_published() else settings.SITE_URL + article.preview_url(),
            "preview_until": time_or_date(now + PREVIEW_LIFETIME, now),
            "is_private": article.stage == Article.Stage.PRIVATE,
            "editor_notes": article.notes.select_related("by"),
            "corrections": article.corrections.select_related("by"),
        }
    return context


def add_notes(article: Article, form: forms.BaseForm, user: User) -> None:
    """Add the note and the correction that the form of an article contains, unless it was sent twice.

    The article is locked.
    """
    just_now = {"by": user, "at__gt": timezone.now() - RESEND_WINDOW}
    note = form.cleaned_data.get("new_note")
    if note and not article.notes.filter(body=note, **just_now).exists():
        notes.add_note(article=article, by=user, body=note)
    correction = form.cleaned_data.get("new_correction")
    if correction and not article.corrections.filter(text=correction, **just_now).exists():
        notes.add_correction(article=article, by=user, text=correction)


def moment_view(model_admin: Any, request: HttpRequest) -> JsonResponse:
    """Return a typed date and time in words, before anything is scheduled; "" if it is no date."""
    if not model_admin.has_change_permission(request):
        raise PermissionDenied
    now, form = site_request(request).now, DateTimeForm(request.GET)
    if not form.is_valid():
        return JsonResponse({"text": ""})
    at = form.cleaned_data["at"]
    text = describe_time(at, now)
    if at <= now:
        text = _("%(moment)s: a past time, which backdates the story") % {"moment": text}
    return JsonResponse({"text": text})


def correction_view(model_admin: Any, request: HttpRequest, key: int, pk: int) -> HttpResponse:
    """Change a correction, or delete it after a confirmation.

    If somebody else deleted it meanwhile, the text can be added as a new one.
    """
    article = model_admin.get_editable(request, key)
    correction = article.corrections.filter(pk=pk).first()
    text = normalize_newlines(request.POST.get("text", correction.text if correction else "")).strip()
    if not correction and (not text or {"delete", "confirm-delete"} & request.POST.keys()):
        if request.method != "POST":
            raise Http404
        model_admin.message_user(request, _("Somebody else has deleted this correction."))
        return redirect("admin:articles_article_change", key)
    context = {
        **model_admin.page_context(request, article, _("Correction")),
        "article": article,
        "correction": correction,
        "text": text,
    }
    is_confirmed = "confirm-delete" in request.POST
    if correction and not is_confirmed and ("delete" in request.POST or not text):
        context["asks_to_delete"] = True
    elif (problem := explain_length(text, MAX_CORRECTION_LENGTH)) and not is_confirmed:
        context["problem"] = problem
    elif request.method == "POST":
        with transaction.atomic():
            if verb := _save_correction(request, article, correction, text):
                entry = log_entry(verb, Correction, correction.at if correction else None)
                model_admin.log_change(request, article, [entry])
        if verb:
            model_admin.message_user(request, CORRECTION_MESSAGES[verb])
            return redirect("admin:articles_article_change", key)
        context |= {"is_changed": True, "correction": article.corrections.filter(pk=pk).first()}
    return TemplateResponse(request, "admin/articles/article/correction.html", context)


def _save_correction(request: HttpRequest, article: Article, correction: Correction | None, text: str) -> str:
    """Return a verb for the change, such as "added"; "" if the correction changed since the person saw it."""
    if not correction:
        if "add_as_new" not in request.POST:
            return ""
        notes.add_correction(article=article, by=request_user(request), text=text)
        return "added"
    new_text = "" if "confirm-delete" in request.POST else text
    try:
        notes.change_correction(correction=correction, text=new_text, seen=request.POST.get("seen", ""))
    except StaleVersionError:
        return ""
    return "changed" if new_text else "deleted"
