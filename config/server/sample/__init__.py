"""The sample that `serve` puts into an empty database: a small newspaper, and one account of each role.

`content.py` reads its texts and pictures, `newspaper.py` creates it, `dates.py` keeps it recent, and
`removal.py` removes it. All its stories, guests, pictures and accounts have the same time of creation, to
the microsecond, by which they are found.
"""

from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Guest, User
from archive.services import import_sample_story
from articles.models import Article, Image
from comments.models import Discussion
from comments.services.discussions import change_discussion
from config.server.sample.credentials import accounts, active_emails, create_accounts, path, write_file
from config.server.sample.dates import renew_dates
from config.server.sample.guide import things_to_try
from config.server.sample.newspaper import create_newspaper

__all__ = [
    "accounts",
    "active_emails",
    "create_sample_data",
    "is_new_database",
    "path",
    "renew_dates",
    "things_to_try",
]


def is_new_database() -> bool:
    """Return whether nobody has used the database yet, not even a sample that was removed."""
    return not (User.objects.exists() or Article.objects.exists())


def create_sample_data(home: Path, *, with_newspaper: bool = True) -> bool:
    """Create the sample in one transaction if the site has no story and no account. Return whether it has.

    Without the newspaper, only the accounts and the sample story are created, which is much faster.
    """
    erased = {"name": "", "is_active": False}
    if User.objects.exclude(**erased).exists() or Article.objects.exists():
        return False
    start = timezone.now()
    with transaction.atomic():
        users, listed = create_accounts()
        story = import_sample_story()
        if with_newspaper:
            change_discussion(article=story, status=Discussion.Status.CLOSED)  # as after any import
            create_newspaper(users, start)
        _mark(start, timezone.now())
        write_file(home, story, listed)
    return True


def _mark(start: datetime, at: datetime) -> None:
    """Give all rows that were created since `start` the time `at`, at which they were all complete."""
    new = Article.objects.filter(created_at__gte=start)
    new.filter(source_key="").exclude(published_at=None).update(updated_at=F("published_at"))
    new.update(created_at=at)
    Guest.objects.filter(created_at__gte=start).update(created_at=at)
    Image.objects.filter(uploaded_at__gte=start).update(uploaded_at=at)
    User.objects.filter(date_joined__gte=start).update(date_joined=at)
