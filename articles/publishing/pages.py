"""Admin pages that publish, schedule, embargo and unpublish articles, and edit corrections."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from articles.editing import notes
from articles.editing.concurrent_editing import parse_number, request_user
from articles.editing.conflicts import DocumentForm, FormSnapshot
from articles.models import PREVIEW_LIFETIME, UNPUBLISHED_REASON_MAX, Article
from articles.models.editing import CORRECTION_MAX, NOTE_MAX, Correction
from articles.publishing import services, status
from articles.publishing.services import EmbargoError
from articles.services import StaleVersionError
from articles.site.requests import site_request
from core.forms import TOO_LONG, MultilineField
from core.relative_time import describe_time, time_or_date, zone_label

# Names of the buttons that answer the question of an action. Their value is the action.
ANSWERS = ("_do", "_as_before", "_lift")
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

    def prefixed_digests(self) -> dict[str, str]:
        return super().prefixed_digests() | publication_state(self.instance)

    def clean_stage(self) -> str:
        stage: str = self.cleaned_data["stage"] or self.instance.stage
        if stage == Article.Stage.PRIVATE and self.instance.published_at:
            raise forms.ValidationError(
                _("This story is scheduled. Unschedule it before you make it private.")
            )
        return stage


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
    """Return what the form of an article shows about its publication, notes and corrections.

    If the form was sent and is shown again, the dialogs contain what was typed in them.
    """
    now = site_request(request).now
    typed = request.POST if request.method == "POST" else None
    answered = _answered_action(request)
    actions = status.available_actions(article, now)
    labels = [(action, status.PUBLICATION_ACTIONS[action].label) for action in actions]
    is_published = article is not None and article.is_published(now)
    is_scheduled = article is not None and article.published_at is not None and not is_published
    context: dict[str, Any] = {
        "state": status.state_badge(article, now),
        "is_published": is_published,
        # The story is saved by the main button once it has a date, and published by it before.
        "save_label": _("Update") if is_published else _("Save") if is_scheduled else None,
        "publication_actions": labels if is_published or is_scheduled else labels[1:],
        "questions": [
            _question(article, action, now, typed, is_answered=action == answered)
            for action in actions
            if status.needs_answer(article, action, now)
        ],
    }
    if article:
        context |= {
            "publication_status": status.describe_state(article, now),
            "embargo_status": status.describe_embargo(article, now),
            "preview_url": None if article.is_published() else settings.SITE_URL + article.preview_url(),
            "preview_until": time_or_date(now + PREVIEW_LIFETIME, now),
            "is_private": article.stage == Article.Stage.PRIVATE,
            "editor_notes": article.notes.select_related("by"),
            "corrections": article.corrections.select_related("by"),
        }
    return context


def add_notes(article: Article, form: forms.BaseForm, user: User) -> None:
    """Add the note and the correction that the form of an article contains."""
    if note := form.cleaned_data.get("new_note"):
        notes.add_note(article=article, by=user, body=note)
    if correction := form.cleaned_data.get("new_correction"):
        notes.add_correction(article=article, by=user, text=correction)


def answer_saved(model_admin: Any, request: HttpRequest, article: Article) -> HttpResponse | None:
    """Answer the button that saved the form, if it also opens the preview or changes the publication.

    `_then` names an action, and its page asks if there is something to ask. The buttons of a dialog (ANSWERS)
    name one whose question is answered.
    """
    chosen = request.POST.get("_then")
    if chosen == "preview" and not article.is_published():
        return redirect(article.preview_url())
    answered = _answered_action(request)
    action = answered or chosen
    if action not in status.PUBLICATION_ACTIONS:
        return None
    article = Article.objects.get(pk=article.pk)  # with the version after all that was saved
    now, snapshot = site_request(request).now, FormSnapshot.from_token(request.POST.get("read", ""))
    shown, state = snapshot.fields if snapshot else {}, publication_state(article)
    question = _question(article, action, now, request.POST)
    if action not in status.available_actions(article, now):
        return _refuse(model_admin, request, article, is_saved=True)
    # Nobody has read a colleague's values together with this person's: they must not become public by that.
    if action in {"publish", "schedule"} and model_admin.has_kept_fields(request):
        message = _("The story was saved and not published. Check what was changed, then publish it.")
        if action == "schedule":
            message = _("The story was saved and not scheduled. Check what was changed, then schedule it.")
        model_admin.message_user(request, message, messages.WARNING)
        if answered:
            return _ask(model_admin, request, article, question)
        return redirect("admin:articles_article_change", article.pk)
    if not answered and status.needs_answer(article, action, now):
        return redirect("admin:articles_article_publication", article.pk, action)
    if question["is_private"] and shown.get("_is_private") != state["_is_private"]:  # no dialog has said so
        return _ask(model_admin, request, article, question, is_saved=True)
    # Unpublishing can't wait, and it is not possible if a colleague has done it.
    is_seen = action == "unpublish" or shown.get("_times") == state["_times"]
    return _perform(
        model_admin, request, article, action, seen=article.version if is_seen else 0, is_saved=True
    )


def _answered_action(request: HttpRequest) -> str | None:
    """Return the action whose question was answered in a dialog."""
    return next((request.POST[name] for name in ANSWERS if name in request.POST), None)


def publication_state(article: Article) -> dict[str, str]:
    """Return the state of the publication, which is in no field of the form, for the form's snapshot.

    The times are others after each action on the publication.
    """
    times = (article.published_at, article.embargo_until, article.unpublished_at, article.was_published_at)
    return {
        "_times": " ".join(at.astimezone(UTC).isoformat() if at else "-" for at in times),
        "_is_private": str(article.stage == Article.Stage.PRIVATE),
    }


def publication_view(model_admin: Any, request: HttpRequest, key: int, action: str) -> HttpResponse:
    """Ask the question of an action on the publication, and perform it."""
    article = model_admin.get_editable(request, key)
    now = site_request(request).now
    if action not in status.PUBLICATION_ACTIONS:
        raise Http404
    if request.method == "POST":
        return _perform(model_admin, request, article, action, seen=parse_number(request.POST.get("seen")))
    if action not in status.available_actions(article, now):
        return _refuse(model_admin, request, article)
    return _ask(model_admin, request, article, _question(article, action, now))


def _question(
    article: Article | None,
    action: str,
    now: datetime,
    typed: QueryDict | None = None,
    *,
    is_answered: bool = True,
) -> dict[str, Any]:
    """Return what _question.html expects, with what was typed. Its date is validated if it `is_answered`."""
    texts, form = status.PUBLICATION_ACTIONS[action], None
    if texts.needs_date:
        stored = article and ((action == "schedule" and article.published_at) or article.embargo_until)
        proposed: Any = stored or [timezone.localdate(now), None]
        names = [f"_{action}-at_0", f"_{action}-at_1"]
        if typed and any(name in typed for name in names):
            proposed = [typed.get(name) for name in names]
        form = status.DateTimeForm(
            typed if is_answered else None, initial={"at": proposed}, prefix=f"_{action}"
        )
    was_at = article and article.was_published_at
    return {
        "action": action,
        "texts": texts,
        "form": form,
        "reason": typed.get("_why", "").replace("\r\n", "\n").strip() if typed else "",
        "is_private": action != "embargo" and article is not None and article.stage == Article.Stage.PRIVATE,
        "embargo": status.describe_embargo(article, now) if article else "",
        "is_embargo_stored": article is not None and article.embargo_until is not None,
        "earlier_date": was_at and time_or_date(was_at, now),
        "zone_time": zone_label(),
        "now": time_or_date(now, now),
    }


def _ask(
    model_admin: Any,
    request: HttpRequest,
    article: Article,
    question: dict[str, Any],
    *,
    is_saved: bool = False,
) -> TemplateResponse:
    """Return the page with the question of an action."""
    if is_saved:
        model_admin.message_user(request, _("The text was saved."))
    context = {
        **model_admin.page_context(request, article, str(question["texts"].title)),
        "article": article,
        "question": question,
        "publication_status": status.describe_state(article, site_request(request).now),
    }
    return TemplateResponse(request, "admin/articles/article/publication.html", context)


def _refuse(
    model_admin: Any, request: HttpRequest, article: Article, *, is_saved: bool = False
) -> HttpResponse:
    """Return to the editor page, which says why the action is not possible: somebody has done it already."""
    message = status.describe_state(article, site_request(request).now)
    model_admin.message_user(request, message, messages.WARNING)
    if is_saved:
        model_admin.message_user(request, _("The text was saved."))
    return redirect("admin:articles_article_change", article.pk)


def _perform(
    model_admin: Any,
    request: HttpRequest,
    article: Article,
    action: str,
    *,
    seen: int,
    is_saved: bool = False,
) -> HttpResponse:
    """Perform an action on the version `seen`, or ask again and say what is in its way.

    `seen` is 0, which is no version, if the person saw another state of the publication. `is_saved`: the same
    request has saved the text.
    """
    now = site_request(request).now
    refuse = partial(_refuse, model_admin, request, article, is_saved=is_saved)
    if action not in status.available_actions(article, now):
        return refuse()
    question = _question(article, action, now, request.POST)
    ask_again = partial(_ask, model_admin, request, article, question, is_saved=is_saved)
    form, why = question["form"], question["reason"]
    is_lifted, at = action == "embargo" and "_lift" in request.POST, now
    if len(why) > UNPUBLISHED_REASON_MAX:
        counts = {"show_value": len(why), "limit_value": UNPUBLISHED_REASON_MAX}
        model_admin.message_user(request, TOO_LONG % counts, messages.ERROR)
        return ask_again()
    if form and not is_lifted:
        if not form.is_valid():
            return ask_again()
        at = form.cleaned_data["at"]
    if action == "publish" and "_as_before" in request.POST and article.was_published_at:
        at = article.was_published_at
    if action == "schedule" and article.published_at == at:  # by an earlier click, or by a colleague
        return refuse()
    if action == "embargo" and article.embargo_until == (None if is_lifted else at):
        return refuse()
    try:
        match action:
            case "unpublish":
                changed = services.unpublish(article=article, why=why, seen=seen)
            case "unschedule":
                changed = services.unschedule(article=article, seen=seen)
            case "embargo":
                changed = services.set_embargo(article=article, until=None if is_lifted else at, seen=seen)
            case _:
                changed = services.publish(article=article, at=at, seen=seen)
    except StaleVersionError:
        message = _("This story was changed since you opened this page. Check it, then try again.")
        model_admin.message_user(request, message, messages.WARNING)
        return ask_again()
    except EmbargoError:
        reason = status.describe_embargo(article, now)
        if action != "embargo":
            reason = reason or status.embargo_refusal(article, at, now)
        message = _("Not done: %(why)s") % {"why": reason or status.describe_state(article, now)}
        model_admin.message_user(request, message, messages.ERROR)
        return ask_again()
    message = status.describe_state(changed, timezone.now())
    if embargo := status.describe_embargo(changed, now):
        message = f"{message} {embargo}"
    model_admin.log_change(request, changed, message)
    model_admin.message_user(request, message)
    return redirect("admin:articles_article_change", article.pk)


def moment_view(model_admin: Any, request: HttpRequest) -> JsonResponse:
    """Return a typed date and time in words, before anything is scheduled; "" if it is no date."""
    if not model_admin.has_change_permission(request):
        raise PermissionDenied
    now, form = site_request(request).now, status.DateTimeForm(request.GET)
    if not form.is_valid():
        return JsonResponse({"text": ""})
    at = form.cleaned_data["at"]
    text = describe_time(at, now)
    if at <= now:
        text = _("%(moment)s: a past time, which backdates the story") % {"moment": text}
    return JsonResponse({"text": text})


def correction_view(model_admin: Any, request: HttpRequest, key: int, pk: int) -> HttpResponse:
    """Change or delete a correction. If it was deleted meanwhile, the text can be added as a new one."""
    article = model_admin.get_editable(request, key)
    correction = article.corrections.filter(pk=pk).first()
    if not correction and not request.POST.get("text", "").strip():
        raise Http404
    text = request.POST.get("text", correction.text if correction else "").strip()
    is_too_long, is_changed = len(text) > CORRECTION_MAX, False
    if request.method == "POST" and not is_too_long:
        is_changed = not _save_correction(request, article, correction, text)
        if not is_changed:
            model_admin.message_user(request, _("Correction changed."))
            return redirect("admin:articles_article_change", key)
        correction = article.corrections.filter(pk=pk).first()
    context = {
        **model_admin.page_context(request, article, _("Correction")),
        "article": article,
        "correction": correction,
        "text": text,
        "max_length": CORRECTION_MAX if is_too_long else None,
        "is_changed": is_changed,
    }
    return TemplateResponse(request, "admin/articles/article/correction.html", context)


def _save_correction(
    request: HttpRequest, article: Article, correction: Correction | None, text: str
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
