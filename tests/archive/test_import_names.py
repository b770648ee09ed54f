"""Names of authors in imported pages, which may be longer than a page of ours allows."""

import pytest

from accounts.models import ADMINISTRATOR
from archive.formats.soundoff.comments import MAX_STORED_NAME
from archive.models import Import
from comments.models import Comment
from moderation.erasure import restrictions
from moderation.models import Restriction
from tests.archive.saved_pages import import_saved_page, page_by_author
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_a_name_of_255_characters_is_kept():
    assert Comment._meta.get_field("author_name").max_length == MAX_STORED_NAME == 255

    report = import_saved_page(page_by_author("Ü" * 255))

    assert Comment.objects.get(source_number=1).author_name == "Ü" * 255
    assert report.warnings == []


def test_a_longer_name_is_cut_and_kept_whole_in_the_report():
    whole = "Ann of the " + "long " * 60 + "pier"

    report = import_saved_page(page_by_author(whole))

    stored = Comment.objects.get(source_number=1).author_name
    assert (len(stored), stored[-1]) == (255, "…")
    assert whole.startswith(stored[:-1])
    [warning] = report.warnings
    assert (warning.line, warning.kind) == (13, "name")
    assert f"A name of {len(whole):,} characters is cut to 255." in warning.text
    assert whole in warning.text
    assert whole in report.to_json()["warnings"][0]["text"]
    assert whole in Import.objects.get().warnings[0]["text"]
    assert import_saved_page(page_by_author(whole)).has_changes is False


def test_a_long_name_can_be_restricted_and_restored():
    import_saved_page(page_by_author("Ü" * 255))
    comment = Comment.objects.get(source_number=1)
    administrator = UserFactory.create(name="Ada", roles=(ADMINISTRATOR,))
    restrictions.restrict(ids=[comment.pk], why=Restriction.Why.PERSONAL, actor=administrator)
    assert Comment.objects.get(pk=comment.pk).author_name == ""
    restrictions.lift(restriction=Restriction.objects.get(), actor=administrator)
    assert Comment.objects.get(pk=comment.pk).author_name == "Ü" * 255
