"""What the site stores about a person as a member of the staff: author page, actions and texts."""

from collections.abc import Iterator
from functools import cache

from django.utils.translation import gettext as _

from accounts.models import User
from archive.personal_data.contents.sections import Section, make_section
from articles.models import Author, Autosave, EditorNote, Image, Revision
from comments import removal_reasons
from moderation.models import Action


def sections_of_staff(user: User) -> Iterator[Section]:
    """Yield the sections that only the staff have."""
    yield make_section(
        "author_page",
        _("Author page"),
        Author.objects.filter(user=user),
        {"slug": (_("URL slug"), "slug"), "bio": (_("About"), "bio")},
    )
    reason_label = cache(removal_reasons.label)
    yield make_section(
        "actions",
        _("Actions as a moderator or editor"),
        Action.objects.filter(actor=user),
        {
            "kind": (_("Action"), lambda row: row.get_kind_display()),
            "reason": (_("Reason"), lambda row: reason_label(row.reason)),
            "at": (_("Time"), "at"),
        },
    )
    yield make_section(
        "versions",
        _("Versions of stories and pages that you saved"),
        Revision.objects.filter(by=user).defer("body"),
        {"title": (_("Title"), "title"), "number": (_("Number"), "number"), "at": (_("Time"), "at")},
    )
    yield make_section(
        "unsaved_changes",
        _("Unsaved changes"),
        Autosave.objects.of(user),
        {
            "title": (_("Title"), "title"),
            "text": (_("Text"), lambda row: "".join(row.fields.get("body", []))),
            "at": (_("Time"), "at"),
        },
    )
    yield make_section(
        "editor_notes",
        _("Notes to other editors"),
        EditorNote.objects.filter(by=user),
        {"text": (_("Text"), "body"), "at": (_("Time"), "at")},
    )
    yield make_section(
        "images",
        _("Images that you uploaded"),
        Image.objects.filter(uploaded_by=user),
        {"file": (_("File"), "filename"), "at": (_("Time"), "uploaded_at")},
    )
