"""Pages about people for moderators: search, profiles, sanctions, notes and a child's personal data."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.requests import require_moderator_or_editor, safe_local_path
from comments.models import UNDONE_REASONS, Comment, Reason, State
from core.forms import form_errors_text
from core.paging import next_page_url, read_page
from core.query_forms import QueryForm, SearchField, ValidCursorQuery, parse_whole_number
from moderation import explanations
from moderation.actions.request_helpers import (
    DoneQuery,
    add_unsent_text_message,
    just_done_summary,
    redirect_with_done,
    require_post_and_login,
)
from moderation.erasure import purge, restrictions
from moderation.models import ModeratorNote, Restriction, Sanction
from moderation.people import active_sanctions, profiles, sanctions
from moderation.people.forms import NoteForm, SanctionForm
from moderation.people.profiles import Person

PAGE_SIZE = 20  # comments
MAX_SANCTIONS = 200  # active ones that are listed
EXCERPT_LENGTH = 300  # characters


class PeopleQuery(QueryForm):
    """The query string of the search for people."""

    q = SearchField()


class PersonQuery(ValidCursorQuery, DoneQuery):
    """The query string of a profile: the state of the listed comments, and the action that was just done."""

    state = forms.ChoiceField(choices=State.choices, required=False)
    must_be_valid = ValidCursorQuery.must_be_valid | {"state"}


@require_safe
@login_required
def people(request: HttpRequest) -> HttpResponse:
    """Search people by ?q=, a name or e-mail. Without it, moderators see appeals and active sanctions."""
    user, query = require_moderator_or_editor(request), PeopleQuery.read(request.GET)["q"]
    lists_sanctions = user.is_moderator and not query
    context = {
        "q": query,
        "can_view_email_addresses": user.can_view_email_addresses,
        "results": profiles.search(query, user) if query else None,
        "appeals": list(sanctions.open_appeals()) if lists_sanctions else [],
        "sanctions": list(sanctions.latest_active(MAX_SANCTIONS)) if lists_sanctions else [],
        "max_shown": MAX_SANCTIONS,
    }
    return render(request, "moderation/people/people.html", context)


@require_safe
@login_required
def person(request: HttpRequest, key: str) -> HttpResponse:
    """Show a profile. ?state= filters the comments by state; ?before= shows older ones."""
    user = require_moderator_or_editor(request)
    return _render_profile(request, user, _get_person_or_404(key, user))


@require_post_and_login
def impose_sanction(request: HttpRequest, key: str, kind: str) -> HttpResponse:
    """Impose a sanction. An invalid form is shown again with its input."""
    user = require_moderator_or_editor(request)
    person = _get_person_or_404(key, user)
    if kind not in Sanction.Kind.values:
        raise Http404
    if not sanctions.can_sanction(user, person):
        raise PermissionDenied
    form = SanctionForm(request.POST, kind=kind, counts=sanctions.counts_to_remove(person, timezone.now()))
    if not form.is_valid():
        return _render_profile(request, user, person, bound_form=form)
    action = sanctions.impose(person=person, kind=kind, actor=user, **form.cleaned_data)
    return redirect_with_done(action, person.get_absolute_url())


@require_post_and_login
def end_sanction(request: HttpRequest, pk: int) -> HttpResponse:
    """End a sanction before its time."""
    user = require_moderator_or_editor(request)
    sanction, person = _get_sanction_or_404(pk, user)
    action = sanctions.end(sanction=sanction, actor=user)
    if action is None:
        messages.info(request, _("It had ended already."))
    return redirect_with_done(action, person.get_absolute_url())


@require_post_and_login
def uphold_sanction(request: HttpRequest, pk: int) -> HttpResponse:
    """Uphold a sanction after an appeal."""
    user = require_moderator_or_editor(request)
    sanction, person = _get_sanction_or_404(pk, user)
    if not sanctions.can_uphold(user, sanction):
        messages.warning(request, _("You took the first decision, so another moderator answers this appeal."))
    elif sanctions.uphold(sanction=sanction):
        messages.success(request, _("The decision is upheld. The person is notified."))
    else:
        messages.info(request, _("This appeal was answered already, or the sanction is over."))
    return redirect(person)


@require_post_and_login
def add_note(request: HttpRequest) -> HttpResponse:
    """Add a note on a comment (`comment`: its number) or on a person (`person`: a key).

    `next`: the next URL. An invalid note is shown again: on the profile in its form, else in a message.
    """
    user = require_moderator_or_editor(request)
    subject: dict[str, Any] = {}
    if pk := parse_whole_number(request.POST.get("comment")):
        comment = get_object_or_404(Comment.objects.moderatable_by(user), pk=pk)
        form = NoteForm(request.POST)
        subject, back = {"comment": comment}, reverse("moderation:comment", args=[pk])
    else:
        person = _get_person_or_404(request.POST.get("person", ""), user)
        if not user.is_moderator:
            raise PermissionDenied
        form = _profile_note_form(person, request.POST)
        if not form.is_valid():
            return _render_profile(request, user, person, bound_note_form=form)
        subject, back = person.as_fields, person.get_absolute_url()
    back = safe_local_path(request, request.POST.get("next", "")) or back
    if not form.is_valid():
        messages.error(request, form_errors_text(form))
        add_unsent_text_message(request, _("Your note was not saved:"), "text")
        return redirect(back)
    profiles.add_note(text=form.cleaned_data["text"], by=user, **subject)
    messages.success(request, _("Note added. Only moderators and editors can read it."))
    return redirect(back)


def _profile_note_form(person: Person, data: QueryDict | None = None) -> NoteForm:
    # typed-text.js stores its text by the id of the field, which is the person's.
    return NoteForm(data, auto_id=f"id_{person.key}_%s")


@require_post_and_login
def delete_note(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a note of one's own; administrators may delete any note."""
    user = require_moderator_or_editor(request)
    deletable = {} if user.is_administrator else {"by": user}
    get_object_or_404(ModeratorNote, pk=pk, **deletable).delete()
    messages.success(request, _("Note deleted."))
    return redirect(safe_local_path(request, request.POST.get("next", "")) or "moderation:people")


