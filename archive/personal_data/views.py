"""The privacy page, and "My data": download what the site stores about oneself, and erase one's account."""

from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import logout
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import guests
from archive.personal_data import erasure_links, files
from archive.personal_data.forms import EraseForm, has_password, needs_second_factor
from archive.personal_data.registry import REGISTRY
from articles.markup.markdown import render_document
from articles.site.cached_pages import cache_for_anonymous
from articles.site.languages import activate_locale
from articles.site.requests import SiteRequest
from comments.loading import current_member, current_writer
from core.fallback_pages import broken_link
from core.files import storage
from moderation.erasure import account_erasure
from moderation.people.profiles import Person


@require_safe
@cache_for_anonymous
def privacy(request: SiteRequest) -> HttpResponse:
    """Show what the site stores about people, what for, and how long."""
    context = {"text": render_document(request.site.privacy), "registry": REGISTRY}
    return render(request, "archive/personal_data/privacy.jinja", context)


@require_http_methods(["GET", "HEAD", "POST"])
def my_data(request: SiteRequest) -> HttpResponse:
    """Show what a person can do with their data. POST asks for the file."""
    person = _current_person(request)
    if request.method == "POST" and person:
        if files.request_file(person):
            messages.success(request, _("Your data is being collected."))
        elif (row := files.current_file(person)) and row.ready_at:
            messages.info(request, _("You can make one file a day."))
        else:
            messages.info(request, _("Your data is already being collected."))
        return redirect("my-data")
    return _page(request, person, EraseForm(request=request, user=person.user if person else None))


@require_safe
def download(request: SiteRequest) -> HttpResponseBase:
    """Download the file, for its person only."""
    person = _current_person(request)
    if person is None:
        return redirect("my-data")
    row = files.current_file(person)
    if row and row.ready_at is None:
        return redirect("my-data")  # which says that it is being made
    try:
        file = storage().open(files.file_name(row.pk)) if row else None
    except FileNotFoundError:
        file = None
    if not (row and row.ready_at and file):
        explanation = _("The file is deleted after seven days. You can ask for a new one.")
        return broken_link(request, explanation, (reverse("my-data"), _("My data")))
    name = f"my-data-{row.ready_at:%Y-%m-%d}.zip"
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")


@sensitive_post_parameters("password")
@require_POST
@reauthentication_required(enabled=lambda request: needs_second_factor(current_member(request)))  # type: ignore[untyped-decorator]
def erase(request: SiteRequest) -> HttpResponse:
    """Erase the account after the second factor or the password; without both, mail a link that does it."""
    person = _current_person(request)
    if person is None:
        return redirect("my-data")
    form = EraseForm(request.POST, request=request, user=person.user)
    if not form.is_valid():
        return _page(request, person, form)
    if has_password(person.user) or needs_second_factor(person.user):
        return _erase(request, person, deletes_comments=form.deletes_comments)
    if erasure_links.send(person, deletes_comments=form.deletes_comments):
        message = _("We mailed you a link. Open it to erase your account.")
        if person.guest:
            message = _("We mailed you a link. Open it to erase your data.")
        messages.success(request, message)
    else:
        messages.info(
            request, _("We mailed you a link within the last hour. Open it, or ask for another one later.")
        )
    return redirect("my-data")


@require_http_methods(["GET", "HEAD", "POST"])
def confirm_erasure(request: SiteRequest, token: str) -> HttpResponse:
    """Erase the account or the data of a mailed link on POST.

    GET only shows a page with the button, because mail scanners open links, too.
    """
    link = erasure_links.read(token)
    if link is None:
        explanation = _("It works once, and only for one day.")
        return broken_link(request, explanation, (reverse("my-data"), _("My data")))
    if request.method == "POST":
        return _erase(request, link.person, deletes_comments=link.deletes_comments)
    # A guest without comments reads nothing about them.
    has_comments = not link.person.guest or link.person.comments().exists()
    context = {"link": link, "has_comments": has_comments}
    return render(request, "archive/personal_data/confirm_erasure.html", context)


def _erase(request: SiteRequest, person: Person, *, deletes_comments: bool) -> HttpResponse:
    is_own = _current_person(request) == person
    if not account_erasure.start(person=person, deletes_comments=deletes_comments):
        messages.warning(request, account_erasure.SOLE_ADMINISTRATOR)
        return redirect("my-data")
    files.delete_files(person)
    response = redirect("home")  # the page of the data would only say that nobody is logged in
    if is_own:
        logout(request)
        activate_locale(request, "")  # of the next page
        response.delete_cookie(guests.COOKIE, samesite="Lax")
    message = _("Your account is erased. It can take some minutes until your name is gone everywhere.")
    if person.guest:
        message = _("Your data is erased. It can take some minutes until your name is gone everywhere.")
    messages.success(request, message)
    return response


def _page(request: SiteRequest, person: Person | None, form: EraseForm) -> HttpResponse:
    _user, guest = current_writer(request)
    row = files.current_file(person) if person else None
    context: dict[str, Any] = {
        "person": person,
        "is_unconfirmed": person is None and guest is not None,
        "file": row,
        "expires_at": files.expires_at(row) if row else None,
        "next_request_at": files.next_request_at(row)
        if row and timezone.now() < files.next_request_at(row)
        else None,
        "form": form,
    }
    if person:
        sole = account_erasure.is_sole_administrator(person.user)
        context |= {
            "comment_count": person.comments().count(),
            "why_not_erased": account_erasure.SOLE_ADMINISTRATOR if sole else "",
            "is_staff": person.user is not None and person.user.is_staff,
        }
    template = "archive/personal_data/my_data.html"
    return render(request, template, context, status=422 if form.is_bound else 200)


def _current_person(request: SiteRequest) -> Person | None:
    """Return the member, or the guest of this browser if the e-mail is confirmed."""
    user, guest = current_writer(request)
    if user:
        return Person(user=user)
    return Person(guest=guest) if guest and guest.confirmed_at and guest.email else None
