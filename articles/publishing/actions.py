"""Admin pages and dialogs that publish, schedule, embargo and unpublish articles."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import normalize_newlines
from django.utils.translation import gettext as _

from articles.editing.conflicts import FormSnapshot
from articles.models import MAX_UNPUBLISHED_REASON_LENGTH, Article
from articles.publishing import services, status
from articles.publishing.forms import DateTimeForm
from articles.publishing.services import EmbargoError
from articles.services import StaleVersionError
from articles.site.requests import site_request
from core.dates.formats import zone_label
from core.dates.relative_time import time_or_date
from core.forms import explain_length
from core.query_forms import parse_number_or_zero

# Names of the buttons that confirm an action. Their value is the action.
CONFIRM_BUTTONS = ("_do", "_as_before", "_lift")
# Matches no version, so that the service raises StaleVersionError.
NO_VERSION = 0


def respond_after_save(model_admin: Any, request: HttpRequest, article: Article) -> HttpResponse | None:
    """Return the response to a button that, besides saving, opens the preview or changes the publication.

    `_then` names an action, which may have to be confirmed on its page. The buttons of a dialog
    (CONFIRM_BUTTONS) name one that is confirmed. Other buttons have no such response (None).
    """
    chosen = request.POST.get("_then")
    if chosen == "preview" and not article.is_published():
        return redirect(article.preview_url())
    confirmed = confirmed_action(request)
    action = confirmed or chosen
    if action not in status.PUBLICATION_ACTIONS:
        return None
    article = Article.objects.get(pk=article.pk)  # with the version after all that was saved
    action_request = ActionRequest(model_admin, request, article, action, is_saved=True)
    if not action_request.is_possible:
        return action_request.refuse()
    # A colleague's values were merged in. A person has to read them before they become public.
    if action in {"publish", "schedule"} and model_admin.has_fields_from_colleague(request):
        message = _("The story was saved and not published. Check what was changed, then publish it.")
        if action == "schedule":
            message = _("The story was saved and not scheduled. Check what was changed, then schedule it.")
        model_admin.message_user(request, message, messages.WARNING)
        if confirmed:
            return replace(action_request, is_saved=False).confirmation_page()
        return action_request.redirect_to_editor()
    if not confirmed and status.needs_confirmation(article, action, action_request.now):
        return redirect("admin:articles_article_publication", article.pk, action)
    snapshot = FormSnapshot.from_token(request.POST.get("read", ""))
    loaded, stored = snapshot.fields if snapshot else {}, publication_values(article)
    if action_request.confirmation["is_private"] and loaded.get("_is_private") != stored["_is_private"]:
        return action_request.confirmation_page()  # no dialog has said that this makes a private story public
    # Unpublishing can't wait, and it is not possible if a colleague has done it.
    is_seen = action == "unpublish" or loaded.get("_times") == stored["_times"]
    return action_request.perform(seen=article.version if is_seen else NO_VERSION)


def publication_view(model_admin: Any, request: HttpRequest, key: int, action: str) -> HttpResponse:
    """Show the page that confirms an action on the publication, and perform the action."""
    article = model_admin.get_editable(request, key)
    if action not in status.PUBLICATION_ACTIONS:
        raise Http404
    action_request = ActionRequest(model_admin, request, article, action)
    if not action_request.is_possible:
        return action_request.refuse()
    if request.method == "POST":
        return action_request.perform(seen=parse_number_or_zero(request.POST.get("seen")))
    return action_request.confirmation_page()


def confirmed_action(request: HttpRequest) -> str | None:
    """Return the action that was confirmed in a dialog."""
    return next((request.POST[name] for name in CONFIRM_BUTTONS if name in request.POST), None)


def publication_values(article: Article) -> dict[str, str]:
    """Return the values of the publication that no form field has, for the form's snapshot.

    Each action on the publication changes the times.
    """
    times = (article.published_at, article.embargo_until, article.unpublished_at, article.was_published_at)
    return {
        "_times": " ".join(at.astimezone(UTC).isoformat() if at else "-" for at in times),
        "_is_private": str(article.stage == Article.Stage.PRIVATE),
    }


def confirmation_context(
    article: Article | None,
    action: str,
    now: datetime,
    typed: QueryDict | None = None,
    *,
    is_confirmed: bool = True,
) -> dict[str, Any]:
    """Return the context of _confirmation.html, with the typed values.

    The date is validated if the action `is_confirmed`.
    """
    texts, form = status.PUBLICATION_ACTIONS[action], None
    if texts.needs_date:
        stored = article and ((action == "schedule" and article.published_at) or article.embargo_until)
        proposed: Any = stored or [timezone.localdate(now), None]
        names = [f"_{action}-at_0", f"_{action}-at_1"]
        if typed and any(name in typed for name in names):
            proposed = [typed.get(name) for name in names]
        form = DateTimeForm(typed if is_confirmed else None, initial={"at": proposed}, prefix=f"_{action}")
    was_at = article and article.was_published_at
    return {
        "action": action,
        "texts": texts,
        "form": form,
        "reason": normalize_newlines(typed.get("_why", "")).strip() if typed else "",
        "is_private": action != "embargo" and article is not None and article.stage == Article.Stage.PRIVATE,
        "embargo": status.describe_embargo(article, now) if article else "",
        "is_embargo_stored": article is not None and article.embargo_until is not None,
        "earlier_date": was_at and time_or_date(was_at, now),
        "zone_label": zone_label(),
        "now": time_or_date(now, now),
    }


@dataclass
class ActionRequest:
    """A request for an action on the publication of an article."""

    model_admin: Any
    request: HttpRequest
    article: Article
    action: str  # a key of PUBLICATION_ACTIONS
    is_saved: bool = False  # this request has saved the text, and no message has said so

    @cached_property
    def now(self) -> datetime:
        return site_request(self.request).now

    @property
    def is_possible(self) -> bool:
        return self.action in status.available_actions(self.article, self.now)

    @cached_property
    def confirmation(self) -> dict[str, Any]:
        """Return the context of _confirmation.html, with the typed values."""
        typed = self.request.POST if self.request.method == "POST" else None
        return confirmation_context(self.article, self.action, self.now, typed)

    def confirmation_page(self) -> TemplateResponse:
        """Return the page that confirms the action."""
        if self.is_saved:
            self._add_message(_("The text was saved."))
        context = {
            **self.model_admin.page_context(
                self.request, self.article, str(self.confirmation["texts"].title)
            ),
            "article": self.article,
            "confirmation": self.confirmation,
            "publication_status": status.describe_status(self.article, self.now),
        }
        return TemplateResponse(self.request, "admin/articles/article/publication.html", context)

    def refuse(self) -> HttpResponse:
        """Redirect to the editor page and say why the action is not possible: it was done already."""
        self._add_message(status.describe_status(self.article, self.now), messages.WARNING)
        if self.is_saved:
            self._add_message(_("The text was saved."))
        return self.redirect_to_editor()

    def redirect_to_editor(self) -> HttpResponse:
        return redirect("admin:articles_article_change", self.article.pk)

    def perform(self, *, seen: int) -> HttpResponse:
        """Perform the action on the version `seen`, or show the page again with the problem."""
        problem = explain_length(self.confirmation["reason"], MAX_UNPUBLISHED_REASON_LENGTH)
        if problem or not self._is_date_valid():
            if problem:
                self._add_message(problem, messages.ERROR)
            return self.confirmation_page()
        if self._is_done_already():
            return self.refuse()
        try:
            with transaction.atomic():
                changed = self._call_service(seen)
                self.model_admin.log_change(self.request, changed, _describe(changed, is_stored=True))
        except StaleVersionError:
            message = _("This story was changed since you opened this page. Check it, then try again.")
            self._add_message(message, messages.WARNING)
            return self.confirmation_page()
        except EmbargoError:
            self._add_message(_("Not done: %(why)s") % {"why": self._explain_embargo()}, messages.ERROR)
            return self.confirmation_page()
        self._add_message(_describe(changed))
        return self.redirect_to_editor()

    @property
    def _lifts_embargo(self) -> bool:
        """Return whether the embargo is to be lifted, for which no date is needed."""
        return self.action == "embargo" and "_lift" in self.request.POST

    @property
    def _at(self) -> datetime | None:
        """Return the chosen time; None if an embargo is lifted."""
        if self._lifts_embargo:
            return None
        if form := self.confirmation["form"]:
            at: datetime = form.cleaned_data["at"]
            return at
        is_as_before = self.action == "publish" and "_as_before" in self.request.POST
        return (is_as_before and self.article.was_published_at) or self.now

    def _is_date_valid(self) -> bool:
        form = self.confirmation["form"]
        return form is None or self._lifts_embargo or form.is_valid()

    def _is_done_already(self) -> bool:
        """Return whether the story has the chosen date already, by an earlier click or by a colleague."""
        if self.action == "schedule":
            return self.article.published_at == self._at
        return self.action == "embargo" and self.article.embargo_until == self._at

    def _call_service(self, seen: int) -> Article:
        """Change the article. Raises StaleVersionError and EmbargoError."""
        match self.action:
            case "unpublish":
                return services.unpublish(article=self.article, reason=self.confirmation["reason"], seen=seen)
            case "unschedule":
                return services.unschedule(article=self.article, seen=seen)
            case "embargo":
                return services.set_embargo(article=self.article, until=self._at, seen=seen)
        assert self._at
        return services.publish(article=self.article, at=self._at, seen=seen)

    def _explain_embargo(self) -> str:
        reason = status.describe_embargo(self.article, self.now)
        if self.action != "embargo" and self._at:
            reason = reason or status.embargo_refusal(self.article, self._at, self.now)
        return reason or status.describe_status(self.article, self.now)

    def _add_message(self, message: Any, level: int = messages.INFO) -> None:
        self.model_admin.message_user(self.request, message, level)


def _describe(article: Article, *, is_stored: bool = False) -> str:
    """Return the publication status and the embargo as sentences."""
    now = timezone.now()
    status_text = status.describe_status(article, now, is_stored=is_stored)
    embargo = status.describe_embargo(article, now, is_stored=is_stored)
    return f"{status_text} {embargo}".strip()