@require_post_and_login
def restrict_child_data(request: HttpRequest, key: str) -> HttpResponse:
    """Restrict access to all comments of a child, as one action."""
    user = require_moderator_or_editor(request)
    person = _get_person_or_404(key, user)
    if not _can_restrict_all(user, person):
        raise PermissionDenied
    ids = list(
        person.comments().not_erased_or_restricted().values_list("pk", flat=True)[: restrictions.MAX_AT_ONCE]
    )
    result = restrictions.restrict(ids=ids, why=Restriction.Why.CHILD, actor=user) if ids else None
    if not result or not result.action:
        messages.info(request, _("No readable comment of this person is left."))
        return redirect(person)
    if user.is_administrator:  # only administrators can undo it
        # Without its comments an imported name has no profile any more.
        return redirect_with_done(result.action, "" if person.comment else person.get_absolute_url())
    done = ngettext(
        "Access to %(n)s comment is restricted.",
        "Access to %(n)s comments is restricted.",
        len(result.changed),
    )
    messages.success(request, done % {"n": len(result.changed)})
    return redirect("moderation:people") if person.comment else redirect(person)


@require_post_and_login
def erase_person(request: HttpRequest, key: str) -> HttpResponse:
    """Delete the name and e-mail of a person permanently, once none of their comments can be read."""
    user = require_moderator_or_editor(request)
    person = _get_person_or_404(key, user)
    if not _can_erase(user, person):
        raise PermissionDenied
    purge.erase_person(person=person, actor=user)
    messages.success(request, _("Name and e-mail are deleted. This can’t be undone."))
    return redirect(person)


def _can_restrict_all(user: User, person: Person) -> bool:
    """Return whether `user` may restrict all comments of a person; for staff only administrators may."""
    return user.is_moderator and (user.is_administrator or not (person.user and person.user.is_staff))


def _can_erase(user: User, person: Person) -> bool:
    return (
        user.is_administrator
        and sanctions.can_sanction(user, person)
        and not person.comments().not_erased_or_restricted().exists()
    )


