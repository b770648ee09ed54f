"""A server with separate logins for migrations and for pages, on which ordinary work was done."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.server import postgres
from tests.moderation.database_logins.helpers import run
from tests.plugin import EMPTY_SITE

# Everything that moderators do to comments, people and itself, and at last that nothing was damaged by it.
ORDINARY_WORK = """
from pathlib import Path
from uuid import uuid4
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone
from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR, Guest, User
from archive.backup.write import backup
from articles.services import save_article
from articles.models import Article
from comments.services.imports import ImportedComment, import_comments
from comments.models import Comment, Reason, State
from comments.services.editing import edit_comment
from comments.policy import Submission
from comments.services.states import delete_comment
from comments.services.discussions import ensure_discussion
from comments.services.posting import post_comment
from moderation.actions import decisions
from moderation.erasure import evidence, purge, restrictions
from moderation.models import Case, Finding, Restriction, RestrictedTextReading

ada = User.objects.create_user(name="Ada", email="ada@example.org", roles=[ADMINISTRATOR])
article = save_article(
    article=Article(title="The slip", slug="slip", body="A story.", published_at=timezone.now())
)


def say(body, **more):
    guest = Guest.objects.create(name="Zoe", email=f"{uuid4()}@example.org")
    discussion = ensure_discussion(article)
    submission = Submission(discussion=discussion, guest=guest, name=guest.name, body=body, **more)
    return post_comment(submission, nonce=uuid4())


words = "It is a word about the boat that is in the harbour, number"
held = [say(f"{words} {n}.") for n in range(8)]
assert Finding.objects.exists() and Case.objects.open().count() == 8
ids = [comment.pk for comment in held]
act = decisions.decide(ids=ids, to=State.PUBLISHED, reason=Reason.APPROVED, actor=ada)
decisions.undo(action=decisions.undo(action=act.action, actor=ada).action, actor=ada)
reply = say("An answer.", parent=Comment.objects.get(pk=ids[0]))
edited, deleted = Comment.objects.get(pk=ids[1]), Comment.objects.get(pk=ids[2])
edit_comment(comment=edited, body="Another word.", user=None, guest=edited.guest)
delete_comment(comment=deleted, user=None, guest=deleted.guest)
decisions.move(comment=Comment.objects.get(pk=ids[3]), parent=Comment.objects.get(pk=ids[0]), actor=ada)
restrictions.restrict(ids=ids[4:6], why=Restriction.Why.COURT, actor=ada, is_legal_hold=True)
first, second = Restriction.objects.order_by("pk")
assert evidence.build_evidence_file(restriction=first, by=ada)
restrictions.lift(restriction=first, actor=ada)
assert RestrictedTextReading.objects.filter(restriction=first, by=ada).count() == 2
ada.set_roles([MODERATOR, EDITOR], actor=ada)
ada.set_roles([ADMINISTRATOR], actor=ada)
restrictions.set_legal_hold(restriction=second, is_legal_hold=False, actor=ada)
restrictions.purge_text(restriction=second, actor=ada)
decisions.decide(ids=ids[6:], to=State.SPAM, reason=Reason.SPAM, actor=ada)
group = purge.make_list(states=[State.SPAM], days=0, actor=ada)
assert purge.purge_list(group=group, actor=ada).purged == 2
again = [say(f"{words} {n}, which stays sealed or waits.") for n in (9, 10)]
restrictions.restrict(ids=[again[0].pk], why=Restriction.Why.PERSONAL, actor=ada)
other = save_article(
    article=Article(title="The pier", slug="pier", body="A story.", published_at=timezone.now())
)
import_comments(
    article=save_article(article=Article(title="Brought in", slug="brought", body="A.", source_key="page-1")),
    comments=[
        ImportedComment("a", "Ann", "One.", timezone.now()),
        ImportedComment("b", "Bo", "Two.", timezone.now(), 0),
    ],
    actor=None,
    action_id=uuid4(),
)
backup(Path(settings.HOME) / "site.zip")
assert RestrictedTextReading.objects.get(restriction=None).is_export
call_command("tick")
call_command("check_integrity")
print("all done")
"""


@pytest.fixture(scope="package")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Yield the URLs of a migrated server by login, and its data folder."""
    with postgres.temporary_server(Path(os.environ[EMPTY_SITE], "postgres")) as owner:
        urls = {"owner": owner, "web": owner.replace("soundoff_owner", "soundoff_web")}
        urls["home"] = str(tmp_path_factory.mktemp("home"))
        yield urls


@pytest.fixture(scope="package")
def worked(urls: dict[str, str]) -> str:
    """Return the output of the ordinary work, after which each log has rows."""
    return run(urls, "shell", "-v", "0", "-c", ORDINARY_WORK)
