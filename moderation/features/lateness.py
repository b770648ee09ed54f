"""The time between an article and a comment on it. The function is pure."""

from datetime import datetime, timedelta

LATE_AFTER = timedelta(days=30)  # for the signal and the groups; for the check it is a setting of the site


def age_at_posting(published_at: datetime | None, posted_at: datetime | None) -> timedelta | None:
    """Return the time from the article to its comment, or None if a time is unknown.

    If only one of the times has a zone, as in a file of labelled comments, the zone is ignored.
    """
    if published_at is None or posted_at is None:
        return None
    if published_at.tzinfo is None or posted_at.tzinfo is None:
        return posted_at.replace(tzinfo=None) - published_at.replace(tzinfo=None)
    return posted_at - published_at