def _render_profile(
    request: HttpRequest,
    user: User,
    person: Person,
    bound_form: SanctionForm | None = None,
    bound_note_form: NoteForm | None = None,
) -> HttpResponse:
    """Render a profile, with the form that is shown again because of its errors, if there is one."""
    now, can_sanction = timezone.now(), sanctions.can_sanction(user, person)
    counts = sanctions.counts_to_remove(person, now) if can_sanction else {}
    kinds = Sanction.Kind.values if can_sanction else []
    sanction_forms = [
        bound_form if bound_form and bound_form.kind == kind else SanctionForm(kind=kind, counts=counts)
        for kind in kinds
    ]
    own = list(sanctions.all_sanctions_of(person))
    # Editors may not see the profiles of all others with the same e-mail.
    applied = active_sanctions.sanctions_of(person.user, person.guest) if user.is_moderator else []
    context = {
        "person": person,
        "facts": profiles.person_facts(person, user),
        "email": person.email if user.can_view_email_addresses else "",
        "can_sanction": can_sanction,
        "forms": sanction_forms,
        "opened_form": bound_form,
        "sanctions": [(row, row.is_active) for row in own],
        "left_to_colleagues": [
            row for row in own if row.has_open_appeal and not sanctions.can_uphold(user, row)
        ],
        "by_email": [row for row in applied if row not in own],
        "notes": person.notes(),
        "note_form": bound_note_form or _profile_note_form(person),
        "can_add_note": user.is_moderator,
        "can_restrict_all": _can_restrict_all(user, person)
        and person.comments().not_erased_or_restricted().exists(),
        "can_erase": _can_erase(user, person) and not person.is_erased,
        "profile_url": person.get_absolute_url(),
        "done": just_done_summary(user, PersonQuery.read(request.GET)["done"]),
        **_comments_context(request, user, person),
    }
    status = 422 if bound_form or bound_note_form else 200
    return render(request, "moderation/people/person.html", context, status=status)


def _comments_context(request: HttpRequest, user: User, person: Person) -> dict[str, Any]:
    """Return the context with a page of the person's comments, the latest first.

    Editors see public comments and those that they may moderate.
    """
    # As in the numbers of the profile: comments whose posting or import was undone are left out.
    rows = person.comments().exclude(state_reason__in=[Reason.RESTRICTED, *UNDONE_REASONS])
    moderatable = Comment.objects.moderatable_by(user)
    if not user.is_moderator:
        public = Comment.objects.readable(timezone.now())
        rows = rows.filter(Q(pk__in=public.values("pk")) | Q(pk__in=moderatable.values("pk")))
    query = PersonQuery.read(request.GET)
    state = query["state"]
    chosen = (rows.filter(state=state) if state else rows).with_story().defer("body_html")
    shown, last = read_page(chosen, "created_at", before=query["before"], size=PAGE_SIZE)
    shown_ids = [comment.pk for comment in shown]
    moderatable_ids = set(moderatable.filter(pk__in=shown_ids).values_list("pk", flat=True))
    return {
        "state": state,
        "comments": [
            (
                comment,
                reverse("moderation:comment", args=[comment.pk])
                if comment.pk in moderatable_ids
                else comment.get_absolute_url(),
                Truncator(comment.body).chars(EXCERPT_LENGTH),
                explanations.describe_decision(comment.state, comment.state_reason),
            )
            for comment in shown
        ],
        "next_url": f"{next_page_url(person.get_absolute_url(), last, state=state)}#comments" if last else "",
    }


def _get_person_or_404(key: str, user: User) -> Person:
    found = profiles.find_person(key)
    if found is None or not profiles.can_read_profile(user, found):
        raise Http404
    return found


def _get_sanction_or_404(pk: int, user: User) -> tuple[Sanction, Person]:
    found = get_object_or_404(Sanction.objects.select_related("user", "guest", "action"), pk=pk)
    person = Person(user=found.user, guest=found.guest)
    if not sanctions.can_sanction(user, person):
        raise PermissionDenied
    return found, person
