"""Permanent deletions and restrictions after a backup are repeated after the backup is restored."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.models import Guest, User
from archive.backup.restore import restore
from archive.backup.write import backup
from articles.editing.autosaves import autosave
from articles.editing.notes import add_note
from articles.models import Article, Autosave, DocumentText, OpenForm
from articles.redaction.redact import redact_words
from articles.services import save_article
from comments.integrity import check
from comments.models import Comment, Reason, State
from comments.services.states import delete_comment
from core import erasure_log
from core.erasure_log import Erasure
from moderation.actions.decisions import decide
from moderation.erasure import erasure_replay, purge, restrictions
from moderation.models import Action, Case, ModeratorNote, Report, RestrictedText, Restriction
from moderation.people.profiles import Person
from moderation.reports.reporting import report_comment
from tests.factories import GuestFactory, UserFactory, make_article, make_comment

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("own_folder", "moderation_without_checks"),
]


def erase(*comments: Comment, actor: User | None = None) -> None:
    """Delete comments as the page for permanent deletion does."""
    states = {State(Comment.objects.get(pk=one.pk).state) for one in comments}
    group = purge.make_list(states=list(states), days=0, actor=actor)
    assert group
    assert purge.purge_list(group=group, actor=actor).purged == len(comments)


def restore_backup(file: Path) -> Any:
    call_command("flush", interactive=False, verbosity=0)
    return restore(file).replayed


def words_of(comment: Comment) -> str:
    fresh = Comment.objects.get(pk=comment.pk)
    sealed = RestrictedText.objects.filter(restriction__comment=comment.pk).values_list("body", flat=True)
    return fresh.body + fresh.body_html + fresh.author_name + fresh.author_email + "".join(sealed)


def test_a_line_that_was_written_late_counts_at_its_own_time() -> None:
    comment = make_comment(make_article(), "A mistake.")
    made = comment.created_at.isoformat()
    restricted = Erasure("sealed", comment.pk, made, reason="other", at="2026-11-26T10:00:00+00:00")
    lifted = Erasure("unsealed", comment.pk, made, at="2026-11-26T10:00:40+00:00")
    assert erasure_replay.replay_erasures([lifted, restricted]).restricted == 0
    assert erasure_replay.replay_erasures([restricted]).restricted == 1


def test_erasures_and_restrictions_are_repeated(tmp_path: Path, ada: User) -> None:
    story, file = make_article(), tmp_path / "site.zip"
    zoe = GuestFactory.create(name="Zoe Quillfeather", email="zoe@example.org", confirmed_at=timezone.now())
    leo = UserFactory.create(name="Leo", email="leo@example.org")
    shown, spam = make_comment(story, "It stays."), make_comment(story, "Buy casino.")
    own, number = (
        make_comment(story, "Of mine.", guest=zoe),
        make_comment(story, "Her number is 555 0199.", guest=zoe),
    )
    court, lifted, held = (
        make_comment(story, "By order."),
        make_comment(story, "A mistake."),
        make_comment(story, "A crime."),
    )
    theirs = make_comment(story, "What Leo said.", author=leo)
    decide(ids=[theirs.pk], to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=ada)
    report_comment(
        comment=shown, user=leo, guest=None, why=Report.Why.OTHER, details="I am Leo, 3 Quay Street."
    )
    ModeratorNote.objects.create(user=leo, text="Lives in Quay Street.", by=ada)
    backup(file)
    jobs = DBTaskResult.objects.count()

    decide(ids=[spam.pk], to=State.SPAM, reason=Reason.SPAM, actor=ada)
    assert delete_comment(comment=own, user=None, guest=zoe)
    erase(spam, own, theirs)  # removed after the backup, deleted by its author after it, removed before it
    restrictions.restrict(ids=[number.pk], why=Restriction.Why.PERSONAL, actor=ada)
    assert restrictions.purge_text(restriction=Restriction.objects.get(comment=number.pk), actor=ada).action
    restrictions.restrict(ids=[court.pk, lifted.pk, held.pk], why=Restriction.Why.COURT, actor=ada)
    assert restrictions.set_legal_hold(
        restriction=Restriction.objects.get(comment=held.pk), is_legal_hold=True, actor=ada
    )
    assert restrictions.lift(restriction=Restriction.objects.get(comment=lifted.pk), actor=ada).action
    purge.erase_person(person=Person(user=leo), actor=ada)
    purge.erase_person(person=Person(guest=zoe), actor=ada)
    states = dict(Comment.objects.values_list("pk", "state"))
    assert check() == {}

    again = restore_backup(file)
    assert again == erasure_replay.ReplayedErasures(restricted=3, comments=4, people=2)
    for gone in (spam, own, theirs, number):
        assert words_of(gone) == ""
    assert dict(Comment.objects.values_list("pk", "state")) == states
    assert words_of(court)
    assert not Comment.objects.get(pk=court.pk).body
    assert Comment.objects.get(pk=lifted.pk).body == "A mistake."
    assert dict(Restriction.objects.filter(lifted_at=None).values_list("comment", "is_legal_hold")) == {
        number.pk: False,
        court.pk: False,
        held.pk: True,
    }
    assert set(Restriction.objects.values_list("why", flat=True)) == {
        Restriction.Why.PERSONAL,
        Restriction.Why.COURT,
    }
    assert Guest.objects.get(pk=zoe.pk).email == User.objects.get(pk=leo.pk).name == ""
    assert not User.objects.get(pk=leo.pk).is_active
    assert Report.objects.get().details == ""
    assert not ModeratorNote.objects.exists()
    assert shown.body == Comment.objects.get(pk=shown.pk).body
    assert check() == {}
    assert mail.outbox == []
    assert DBTaskResult.objects.count() == jobs, "nobody is notified twice"
    # A second replay, also of a state in which everything is done, changes nothing.
    actions = Action.objects.count()
    assert (
        erasure_replay.replay_erasures(list(erasure_log.read(erasure_log.path())))
        == erasure_replay.ReplayedErasures()
    )
    assert Action.objects.count() == actions


def test_the_case_of_a_comment_that_is_restricted_again_is_closed(tmp_path: Path, ada: User) -> None:
    comment, file = make_comment(make_article(), "Her number is 555 0199."), tmp_path / "site.zip"
    report_comment(comment=comment, user=ada, guest=None, why=Report.Why.OTHER, details="It is hers.")
    backup(file)
    restrictions.restrict(ids=[comment.pk], why=Restriction.Why.PERSONAL, actor=ada)
    assert not Case.objects.open().exists()
    assert restore_backup(file).restricted == 1
    assert not Case.objects.open().exists()
    assert Case.objects.get().closing_action_id == Action.objects.get(kind=Action.Kind.RESTRICTION).pk


def test_texts_deleted_after_the_end_of_a_hold_are_deleted_again(tmp_path: Path, ada: User) -> None:
    comment, file = make_comment(make_article(), "A crime."), tmp_path / "site.zip"
    restrictions.restrict(ids=[comment.pk], why=Restriction.Why.CHILD_ABUSE, actor=ada)
    backup(file)
    own = Restriction.objects.get()
    restrictions.set_legal_hold(restriction=own, is_legal_hold=False, actor=ada)
    assert restrictions.purge_text(restriction=own, actor=ada).action
    assert restore_backup(file).comments == 1
    assert words_of(comment) == ""
    assert check() == {}


def test_a_new_row_with_the_same_id_is_not_erased(tmp_path: Path, ada: User) -> None:
    """After the restore of a dump, new rows get the ids of lost ones."""
    story, file = make_article(), tmp_path / "site.zip"
    backup(file)
    gone = make_comment(story, "Buy casino.")
    decide(ids=[gone.pk], to=State.SPAM, reason=Reason.SPAM, actor=ada)
    erase(gone)
    restore_backup(file)
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER SEQUENCE comments_comment_id_seq RESTART WITH {gone.pk}")
    other = make_comment(story, "An honest word.")
    assert other.pk == gone.pk
    backup(file)
    assert restore_backup(file) == erasure_replay.ReplayedErasures()
    assert Comment.objects.get(pk=other.pk).body == "An honest word."


def test_an_id_that_was_erased_twice_is_erased_again(tmp_path: Path, ada: User) -> None:
    """After the restore of an older backup, a new comment got the id of the erased one, and was erased."""
    comment, file = make_comment(make_article(), "Buy casino."), tmp_path / "site.zip"
    backup(file)
    decide(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=ada)
    erase(comment)
    made = (comment.created_at + timedelta(days=1)).isoformat()
    erasure_log.append([erasure_log.Erasure("comment", comment.pk, made, State.SPAM, Reason.SPAM)])
    assert restore_backup(file).comments == 1
    assert words_of(comment) == ""


def test_the_job_adds_missing_entries_once(ada: User) -> None:
    story = make_article()
    gone, sealed, stays = (
        make_comment(story, "Buy casino."),
        make_comment(story, "A number: 555."),
        make_comment(story, "Stays."),
    )
    decide(ids=[gone.pk], to=State.SPAM, reason=Reason.SPAM, actor=ada)
    erase(gone)
    restrictions.restrict(ids=[sealed.pk], why=Restriction.Why.PERSONAL, actor=ada)
    purge.erase_person(person=Person(guest=stays.guest), actor=ada)
    kept = {(e.kind, e.id, e.made, e.reason) for e in erasure_log.read(erasure_log.path())}
    assert len(kept) == 3
    assert erasure_replay.log_all() == 0
    erasure_log.path().unlink()
    assert erasure_replay.log_all() == 3
    assert erasure_replay.log_all() == 0
    assert {(e.kind, e.id, e.made, e.reason) for e in erasure_log.read(erasure_log.path())} == kept


def test_a_list_of_the_operator_is_replayed(tmp_path: Path, ada: User, capsys: Any) -> None:
    comment, file = make_comment(make_article(), "Buy casino."), tmp_path / "site.zip"
    backup(file)
    decide(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=ada)
    erase(comment)
    elsewhere = erasure_log.path().rename(tmp_path / "saved.jsonl")
    call_command("flush", interactive=False, verbosity=0)
    call_command("restore", str(file))
    assert "There was no list of erasures" in capsys.readouterr().out
    assert words_of(comment)
    call_command("replay_erasures", str(elsewhere))
    assert "Comments permanently deleted: 1;" in capsys.readouterr().out
    assert not words_of(comment)

    call_command("flush", interactive=False, verbosity=0)
    erasure_log.path().unlink()
    call_command("restore", str(file), erasures=elsewhere)
    assert "Comments permanently deleted: 1;" in capsys.readouterr().out
    assert [e.id for e in erasure_log.read(erasure_log.path())][-1:] == [comment.pk], "for the next restore"


def test_an_invalid_list_is_refused_before_any_change(tmp_path: Path) -> None:
    backup(tmp_path / "site.zip")
    (tmp_path / "letter").write_text("A letter.")
    for list_, sentence in (
        (tmp_path / "letter", "not an erasure log"),
        (tmp_path / "nowhere", "can't be read"),
    ):
        with pytest.raises(CommandError, match=sentence):
            call_command("restore", str(tmp_path / "site.zip"), erasures=list_)
        with pytest.raises(CommandError, match=sentence):
            call_command("replay_erasures", str(list_))


def test_redacted_revisions_stay_redacted(tmp_path: Path, ada: User) -> None:
    file, later = tmp_path / "site.zip", tmp_path / "later.zip"
    story = make_article("Jane Quill was seen", body="Jane Quill, a baker. Quill Street is long.")
    other = make_article("Another Jane Quill", body="No kin.")
    typed = {"title": ["Jane Quill"], "body": ["She is Jane Quill."]}
    autosave(
        forms=[OpenForm(uuid4(), 1)], editor=ada, kind=Article, document=story, fields=typed, snapshot=""
    )
    backup(file)
    story.title, story.slug, story.body = "A baker was seen", "baker", "A baker. Quill Street is long."
    save_article(article=story, by=ada)
    redact_words(document=story, words=["jane quill"])
    redact_words(document=story, words=["baker"])
    story.refresh_from_db()
    assert story.title == "A █████ was seen"
    assert "quill" not in erasure_log.path().read_text().casefold()
    assert erasure_replay.log_all() == 0
    backup(later)

    assert restore_backup(file) == erasure_replay.ReplayedErasures(revisions=1)

    back = Article.objects.get(pk=story.pk)
    assert back.title == "██████████ was seen"
    assert back.body == "██████████, a █████. Quill Street is long."
    assert "Quill Street" in back.body_html
    assert "Jane" not in back.body_html
    first = back.revisions.get()
    assert DocumentText.of(first) == DocumentText.of(back)
    assert Autosave.objects.get().fields["body"] == ["She is ██████████."]
    assert Article.objects.get(pk=other.pk).title == "Another Jane Quill"
    assert (
        erasure_replay.replay_erasures(list(erasure_log.read(erasure_log.path())))
        == erasure_replay.ReplayedErasures()
    )

    assert restore_backup(later) == erasure_replay.ReplayedErasures()
    assert Article.objects.get(pk=story.pk).title == "A █████ was seen"


def test_redacted_notes_stay_redacted(tmp_path: Path, ada: User) -> None:
    story, file = make_article("A baker was seen"), tmp_path / "site.zip"
    add_note(article=story, by=ada, body="Jane Quill wrote to us.")
    backup(file)
    redact_words(document=story, words=["Jane Quill"])
    assert "quill" not in erasure_log.path().read_text().casefold()
    assert erasure_replay.log_all() == 0
    restore_backup(file)
    assert story.notes.get().body == "██████████ wrote to us."


def test_entries_lost_in_a_crash_are_added(tmp_path: Path, ada: User) -> None:
    story, file = make_article("Jane Quill was seen", body="A baker."), tmp_path / "site.zip"
    backup(file)
    redact_words(document=story, words=["Jane Quill"])
    redact_words(document=story, words=["baker"])
    lines = erasure_log.path().read_text().splitlines(keepends=True)
    erasure_log.path().write_text("".join(lines[:-1]))
    assert erasure_replay.log_all() == 1
    assert erasure_replay.log_all() == 0
    restore_backup(file)
    back = Article.objects.get(pk=story.pk)
    assert (back.title, back.body) == ("██████████ was seen", "A █████.")
