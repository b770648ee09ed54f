"""Saved pages written by us, for tests of imports."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from archive.services import import_page

HEAD = """\
March 3rd, 2014
09:15 AM ET

The ferry will not sail on Sundays

From May on, nobody crosses the sound on a Sunday.

The council blames the price of diesel.

Topics: Harbour • Uncategorized

soundoff (%s Responses)
"""
COMMENTS = [
    "  1. Ann\n\n    My mother lives over there.\n\n    March 3, 2014 at 9:40 am | Reply\n",
    "    • Bo\n\n      Mine, too.\n\n      March 3, 2014 at 10:02 am | Reply\n",
    "      • Ann\n\n        Then let us row.\n\n        March 3, 2014 at 10:30 am |\n",
    "  2. Cy\n\n    Diesel was dearer in 2012.\n\n    March 4, 2014 at 8:00 am | Reply\n",
    "    • Di\n\n      It was not.\n\n      March 4, 2014 at 8:30 am | Reply\n",
]
FOOTER = "\nPost a comment\n\nThe Sound Post welcomes a lively and courteous discussion.\n"


def page(count: int = 4) -> bytes:
    """Return a saved page with its first `count` comments."""
    return (HEAD % count + "\n".join(COMMENTS[:count]) + FOOTER).encode()


def import_saved_page(data: bytes, **options):
    """Import a saved page and return the report."""
    return import_page(data=data, filename="story.txt", **options)


def page_by_author(author: str) -> bytes:
    """Return a saved page whose first comment has this author."""
    return page().replace(b"1. Ann", f"1. {author}".encode())


FUTURE = timezone.now().astimezone(ZoneInfo("America/New_York")) + timedelta(days=400)


def page_of_future_story(
    data: bytes, ahead: bytes = f"{FUTURE:%B} {FUTURE.day}, {FUTURE.year}".encode()
) -> bytes:
    """Return the page with a date of the story that is a year ahead."""
    return data.replace(b"March 3rd, 2014", ahead, 1)


ADD = "/admin/archive/import/add/"


def upload(name="ferry.txt", data=None):
    """Return an uploaded file."""
    return SimpleUploadedFile(name, page() if data is None else data, content_type="text/plain")
