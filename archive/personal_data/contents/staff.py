"""Author pages, actions and texts of people who work on the site."""

from collections.abc import Iterator
from functools import cache

from django.utils.translation import gettext as _

from accounts.models import User
from archive.personal_data.contents.sections import Section, records
from articles.models import Author, Autosave, EditorNote, Image, Revision
from comments import removal_reasons
from moderation.models import Batch


def sections_of_staff(user: User) -> Iterator[Section]:
    """Yield what only people who work on the site have."""
    yield Section(
        "author_page",
        _("Author page"),
        {"slug": _("URL slug"), "bio": _("About")},
        records(Author.objects.filter(user=user), lambda row: {"slug": row.slug, "bio": row.bio}),
    )
    reason_label = cache(removal_reasons.label)
    yield Section(
        "actions",
        _("Actions as a moderator or editor"),
        {"kind": _("Action"), "reason": _("Reason"), "at": _("Time")},
        records(
            Batch.objects.filter(actor=user),
            lambda row: {
                "kind": row.get_kind_display(),
                "reason": reason_label(row.reason),
                "at": row.at,
            },
        ),
    )
    yield Section(
        "versions",
        _("Versions of stories and pages that you saved"),
        {"title": _("Title"), "number": _("Number"), "at": _("Time")},
        records(
            Revision.objects.filter(by=user).defer("body"),
            lambda row: {"title": row.title, "number": row.number, "at": row.at},
        ),
    )
    yield Section(
        "unsaved_changes",
        _("Unsaved changes"),
        {"title": _("Title"), "text": _("Text"), "at": _("Time")},
        records(
            Autosave.objects.of(user),
            lambda row: {"title": row.title, "text": "".join(row.typed.get("body", [])), "at": row.at},
        ),
    )
    yield Section(
        "editor_notes",
        _("Notes to other editors"),
        {"text": _("Text"), "at": _("Time")},
        records(EditorNote.objects.filter(by=user), lambda row: {"text": row.body, "at": row.at}),
    )
    yield Section(
        "images",
        _("Images that you uploaded"),
        {"file": _("File"), "at": _("Time")},
        records(
            Image.objects.filter(uploaded_by=user), lambda row: {"file": row.filename, "at": row.uploaded_at}
        ),
    )
