"""Helpers for moderation views: find actions, read what a request sends, and report what was done.

An action is found only if the person may undo it.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.defaultfilters import linebreaksbr
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.requests import return_form_if_logged_out, safe_local_path
from articles.models import Article
from comments.models import Comment, State, Transition
from core.query_forms import QueryForm, parse_id_pairs
from moderation import explanations
from moderation.actions import history
from moderation.actions.decisions import ActionResult
from moderation.actions.setting_changes import SkippedItem
from moderation.models import Action, SettingChange

MAX_UNSENT_LENGTH = 100_000  # characters; the text is stored in the user's session
NOT_AVAILABLE = gettext_lazy("This decision is not available here.")


def require_post_and_login(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Require POST and a login."""
    return require_POST(return_form_if_logged_out(view))


def redirect_with_done(action: Action | None, back: str, fallback: str = "moderation:queue") -> HttpResponse:
    """Redirect to `back`, with ?done=<action> for the bar with Undo if something was done.

    If `back` is empty: to the page of the action, or to `fallback` (a URL or its name) if nothing was done.
    The caller has checked that `back` is a path of this site.
    """
    if not back:
        return redirect("moderation:action", action.pk) if action else redirect(fallback)
    if action is None:
        return redirect(back)
    parts = urlsplit(without_done_param(back))
    query = urlencode([*parse_qsl(parts.query), ("done", str(action.pk))])
    return redirect(parts._replace(query=query).geturl())


def without_done_param(path: str) -> str:
    """Return the path without its ?done= parameter."""
    parts = urlsplit(path)
    query = [(key, value) for key, value in parse_qsl(parts.query) if key != "done"]
    return parts._replace(query=urlencode(query)).geturl()


def redirect_back(request: HttpRequest, action: Action | None, back: str, comment: Comment) -> HttpResponse:
    """Redirect to `back`: a path of this site, or "story" for the comment on its story."""
    if back == "story":
        story = comment.discussion.article.get_absolute_url()
        if action:
            add_done_message(request, action, f"{story}#comment-{comment.pk}")
        return redirect(story + story_anchor(comment))
    return redirect_with_done(action, safe_local_path(request, back))


def story_anchor(comment: Comment) -> str:
    """Return the fragment of the comment, or of the nearest one that moderators still see on its story.

    The nearest one is the nearest visible ancestor, or else the top-level comment before it.
    """
    ancestors = comment.get_ancestors(ascending=True, include_self=True)
    nearest = ancestors.filter(Q(is_in_public_thread=True) | Q(state=State.PENDING)).first()
    if nearest is None:
        roots = Comment.objects.filter(
            discussion=comment.discussion_id, parent=None, is_in_public_thread=True
        )
        before = roots.filter(created_at__lte=comment.created_at).exclude(pk=comment.pk)
        nearest = before.order_by("-created_at", "-pk").first()
    return f"#comment-{nearest.pk}" if nearest else "#comments"


def add_done_message(
    request: HttpRequest, action: Action | None, return_url: str, sentence: str = ""
) -> None:
    """Add a message that says what was done (or `sentence`), with an Undo button, or that nothing changed.

    The undo returns to `return_url`, which has a fragment. base.html reads its URL from the extra tags.
    """
    if action is None:
        messages.info(request, _("Nothing changed."))
        return
    url = reverse("moderation:action", args=[action.pk])
    text = format_html('<a href="{}">{}</a>', url, sentence or explanations.describe_action(action))
    undo = urlencode({"next": return_url})
    messages.success(request, text, extra_tags=f"{reverse('moderation:undo', args=[action.pk])}?{undo}")


def add_skipped_message(request: HttpRequest, result: ActionResult) -> None:
    """Add a warning that names the skipped comments, with who changed each before and how."""
    if not result.skipped:
        return
    shown = result.skipped[:5]
    # Some of them are sentences, with a full stop.
    sentences = [(_comment_link(r.comment), _explain_skipped(r).removesuffix(".")) for r in shown]
    lines = format_html_join(" ", "{}{}.", sentences)
    count = len(result.skipped) + result.more_skipped
    summary = ngettext(
        "One was left unchanged, because it has changed meanwhile.",
        "%(n)s were left unchanged, because they have changed meanwhile.",
        count,
    ) % {"n": count}
    messages.warning(request, format_html("{} {}{}", summary, lines, " …" if count > len(shown) else ""))


