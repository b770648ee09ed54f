"""An imported story whose replies were capped at two levels, an editor, and short pages."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from articles.models import Article
from comments.models import Comment
from comments.services.imports import ImportedComment, import_comments
from moderation.reply_structure import pages
from moderation.reply_structure.proposals import find_proposals
from tests.factories import UserFactory, make_article

# Number, author, text, number of the parent that the source gives. 4 to 6 answer 3, 4 and 5 instead.
THREAD = [
    (1, "Root", "What do you think?", None),
    (2, "Ann", "I like it.", 1),
    (3, "Eben", "I do not like it at all.", 1),
    (4, "Jim", "Eben....Why not?", 1),
    (5, "Safe haven!??", "@Jim have you been there?", 1),
    (6, "Jim", "@ Safe haven Yes.", 1),
    (7, "Ann", "Somebody else may know.", 1),
    (8, "Other", "Another thread.", None),
]


class CappedStory:
    """The story, and its comments by their numbers in THREAD."""

    def __init__(self, article: Article) -> None:
        self.article = article

    def comment(self, number: int) -> Comment:
        return Comment.objects.get(discussion=self.article.pk, source_number=number)

    def pk(self, number: int) -> int:
        return self.comment(number).pk

    def parents(self) -> dict[int, int | None]:
        """Return the numbers of the parents by number."""
        rows = Comment.objects.filter(discussion=self.article.pk)
        return dict(rows.values_list("source_number", "parent__source_number"))


SAVED = {number: parent for number, _author, _text, parent in THREAD}
RESTORED = SAVED | {4: 3, 5: 4, 6: 5}


def import_thread(article: Article, at: datetime) -> CappedStory:
    import_comments(
        article=article,
        comments=[
            ImportedComment(
                str(number),
                author,
                text,
                at + timedelta(minutes=number),
                parent and parent - 1,
                number=number,
            )
            for number, author, text, parent in THREAD
        ],
        actor=None,
        action_id=uuid4(),
    )
    return CappedStory(article)


@pytest.fixture
def capped(db: None) -> CappedStory:
    """Return a capped story with open proposals for 4, 5 and 6."""
    article = make_article(source_key=str(uuid4()))
    story = import_thread(article, timezone.now() - timedelta(days=1))
    assert find_proposals(article) == 3
    return story


@pytest.fixture
def editor(client):
    """Return a client in which an editor is logged in, who is its `user`."""
    client.user = UserFactory.create(name="Edie", roles=("Editor",))
    client.force_login(client.user)
    return client


@pytest.fixture
def small_pages(monkeypatch):
    """Let the pages of the tree be short."""
    monkeypatch.setattr(pages, "PAGE_SIZE", 6)
    monkeypatch.setattr(pages, "REPLIES_PER_TREE", 3)
    monkeypatch.setattr(pages, "SEARCH_PAGE_SIZE", 5)
