"""Services of drafts, revisions, publication and corrections. Emil and Edda are editors."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from articles.editing.autosaves import autosave, discard_autosaves, keep_conflicting_copy, restore_revision
from articles.editing.notes import add_correction, change_correction
from articles.models import Article, DocumentText, OpenForm, Revision, Site
from articles.publishing.services import (
    EmbargoError,
    publish,
    publish_articles,
    set_embargo,
    unpublish,
    unschedule,
)
from articles.services import StaleVersionError, save_article
from tests.articles.editing.editor_forms import autosaved_bodies
from tests.factories import make_article

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def draft():
    return make_article("Boats", body="One.", published_at=None)


def revision_rows(article):
    return [(r.number, r.body, r.by and r.by.name) for r in article.revisions.order_by("number")]


def test_a_save_creates_a_revision_only_if_the_text_differs(draft, emil):
    assert revision_rows(draft) == [(1, "One.", None)]
    draft.byline = "Emil"
    save_article(article=draft, by=emil)
    assert revision_rows(draft) == [(1, "One.", None)]
    draft.body = "Two."
    save_article(article=draft, by=emil)
    assert revision_rows(draft) == [(1, "One.", None), (2, "Two.", "Emil")]


def test_a_text_older_than_revisions_gets_one_with_the_next_save(draft, emil):
    Revision.objects.all().delete()
    draft.body = "Two."
    save_article(article=draft, by=emil)
    assert revision_rows(draft) == [(1, "One.", None), (2, "Two.", "Emil")]


def test_a_text_stored_without_the_verb_gets_a_revision(draft, emil):
    Article.objects.filter(pk=draft.pk).update(body="By hand.")
    draft.body = "Two."
    save_article(article=draft, by=emil)
    assert [row[1] for row in revision_rows(draft)] == ["One.", "By hand.", "Two."]


def test_a_save_that_fails_leaves_no_revision(draft, emil):
    draft.body, draft.slug = "Two.", make_article("Other").slug
    with pytest.raises(IntegrityError), transaction.atomic():
        save_article(article=draft, by=emil)
    assert revision_rows(draft) == [(1, "One.", None)]


def test_restoring_creates_a_new_revision(draft, emil):
    draft.body = "Two."
    save_article(article=draft, by=emil)
    first = draft.revisions.get(number=1)
    restored = restore_revision(revision=first, by=emil, latest=2)
    assert (restored.body, restored.body_html) == ("One.", "<p>One.</p>\n")
    last = draft.revisions.first()
    assert (last.number, last.body, last.restored_number, last.by) == (3, "One.", 1, emil)
    with pytest.raises(StaleVersionError):
        restore_revision(revision=first, by=emil, latest=2)


def test_a_conflicting_copy_is_stored_once_and_is_not_the_text(draft, emil):
    text, nonce = DocumentText("Boats", "", "Mine."), uuid4()
    for _ in range(2):
        copy = keep_conflicting_copy(document=draft, text=text, by=emil, base_number=1, nonce=nonce)
    assert (copy.number, copy.is_conflicting_copy, draft.revisions.count()) == (2, True, 2)
    draft.body = "Three."
    save_article(article=draft, by=emil)
    assert [row[:2] for row in revision_rows(draft)] == [(1, "One."), (2, "Mine."), (3, "Three.")]


def test_two_windows_of_one_person_keep_two_drafts(draft, emil, edda):
    one, two = uuid4(), uuid4()
    for form, body in (
        (OpenForm(one, 1), "In the one."),
        (OpenForm(two, 1), "In the other."),
        (OpenForm(one, 2), "In the one, more."),
    ):
        autosave_body(emil, draft, body, form)
    assert sorted(autosaved_bodies()) == ["In the one, more.", "In the other."]
    with pytest.raises(PermissionError):
        autosave_body(edda, draft, "Hers", OpenForm(one, 3))
    discard_autosaves(forms=[OpenForm(one, 9)], editor=edda)
    assert sorted(autosaved_bodies()) == ["In the one, more.", "In the other."]


def test_a_late_autosave_replaces_nothing_newer(draft, emil):
    nonce = uuid4()
    autosave_body(emil, draft, "An hour of work.", OpenForm(nonce, 7))
    assert autosave_body(emil, draft, "An hour of", OpenForm(nonce, 6)).fields["body"] == ["An hour of work."]
    assert autosaved_bodies() == ["An hour of work."]
    discard_autosaves(forms=[OpenForm(nonce, 7)], editor=emil)
    assert autosave_body(emil, draft, "An hour of", OpenForm(nonce, 6)) is None  # after it was saved
    assert autosaved_bodies() == []
    autosave_body(emil, draft, "An hour of work, and more.", OpenForm(nonce, 8))  # editing continues
    assert autosaved_bodies() == ["An hour of work, and more."]


def test_a_text_saved_before_its_first_autosave_stays_saved(draft, emil):
    nonce = uuid4()
    discard_autosaves(forms=[OpenForm(nonce, 2)], editor=emil)
    assert autosave_body(emil, draft, "Half of i", OpenForm(nonce, 1)) is None
    assert autosaved_bodies() == []


@pytest.mark.django_db(transaction=True)
def test_an_autosave_during_a_save_waits_and_is_ignored(draft, emil):
    nonce, answers = uuid4(), []

    def late():
        answers.append(autosave_body(emil, draft, "Half of i", OpenForm(nonce, 1)))
        connection.close()

    thread = threading.Thread(target=late)
    with transaction.atomic(), connection.cursor() as cursor:
        discard_autosaves(forms=[OpenForm(nonce, 2)], editor=emil)
        thread.start()
        while thread.is_alive():
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                break
        assert thread.is_alive()  # it waits
    thread.join()
    assert (answers, autosaved_bodies()) == ([None], [])


def test_a_draft_moves_to_the_form_that_continues_it(draft, emil):
    first, second = uuid4(), uuid4()
    autosave_body(emil, draft, "One.", OpenForm(first, 3))
    autosave_body(emil, draft, "One, and two.", OpenForm(first, 3), OpenForm(second, 1))
    assert autosaved_bodies() == ["One, and two."]
    autosave_body(emil, draft, "One, and another.", OpenForm(first, 4))
    autosave_body(emil, draft, "One, two and three.", OpenForm(first, 3), OpenForm(second, 2))
    assert sorted(autosaved_bodies()) == ["One, and another.", "One, two and three."]
    discard_autosaves(forms=[OpenForm(first, 3), OpenForm(second, 2)], editor=emil)
    assert autosaved_bodies() == ["One, and another."]


def test_an_unchanged_form_keeps_no_draft(draft, emil):
    form = OpenForm(uuid4(), 1)
    autosave_body(emil, draft, "Two.", form)
    undone = autosave(
        forms=[form._replace(change_number=2)],
        editor=emil,
        kind=Article,
        document=draft,
        fields={},
        snapshot="",
    )
    assert (undone, autosaved_bodies()) == (None, [])


def autosave_body(editor, article, body, *open_forms):
    typed = {"title": ["Boats"], "body": [body]}
    return autosave(
        forms=open_forms, editor=editor, kind=Article, document=article, fields=typed, snapshot=""
    )


def test_publishing_later_and_now(draft):
    site = Site.objects.get().version
    later = timezone.now() + HOUR
    scheduled = publish(article=draft, at=later, seen=draft.version)
    assert (scheduled.published_at, scheduled.is_published()) == (later, False)
    with pytest.raises(StaleVersionError):
        publish(article=draft, at=timezone.now(), seen=draft.version)
    assert unschedule(article=draft, seen=scheduled.version).published_at is None
    now = publish(article=draft, at=timezone.now(), seen=scheduled.version + 1)
    assert now.is_published()
    assert Site.objects.get().version == site + 3


def test_an_unpublished_article_is_hidden_and_remembers_its_date():
    story = make_article("Out")
    moment = story.published_at
    taken = unpublish(article=story, reason="It was wrong.", seen=story.version)
    assert (taken.published_at, taken.was_published_at) == (None, moment)
    assert taken.unpublished_at
    assert not Article.objects.published().exists()
    with pytest.raises(StaleVersionError):
        unpublish(article=taken, reason="", seen=taken.version)
    again = publish(article=taken, at=moment, seen=taken.version)
    assert (again.unpublished_at, again.unpublished_reason, again.is_published()) == (None, "", True)


def test_verb_and_database_enforce_the_embargo(draft):
    until = timezone.now() + 2 * HOUR
    embargoed = set_embargo(article=draft, until=until, seen=draft.version)
    with pytest.raises(EmbargoError):
        publish(article=draft, at=timezone.now() + HOUR, seen=embargoed.version)
    with pytest.raises(EmbargoError):
        publish_articles(ids=[draft.pk], at=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        Article.objects.filter(pk=draft.pk).update(published_at=timezone.now())
    assert publish(article=draft, at=until, seen=embargoed.version).published_at == until


def test_an_embargo_delays_a_schedule_and_is_refused_once_published(draft):
    until = timezone.now() + 2 * HOUR
    scheduled = publish(article=draft, at=timezone.now() + HOUR, seen=draft.version)
    assert set_embargo(article=draft, until=until, seen=scheduled.version).published_at == until
    story = make_article("Out")
    with pytest.raises(EmbargoError):
        set_embargo(article=story, until=until, seen=story.version)


def test_a_correction_is_dated_and_changes_the_story(emil, time_machine):
    story = make_article("Out")
    time_machine.move_to(timezone.now() + HOUR)
    made = add_correction(article=story, by=emil, text="It was nine.")
    story.refresh_from_db()
    assert story.corrected_at == made.at
    assert (story.version, story.changed_at >= made.at) == (2, True)
    change_correction(correction=made, text="It was nine o’clock.", seen="It was nine.")
    assert story.corrections.get().text == "It was nine o’clock."
    change_correction(correction=made, text="", seen="It was nine o’clock.")
    story.refresh_from_db()
    assert (story.corrected_at, story.corrections.count(), story.version) == (None, 0, 4)
