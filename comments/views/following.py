"""Pages to follow stories and topics, the list of a person's follows, and the notifications."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from accounts import undeliverable
from accounts.emails import current_confirmed_emails
from accounts.models import Guest, User
from articles.models import Topic
from articles.site.languages import activate_locale, language_of
from articles.site.requests import SiteRequest
from comments.following import decision_recipients, services
from comments.following.forms import (
    STOP,
    DeliveryForm,
    FollowStoryForm,
    FollowTopicForm,
    OwnCommentsForm,
    ShownForm,
)
from comments.following.seen import correct_counts, mark_seen, mark_seen_until
from comments.following.tokens import (
    FOLLOW_TOKEN_KIND,
    TOKEN_KINDS,
    follower_token,
    follows_of,
    person_of,
    recipient_of,
)
from comments.following.updates import read_updates
from comments.loading import current_writer, load_story_page
from comments.models import DEFAULT_DELIVERY, UNDO_WINDOW, Follow, FollowQuerySet
from core.fallback_pages import broken_link
from core.mail.tokens import MailToken

ITEMS_SHOWN = 5  # updates of one follow
FOLLOWS_SHOWN = 50  # with updates, the latest first


@require_http_methods(["GET", "HEAD", "POST"])
def follow_story(request: SiteRequest, slug: str) -> HttpResponse:
    """Choose what to follow of a story: comments, replies to oneself, corrections."""
    story = load_story_page(request, slug)
    article = story.article
    user, guest = current_writer(request)
    person = _person_context(user, guest)
    follows = Follow.objects.of(user, guest).filter(article=article.pk)
    is_open = story.discussion.is_open(request.now)
    form = FollowStoryForm(request.POST or None, follows=follows, has_comments=is_open)
    if form.is_valid() and (user or guest):
        chosen = form.cleaned_data
        delivery = chosen["delivery"]
        try:
            with transaction.atomic():
                if is_open:
                    kind = chosen["discussion"]
                    services.follow_discussion(user, guest, article, kind=kind, delivery=delivery)
                services.follow_corrections(user, guest, article, on=chosen["corrections"], delivery=delivery)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            text = _("You do not follow this story.")
            # Also of comments, which the form of a closed discussion leaves alone.
            if deliveries := set(follows.values_list("delivery", flat=True)):
                text = format_html("{} {}", _("Saved."), _explain_delivery(deliveries, person))
            messages.success(request, text)
            return redirect(article)
    context = {
        **person,
        "title": article.title_for(None),
        "heading": _("Follow this story"),
        "form": form,
        "back": article.get_absolute_url(),
    }
    return render(request, "comments/following/follow.jinja", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def follow_topic(request: SiteRequest, slug: str) -> HttpResponse:
    """Choose how to be notified of new stories of a topic, or stop following it."""
    topic = get_object_or_404(Topic.objects.shown(), slug=slug)
    user, guest = current_writer(request)
    person = _person_context(user, guest)
    follows = Follow.objects.of(user, guest).filter(topic=topic)
    form = FollowTopicForm(request.POST or None, follows=follows)
    if form.is_valid() and (user or guest):
        if form.cleaned_data["delivery"] == STOP:
            follows.delete()
            messages.success(request, _("You no longer follow it."))
            return redirect(topic)
        try:
            services.follow_topic(user, guest, topic, delivery=form.cleaned_data["delivery"])
        except ValidationError as error:
            form.add_error(None, error)
        else:
            text = _("You follow “%(topic)s”.") % {"topic": topic.name}
            where = _explain_delivery({form.cleaned_data["delivery"]}, person)
            messages.success(request, format_html("{} {}", text, where))
            return redirect(topic)
    context = {
        **person,
        "title": topic.name,
        "heading": _("Follow this topic"),
        "form": form,
        "back": topic.get_absolute_url(),
    }
    return render(request, "comments/following/follow.jinja", context, status=422 if form.is_bound else 200)


def _explain_delivery(deliveries: set[str], person: dict[str, Any]) -> SafeString:
    """Return a sentence that links to the page of updates. Guests have no account menu that leads there."""
    if deliveries == {Follow.Delivery.SITE} or person["undeliverable"] or not person["is_confirmed"]:
        text = _('Updates appear under <a href="{url}">Notifications</a>.')
    else:
        text = _('Updates come by e-mail and appear under <a href="{url}">Notifications</a>.')
    return format_html(text, url=reverse("notifications"))


@require_http_methods(["GET", "HEAD", "POST"])
def following(request: SiteRequest) -> HttpResponse:
    """List what the reader follows. POST changes how they are notified of one, or stops following it.

    Above the list is a form for what happens to the reader's own comments.
    """
    user, guest = current_writer(request)
    follows = Follow.objects.of(user, guest)
    if request.method == "POST" and "follow" not in request.POST:
        return _save_own_comments_delivery(request, user, guest)
    if request.method == "POST":
        form = DeliveryForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Nothing was changed. Choose again."))
            return redirect("following")
        chosen = follows.exclude(kind__in=DEFAULT_DELIVERY).filter(pk=form.cleaned_data["follow"])
        if not chosen.exists():
            messages.info(request, _("You no longer follow it."))
        elif form.cleaned_data["delivery"] == STOP:
            chosen.delete()
            messages.success(request, _("You no longer follow it."))
        else:
            services.set_delivery(chosen, form.cleaned_data["delivery"])
            messages.success(request, _("Saved."))
        return redirect("following")
    deliveries = services.read_own_comments_delivery(user, guest)
    of_others = follows.exclude(kind__in=deliveries)
    rows = of_others.select_related("article", "topic").order_by("-created_at", "-pk")[: services.MAX_FOLLOWS]
    context = {
        **_person_context(user, guest),
        "own_comments_form": OwnCommentsForm(None, deliveries=deliveries),
        "rows": [
            (
                row,
                DeliveryForm(auto_id=f"id_{row.pk}_%s", initial={"follow": row.pk, "delivery": row.delivery}),
            )
            for row in rows
        ],
    }
    return render(request, "comments/following/following.html", context)


def _save_own_comments_delivery(request: SiteRequest, user: User | None, guest: Guest | None) -> HttpResponse:
    before = services.read_own_comments_delivery(user, guest)
    form = OwnCommentsForm(request.POST, deliveries=before)
    if not (user or guest) or not form.is_valid():
        raise Http404
    with transaction.atomic():
        for kind, delivery in form.cleaned_data.items():
            if delivery and delivery != before[kind]:
                services.set_own_comments_delivery(user, guest, kind=kind, delivery=delivery)
    messages.success(request, _("Saved."))
    return redirect("following")


@require_http_methods(["GET", "HEAD", "POST"])
def notifications(request: SiteRequest) -> HttpResponse:
    """Show the unread updates of what the reader follows. POST marks those of the page as read."""
    user, guest = current_writer(request)
    unread = Follow.objects.of(user, guest).unread()
    until = request.now - UNDO_WINDOW
    if request.method == "POST":
        form = ShownForm(request.POST)
        if form.is_valid():
            shown = form.cleaned_data
            mark_seen_until(unread.filter(pk__in=shown["follows"]), min(shown["until"], until), until)
        return redirect("notifications")
    follows = list(
        unread.select_related("article", "topic").order_by("-first_unread_at", "-pk")[:FOLLOWS_SHOWN]
    )
    updates = read_updates(follows, since="seen_at", until=until, limit=ITEMS_SHOWN)
    if gone := [follow.pk for follow in follows if follow.pk not in updates]:  # removed since
        mark_seen(unread.filter(pk__in=gone), until)
    correct_counts(updates.values())
    context = {
        **_person_context(user, guest),
        "updates": [updates[follow.pk] for follow in follows if follow.pk in updates],
        "until": until.isoformat(),
    }
    return render(request, "comments/following/notifications.html", context)


@csrf_exempt  # mail programs send this form too, and the token of the link is secret
@require_http_methods(["GET", "HEAD", "POST"])
def stop_following(request: SiteRequest, token: str) -> HttpResponse:
    """Stop the mails about one follow, or about all, by the link in a mail, without a log-in.

    A mail program that has a button for it sends the form of RFC 8058, and follows no redirect. A reader who
    is not logged in reads the page in the language of the mail.
    """
    mail_token = MailToken.parse(token, kinds=TOKEN_KINDS)
    if mail_token is None:
        explanation = _(
            "It is incomplete. Open it again from the mail, or choose under “Following” which mails you get."
        )
        return broken_link(request, explanation, (reverse("following"), _("Following")))
    person = recipient_of(mail_token)
    if not request.user.is_authenticated:
        activate_locale(request, language_of(person, request.site))
    is_for_all = mail_token.kind != FOLLOW_TOKEN_KIND
    follows = follows_of(mail_token)
    follow = None if is_for_all else follows.select_related("article", "topic").first()
    if follow and follow.kind == decision_recipients.KIND:
        follows = decision_recipients.rows_of_person(follow.user_id, follow.guest_id)
    if request.method == "POST":
        if is_resumed := request.POST.get("mails") == "on":
            messages.success(request, _("You get these mails again."))
        if is_for_all and is_resumed:
            services.resume_all_mails(*person_of(mail_token))
        elif is_for_all:
            services.stop_all_mails(*person_of(mail_token))
        elif is_resumed:
            services.resume_mails(follows)
        else:
            services.stop_mails(follows)
        if "List-Unsubscribe" in request.POST:
            return HttpResponse()
        return redirect("stop-following", token)
    is_stopped = not follows.with_mails().exists()
    if is_for_all:
        is_stopped = is_stopped and decision_recipients.are_stopped(*person_of(mail_token))
    context = {
        "title": follow
        and (follow.article.title_for(None) if follow.article else follow.topic or follow.get_kind_display()),
        "follow": follow,
        "is_for_all": is_for_all,
        "is_stopped": is_stopped,
        "email": _mask(person.email if person else ""),
        "stopped": _count_by_kind(follows.stopped_with_all()) if is_for_all else [],
        "can_see_updates": _can_see_updates(request, mail_token, follow),
        "all_token": "" if follow is None else str(follower_token(follow)),
    }
    return render(request, "comments/following/stop.html", context)


def _mask(email: str) -> str:
    """Return an e-mail with only the first letter of its name, since anybody may have the link."""
    name, at, domain = email.rpartition("@")
    return f"{name[:1]}…{at}{domain}" if at else ""


def _count_by_kind(follows: FollowQuerySet) -> list[tuple[str, int]]:
    """Return the label of each kind of follows, with their number."""
    counts = dict(follows.order_by().values_list("kind").annotate(Count("pk")))
    return [(str(kind.label), counts[kind]) for kind in Follow.Kind if kind in counts]


def _can_see_updates(request: SiteRequest, mail_token: MailToken, follow: Follow | None) -> bool:
    """Return whether this browser shows the person's updates, after a log-in if they have an account."""
    if mail_token.kind == FOLLOW_TOKEN_KIND:
        user, guest = (follow.user_id, follow.guest_id) if follow else (None, None)
    else:
        user, guest = person_of(mail_token)
    own_guest = current_writer(request)[1]
    return user is not None or bool(own_guest and own_guest.pk == guest)


@require_POST
def send_again(request: SiteRequest) -> HttpResponse:
    """Send mails again to an e-mail whose mail server had rejected them."""
    person = _person_context(*current_writer(request))
    if person["is_confirmed"]:
        undeliverable.remove(person["email"])
        messages.success(request, _("We will send mails to %(email)s again.") % {"email": person["email"]})
    return redirect("following")


def _person_context(user: User | None, guest: Guest | None) -> dict[str, Any]:
    """Return the context about the follower, with the reasons for which they may get no mails."""
    person = user or guest
    email = person.email if person else ""
    if user:
        is_confirmed = current_confirmed_emails().filter(user=user).exists()
    else:
        is_confirmed = bool(guest and guest.confirmed_at)
    return {
        "is_known": person is not None,
        "email": email,
        "is_confirmed": is_confirmed,
        # Anybody may have typed an e-mail that is not confirmed.
        "undeliverable": undeliverable.find_one(email) if is_confirmed else None,
    }