def _comment_link(comment: int | None) -> SafeString | str:
    """Return a link to a comment in moderation, or "" for a setting."""
    if not comment:
        return ""
    return format_html('<a href="{}">#{}</a>: ', reverse("moderation:comment", args=[comment]), comment)


def _explain_skipped(item: SkippedItem) -> str:
    """Return a text with the person and their earlier change, or with another reason for skipping."""
    if not item.actor:
        return item.reason
    return _("%(who)s: %(what)s") % {"who": item.actor, "what": item.reason}


def add_unsent_text_message(request: HttpRequest, sentence: str, field: str) -> None:
    """Add a message with the text of a refused form's field, since the form on the next page is empty."""
    if text := request.POST.get(field, "").strip()[:MAX_UNSENT_LENGTH]:
        messages.info(request, format_html('{}<br><q dir="auto">{}</q>', sentence, linebreaksbr(text)))


def render_comment_form(
    request: HttpRequest, template: str, comment: Comment, form: forms.Form, back: str = "", **context: Any
) -> HttpResponse:
    """Render the page of a form about one comment (moderation/comment_form.html).

    `back`: the URL to cancel to; by default the comment, or the queue if readers can't see the discussion.
    """
    comment_url = comment.get_absolute_url() if comment.discussion.is_readable else ""
    context |= {
        "comment": comment,
        "form": form,
        "back": back or comment_url or reverse("moderation:queue"),
    }
    return render(request, template, context, status=422 if form.errors else 200)


class DoneQuery(QueryForm):
    """The query string of a page with a bar that says what was just done."""

    done = forms.UUIDField(required=False)


class ActionForm(QueryForm):
    """The values that a button sends besides its action, in the URL or as a field.

    `next`: a path of this site to return to, or "story"; `on`: whether to switch on.
    """

    next = forms.CharField(required=False)
    on = forms.TypedChoiceField(choices=[("1", ""), ("0", "")], coerce=lambda text: text == "1", initial=True)

    @classmethod
    def of(cls, request: HttpRequest) -> dict[str, Any]:
        """Return the values that a request sends. Those in the URL take precedence, unless they are empty."""
        return cls.read(request.POST.dict() | {name: value for name, value in request.GET.items() if value})


def parse_expected_transitions(values: list[str]) -> dict[int, int]:
    """Return by comment the last transition that the form showed (`seen` in DecisionForm).

    Raises BadRequest for a malformed value: to ignore it would let the same decision be taken twice.
    """
    try:
        return parse_id_pairs(values)
    except ValueError as error:
        raise BadRequest(NOT_AVAILABLE) from error


def actions_visible_to(user: User) -> Any:
    """Return the actions that this person may see and undo: all for moderators, their own for editors."""
    return Action.objects.all() if user.is_moderator else Action.objects.filter(actor=user)


def just_done_summary(user: User, pk: UUID | None) -> history.ActionSummary | None:
    """Return the summary of the action named by ?done= if this person took it, else None."""
    action = pk and Action.objects.filter(actor=user, pk=pk).select_related("root").first()
    return history.summarize([action], user)[0] if action else None


def get_action_or_404(user: User, pk: UUID) -> Action:
    """Return an action if this person may decide on all its comments and change all its settings.

    Raises Http404 otherwise.
    """
    action: Action = get_object_or_404(actions_visible_to(user).select_related("actor", "root"), pk=pk)
    if not user.is_moderator:
        Target = SettingChange.Target
        decided = Q(pk__in=Transition.objects.filter(action_id=action.pk).values("comment"))
        of_comments = Q(target__in=[Target.COMMENT, Target.INFERRED_PARENT])
        changed = Q(pk__in=action.changes.filter(of_comments).values("target_id"))
        own_comments = Comment.objects.moderatable_by(user, include_restricted=True).values("pk")
        own_stories = Article.objects.editable_by(user).values("pk")
        of_stories = Q(target__in=[Target.ARTICLE, Target.DISCUSSION], target_id__in=own_stories)
        if (
            Comment.objects.filter(decided | changed).exclude(pk__in=own_comments).exists()
            or action.changes.exclude(of_comments | of_stories).exists()
        ):
            raise Http404
    return action
