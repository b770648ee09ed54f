"""Who asks, of which act, and where one comes back to. To find an act is the permission to undo it."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import User
from articles.models import Article
from comments.models import Comment, Transition
from moderation.actions import history
from moderation.models import Batch, Change


def login_for_the_queue(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For acts, whose URLs can't be opened: after logging in one comes back to the queue."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(reverse("moderation:queue"))
        return view(request, *args, **kwargs)

    return guarded


def decider(request: HttpRequest) -> User:
    """The moderator or editor who asks. What they may decide on is Comment.objects.moderated_by."""
    user = request.user
    if not isinstance(user, User) or not (user.is_moderator or user.is_editor):
        raise PermissionDenied
    return user


def moderator(request: HttpRequest) -> User:
    """Who asks, a moderator: for what tells of every story."""
    user = decider(request)
    if not user.is_moderator:
        raise PermissionDenied
    return user


def own_path(request: HttpRequest, path: str) -> str:
    """A path of this site to go back to, or nothing."""
    safe = url_has_allowed_host_and_scheme(path, {request.get_host()}, require_https=request.is_secure())
    return path if safe and path.startswith("/") else ""


def with_done(path: str, done: UUID) -> str:
    parts = urlsplit(without_done(path))
    return parts._replace(query=urlencode([*parse_qsl(parts.query), ("done", str(done))])).geturl()


def without_done(path: str) -> str:
    parts = urlsplit(path)
    kept = [(key, value) for key, value in parse_qsl(parts.query) if key != "done"]
    return parts._replace(query=urlencode(kept)).geturl()


def as_uuid(value: str | None) -> UUID | None:
    try:
        return UUID(value or "")
    except ValueError:
        return None


def acts_of(user: User) -> Any:
    """Moderators may see and undo what anybody did; editors what they did themselves."""
    return Batch.objects.all() if user.is_moderator else Batch.objects.filter(actor=user)


def just_done(user: User, value: str | None) -> history.Act | None:
    """The act that a bar tells of: one's own only, as others' are news for the history."""
    pk = as_uuid(value)
    act = pk and Batch.objects.filter(actor=user, pk=pk).select_related("root").first()
    return history.acts([act], user)[0] if act else None


def load_act(user: User, pk: UUID) -> Batch:
    """An act of which this person may decide on every comment, and change every setting."""
    act: Batch = get_object_or_404(acts_of(user).select_related("actor", "root"), pk=pk)
    if not user.is_moderator:
        Target = Change.Target
        touched = Q(pk__in=Transition.objects.filter(batch=act.pk).values("comment"))
        marked = Q(pk__in=act.changes.filter(target=Target.COMMENT).values("target_id"))
        mine = Comment.objects.in_care_of(user).values("pk")
        stories = Article.objects.editable_by(user).values("pk")
        own = Q(target=Target.COMMENT) | Q(target=Target.DISCUSSION, target_id__in=stories)
        if (
            Comment.objects.filter(touched | marked).exclude(pk__in=mine).exists()
            or act.changes.exclude(own).exists()
        ):
            raise Http404
    return act
