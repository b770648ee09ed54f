"""The page "My data": download everything that the site stores about oneself."""

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from archive.personal_data import files
from articles.site.requests import SiteRequest
from comments.loading import current_writer
from moderation.people.profiles import Person


@require_http_methods(["GET", "HEAD", "POST"])
def my_data(request: SiteRequest) -> HttpResponse:
    """Show what a person can do with their data. POST asks for the file."""
    person = _current_person(request)
    if request.method == "POST" and person:
        if files.ask(person):
            messages.success(request, _("Your data is being collected."))
        else:
            messages.info(request, _("Your data is already being collected."))
        return redirect("my-data")
    return _page(request, person)


@require_safe
def download(request: SiteRequest) -> HttpResponseBase:
    """Download the file, for its person only."""
    person = _current_person(request)
    if person is None:
        return redirect("my-data")
    row = files.current_file(person)
    if row is None or row.ready_at is None:
        raise Http404
    try:
        file = files.path(row.pk).open("rb")
    except FileNotFoundError:
        raise Http404 from None
    name = f"my-data-{row.ready_at:%Y-%m-%d}.zip"
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")


def _page(request: SiteRequest, person: Person | None) -> HttpResponse:
    _user, guest = current_writer(request)
    row = files.current_file(person) if person else None
    context = {
        "person": person,
        "is_unconfirmed": person is None and guest is not None,
        "file": row,
        "ends_at": files.ends_at(row) if row else None,
    }
    return render(request, "archive/personal_data/my_data.html", context)


def _current_person(request: SiteRequest) -> Person | None:
    """Return the member, or the guest of this browser if the e-mail is confirmed."""
    user, guest = current_writer(request)
    if user:
        return Person(user=user)
    return Person(guest=guest) if guest and guest.confirmed_at and guest.email else None
