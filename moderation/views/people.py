"""People on the desk: what is known of one."""

import re

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Guest, User
from comments.models import Comment
from moderation.people import Person
from moderation.views.loading import decider

KEY = re.compile(r"([ugi])([1-9][0-9]{0,17})", re.ASCII)


@require_safe
@login_required
def person(request: HttpRequest, key: str) -> HttpResponse:
    decider(request)
    return render(request, "moderation/person.html", {"person": load_person(key), "room": "people"})


def load_person(key: str) -> Person:
    """u12: an account, g7: a guest, i123: whom a source named over comment 123. Raises Http404."""
    if not (match := KEY.fullmatch(key)):
        raise Http404
    kind, pk = match[1], int(match[2])
    if kind == "u":
        found = Person(user=User.objects.filter(pk=pk).first())
    elif kind == "g":
        found = Person(guest=Guest.objects.filter(pk=pk).first())
    else:
        found = Person(comment=Comment.objects.filter(pk=pk, author=None, guest=None).first())
    if not (found.user or found.guest or found.comment):
        raise Http404
    return found
