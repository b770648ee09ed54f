"""The readers' pages of the newsletter: to subscribe, confirm, change subscriptions, unsubscribe and read."""

from typing import Any
from urllib.parse import urlsplit

from allauth.core.internal import ratelimit
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from accounts.emails import current_confirmed_emails
from accounts.requests import request_user
from articles.article_lists import add_discussion_dependencies
from articles.models import Newsletter, Subscriber
from articles.newsletter import subscriptions
from articles.newsletter.composition import manage_path, shown_articles
from articles.newsletter.forms import TOPIC_NOT_OFFERED, SubscribeForm, SubscriptionsForm, subscribable_topics
from articles.newsletter.subscriptions import SUBSCRIBER_KIND
from articles.site.cached_pages import cache_for_anonymous
from articles.site.requests import SiteRequest
from core.fallback_pages import broken_link, form_refused
from core.mail.tokens import MailToken


@require_safe
@cache_for_anonymous
def sent(request: SiteRequest, pk: int) -> HttpResponse:
    """Show a newsletter that was sent and not stopped, with its articles as they are now."""
    newsletter = get_object_or_404(Newsletter.objects.readable(), pk=pk)
    articles = list(shown_articles(newsletter, request.now).listed())
    if not articles:
        raise Http404
    add_discussion_dependencies(request, articles)
    context = {"newsletter": newsletter, "articles": articles}
    return render(request, "articles/newsletter/sent.jinja", context)


@csrf_exempt  # the form is on cached pages, which have no token; see _is_from_another_site
@require_http_methods(["GET", "HEAD", "POST"])
def subscribe(request: SiteRequest) -> HttpResponse:
    """Show the form to subscribe with an e-mail address, and mail the link that confirms it.

    The answer is the same whether the e-mail address is subscribed already or not. Members go on to their own
    page.
    """
    if request.user.is_authenticated and request.method != "POST":
        return redirect("newsletter-account")
    if request.method == "POST" and _is_from_another_site(request):
        return form_refused(request)
    form = SubscribeForm(
        request.POST if request.method == "POST" else None,
        topics=subscribable_topics(),
        initial={"list": "all"},
    )
    if form.is_valid():
        email = form.cleaned_data["email"].lower()
        if ratelimit.consume(request, app="allauth.account", action="newsletter_mail", key=email):
            subscriptions.mail_confirmation.enqueue(email, form.topic, get_language() or "")
        return redirect("newsletter-confirmation-sent")
    return render(
        request, "articles/newsletter/subscribe.jinja", {"form": form}, status=422 if form.is_bound else 200
    )


@require_safe
def confirmation_sent(request: SiteRequest) -> HttpResponse:
    """Ask a person who has subscribed with an e-mail address to open the mailed link."""
    return render(request, "articles/newsletter/confirmation_sent.jinja")


@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: SiteRequest, token: str) -> HttpResponse:
    """Confirm a subscription by the mailed link, with a button, because mail scanners open links too."""
    subscription = subscriptions.find_by_confirmation_token(token)
    if subscription is None:
        explanation = _("Links work for seven days, and stop working when you unsubscribe.")
        return broken_link(request, explanation, (reverse("newsletter"), _("Subscribe again")))
    if request.method == "POST":
        subscriptions.confirm(subscription)
        return redirect("newsletter-confirm", token)
    manage_token = str(subscriptions.subscriber_token(subscription.subscriber_id))
    context = {"subscription": subscription, "manage_url": manage_path(manage_token)}
    return render(request, "articles/newsletter/confirm.jinja", context)


@csrf_exempt  # mail programs send this form too, and the token of the link is secret
@require_http_methods(["GET", "HEAD", "POST"])
def manage(request: SiteRequest, token: str) -> HttpResponse:
    """Change what a subscriber gets, or unsubscribe, by the link in each newsletter, without a log-in.

    A mail program with a button to unsubscribe sends the form of RFC 8058, and follows no redirect.
    """
    mail_token = MailToken.parse(token, kinds=SUBSCRIBER_KIND)
    if mail_token is None:
        explanation = _("It is incomplete. Open it again from the latest newsletter that you got.")
        return broken_link(request, explanation, (reverse("newsletter"), _("Newsletter")))
    subscriber = Subscriber.objects.filter(pk=mail_token.pk).first()
    if subscriber is None:
        if "List-Unsubscribe" in request.POST:
            return HttpResponse()
        return render(request, "articles/newsletter/manage.jinja", {"email": ""})
    email = subscriber.email
    if request.method == "POST":
        if "List-Unsubscribe" in request.POST or "leave" in request.POST:
            subscriptions.unsubscribe([email])
            return HttpResponse() if "List-Unsubscribe" in request.POST else redirect(request.path)
        _change_subscriptions(request, email)
        return redirect(request.path)
    form = SubscriptionsForm(topics=subscribable_topics(), subscribed=subscriptions.topics_of(email))
    return render(request, "articles/newsletter/manage.jinja", {"form": form, "email": email})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: SiteRequest) -> HttpResponse:
    """Show and change what a member is subscribed to, with the confirmed e-mail of the account.

    The field `add` of the form on other pages names one list to add.
    """
    confirmed = current_confirmed_emails().filter(user=request_user(request)).first()
    email = confirmed.email if confirmed else ""
    if request.method == "POST":
        if email:
            _change_subscriptions(request, email)
        return redirect("newsletter-account")
    form = SubscriptionsForm(topics=subscribable_topics(), subscribed=subscriptions.topics_of(email))
    return render(request, "articles/newsletter/account.html", {"form": form, "email": email})


def _change_subscriptions(request: SiteRequest, email: str) -> None:
    """Change subscriptions as the form says, and tell the person.

    A topic that was hidden since the form was shown is ignored, and the person is told. If nothing else was
    chosen, nothing changes.
    """
    subscribed = subscriptions.topics_of(email)
    data: Any = {"lists": request.POST.getlist("add")} if "add" in request.POST else request.POST
    form = SubscriptionsForm(data, topics=subscribable_topics(), subscribed=subscribed)
    form.full_clean()  # nothing can be wrong, as values that are not offered are ignored
    if form.has_ignored_values:
        messages.warning(request, TOPIC_NOT_OFFERED)
        if not form.chosen:
            return
    with transaction.atomic():
        # Subscribe first, since a subscriber without subscriptions is deleted.
        subscriptions.subscribe(email, form.chosen, get_language() or "")
        if "add" not in request.POST:
            subscriptions.unsubscribe([email], form.offered - form.chosen)
    if subscriptions.topics_of(email):  # also to topics that the form does not offer at the moment
        messages.success(request, _("Saved. The mails go to %(email)s.") % {"email": email})
    else:
        messages.success(request, _("Saved. You get no newsletters."))


def _is_from_another_site(request: SiteRequest) -> bool:
    """Return whether a page of another site has sent the form: browsers name it in each such request."""
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.get_host()
